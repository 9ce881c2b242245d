/** Which objects are unlike the others. */

import { median } from '../array/quantile.ts';

/** Makes the median of absolute deviations the standard deviation of a normal distribution. */
const MAD_TO_STD = 1.4826;

/**
 * How far each object lies from the median of all in the space of its measurements:
 *
 *     d_i = sqrt(mean_k ((x_ik - median_k) / s_k)^2),   s_k = 1.4826 median_i |x_ik - median_k|
 *
 * so about 1 for an ordinary object. A measurement whose spread s_k is 0 takes no part, nor does a missing value (NaN).
 * @param measurements one array per measurement, one value per object; take the logarithm of sizes
 */
export function unusualness(measurements: readonly ArrayLike<number>[]): Float64Array {
  const count = measurements[0]?.length ?? 0;
  const sums = new Float64Array(count);
  const terms = new Float64Array(count);
  for (const values of measurements) {
    const middle = median(values);
    const spread = MAD_TO_STD * median(Array.from(values, (value) => Math.abs(value - middle)));
    if (!(spread > 0)) continue;
    for (let i = 0; i < count; i++) {
      const off = ((values[i] as number) - middle) / spread;
      if (Number.isNaN(off)) continue;
      sums[i] = (sums[i] as number) + off * off;
      terms[i] = (terms[i] as number) + 1;
    }
  }
  return sums.map((sum, i) => ((terms[i] as number) === 0 ? 0 : Math.sqrt(sum / (terms[i] as number))));
}
