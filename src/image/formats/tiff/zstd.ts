import { Decompress } from 'fzstd';

/** The largest window that the reference implementation of Zstandard accepts by default. */
const MAX_WINDOW_BYTES = 2 ** 27;

/**
 * Decompresses Zstandard.
 *
 * @returns at most `expected` bytes; fewer if the data ends early
 * @throws Error for damaged data, and for a window or content far larger than expected
 */
export function unpackZstd(packed: Uint8Array, expected: number): Uint8Array {
  if (windowBytes(packed) > Math.max(MAX_WINDOW_BYTES, expected)) throw new Error('Zstandard window too large');
  const out = new Uint8Array(expected);
  let filled = 0;
  const stream = new Decompress((chunk) => {
    const room = expected - filled;
    // Only an exception stops the decoder once it has its input.
    if (room === 0 && chunk.length > 0) throw new Error('more Zstandard data than expected');
    out.set(chunk.length > room ? chunk.subarray(0, room) : chunk, filled);
    filled += Math.min(room, chunk.length);
  });
  stream.push(packed, true);
  return filled < expected ? out.subarray(0, filled) : out;
}

/** The memory that the first frame's header makes a decoder allocate (RFC 8878, section 3.1.1.1). */
function windowBytes(packed: Uint8Array): number {
  const flags = packed[4] ?? 0;
  const single = (flags & 32) !== 0;
  if (!single) {
    const descriptor = packed[5] ?? 0;
    return 2 ** (10 + (descriptor >> 3)) * (1 + (descriptor & 7) / 8);
  }
  const sizeBytes = flags >> 6 === 0 ? 1 : 1 << (flags >> 6);
  const at = 5 + [0, 1, 2, 4][flags & 3];
  let size = 0;
  for (let i = sizeBytes - 1; i >= 0; i--) size = size * 256 + (packed[at + i] ?? 0);
  return size;
}
