import { Inflate, Unzlib, unzlibSync } from 'fflate';
import { concatenate } from '../array/bytes.ts';

/** Up to this size one call is fast and its output bounded by Deflate's ratio of 1032 to 1. */
const ONE_CALL_BYTES = 2 ** 18;
const SLICE_BYTES = 2 ** 16;
/** The checksum ends the stream, but writers may add padding. */
const PADDING_BYTES = 16;

/**
 * Inflates a zlib stream of `expected` bytes, and verifies its checksum unless it is longer. Never produces more than
 * `expected` plus one slice, however long the stream is.
 *
 * @returns at most `expected` bytes; fewer if the stream ends early
 * @throws Error if the stream is damaged
 */
export function inflate(zlib: Uint8Array, expected: number): Uint8Array {
  if (zlib.length <= ONE_CALL_BYTES) {
    const all = unzlibSync(zlib);
    if (all.length > expected) return all.subarray(0, expected);
    testChecksum(all, zlib);
    return all;
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
  if (length > expected) return out;
  const all = out.subarray(0, length);
  testChecksum(all, zlib);
  return all;
}

/**
 * Inflates a raw Deflate stream (RFC 1951).
 * @throws Error if it is damaged, ends early, or expands to more than `limit` bytes
 */
export function inflateRaw(deflated: Uint8Array, limit: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const stream = new Inflate((chunk) => {
    chunks.push(chunk);
    length += chunk.length;
  });
  for (let at = 0; at < deflated.length; at += SLICE_BYTES) {
    const end = Math.min(deflated.length, at + SLICE_BYTES);
    stream.push(deflated.subarray(at, end), end === deflated.length);
    if (length > limit) throw new Error('its Deflate data unpack to more than the limit');
  }
  return concatenate(chunks);
}

/** Adler-32 (RFC 1950), which fflate does not check: big-endian, at the end of the stream. */
function testChecksum(plain: Uint8Array, zlib: Uint8Array): void {
  let a = 1;
  let b = 0;
  for (let at = 0; at < plain.length; ) {
    // As many as fit before the sums could exceed 2^32.
    const end = Math.min(plain.length, at + 3800);
    for (; at < end; at++) {
      a += plain[at];
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  const stops = Math.max(2, zlib.length - 4 - PADDING_BYTES);
  for (let at = zlib.length - 4; at >= stops; at--) {
    const [b1, b0, a1, a0] = zlib.subarray(at, at + 4) as unknown as [number, number, number, number];
    if (((b1 << 8) | b0) === b && ((a1 << 8) | a0) === a) return;
  }
  throw new Error('the checksum of its Deflate data does not match');
}
