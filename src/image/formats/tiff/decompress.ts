import type { Zlib } from '../../../files.ts';
import { jpegDecompressor } from './jpeg.ts';
import { jpeg2000Decompressor } from './jpeg2000.ts';
import { COMPRESSION, type PageLayout } from './layout.ts';
import { unpackLzw } from './lzw.ts';
import { unpackPackBits } from './packbits.ts';

/** Decompresses one strip or tile into packed rows: at most `expected` bytes, fewer if the data ends early. */
export type Decompress = (packed: Uint8Array, expected: number) => Uint8Array | Promise<Uint8Array>;

/** The decompressor of a page; codecs that are large are loaded on demand. None produces more than expected. */
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
    case COMPRESSION.jpeg:
      return jpegDecompressor(layout, jpegTables);
    case COMPRESSION.aperioYCbCr:
    case COMPRESSION.aperioRgb:
    case COMPRESSION.jpeg2000:
      return jpeg2000Decompressor(layout);
    default:
      return (packed) => packed;
  }
}
