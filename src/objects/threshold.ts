/** Thresholds: from values to masks. */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import type { ScalarArray } from './level-order.ts';

/** 1 where the value is *greater than* the threshold, else 0 (also for NaN). */
export function aboveThreshold(image: ScalarArray, threshold: number): NdArray<'uint8'> {
  const data = image.data;
  const mask = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) mask[i] = data[i] > threshold ? 1 : 0;
  return ndarray('uint8', image.shape, mask);
}

export interface OtsuOptions {
  /** For non-integer images, or more than 65,536 distinct values; default 256. */
  readonly bins?: number;
  /** How often each value of the image occurs, for an image that is given as its histogram; default once. */
  readonly counts?: ArrayLike<number>;
}

/**
 * Otsu's threshold (1979): the value that divides the histogram into two classes, v <= t and v > t, with maximal
 * between-class variance, w1 w2 (m1 - m2)^2; the smallest in case of a tie.
 *
 * Integers have one bin per value, floats `bins` equal ones between minimum and maximum (thresholds are bin centres, as
 * in `skimage.filters.threshold_otsu`). NaN is ignored. For a constant image: that value. NaN for an empty image.
 * @throws UsageError for infinite values.
 */
export function otsuThreshold(image: ScalarArray, { bins = 256, counts }: OtsuOptions = {}): number {
  const data = counts === undefined ? image.data : image.data.filter((_, i) => counts[i] > 0);
  const weights = counts && Array.from(counts).filter((count) => count > 0);
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  if (least > greatest) return Number.NaN;
  if (least === greatest) return least;
  if (!Number.isFinite(greatest - least)) {
    throw new UsageError('The image contains infinite values.', { remedy: 'Clip them first.' });
  }
  const wholeNumbers = !(data instanceof Float32Array || data instanceof Float64Array) && greatest - least < 65536;
  return wholeNumbers
    ? bestDivision(countValues(data, least, greatest, weights), (bin) => least + bin)
    : bestDivision(
        countBins(data, least, greatest, bins, weights),
        (bin) => least + ((greatest - least) * (bin + 0.5)) / bins,
      );
}

type Weights = readonly number[] | undefined;

function countValues(data: ScalarArray['data'], least: number, greatest: number, weights: Weights): Float64Array {
  const counts = new Float64Array(greatest - least + 1);
  for (let i = 0; i < data.length; i++) {
    const bin = data[i] - least;
    counts[bin] = counts[bin] + (weights === undefined ? 1 : weights[i]);
  }
  return counts;
}

/** As numpy.histogram: a value on an edge belongs to the bin above, the maximum to the last bin. */
function countBins(
  data: ScalarArray['data'],
  least: number,
  greatest: number,
  bins: number,
  weights: Weights,
): Float64Array {
  const counts = new Float64Array(bins);
  const edges = Float64Array.from({ length: bins + 1 }, (_, bin) =>
    bin === bins ? greatest : least + bin * ((greatest - least) / bins),
  );
  const scale = bins / (greatest - least);
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    const place = (value - least) * scale;
    let bin = place | 0;
    const beyond = place - bin;
    // Near an edge, rounding may have moved the value across it. Comparisons with NaN are false.
    if (!(beyond > 1e-6 && beyond < 1 - 1e-6)) {
      if (Number.isNaN(value)) continue;
      bin = Math.min(bin, bins - 1);
      if (value < edges[bin]) bin--;
      else if (bin < bins - 1 && value >= edges[bin + 1]) bin++;
    }
    counts[bin] = counts[bin] + (weights === undefined ? 1 : weights[i]);
  }
  return counts;
}

function bestDivision(counts: Float64Array, centre: (bin: number) => number): number {
  let total = 0;
  let totalSum = 0;
  // Bins count from 0 here, so values far from 0, such as HU, lose no precision.
  for (let bin = 0; bin < counts.length; bin++) {
    total += counts[bin];
    totalSum += counts[bin] * bin;
  }
  let best = 0;
  let greatest = -1;
  let lower = 0;
  let lowerSum = 0;
  for (let bin = 0; bin < counts.length - 1; bin++) {
    lower += counts[bin];
    lowerSum += counts[bin] * bin;
    const upper = total - lower;
    if (lower === 0 || upper === 0) continue;
    const difference = lowerSum / lower - (totalSum - lowerSum) / upper;
    const between = lower * upper * difference * difference;
    if (between > greatest) {
      greatest = between;
      best = bin;
    }
  }
  return centre(best);
}
