/** Samples as they lie in a file, and the values that they stand for. */

import { allocate, bytesPer, type DType, type Storage } from '../array/ndarray.ts';

const LITTLE_ENDIAN_HOST = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** A copy of `count` samples that begin at byte `offset`. @throws RangeError when there are not so many. */
export function samplesFrom<D extends DType>(
  bytes: Uint8Array,
  offset: number,
  dtype: D,
  count: number,
  littleEndian: boolean,
): Storage[D] {
  const size = bytesPer(dtype);
  if (offset + count * size > bytes.length) throw new RangeError('the bytes end before the last sample');
  const out = allocate(dtype, count);
  const copy = new Uint8Array(out.buffer);
  copy.set(bytes.subarray(offset, offset + count * size));
  if (size > 1 && littleEndian !== LITTLE_ENDIAN_HOST) swapBytes(copy, size);
  return out;
}

function swapBytes(bytes: Uint8Array, size: number): void {
  for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse();
}

/** Samples with the line that leads from them to values: value = slope * sample + intercept. */
export interface Rescaled {
  readonly data: Storage[DType];
  readonly slope: number;
  readonly intercept: number;
}

interface Values {
  readonly dtype: DType;
  readonly data: Storage[DType];
}

/**
 * The values of parts of one size and dtype, one behind the other. Slopes and intercepts that are whole numbers keep
 * integers: the first of the samples' own dtype, int16, uint16 and int32 that holds them all. Others give float32
 * (float64 from float64).
 */
export function rescale(parts: readonly Rescaled[], dtype: DType): Values {
  const plain = parts.every(({ slope, intercept }) => slope === 1 && intercept === 0);
  const length = parts.reduce((sum, { data }) => sum + data.length, 0);
  if (plain) {
    if (parts.length === 1) return { dtype, data: parts[0].data };
    const data = allocate(dtype, length);
    let at = 0;
    for (const part of parts) {
      data.set(part.data as never, at);
      at += part.data.length;
    }
    return { dtype, data };
  }
  const to = rescaledDtype(parts, dtype);
  const data = allocate(to, length) as Float64Array;
  let at = 0;
  for (const { data: samples, slope, intercept } of parts) {
    if (samples instanceof BigInt64Array || samples instanceof BigUint64Array) {
      for (let i = 0; i < samples.length; i++) data[at++] = slope * Number(samples[i]) + intercept;
    } else {
      for (let i = 0; i < samples.length; i++) data[at++] = slope * samples[i] + intercept;
    }
  }
  return { dtype: to, data };
}

const HOLDS: readonly (readonly [DType, number, number])[] = [
  ['uint8', 0, 255],
  ['int8', -128, 127],
  ['int16', -32_768, 32_767],
  ['uint16', 0, 65_535],
  ['int32', -2_147_483_648, 2_147_483_647],
];

function rescaledDtype(parts: readonly Rescaled[], dtype: DType): DType {
  if (dtype === 'float64') return 'float64';
  const whole = parts.every(({ slope, intercept }) => Number.isInteger(slope) && Number.isInteger(intercept));
  if (!whole || dtype.startsWith('float') || dtype.endsWith('64')) return 'float32';
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const { data, slope, intercept } of parts) {
    for (let i = 0; i < data.length; i++) {
      const value = slope * (data[i] as number) + intercept;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  const fits = HOLDS.find(
    ([name, least, most]) => (bytesPer(name) > 1 || name === dtype) && low >= least && high <= most,
  );
  return fits?.[0] ?? 'float32';
}
