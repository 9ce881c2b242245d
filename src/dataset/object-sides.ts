/** How long numbered objects are. */

import { quantile } from '../array/quantile.ts';
import { labelGrid } from '../objects/grid.ts';
import { boxesOf } from '../objects/label-boxes.ts';
import { relabelConsecutive } from '../objects/relabel.ts';

interface NumberedPage {
  readonly height: number;
  readonly width: number;
  /** Number of the object at each pixel [height, width], 0 for none. */
  readonly objects: Int32Array;
}

/** The longer side of the box around each object, pixels, ascending over all pages. */
export function objectSides(pages: Iterable<NumberedPage>): Float64Array {
  const sides: number[] = [];
  for (const { objects, height, width } of pages) {
    const { labels, count } = relabelConsecutive(labelGrid(objects, [height, width]));
    for (const { top, left, bottom, right } of boxesOf(labels, count)) sides.push(Math.max(bottom - top, right - left));
  }
  return Float64Array.from(sides).sort();
}

/** Fewer of the objects that are longer than what a network sees are not worth a word. */
const MOST_LONGER = 0.1;

/**
 * Whether a patch shows the objects whole, as a printed line; none where it shows nearly all so.
 * @param sides of the objects in pixels, ascending
 * @param patch [height, width]
 */
export function describeLongObjects(sides: Float64Array, patch: readonly [number, number]): readonly string[] {
  const seen = Math.min(...patch);
  const longer = sides.filter((side) => side > seen).length;
  if (longer <= MOST_LONGER * sides.length) return [];
  const typical = Math.round(quantile(sides, 0.5));
  return [
    `${longer.toLocaleString('en')} of ${sides.length.toLocaleString('en')} objects are longer than the patch of ${patch[1]} x ${patch[0]} pixels (half of all are at least ${typical} long), so none of these is seen whole: use larger patches or smaller images`,
  ];
}
