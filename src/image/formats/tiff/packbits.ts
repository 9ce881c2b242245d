/**
 * Unpacks PackBits (TIFF 6.0, section 9): a byte n of 0..127 copies the next n + 1 bytes, one of -127..-1 repeats the
 * next byte 1 - n times, -128 does nothing.
 *
 * @returns at most `expected` bytes; fewer if the data ends early
 */
export function unpackPackBits(packed: Uint8Array, expected: number): Uint8Array {
  const out = new Uint8Array(expected);
  let at = 0;
  let filled = 0;
  while (filled < expected && at < packed.length) {
    const n = packed[at++];
    if (n < 128) {
      const run = packed.subarray(at, at + Math.min(n + 1, expected - filled));
      out.set(run, filled);
      filled += run.length;
      at += n + 1;
    } else if (n > 128 && at < packed.length) {
      const end = Math.min(expected, filled + 257 - n);
      out.fill(packed[at++], filled, end);
      filled = end;
    }
  }
  return filled < expected ? out.subarray(0, filled) : out;
}
