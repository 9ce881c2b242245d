/**
 * The quantile `q` (0..1) of ascending values, linearly interpolated between neighbours: NumPy's default,
 * `numpy.quantile(values, q)` (method `linear`; Hyndman and Fan 1996, definition 7), bit-identical for finite values.
 * The median of an even count is the mean of the middle two. NaN for no values. Infinite values are treated as in
 * `numpy.median`: the median of 1, 2, Infinity is 2, that of 1 and Infinity is Infinity.
 *
 * Definitions that differ deliberately: weighted percentiles of lungs (`measure/lungs.ts`), the weighted robust
 * Hausdorff distance (`hausdorffSurfaceDistance`), the limits of a display window, which are pixel values, and the usual
 * distance of slices (`usualGap`), which is one of theirs.
 */
export const quantile = (ascending: ArrayLike<number>, q: number): number =>
  quantileOf(ascending.length, (place) => ascending[place], q);

/** `quantile` of values that are not an array. @param at the value at a place of the ascending order */
export function quantileOf(count: number, at: (place: number) => number, q: number): number {
  const last = count - 1;
  if (last < 0) return Number.NaN;
  const place = last * q;
  const below = Math.floor(place);
  const low = at(below);
  const high = at(Math.min(below + 1, last));
  const t = place - below;
  if (t === 0 || low === high) return low;
  const step = high - low;
  if (step === Number.POSITIVE_INFINITY) return low * (1 - t) + high * t;
  return t < 0.5 ? low + step * t : high - step * (1 - t);
}

/**
 * The median of values in any order, for an even count the mean of the middle two (`numpy.nanmedian`): NaN is ignored;
 * NaN for no values.
 */
export function median(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values)
    .filter((value) => !Number.isNaN(value))
    .sort();
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
