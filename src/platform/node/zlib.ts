import { crc32, deflateSync, type Inflate, inflate as nativeInflate } from 'node:zlib';
import type { Zlib } from '../../files.ts';
import { inflate } from '../../image/inflate.ts';

/** Smaller streams take less time than the way to another thread and back. */
const SMALL_BYTES = 2 ** 14;
/** Of bytes that may follow a stream, as `inflate` allows them. */
const PADDING_BYTES = 16;

/**
 * Node's zlib: larger streams are inflated beside the main thread. What it refuses, and what does not end where it
 * should, goes to our own, whose results and messages are those of every platform.
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
            // With `info`, which the types do not know, the result has the stream beside the bytes.
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
