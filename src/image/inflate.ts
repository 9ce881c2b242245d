import { Unzlib, unzlibSync } from 'fflate';

/** Up to here one call is quick and its output bounded by the 1032 to 1 of deflate. */
const ONE_CALL_BYTES = 2 ** 18;
const SLICE_BYTES = 2 ** 16;

/**
 * Inflates a zlib stream that should give `expected` bytes.
 *
 * @returns at most `expected` bytes; fewer when the stream ends early
 * @throws Error when the stream is damaged, or goes on past `expected` by more than one slice's worth (a bomb)
 */
export function inflate(zlib: Uint8Array, expected: number): Uint8Array {
  if (zlib.length <= ONE_CALL_BYTES) {
    const all = unzlibSync(zlib);
    return all.length > expected ? all.subarray(0, expected) : all;
  }
  const out = new Uint8Array(expected);
  let length = 0;
  const stream = new Unzlib((chunk) => {
    const room = expected - length;
    if (room > 0) out.set(chunk.length > room ? chunk.subarray(0, room) : chunk, length);
    length += chunk.length;
  });
  for (let at = 0; at < zlib.length && length <= expected; at += SLICE_BYTES) {
    const end = Math.min(zlib.length, at + SLICE_BYTES);
    stream.push(zlib.subarray(at, end), end === zlib.length);
  }
  return length < expected ? out.subarray(0, length) : out;
}
