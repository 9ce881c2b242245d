import { strToU8 } from 'fflate';
import { UsageError } from '../../../errors.ts';
import type { Zlib } from '../../../files.ts';
import type { Image } from '../../image.ts';
import { transposed } from '../../samples.ts';
import { portableZlib } from '../../zlib.ts';
import { type Chunk, writeChunks } from './chunks.ts';

/** By the number of channels (PNG, section 11.2.1). */
const COLOUR_TYPES = [0, 0, 4, 2, 6];
const INDEXED = 3;

export interface WritePngOptions {
  /** The platform's own implementation, if faster: files then differ, images do not. */
  readonly zlib?: Pick<Zlib, 'deflate'>;
}

const UM_PER: Readonly<Record<string, number>> = { nm: 1e-3, µm: 1, mm: 1e3, cm: 1e4, m: 1e6 };

/**
 * Writes a PNG: uint8 or uint16, axes `yx` or `cyx` with one (grey), two (grey, alpha), three (RGB) or four (RGBA)
 * channels. Values are unchanged; a `palette` is written with uint8 indices. A pixel size in units of length is rounded
 * to whole pixels per metre, as PNG requires.
 *
 * @throws UsageError for other dtypes, axes or channels, naming the required conversion
 */
export function writePng(image: Image, { zlib = portableZlib }: WritePngOptions = {}): Uint8Array {
  const { dtype, axes, shape, palette, source } = image;
  const refuse = (problem: string, remedy: string): never => {
    throw new UsageError(`${problem}, which PNG cannot hold.`, { file: source, remedy });
  };
  if (dtype !== 'uint8' && dtype !== 'uint16')
    refuse(`the image is ${dtype}`, 'Write TIFF, or convert with castTo or rescaleToUint8.');
  if (axes !== 'yx' && axes !== 'cyx')
    refuse(`the image has the axes ${axes}`, 'Write TIFF, or one page a file with page().');
  const channels = axes === 'cyx' ? shape[0] : 1;
  if (channels > 4) refuse(`the image has ${channels} channels`, 'Write TIFF, or choose with channel().');
  const [height, width] = shape.slice(-2) as [number, number];
  if (height === 0 || width === 0) refuse(`the image is ${width} x ${height}`, 'Use an image with at least one pixel.');
  if (palette !== undefined && (dtype !== 'uint8' || channels !== 1 || palette.length > 256)) {
    refuse(
      `the palette has ${palette.length} colours for ${dtype} with ${channels} channels`,
      'Use at most 256 colours and uint8.',
    );
  }
  const pixels = transposed(image.data, dtype, channels, height * width) as Uint8Array | Uint16Array;
  const depth = dtype === 'uint16' ? 16 : 8;
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([depth, palette === undefined ? COLOUR_TYPES[channels] : INDEXED], 8);
  return writeChunks([
    { type: 'IHDR', data: header },
    ...paletteChunks(palette),
    ...physicalSize(image),
    ...(image.labelKind === undefined ? [] : [{ type: 'tEXt', data: strToU8(`label_kind\0${image.labelKind}`) }]),
    { type: 'IDAT', data: zlib.deflate(rowsOf(pixels, height)) },
    { type: 'IEND', data: new Uint8Array(0) },
  ]);
}

/** The bytes of every row, the most significant first for 16 bits, after a 0: they are not filtered. */
function rowsOf(samples: Uint8Array | Uint16Array, height: number): Uint8Array {
  const width = samples.length / height;
  const size = 1 + width * samples.BYTES_PER_ELEMENT;
  const out = new Uint8Array(height * size);
  if (samples instanceof Uint8Array) {
    for (let y = 0; y < height; y++) out.set(samples.subarray(y * width, (y + 1) * width), y * size + 1);
    return out;
  }
  for (let y = 0, from = 0, to = 0; y < height; y++) {
    to++;
    for (const end = from + width; from < end; from++) {
      const value = samples[from];
      out[to++] = value >> 8;
      out[to++] = value;
    }
  }
  return out;
}

function paletteChunks(palette: Image['palette']): Chunk[] {
  if (palette === undefined) return [];
  const colours: Chunk = { type: 'PLTE', data: Uint8Array.from(palette.flatMap((colour) => colour.slice(0, 3))) };
  if (palette.every((colour) => (colour[3] ?? 255) === 255)) return [colours];
  return [colours, { type: 'tRNS', data: Uint8Array.from(palette, (colour) => colour[3] ?? 255) }];
}

function physicalSize({ spacing: { x, y } }: Image): Chunk[] {
  if (x === undefined || y === undefined) return [];
  const perMetre = [x, y].map(({ value, unit }) => Math.round(1e6 / (value * (UM_PER[unit] ?? 0))));
  if (!perMetre.every((pixels) => pixels > 0 && pixels < 2 ** 32)) return [];
  const data = new Uint8Array(9);
  const view = new DataView(data.buffer);
  view.setUint32(0, perMetre[0]);
  view.setUint32(4, perMetre[1]);
  data[8] = 1; // metre
  return [{ type: 'pHYs', data }];
}
