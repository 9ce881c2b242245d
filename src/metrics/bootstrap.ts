/** The uncertainty of a mean over images with respect to other images of the same kind: the bootstrap. */
import { quantile } from '../array/quantile.ts';
import type { Random } from '../array/random.ts';
import { normalCdf, normalQuantile } from './normal-distribution.ts';

/** An estimate with its confidence interval. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Means of each column over images sampled with replacement, `resamples` times, with the same samples for all columns,
 * so that differences between columns are paired by image.
 * @param columns of equal length, one number per image
 */
export function bootstrapMeans(
  columns: readonly ArrayLike<number>[],
  random: Random,
  { resamples = 10_000 }: { readonly resamples?: number } = {},
): readonly Float64Array[] {
  const images = columns[0]?.length ?? 0;
  const means = columns.map(() => new Float64Array(resamples));
  const sums = new Float64Array(columns.length);
  for (let r = 0; r < resamples; r++) {
    sums.fill(0);
    for (let i = 0; i < images; i++) {
      const image = random.integer(images);
      for (let c = 0; c < columns.length; c++) {
        sums[c] = sums[c] + columns[c][image];
      }
    }
    for (let c = 0; c < columns.length; c++) (means[c] as Float64Array)[r] = sums[c] / images;
  }
  return means;
}

/**
 * The interval of a mean from its bootstrap distribution, bias-corrected and accelerated (BCa; Efron 1987, as SciPy):
 *
 *     a_1,2 = Phi(z0 + (z0 + z) / (1 - a (z0 + z))),  z = Phi^-1((1 -+ level) / 2)
 *
 * where z0 follows from the fraction of resampled means below the mean, and a from the skewness of the values. Equal
 * values, or a single one, result in an interval of zero width, which is meaningless.
 * @param values one number per image
 * @param means their resampled means
 */
export function meanInterval(
  values: ArrayLike<number>,
  means: Float64Array,
  { level = 0.95 }: { readonly level?: number } = {},
): Interval {
  const n = values.length;
  let value = 0;
  for (let i = 0; i < n; i++) value += values[i] / n;
  const sorted = means.toSorted();
  // Samples of the same images in a different order have the same mean.
  const same = 1e-12 * Math.max(1e-12, Math.abs(value));
  let below = 0;
  for (const mean of sorted) below += mean < value - same ? 1 : mean <= value + same ? 0.5 : 0;
  let squares = 0;
  let cubes = 0;
  for (let i = 0; i < n; i++) {
    // The mean without image i deviates to the other side.
    const u = values[i] - value;
    squares += u * u;
    cubes += u * u * u;
  }
  if (squares <= n * same * same) return { value, low: value, high: value };
  const bias = normalQuantile(below / sorted.length);
  const acceleration = cubes / (6 * squares ** 1.5);
  const bound = (fraction: number): number => {
    const z = bias + normalQuantile(fraction);
    return quantile(sorted, normalCdf(bias + z / (1 - acceleration * z)));
  };
  return { value, low: bound((1 - level) / 2), high: bound((1 + level) / 2) };
}
