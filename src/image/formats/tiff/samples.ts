/**
 * From the bytes of a strip or tile to samples. Everything here uses unsigned storage of the sample's width; signed and
 * floating-point samples are the same bits reinterpreted.
 */

export type Words = Uint8Array | Uint16Array | Uint32Array | BigUint64Array;

const PLATFORM_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Zeroed storage for samples of `bits` bits. */
export function allocateWords(bits: number, length: number): Words {
  if (bits <= 8) return new Uint8Array(length);
  if (bits <= 16) return new Uint16Array(length);
  return bits <= 32 ? new Uint32Array(length) : new BigUint64Array(length);
}

/**
 * Unpacks one row of `row.length` samples. Samples of 16, 32 and 64 bits have the file's byte order; all others are one
 * bit stream, most significant bit first.
 */
export function unpackRow(bytes: Uint8Array, bits: number, littleEndian: boolean, row: Words): void {
  const n = row.length;
  if (littleEndian && PLATFORM_LITTLE_ENDIAN && (bits === 16 || bits === 32 || bits === 64)) {
    new Uint8Array(row.buffer, row.byteOffset, row.byteLength).set(bytes.subarray(0, row.byteLength));
  } else if (row instanceof BigUint64Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < n; i++) row[i] = view.getBigUint64(8 * i, littleEndian);
  } else if (bits === 8) {
    row.set(bytes.subarray(0, n));
  } else if (bits === 16 || bits === 32) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bits === 16) for (let i = 0; i < n; i++) row[i] = view.getUint16(2 * i, littleEndian);
    else for (let i = 0; i < n; i++) row[i] = view.getUint32(4 * i, littleEndian);
  } else {
    // Up to 31 + 7 bits are held at a time: too many for 32-bit shifts, so arithmetic is used beyond 24 bits.
    const top = 2 ** bits;
    let held = 0;
    let word = 0;
    for (let i = 0, at = 0; i < n; i++) {
      while (held < bits) {
        word = word * 256 + bytes[at++];
        held += 8;
      }
      held -= bits;
      const rest = 2 ** held;
      row[i] = Math.floor(word / rest) % top;
      word %= rest;
    }
  }
}

/** Predictor 2: each sample is the difference from the sample `stride` before it, modulo 2^bits. */
export function undoDifferences(row: Words, bits: number, stride: number): void {
  if (row instanceof BigUint64Array) {
    for (let i = stride; i < row.length; i++) row[i] = row[i] + row[i - stride];
    return;
  }
  const mask = bits === 32 ? 0xffffffff : 2 ** bits - 1;
  for (let i = stride; i < row.length; i++) row[i] = (row[i] + row[i - stride]) & mask;
}

/**
 * Predictor 3 (Adobe Photoshop TIFF Technical Note 3): a row contains all most significant bytes, then all second ones,
 * and so on, and then byte differences at distance `stride`. Decoded to big-endian samples, in place.
 */
export function undoFloatPredictor(bytes: Uint8Array, size: number, stride: number): void {
  for (let i = stride; i < bytes.length; i++) bytes[i] = bytes[i] + bytes[i - stride];
  const planes = bytes.slice();
  const n = bytes.length / size;
  for (let i = 0; i < n; i++) {
    for (let b = 0; b < size; b++) bytes[i * size + b] = planes[b * n + i];
  }
}

/** Reverses the bits of every byte, for files with the least significant bit first. */
export function reverseBits(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => {
    let out = 0;
    for (let bit = 0; bit < 8; bit++) out |= ((byte >> bit) & 1) << (7 - bit);
    return out;
  });
}
