const CLEAR = 256;
const END = 257;
const MAX_CODES = 4096;

/** A short string is one number: its first three bytes, the first lowest, and above them its length; 4 for more. */
const ONE_BYTE = 1 << 24;
const LONG = 4 << 24;
const LITERALS = Int32Array.from({ length: CLEAR }, (_, byte) => byte | ONE_BYTE);

/**
 * Unpacks TIFF's LZW: codes of 9 to 12 bits, most significant bit first, one code earlier than GIF widens them
 * (TIFF 6.0, section 13).
 *
 * Codes are read as 32 bits at any byte and short strings written as 32 bits, whatever their length is, since branches
 * that follow the data are guessed wrong: 1.4 ms instead of 2.8 for 512 x 512 bytes of a noisy picture.
 *
 * @returns at most `expected` bytes; fewer when the codes end early
 * @throws Error for a code that cannot be, the bit order of TIFF before 1992, or 2 GiB and more
 */
export function unpackLzw(packed: Uint8Array, expected: number): Uint8Array {
  if (packed[0] === 0 && ((packed[1] ?? 0) & 1) === 1) throw new Error('LZW with the bit order of before TIFF 6.0');
  if (expected > 2 ** 31 - 8) throw new Error('a strip or tile of 2 GiB packed with LZW, which is not read');
  // Room for a write of four bytes at the last of them.
  const out = new Uint8Array(expected + 4);
  const write = new DataView(out.buffer);
  const read = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const lastWord = packed.length - 4;
  const strings = new Int32Array(MAX_CODES);
  strings.set(LITERALS);
  // A code's string stands in `out` from here to the first byte of the string after it. Signed: V8 calculates with
  // unsigned numbers as floating point, which doubles the time.
  const starts = new Int32Array(MAX_CODES + 1);
  // The code whose string is the one before and the first byte of this one.
  let next = END;
  let width = 9;
  let at = 0;
  let shift = 0;
  let filled = 0;
  let string = 0;
  while (filled < expected) {
    if (at > lastWord && 8 * (packed.length - at) - shift < width) break;
    const word = at > lastWord ? lastBytes(packed, at) : read.getInt32(at);
    const code = (word << shift) >>> (32 - width);
    shift += width;
    at += shift >>> 3;
    shift &= 7;
    if (code === END) break;
    if (code === CLEAR) {
      next = END;
      width = 9;
      continue;
    }
    if (code > next) throw new Error(`LZW code ${code} out of place`);
    if (next < MAX_CODES) {
      const first = (code === next ? string : (strings[code] as number)) & 255;
      const count = string >>> 24;
      strings[next] = count < 3 ? (string + ONE_BYTE) | (first << (8 * count)) : (string & 0xffffff) | LONG;
      next++;
      starts[next] = filled;
      if (next + 1 >= 1 << width && width < 12) width++;
    }
    string = strings[code] as number;
    write.setInt32(filled, string, true);
    const count = string >>> 24;
    if (count <= 3) {
      filled += count;
      continue;
    }
    let from = starts[code] as number;
    const end = Math.min(expected, filled + (starts[code + 1] as number) - from + 1);
    // Byte by byte, since source and target may overlap.
    for (from += 3, filled += 3; filled < end; ) out[filled++] = out[from++] as number;
  }
  return out.subarray(0, Math.min(filled, expected));
}

/** Fewer than four bytes from `at` on, as the upper ones of a word. */
function lastBytes(packed: Uint8Array, at: number): number {
  return ((packed[at] ?? 0) << 24) | ((packed[at + 1] ?? 0) << 16) | ((packed[at + 2] ?? 0) << 8);
}
