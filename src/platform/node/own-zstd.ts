import * as zlib from 'node:zlib';
import type { Zstd } from '../../files.ts';
import { unpackZstd } from '../../image/formats/tiff/zstd.ts';
import { withoutCrc32c } from '../../image/formats/zarr/crc32c.ts';
import { ZSTD_LEVEL } from '../../image/formats/zarr/metadata-out.ts';

/** The most bytes in the memory of the compiled one, which never shrinks. */
const MOST_BYTES = 2 ** 28;

/** Zstandard on this thread. */
export interface OwnZstd extends Pick<Zstd, 'pack'> {
  /** As `Zstd.unpack`. @param room for the result, at least `most` bytes; default: memory of its own */
  unpack(
    packed: Uint8Array,
    most: number,
    options?: { readonly checked?: boolean; readonly room?: ArrayBuffer },
  ): Uint8Array;
}

/** Of Node from 22.15 on. */
interface NativeZstd {
  zstdDecompressSync(
    packed: Uint8Array,
    options: { readonly chunkSize: number; readonly maxOutputLength: number },
  ): Uint8Array;
}

/** Zstandard on this thread: decompressing by Node where it can, else compiled to WebAssembly. */
export async function ownZstd(): Promise<OwnZstd> {
  if (!('zstdDecompressSync' in zlib)) return compiledZstd();
  const { zstdDecompressSync } = zlib as unknown as NativeZstd;
  return {
    pack: async (bytes) => (await compiledZstd()).pack(bytes),
    unpack(given, most, { checked = false } = {}) {
      const packed = checked ? withoutCrc32c(given) : given;
      // In one piece: by default it is put together from pieces of 16 kB.
      return zstdDecompressSync(packed, { chunkSize: Math.max(64, most), maxOutputLength: most });
    },
  };
}

/** Zstandard compiled to WebAssembly, on this thread; results have memory of their own. */
async function compiledZstd(): Promise<OwnZstd> {
  const { default: load } = await import('@foxglove/wasm-zstd/dist/wasm-zstd.js');
  const wasm = await load();
  await wasm.ready;
  /** Parts of its memory that are kept, so that nothing is allocated anew for chunks of one size. */
  const kept = { from: { at: 0, size: 0 }, to: { at: 0, size: 0 } };
  const place = (of: { at: number; size: number }, size: number): number => {
    if (of.size < size) {
      if (of.at !== 0) wasm._free(of.at);
      of.at = wasm._malloc(size);
      of.size = size;
    }
    return of.at;
  };
  const run = (
    bytes: Uint8Array,
    most: number,
    by: (to: number, most: number, from: number, length: number) => number,
    room?: ArrayBuffer,
  ): Uint8Array => {
    const [from, to] = [place(kept.from, Math.max(1, bytes.length)), place(kept.to, Math.max(1, most))];
    wasm.HEAPU8.set(bytes, from);
    const length = by(to, most, from, bytes.length);
    if (length < 0) throw new Error('the data of Zstandard are damaged');
    const result = room === undefined ? new Uint8Array(length) : new Uint8Array(room, 0, length);
    result.set(wasm.HEAPU8.subarray(to, to + length));
    return result;
  };
  return {
    pack: async (bytes) =>
      run(bytes, wasm._compressBound(bytes.length), (to, most, from, length) =>
        wasm._compress(to, most, from, length, ZSTD_LEVEL),
      ),
    unpack(given, most, { checked = false, room } = {}) {
      const packed = checked ? withoutCrc32c(given) : given;
      if (Math.max(packed.length, most) > MOST_BYTES) return unpackZstd(packed, most);
      return run(packed, most, wasm._decompress, room);
    },
  };
}
