/**
 * Blosc 1 in JavaScript, for pages that may not run its compiled decoder. Format: README_CHUNK_FORMAT of C-Blosc; the
 * streams within are those of LZ4, Zstandard, zlib and BloscLZ.
 */

import { inflate } from '../../inflate.ts';
import { unpackZstd } from '../tiff/zstd.ts';

/** Decompresses exactly `length` bytes. */
type Unpack = (packed: Uint8Array, length: number) => Uint8Array;

/** By the number of the format in the header; 2 is Snappy, which is not supported. */
const FORMATS: Readonly<Record<number, Unpack>> = { 0: unpackBloscLz, 1: unpackLz4, 3: inflate, 4: unpackZstd };

/**
 * @param packed with its header, and nothing behind it
 * @param limit the most bytes that there may be
 * @throws Error for damaged data, and for Snappy
 */
export function unpackBlosc(packed: Uint8Array, limit: number): Uint8Array {
  const header = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const [flags, typeSize] = [packed[2], packed[3]];
  const [length, blockLength] = [header.getUint32(4, true), header.getUint32(8, true)];
  if (length > limit || blockLength < 1 || typeSize < 1) throw new Error('the header of Blosc is wrong');
  if ((flags & 2) !== 0) return packed.slice(16, 16 + length);
  const unpack = FORMATS[flags >> 5];
  if (unpack === undefined) throw new Error('Snappy is not supported');
  const out = new Uint8Array(length);
  for (let block = 0; block * blockLength < length; block++) {
    const start = block * blockLength;
    const size = Math.min(blockLength, length - start);
    // A whole block may be split into one stream for each byte of its elements.
    const streams = (flags & 16) === 0 && size === blockLength ? typeSize : 1;
    const part = size / streams;
    const bytes = new Uint8Array(size);
    let at = header.getInt32(16 + 4 * block, true);
    for (let stream = 0; stream < streams; stream++) {
      const stored = header.getInt32(at, true);
      at += 4;
      const content = packed.subarray(at, at + stored);
      const plain = stored === part ? content : unpack(content, part);
      if (content.length !== stored || plain.length !== part) throw new Error('a block ends early');
      bytes.set(plain, stream * part);
      at += stored;
    }
    out.set(
      (flags & 4) !== 0 ? unshuffleBits(bytes, typeSize) : (flags & 1) !== 0 ? unshuffle(bytes, typeSize) : bytes,
      start,
    );
  }
  return out;
}

/** Bytes of one place in their elements lie together. */
function unshuffle(bytes: Uint8Array, typeSize: number): Uint8Array {
  const count = Math.floor(bytes.length / typeSize);
  const out = bytes.slice();
  for (let j = 0; j < typeSize; j++) for (let i = 0; i < count; i++) out[i * typeSize + j] = bytes[j * count + i];
  return out;
}

/** Bits of one place in their elements lie together; elements whose number is no multiple of 8 are as they were. */
function unshuffleBits(bytes: Uint8Array, typeSize: number): Uint8Array {
  const count = Math.floor(bytes.length / typeSize);
  const out = bytes.slice();
  if (count % 8 !== 0) return out;
  out.fill(0, 0, count * typeSize);
  for (let bit = 0; bit < 8 * typeSize; bit++) {
    const row = (bit * count) / 8;
    for (let i = 0; i < count; i++) {
      const value = (bytes[row + (i >> 3)] >> (i & 7)) & 1;
      out[i * typeSize + (bit >> 3)] |= value << (bit & 7);
    }
  }
  return out;
}

/** Copies `length` bytes from `distance` before `to`, one after the other: they may overlap. */
function repeat(out: Uint8Array, to: number, distance: number, length: number): number {
  if (distance < 1 || distance > to || to + length > out.length) throw new Error('a copy reaches beyond the data');
  for (let i = 0; i < length; i++) out[to + i] = out[to + i - distance];
  return to + length;
}

/** A block of LZ4 (lz4_Block_format.md). */
function unpackLz4(packed: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  let [at, to] = [0, 0];
  /** Continued by bytes of 255. */
  const extended = (base: number): number => {
    if (base < 15) return base;
    let [sum, byte] = [base, 255];
    while (byte === 255 && at < packed.length) {
      byte = packed[at++];
      sum += byte;
    }
    return sum;
  };
  while (at < packed.length) {
    const token = packed[at++];
    const literals = extended(token >> 4);
    if (to + literals > length || at + literals > packed.length) throw new Error('literals reach beyond the data');
    out.set(packed.subarray(at, at + literals), to);
    at += literals;
    to += literals;
    // The last sequence has no copy.
    if (at >= packed.length) break;
    const distance = packed[at] | (packed[at + 1] << 8);
    at += 2;
    to = repeat(out, to, distance, extended(token & 15) + 4);
  }
  return out.subarray(0, to);
}

/** Distances from here on have two more bytes. */
const FAR = 8191;

function unpackBloscLz(packed: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  let [at, to] = [0, 0];
  // The first byte is always of literals; its upper bits are a version.
  let control = packed[at++] & 31;
  for (;;) {
    if (control < 32) {
      const literals = control + 1;
      if (to + literals > length || at + literals > packed.length) throw new Error('literals reach beyond the data');
      out.set(packed.subarray(at, at + literals), to);
      at += literals;
      to += literals;
    } else {
      let copied = (control >> 5) + 2;
      const high = (control & 31) << 8;
      if (control >> 5 === 7) {
        let byte = 255;
        while (byte === 255 && at < packed.length) {
          byte = packed[at++];
          copied += byte;
        }
      }
      const low = packed[at++];
      let distance = high + low + 1;
      if (low === 255 && high === 31 << 8) {
        distance = (packed[at] << 8) + packed[at + 1] + FAR + 1;
        at += 2;
      }
      to = repeat(out, to, distance, copied);
    }
    if (at >= packed.length) return out.subarray(0, to);
    control = packed[at++];
  }
}
