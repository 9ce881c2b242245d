/** How well stars describe objects: whether they are star-convex, and rays not too few for their tips. */

import type { IntegerArray } from '../grid.ts';
import { relabelConsecutive } from '../relabel.ts';
import { eachRunIn, starOutline } from './star-objects.ts';
import { starDistancesAt, starProbability } from './star-targets.ts';

/**
 * IoU of each object with the star from its deepest pixel, the first of equally deep ones: with what is left of the object
 * if its network were perfect.
 * @param labels [h, w]; 0 = background. Pixels of one value are one object.
 * @param rays default 32
 * @returns 0..1, by object in the order of values
 * @throws UsageError for another number of axes, or a negative label.
 */
export function starFits(labels: IntegerArray, rays?: number): Float64Array {
  const depth = starProbability(labels).data;
  const { labels: numbered, count } = relabelConsecutive(labels);
  const [height, width] = numbered.shape as readonly [number, number];
  const sizes = new Float64Array(count + 1);
  const deepest = new Int32Array(count + 1).fill(-1);
  for (let p = 0; p < depth.length; p++) {
    const own = numbered.data[p];
    sizes[own]++;
    if (own > 0 && (deepest[own] < 0 || depth[p] > depth[deepest[own]])) deepest[own] = p;
  }
  return Float64Array.from({ length: count }, (_, i) => {
    const own = i + 1;
    const [y, x] = [Math.floor(deepest[own] / width), deepest[own] % width];
    let [area, shared] = [0, 0];
    eachRunIn(starOutline(y, x, starDistancesAt(numbered, y, x, rays)), [height, width], (row, from, to) => {
      area += to - from;
      for (let p = row * width + from; p < row * width + to; p++) if (numbered.data[p] === own) shared++;
    });
    return shared / (sizes[own] + area - shared);
  });
}
