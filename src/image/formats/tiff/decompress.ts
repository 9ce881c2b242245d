import type { Zlib } from '../../zlib.ts';
import { jpegSize } from './jpeg-size.ts';
import { COMPRESSION, type PageLayout } from './layout.ts';
import { unpackLzw } from './lzw.ts';
import { unpackPackBits } from './packbits.ts';

/** Turns the bytes of one strip or tile into packed rows: at most `expected` bytes, fewer when the data ends early. */
export type Decompress = (packed: Uint8Array, expected: number) => Uint8Array | Promise<Uint8Array>;

/**
 * The decompressor of a page. Those of geotiff have no bound on what a damaged file makes them allocate, and that of
 * Zstandard does not return from damaged data; so only JPEG is geotiff's, loaded when needed.
 */
export async function decompressor(
  layout: PageLayout,
  jpegTables: Uint8Array | undefined,
  zlib: Zlib,
): Promise<Decompress> {
  switch (layout.compression) {
    case COMPRESSION.lzw:
      return unpackLzw;
    case COMPRESSION.packBits:
      return unpackPackBits;
    case COMPRESSION.deflate:
    case COMPRESSION.oldDeflate:
      return zlib.inflate;
    case COMPRESSION.zstd:
      return (await import('./zstd.ts')).unpackZstd;
    case COMPRESSION.jpeg: {
      const samples = layout.planar ? 1 : layout.samples;
      const decoder = await geotiffDecoder(layout, jpegTables === undefined ? {} : { JPEGTables: jpegTables });
      return async (packed, expected) => {
        const size = jpegSize(packed);
        if (size === undefined || size.width !== layout.blockWidth || size.components !== samples) {
          throw new Error('its JPEG data has another size than its directory says');
        }
        if (size.width * size.height * size.components > 2 * expected + 2 ** 20) {
          throw new Error('its JPEG data is larger than its directory says');
        }
        return new Uint8Array(await decoder.decode(packed.slice().buffer));
      };
    }
    default:
      return (packed) => packed;
  }
}

async function geotiffDecoder(layout: PageLayout, extra: { readonly JPEGTables?: Uint8Array }) {
  const { getDecoder } = await import('geotiff');
  const parameters = {
    tileWidth: layout.blockWidth,
    tileHeight: layout.blockHeight,
    // Predictors are undone by us, for all widths and byte orders.
    predictor: 1,
    bitsPerSample: layout.bits,
    planarConfiguration: layout.planar ? 2 : 1,
    samplesPerPixel: layout.samples,
    ...extra,
  };
  return getDecoder(layout.compression, parameters);
}
