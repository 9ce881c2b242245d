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

/** Of Node from 22.15 on. */
interface NativeZstd {
  zstdCompress(
    bytes: Uint8Array,
    options: { readonly pledgedSrcSize: number },
    done: (error: Error | null, bytes: Uint8Array) => void,
  ): void;
}

/** Zstandard on threads: of Node where it has one, else compiled to WebAssembly. */
export const nodeZstd: Zstd = 'zstdCompress' in zlib ? native(zlib as unknown as NativeZstd) : zstdThreads();

/** Node compresses on threads of its own. What is decompressed is compared with a checksum first, which is not its work. */
function native({ zstdCompress }: NativeZstd): Zstd {
  return {
    ...zstdThreads(),
    // The size of the content goes into the header, as readers allocate by it.
    pack: (bytes) =>
      new Promise((resolve, reject) => {
        const options = { pledgedSrcSize: bytes.length };
        zstdCompress(bytes, options, (error, packed) => (error === null ? resolve(packed) : reject(error)));
      }),
  };
}
