/** CRC-32C (Castagnoli: polynomial 0x82F63B78, reflected), as the codec `crc32c` of Zarr appends it. */

/** Of each byte value, what it adds to the checksum as the last of 1 to 8 bytes: as many are taken at once. */
const TABLES = Array.from({ length: 8 }, () => new Uint32Array(256));
for (let n = 0; n < 256; n++) {
  let c = n;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0x82f63b78 ^ (c >>> 1) : c >>> 1;
  TABLES[0][n] = c;
}
for (let k = 1; k < TABLES.length; k++) {
  for (let n = 0; n < 256; n++) TABLES[k][n] = TABLES[0][TABLES[k - 1][n] & 0xff] ^ (TABLES[k - 1][n] >>> 8);
}

/** Checksum of the bytes, 0..2^32-1; 0 for no bytes. */
export function crc32c(bytes: Uint8Array): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES;
  // Words begin at multiples of 4 in their buffer.
  const { buffer, byteOffset } = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  const words = new Uint32Array(buffer, byteOffset, 2 * Math.floor(bytes.length / 8));
  let crc = 0xffffffff;
  for (let i = 0; i < words.length; i += 2) {
    const a = crc ^ words[i];
    const b = words[i + 1];
    crc =
      t7[a & 0xff] ^
      t6[(a >>> 8) & 0xff] ^
      t5[(a >>> 16) & 0xff] ^
      t4[a >>> 24] ^
      t3[b & 0xff] ^
      t2[(b >>> 8) & 0xff] ^
      t1[(b >>> 16) & 0xff] ^
      t0[b >>> 24];
  }
  for (let at = 4 * words.length; at < bytes.length; at++) crc = t0[(crc ^ bytes[at]) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
