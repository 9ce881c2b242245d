import * as zlib from 'node:zlib';
import { crc32, deflateSync, type Inflate, inflate as nativeInflate } from 'node:zlib';
import type { Zlib, Zstd } from '../../files.ts';
import { inflate } from '../../image/inflate.ts';
import { zstdThreads } from './zstd-threads.ts';

/** Smaller streams take less time than the transfer to another thread and back. */
const SMALL_BYTES = 2 ** 14;
/** Padding that may follow a stream, as allowed by `inflate`. */
const PADDING_BYTES = 16;

/**
 * Node's zlib: larger streams are inflated off the main thread. What it rejects, or does not end as expected, is passed
 * to our own implementation, whose results and messages are the same on every platform.
 */
export const nodeZlib: Zlib = {
  crc32,
  deflate: (bytes) => deflateSync(bytes),
  inflate: (zlib, expected) =>
    expected < SMALL_BYTES
      ? inflate(zlib, expected)
      : new Promise((resolve, reject) => {
          const options = { chunkSize: expected + 1, maxOutputLength: expected, info: true };
          nativeInflate(zlib, options, (error, result) => {
            // With `info`, which the types lack, the result also contains the stream.
            const { buffer, engine } = (result ?? {}) as unknown as { buffer?: Uint8Array; engine?: Inflate };
            if (error === null && buffer !== undefined && (engine?.bytesWritten ?? 0) >= zlib.length - PADDING_BYTES) {
              resolve(buffer);
              return;
            }
            try {
              resolve(inflate(zlib, expected));
            } catch (cause) {
              reject(cause);
            }
          });
        }),
};

type Done = (error: Error | null, bytes: Uint8Array) => void;
/** Of Node from 22.15 on. */
interface NativeZstd {
  zstdCompress(bytes: Uint8Array, options: { readonly pledgedSrcSize: number }, done: Done): void;
  zstdDecompress(
    packed: Uint8Array,
    options: { readonly chunkSize: number; readonly maxOutputLength: number },
    done: Done,
  ): void;
}

/** What a function with a callback gives. */
const given = (begin: (done: Done) => void): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    begin((error, bytes) => (error === null ? resolve(bytes) : reject(error)));
  });

/** Zstandard on Node's threads; where Node has none, compiled to WebAssembly, on threads of ours. */
export const nodeZstd: Zstd = 'zstdCompress' in zlib ? native(zlib as unknown as NativeZstd) : zstdThreads();

function native({ zstdCompress, zstdDecompress }: NativeZstd): Zstd {
  return {
    // The size of the content goes into the header, as readers allocate by it.
    pack: (bytes) => given((done) => zstdCompress(bytes, { pledgedSrcSize: bytes.length }, done)),
    // In one piece: by default it is put together from pieces of 16 kB.
    unpack: (packed, most) =>
      given((done) => zstdDecompress(packed, { chunkSize: Math.max(64, most), maxOutputLength: most }, done)),
  };
}
