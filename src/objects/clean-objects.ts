/** Objects whose holes are filled, without those that are removed. */

import { fillHoles } from './fill-holes.ts';
import { type FilteredObjects, type FilterObjectsOptions, filterObjects } from './filter-objects.ts';
import type { IntegerArray } from './grid.ts';

export interface CleanObjectsOptions extends FilterObjectsOptions {
  /** Whether to fill background enclosed by a single object. Default true. */
  readonly fillHoles?: boolean;
}

/**
 * Fills the holes of objects, removes objects, and fills the holes in which nothing but removed objects lay. What decides
 * whether an object stays is its size, mean and place after the first filling.
 * @param array [h, w] or [d, h, w]; 0 = background
 * @throws UsageError as `filterObjects`
 */
export function cleanObjects(
  array: IntegerArray,
  { fillHoles: fill = true, ...limits }: CleanObjectsOptions = {},
): FilteredObjects {
  if (!fill) return filterObjects(array, limits);
  const filled = fillHoles(array);
  const kept = filterObjects(filled, limits);
  const isRemoved = (label: number, i: number): boolean => label === 0 && filled.data[i] !== 0;
  return kept.labels.data.some(isRemoved) ? { ...kept, labels: fillHoles(kept.labels) } : kept;
}
