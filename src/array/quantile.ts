/**
 * The value below which a share `q` (0..1) of ascending values lies, between neighbours on a straight line: NumPy's
 * default, `numpy.quantile(values, q)` (method `linear`; Hyndman and Fan 1996, definition 7), to the bit where values are
 * finite. The median of an even count is the mean of the two in the middle. NaN of no values. Infinite values are values,
 * as in `numpy.median`: the median of 1, 2, Infinity is 2, of 1 and Infinity it is Infinity.
 *
 * Definitions that differ on purpose: weighted percentiles of lungs (`measure/lungs.ts`), the weighted robust Hausdorff
 * distance (`hausdorffSurfaceDistance`), and limits of a display window, which are values of pixels.
 */
export function quantile(ascending: ArrayLike<number>, q: number): number {
  const last = ascending.length - 1;
  if (last < 0) return Number.NaN;
  const place = last * q;
  const below = Math.floor(place);
  const low = ascending[below];
  const high = ascending[Math.min(below + 1, last)];
  const t = place - below;
  if (t === 0 || low === high) return low;
  const step = high - low;
  if (step === Number.POSITIVE_INFINITY) return low * (1 - t) + high * t;
  return t < 0.5 ? low + step * t : high - step * (1 - t);
}

/**
 * The median of values in any order, of an even count the mean of the two in the middle (`numpy.nanmedian`): NaN takes no
 * part, and of no values it is NaN.
 */
export function median(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values)
    .filter((value) => !Number.isNaN(value))
    .sort();
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
