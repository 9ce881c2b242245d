/** Samples as stored in a file, and the values that they represent. */

import { allocate, bytesPer, type DType, type Storage } from '../array/ndarray.ts';
import { FormatError } from '../errors.ts';

const LITTLE_ENDIAN_HOST = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** A copy of `count` samples starting at byte `offset`. @throws RangeError if there are not as many. */
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

/** Every [rows][columns] as [columns][rows]: from pixels to planes of their samples, and back. */
export function transposed<D extends DType>(data: Storage[D], dtype: D, rows: number, columns: number): Storage[D] {
  if (rows === 1 || columns === 1) return data;
  const [from, out] = [data as Float64Array, allocate(dtype, data.length) as Float64Array];
  for (let start = 0; start < data.length; start += rows * columns) {
    for (let column = 0, to = start; column < columns; column++) {
      for (let row = 0; row < rows; row++) out[to++] = from[start + row * columns + column];
    }
  }
  return out as Storage[D];
}

/** Samples with their linear rescaling: value = slope * sample + intercept. */
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
 * The values of parts of one size and dtype, concatenated. Integer slopes and intercepts preserve integers: the result
 * is the first of the samples' own dtype, int16, uint16, int32, uint32, int64 and uint64 that represents them all
 * exactly. Others result in float32 (float64 from integers of 32 and 64 bits and from float64).
 * @throws FormatError for integers that no dtype represents exactly
 */
export function rescale(parts: readonly Rescaled[], dtype: DType, file: string): Values {
  const plain = parts.every(({ slope, intercept }) => slope === 1 && intercept === 0);
  if (plain && parts.length === 1) return { dtype, data: parts[0].data };
  const to = plain ? dtype : rescaledDtype(parts, dtype, file);
  const data = allocate(
    to,
    parts.reduce((sum, part) => sum + part.data.length, 0),
  );
  let at = 0;
  for (const { data: samples, slope, intercept } of parts) {
    if (slope === 1 && intercept === 0 && to === dtype) data.set(samples as never, at);
    else if (to.endsWith('int64')) scaleExactly(samples, slope, intercept, data as BigInt64Array, at);
    else {
      const out = data as Float64Array;
      for (let i = 0; i < samples.length; i++) out[at + i] = slope * Number(samples[i]) + intercept;
    }
    at += samples.length;
  }
  return { dtype: to, data };
}

function scaleExactly(
  samples: Storage[DType],
  slope: number,
  intercept: number,
  out: BigInt64Array | BigUint64Array,
  at: number,
): void {
  const [a, b] = [BigInt(slope), BigInt(intercept)];
  for (let i = 0; i < samples.length; i++) out[at + i] = a * BigInt(samples[i]) + b;
}

const HOLDS: readonly (readonly [DType, bigint, bigint])[] = [
  ['uint8', 0n, 0xffn],
  ['int8', -0x80n, 0x7fn],
  ['int16', -0x8000n, 0x7fffn],
  ['uint16', 0n, 0xffffn],
  ['int32', -(2n ** 31n), 2n ** 31n - 1n],
  ['uint32', 0n, 2n ** 32n - 1n],
  ['int64', -(2n ** 63n), 2n ** 63n - 1n],
  ['uint64', 0n, 2n ** 64n - 1n],
];

function rescaledDtype(parts: readonly Rescaled[], dtype: DType, file: string): DType {
  const inexact = (problem: string) =>
    new FormatError(problem, { file, remedy: 'Save it without slope and intercept in the header, or as float64.' });
  if (dtype.startsWith('float')) return dtype === 'float64' ? dtype : 'float32';
  const ranges = parts.map((part) => ({ ...part, ...rangeOf(part.data) }));
  const isWhole = parts.every(({ slope, intercept }) => Number.isInteger(slope) && Number.isInteger(intercept));
  if (!isWhole) {
    const large = ranges.flatMap(({ low, high }) => [low, high]).find((value) => value ** 2n > 2n ** 106n);
    if (large !== undefined) throw inexact(`the value ${large} with a slope that is a fraction would lose digits.`);
    return bytesPer(dtype) >= 4 ? 'float64' : 'float32';
  }
  const ends = ranges.flatMap(({ low, high, slope, intercept }) =>
    [low, high].map((value) => BigInt(slope) * value + BigInt(intercept)),
  );
  const fits = HOLDS.find(
    ([name, least, most]) =>
      (bytesPer(name) > 1 || name === dtype) && ends.every((value) => value >= least && value <= most),
  );
  if (fits === undefined) throw inexact('with slope and intercept the values exceed 64 bits.');
  return fits[0];
}

function rangeOf(data: Storage[DType]): { readonly low: bigint; readonly high: bigint } {
  let low = data[0] ?? 0;
  let high = low;
  for (let i = 1; i < data.length; i++) {
    const value = data[i];
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low: BigInt(low), high: BigInt(high) };
}
