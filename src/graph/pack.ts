/** Arrays from numbers, for constants. */

import { numberToFloat16 } from '../array/float16.ts';
import { allocate, type DType, type NdArray, ndarray } from '../array/ndarray.ts';

const LARGEST_INT64 = 2n ** 63n - 1n;

/** An array of the numbers, rounded to the dtype; int64 is clamped, since 2^63 - 1 means "to the end". */
export function pack(dtype: DType, shape: readonly number[], numbers: readonly number[]): NdArray {
  const data = allocate(dtype, numbers.length);
  numbers.forEach((n, i) => {
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
      const whole = Number.isFinite(n) ? BigInt(Math.trunc(n)) : LARGEST_INT64;
      data[i] = whole > LARGEST_INT64 ? LARGEST_INT64 : whole < -LARGEST_INT64 ? -LARGEST_INT64 : whole;
    } else {
      data[i] = dtype === 'bool' ? Number(n !== 0) : dtype === 'float16' ? numberToFloat16(n) : n;
    }
  });
  return ndarray(dtype, shape, data);
}
