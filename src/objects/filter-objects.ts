/** Filters the objects of a label map by size, by the mean of a map over them, and by whether they touch the border. */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { eachBorderPixel, extentsOf, type IntegerArray, requireSameShape } from './grid.ts';
import { type Relabelled, relabelConsecutive } from './relabel.ts';

export interface FilterObjectsOptions {
  /** Smaller objects are removed, in pixels; default 0. */
  readonly minSize?: number;
  /** Larger objects are removed, in pixels; default: none. */
  readonly maxSize?: number;
  /** Objects over which the map `of`, which has the labels' shape, has a smaller mean are removed; default: none. */
  readonly minMean?: { readonly of: NdArray<'float32' | 'uint8' | 'uint16'>; readonly value: number };
  /**
   * `clear`: removes objects with a pixel on the border of the grid (in 3D on any of its six faces). Default `keep`.
   */
  readonly border?: 'keep' | 'clear';
}

/** What decides whether an object stays. */
export interface ObjectTotals {
  /** In pixels. */
  readonly size: number;
  /** Of the map over the object. */
  readonly sum: number;
  readonly atBorder: boolean;
}

/** Whether an object stays. @param limits as `FilterObjectsOptions`, except for the mean of the map that has been summed */
export const isKept = (
  { size, sum, atBorder }: ObjectTotals,
  {
    minSize = 0,
    maxSize = Number.POSITIVE_INFINITY,
    minMean = Number.NEGATIVE_INFINITY,
    border = 'keep',
  }: Omit<FilterObjectsOptions, 'minMean'> & { readonly minMean?: number },
): boolean => size >= minSize && size <= maxSize && !(sum < minMean * size) && !(border === 'clear' && atBorder);

/** The remaining objects, renumbered. */
export type FilteredObjects = Relabelled;

/**
 * Removes objects from a label map. All pixels with the same label are one object, connected or not.
 * @param array [h, w] or [d, h, w]; 0 = background
 * @throws UsageError if a label is negative, or the map has another shape.
 */
export function filterObjects(
  array: IntegerArray,
  { minSize = 0, maxSize = Number.POSITIVE_INFINITY, border = 'keep', minMean }: FilterObjectsOptions = {},
): FilteredObjects {
  const extents = extentsOf(array.shape);
  const { labels, count, values } = relabelConsecutive(array);
  const data = labels.data;
  const sizes = new Float64Array(count + 1);
  for (let i = 0; i < data.length; i++) sizes[data[i]]++;
  const sums = new Float64Array(count + 1);
  if (minMean !== undefined) {
    const { of } = minMean;
    requireSameShape(array, of, ['the labels', 'the map']);
    for (let i = 0; i < data.length; i++) {
      const label = data[i];
      sums[label] = sums[label] + of.data[i];
    }
  }
  const atBorder = new Uint8Array(count + 1);
  if (border === 'clear') {
    eachBorderPixel(extents, (pixel) => {
      atBorder[data[pixel]] = 1;
    });
  }
  const limits = { minSize, maxSize, border, minMean: minMean?.value };
  const stays = (label: number): boolean =>
    isKept({ size: sizes[label], sum: sums[label], atBorder: atBorder[label] === 1 }, limits);
  const numbers = new Int32Array(count + 1);
  const kept = [0];
  for (let label = 1; label <= count; label++) {
    if (!stays(label)) continue;
    numbers[label] = kept.length;
    kept.push(values[label]);
  }
  for (let i = 0; i < data.length; i++) data[i] = numbers[data[i]];
  return { labels: ndarray('int32', array.shape, data), count: kept.length - 1, values: kept };
}
