/** Statistics of the image values in each object. */

import type { DType, NdArray, Storage } from '../array/ndarray.ts';
import { quantile } from '../array/quantile.ts';
import { UsageError } from '../errors.ts';

export type NumberDType = Exclude<DType, 'int64' | 'uint64' | 'float16'>;

export interface IntensityMeasures {
  readonly mean: Float64Array;
  /** Standard deviation of the object's values, divided by n, not n - 1. */
  readonly sd: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly sum: Float64Array;
  /** One array per requested percentile. */
  readonly percentiles: readonly Float64Array[];
}

/**
 * @param labels values 0..count
 * @param values of the same length as labels; NaN is ignored (`numpy.nanmean` etc.), and an object without any other
 * value has NaN, also as its sum; infinite values are included, so mean and sum are then infinite and the deviation is
 * NaN
 * @param pixels of each label
 */
export function intensitiesOf(
  labels: Int32Array,
  values: Storage[NumberDType],
  pixels: Float64Array,
  percentiles: readonly number[],
): IntensityMeasures {
  const count = pixels.length - 1;
  const starts = new Float64Array(count + 2);
  for (let label = 1; label <= count; label++) {
    starts[label + 1] = starts[label] + pixels[label];
  }
  // The values grouped by object.
  const grouped = new (values.constructor as new (length: number) => Storage[NumberDType])(starts[count + 1]);
  const ends = starts.slice();
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i];
    if (label === 0) continue;
    const value = values[i];
    if (Number.isNaN(value)) continue;
    const place = ends[label];
    grouped[place] = value;
    ends[label] = place + 1;
  }
  const column = (): Float64Array => new Float64Array(count + 1).fill(Number.NaN);
  const result = {
    mean: column(),
    sd: column(),
    min: column(),
    max: column(),
    sum: column(),
    percentiles: percentiles.map(column),
  };
  for (let label = 1; label <= count; label++) {
    const own = grouped.subarray(starts[label], ends[label]);
    const n = own.length;
    if (n === 0) continue;
    own.sort();
    let sum = 0;
    for (let k = 0; k < n; k++) sum += own[k];
    const mean = sum / n;
    let squares = 0;
    for (let k = 0; k < n; k++) {
      const deviation = own[k] - mean;
      squares += deviation * deviation;
    }
    result.sum[label] = sum;
    result.mean[label] = mean;
    result.sd[label] = Math.sqrt(squares / n);
    result.min[label] = own[0];
    result.max[label] = own[n - 1];
    for (const [k, p] of percentiles.entries()) result.percentiles[k][label] = quantile(own, p / 100);
  }
  return result;
}

/** @throws UsageError for a dtype whose elements are not plain numbers. */
export function requireNumbers(image: NdArray): asserts image is NdArray<NumberDType> {
  if (image.dtype === 'int64' || image.dtype === 'uint64' || image.dtype === 'float16') {
    throw new UsageError(`The image has the type ${image.dtype}, which cannot be measured.`, {
      remedy: 'Convert it to float32 or float64.',
    });
  }
}
