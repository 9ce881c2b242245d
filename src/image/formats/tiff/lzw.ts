const CLEAR = 256;
const END = 257;
const MAX_CODES = 4096;

/**
 * A string is one number: its first three bytes, the first lowest, and its length above them. From four bytes on the
 * length is 4, possibly with other bits; the rest of such a string is in the output.
 */
const ONE_BYTE = 1 << 24;
const LONG = 4 << 24;
/** Not a string: `CLEAR`, `END`, and unassigned codes. */
const NONE = 8 << 24;
const LITERALS = Int32Array.from({ length: CLEAR }, (_, byte) => byte | ONE_BYTE);

/** Whether a number is `NONE` or anything added to it below. */
const isNone = (string: number) => string >>> 26 === 2;

/**
 * Codes become one bit longer one code earlier than necessary. After the last code, strings go to an unused position.
 */
const lastOfWidth = (width: number) => (width < 12 ? 2 ** width - 1 : MAX_CODES + 1);

/**
 * Unpacks TIFF's LZW: codes of 9 to 12 bits, most significant bit first, one code earlier than GIF widens them (TIFF
 * 6.0, section 13).
 *
 * Codes are read as 32 bits at any byte and strings written as 32 bits, whatever their length, because data-dependent
 * branches are mispredicted: 1.7 ms instead of 2.8 for 512 x 512 bytes of a noisy image. An inner loop handles only
 * short strings, because V8 hoists invariants only out of innermost loops: 1.1 ms.
 *
 * @returns at most `expected` bytes; fewer if the codes end early
 * @throws Error for an impossible code, the bit order of TIFF before 1992, or 2 GiB and more
 */
export function unpackLzw(packed: Uint8Array, expected: number): Uint8Array {
  if (packed[0] === 0 && ((packed[1] ?? 0) & 1) === 1) throw new Error('LZW with the bit order of before TIFF 6.0');
  if (expected > 2 ** 31 - 8) throw new Error('a strip or tile of 2 GiB packed with LZW, which is not read');
  // Room for a write of four bytes at the last of them.
  const out = new Uint8Array(expected + 4);
  const write = new DataView(out.buffer);
  const read = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const lastWord = packed.length - 4;
  const strings = new Int32Array(MAX_CODES + 2).fill(NONE, CLEAR);
  strings.set(LITERALS);
  // A code's string is in `out` from here to the first byte of the string after it. All numbers are signed: V8 computes
  // unsigned ones in floating point, which doubles the time.
  const starts = new Int32Array(MAX_CODES + 2);
  // The next code to assign: its string is the previous one (`grown`, with room for one more byte) plus the first byte
  // of this one.
  let next = END;
  let grown = NONE;
  let room = 0;
  let width = 9;
  let last = lastOfWidth(width);
  let at = 0;
  let shift = 0;
  let filled = 0;
  while (filled < expected) {
    while (at <= lastWord && filled < expected && next < last) {
      const code = (read.getInt32(at) << shift) >>> (32 - width);
      const string = strings[code];
      const count = string >>> 24;
      if (count > 3) break;
      shift += width;
      at += shift >>> 3;
      shift &= 7;
      strings[next++] = grown | ((string & 255) << room);
      starts[next] = filled;
      write.setInt32(filled, string, true);
      filled += count;
      grown = string + ONE_BYTE;
      room = 8 * count;
    }
    if (next === last) {
      if (width === 12) next = MAX_CODES;
      else last = lastOfWidth(++width);
      continue;
    }
    // One code of any kind.
    if (filled >= expected || (at > lastWord && 8 * (packed.length - at) - shift < width)) break;
    const word = at > lastWord ? lastBytes(packed, at) : read.getInt32(at);
    const code = (word << shift) >>> (32 - width);
    shift += width;
    at += shift >>> 3;
    shift &= 7;
    let string = strings[code];
    if (isNone(string)) {
      if (code === END) break;
      if (code === CLEAR) {
        strings.fill(NONE, END, next);
        next = END;
        grown = NONE;
        room = 0;
        width = 9;
        last = lastOfWidth(width);
        continue;
      }
      if (code > next) throw new Error(`LZW code ${code} out of place`);
      string = grown | ((grown & 255) << room);
    }
    strings[next++] = grown | ((string & 255) << room);
    starts[next] = filled;
    write.setInt32(filled, string, true);
    const count = string >>> 24;
    if (count <= 3) {
      filled += count;
      grown = string + ONE_BYTE;
      room = 8 * count;
      continue;
    }
    grown = (string & 0xffffff) | LONG;
    room = 24;
    let from = starts[code];
    const end = Math.min(expected, filled + starts[code + 1] - from + 1);
    // Four bytes at once: a string overlaps its source by at most one byte, so a string of five bytes starts four
    // before it, leaving only one after four.
    for (from += 3, filled += 3; filled < end; from += 4, filled += 4) {
      write.setInt32(filled, write.getInt32(from, true), true);
    }
    filled = end;
  }
  return out.subarray(0, Math.min(filled, expected));
}

/** Fewer than four bytes from `at` on, as the upper ones of a word. */
function lastBytes(packed: Uint8Array, at: number): number {
  return ((packed[at] ?? 0) << 24) | ((packed[at + 1] ?? 0) << 16) | ((packed[at + 2] ?? 0) << 8);
}
