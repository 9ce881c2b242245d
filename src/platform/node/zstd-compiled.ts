import type { Zstd } from '../../files.ts';
import { unpackZstd } from '../../image/formats/tiff/zstd.ts';
import { ZSTD_LEVEL } from '../../image/formats/zarr/metadata-out.ts';

/** The most bytes in the memory of the compiled one, which never shrinks. */
const MOST_BYTES = 2 ** 28;

/** Zstandard compiled to WebAssembly, on this thread; results have memory of their own. */
export async function compiledZstd(): Promise<Zstd> {
  const { default: zstd } = await import('@foxglove/wasm-zstd');
  await zstd.isLoaded;
  return {
    pack: async (bytes) => unpooled(zstd.compress(bytes, ZSTD_LEVEL)),
    unpack: async (packed, most) =>
      Math.max(packed.length, most) > MOST_BYTES ? unpackZstd(packed, most) : unpooled(zstd.decompress(packed, most)),
  };
}

/** Small buffers of Node are parts of one that they share. */
function unpooled(bytes: Uint8Array): Uint8Array {
  return bytes.length === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}
