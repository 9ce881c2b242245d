/** CRC-32C (Castagnoli: polynomial 0x82F63B78, reflected), as the codec `crc32c` of Zarr appends it. */

/** Bytes that are taken at once. */
const STEP = 16;
/** Of each byte value, 256 times k on, what it adds to the checksum when k bytes follow it. */
const TABLE = new Int32Array(256 * STEP);
for (let n = 0; n < 256; n++) {
  let c = n;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0x82f63b78 ^ (c >>> 1) : c >>> 1;
  TABLE[n] = c;
}
for (let i = 256; i < TABLE.length; i++) TABLE[i] = TABLE[TABLE[i - 256] & 0xff] ^ (TABLE[i - 256] >>> 8);

/** What a word adds when `after` bytes follow it. */
function ofWord(word: number, after: number): number {
  const t = 256 * after;
  return (
    TABLE[t + 768 + (word & 0xff)] ^
    TABLE[t + 512 + ((word >>> 8) & 0xff)] ^
    TABLE[t + 256 + ((word >>> 16) & 0xff)] ^
    TABLE[t + (word >>> 24)]
  );
}

/** The bytes before their checksum, in the same memory. @throws Error for another one */
export function withoutCrc32c(bytes: Uint8Array): Uint8Array {
  const end = bytes.length - 4;
  if (end < 0) throw new Error('there is no checksum');
  const content = bytes.subarray(0, end);
  const stated = new DataView(bytes.buffer, bytes.byteOffset + end).getUint32(0, true);
  if (crc32c(content) !== stated) throw new Error('the checksum is wrong');
  return content;
}

/** Checksum of the bytes, 0..2^32-1; 0 for no bytes. */
export function crc32c(bytes: Uint8Array): number {
  // Words begin at multiples of 4 in their buffer.
  const { buffer, byteOffset } = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  const words = new Int32Array(buffer, byteOffset, 4 * Math.floor(bytes.length / STEP));
  let crc = -1;
  for (let i = 0; i < words.length; i += 4) {
    crc = ofWord(crc ^ words[i], 12) ^ ofWord(words[i + 1], 8) ^ ofWord(words[i + 2], 4) ^ ofWord(words[i + 3], 0);
  }
  for (let at = 4 * words.length; at < bytes.length; at++) crc = TABLE[(crc ^ bytes[at]) & 0xff] ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}
