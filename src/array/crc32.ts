/** CRC-32 as in zlib and PNG (ISO 3309: polynomial 0xEDB88320, reflected), four bytes per iteration. */

const TABLES = Array.from({ length: 4 }, () => new Uint32Array(256));
for (let n = 0; n < 256; n++) {
  let c = n;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  (TABLES[0] as Uint32Array)[n] = c;
}
for (let k = 1; k < 4; k++) {
  for (let n = 0; n < 256; n++) {
    const c = (TABLES[k - 1] as Uint32Array)[n];
    (TABLES[k] as Uint32Array)[n] = (TABLES[0] as Uint32Array)[c & 0xff] ^ (c >>> 8);
  }
}

/** Checksum of the bytes, 0..2^32-1; 0 for no bytes. @param before that of the bytes before these, to go on */
export function crc32(bytes: Uint8Array, before = 0): number {
  const [t0, t1, t2, t3] = TABLES as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];
  let crc = ~before;
  let i = 0;
  for (const end = bytes.length - 3; i < end; i += 4) {
    crc ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    crc = t3[crc & 0xff] ^ t2[(crc >>> 8) & 0xff] ^ t1[(crc >>> 16) & 0xff] ^ t0[crc >>> 24];
  }
  for (; i < bytes.length; i++) crc = t0[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** The product of two polynomials modulo that of the checksum, bits reflected. */
function product(a: number, b: number): number {
  let sum = 0;
  for (let bit = 31; bit >= 0; bit--) {
    if ((a >>> bit) & 1) sum ^= b;
    b = b & 1 ? 0xedb88320 ^ (b >>> 1) : b >>> 1;
  }
  return sum;
}

/** The checksum of bytes that follow others. @param length number of the bytes that follow */
export function joinedCrc32(first: number, second: number, length: number): number {
  // Each byte that follows multiplies by x^8.
  let [power, square] = [0x80000000, 0x00800000];
  for (let left = length; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) power = product(power, square);
    square = product(square, square);
  }
  return (product(power, first) ^ second) >>> 0;
}

/** A checksum as eight hexadecimal digits. */
export function hex8(checksum: number): string {
  return checksum.toString(16).padStart(8, '0');
}
