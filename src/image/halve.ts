/** Images of half the resolution. */

import { stridesOf } from '../array/boxes.ts';
import { float16ToNumber, numberToFloat16 } from '../array/float16.ts';
import { allocate, type DType, elementCount, type Storage } from '../array/ndarray.ts';

/** Pixels of half the resolution: the mean of those that they cover, or the first of them, as labels have no mean. */
export type Halving = 'mean' | 'first';

/**
 * A box with each second pixel along some axes. A mean is that of 2 x 2 pixels, or 2 x 2 x 2 with `z`; at an odd end that of those
 * that are there. Means of integers are rounded to the nearest, half up.
 * @param halved of each axis of `shape`, whether it is halved: `y` and `x`, the last two, always are
 */
export function halve<D extends DType>(
  data: Storage[D],
  dtype: D,
  shape: readonly number[],
  halved: readonly boolean[],
  by: Halving,
): Storage[D] {
  const to = shape.map((length, i) => (halved[i] ? Math.ceil(length / 2) : length));
  const out = allocate(dtype, elementCount(to));
  const rank = shape.length;
  const strides = stridesOf(shape);
  const [height, width] = shape.slice(rank - 2);
  const [outHeight, outWidth] = to.slice(rank - 2);
  const mean = by === 'first' ? undefined : meanOf(dtype);
  const planes = elementCount(to.slice(0, rank - 2));
  for (let plane = 0; plane < planes; plane++) {
    // The two planes that are averaged: the same where z is not halved, and at its odd end.
    let [rest, near, far] = [plane, 0, 0];
    for (let i = rank - 3; i >= 0; i--) {
      const place = rest % to[i];
      rest = Math.floor(rest / to[i]);
      const first = halved[i] ? 2 * place : place;
      near += first * strides[i];
      far += (halved[i] ? Math.min(first + 1, shape[i] - 1) : first) * strides[i];
    }
    for (let y = 0; y < outHeight; y++) {
      const low = 2 * y * width;
      const at = (plane * outHeight + y) * outWidth;
      if (mean === undefined) {
        for (let x = 0; x < outWidth; x++) out[at + x] = data[near + low + 2 * x];
      } else {
        const high = Math.min(2 * y + 1, height - 1) * width;
        const rows = near === far ? [near + low, near + high] : [near + low, near + high, far + low, far + high];
        mean(data, rows, width, out, at, outWidth);
      }
    }
  }
  return out;
}

/** Averages pairs of pixels along rows that begin at `rows`. */
type RowMean = (
  data: Storage[DType],
  rows: readonly number[],
  width: number,
  out: Storage[DType],
  at: number,
  outWidth: number,
) => void;

function meanOf(dtype: DType): RowMean {
  if (dtype === 'float16') return float16Mean;
  if (dtype === 'int64' || dtype === 'uint64') return bigMean;
  return dtype.startsWith('float') ? floatMean : integerMean;
}

const integerMean: RowMean = (data, rows, width, out, at, outWidth) => {
  const [values, target] = [data as Int32Array, out as Int32Array];
  const count = 2 * rows.length;
  const [a, b] = rows;
  for (let x = 0; x < outWidth; x++) {
    const first = 2 * x;
    const second = first + 1 < width ? first + 1 : first;
    let sum = values[a + first] + values[a + second] + values[b + first] + values[b + second];
    for (let r = 2; r < rows.length; r++) sum += values[rows[r] + first] + values[rows[r] + second];
    target[at + x] = Math.floor(sum / count + 0.5);
  }
};

const floatMean: RowMean = (data, rows, width, out, at, outWidth) => {
  const [values, target] = [data as Float64Array, out as Float64Array];
  for (let x = 0; x < outWidth; x++) {
    const first = 2 * x;
    const second = first + 1 < width ? first + 1 : first;
    let sum = 0;
    for (const row of rows) sum += values[row + first] + values[row + second];
    target[at + x] = sum / (2 * rows.length);
  }
};

const float16Mean: RowMean = (data, rows, width, out, at, outWidth) => {
  for (let x = 0; x < outWidth; x++) {
    const first = 2 * x;
    const second = first + 1 < width ? first + 1 : first;
    let sum = 0;
    for (const row of rows) {
      sum += float16ToNumber(Number(data[row + first])) + float16ToNumber(Number(data[row + second]));
    }
    out[at + x] = numberToFloat16(sum / (2 * rows.length));
  }
};

const bigMean: RowMean = (data, rows, width, out, at, outWidth) => {
  const [values, target] = [data as BigInt64Array, out as BigInt64Array];
  const count = BigInt(2 * rows.length);
  const half = count / 2n;
  for (let x = 0; x < outWidth; x++) {
    const first = 2 * x;
    const second = first + 1 < width ? first + 1 : first;
    let sum = half;
    for (const row of rows) sum += values[row + first] + values[row + second];
    // Division of big integers truncates towards zero.
    target[at + x] = sum >= 0n ? sum / count : (sum - count + 1n) / count;
  }
};
