import { strToU8 } from 'fflate';
import { concatenate } from '../../../array/bytes.ts';
import { decodeJpeg } from '../codecs.ts';
import { startOfFrame } from '../jpeg/header.ts';
import { type PageLayout, PHOTOMETRIC } from './layout.ts';

const START = [0xff, 0xd8];
/** Adobe's marker (ITU-T T.872, 6.5.3). Transform 0: the components are those of the image; 1: they are YCbCr. */
const adobe = (transform: number) => [...strToU8('\xff\xee\0\x0eAdobe\0\x64\0\0\0\0', true), transform];

/**
 * Strips and tiles of JPEG (TIFF technical note 2): abbreviated streams, whose tables are in JPEGTables and whose
 * colour space is the directory's, whatever the stream itself states.
 */
export function jpegDecompressor(layout: PageLayout, tables: Uint8Array = Uint8Array.from(START)) {
  const samples = layout.planar ? 1 : layout.samples;
  const transform = layout.photometric === PHOTOMETRIC.yCbCr ? 1 : 0;
  const head = [Uint8Array.of(...START, ...adobe(transform)), ...segments(tables)];
  return async (packed: Uint8Array, expected: number): Promise<Uint8Array> => {
    const frame = startOfFrame(packed);
    if (frame === undefined || frame.width !== layout.blockWidth || frame.componentCount !== samples) {
      throw new Error('its JPEG data has another size than its directory says');
    }
    if (frame.width * frame.height * frame.componentCount > 2 * expected + 2 ** 20) {
      throw new Error('its JPEG data is larger than its directory says');
    }
    if (frame.marker > 0xc2) throw new Error(`JPEG of process SOF${frame.marker - 0xc0} is not supported`);
    return (await decodeJpeg(concatenate([...head, ...segments(packed)]))).bytes;
  };
}

/** The segments of a stream, with the scan as one, without those of JFIF and Adobe, which state a colour space. */
function segments(jpeg: Uint8Array): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let at = 2; at + 3 < jpeg.length && jpeg[at] === 0xff; ) {
    const marker = jpeg[at + 1];
    const isScan = marker === 0xda;
    const end = isScan ? jpeg.length : marker === 0xff ? at + 1 : at + 2 + ((jpeg[at + 2] << 8) | jpeg[at + 3]);
    if (marker !== 0xff && marker !== 0xe0 && marker !== 0xee) out.push(jpeg.subarray(at, end));
    at = end;
  }
  return out;
}
