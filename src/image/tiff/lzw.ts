const CLEAR = 256;
const END = 257;
const MAX_CODES = 4096;

/**
 * Unpacks TIFF's LZW: codes of 9 to 12 bits, most significant bit first, one code earlier than GIF widens them
 * (TIFF 6.0, section 13).
 *
 * @returns at most `expected` bytes; fewer when the codes end early
 * @throws Error for a code that cannot be, or for the bit order of TIFF before 1992
 */
export function unpackLzw(packed: Uint8Array, expected: number): Uint8Array {
  if (packed[0] === 0 && ((packed[1] ?? 0) & 1) === 1) throw new Error('LZW with the bit order of before TIFF 6.0');
  const out = new Uint8Array(expected);
  // A code's string is the string of `prefix` and one byte; it also stands in `out` at `position`.
  const position = new Uint32Array(MAX_CODES);
  const length = new Uint16Array(MAX_CODES);
  let next = END + 1;
  let width = 9;
  let bits = 0;
  let held = 0;
  let at = 0;
  let filled = 0;
  let previous = -1;
  let previousStart = 0;
  let previousLength = 0;
  while (filled < expected) {
    while (held < width && at < packed.length) {
      bits = ((bits << 8) | (packed[at++] as number)) >>> 0;
      held += 8;
    }
    if (held < width) break;
    const code = (bits >>> (held - width)) & ((1 << width) - 1);
    held -= width;
    bits &= (1 << held) - 1;
    if (code === END) break;
    if (code === CLEAR) {
      next = END + 1;
      width = 9;
      previous = -1;
      continue;
    }
    const start = filled;
    if (code < CLEAR) {
      out[filled++] = code;
    } else if (code < next && previous >= 0) {
      filled = copy(out, position[code] as number, length[code] as number, filled, expected);
    } else if (code === next && previous >= 0) {
      // The string that is being made: the previous one and its own first byte again.
      filled = copy(out, previousStart, previousLength + 1, filled, expected);
    } else {
      throw new Error(`LZW code ${code} out of place`);
    }
    if (previous >= 0 && next < MAX_CODES) {
      // Previous string plus the first byte of this one: they stand next to each other in `out`.
      position[next] = previousStart;
      length[next] = previousLength + 1;
      next++;
      if (next + 1 >= 1 << width && width < 12) width++;
    }
    previous = code;
    previousStart = start;
    previousLength = filled - start;
  }
  return filled < expected ? out.subarray(0, filled) : out;
}

/** Byte by byte, since source and target may overlap. */
function copy(out: Uint8Array, from: number, length: number, to: number, limit: number): number {
  const end = Math.min(limit, to + length);
  for (let target = to, source = from; target < end; ) out[target++] = out[source++] as number;
  return end;
}
