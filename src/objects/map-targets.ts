/** What a network of stars or flows learns, from a label map. */

import { float32, type NdArray } from '../array/ndarray.ts';
import { labelFlows } from './flows/flow-targets.ts';
import type { IntegerArray } from './grid.ts';
import type { ObjectMaps } from './object-maps.ts';
import { starDistances, starProbability } from './stars/star-targets.ts';

/**
 * Stars: `starProbability`, then `starDistances` in pixels. Flows: `labelFlows` along y and x, unit vectors, then 1 in
 * objects and 0 elsewhere.
 * @param labels [h, w]; 0 = background
 * @returns [channels, h, w]
 * @throws UsageError as these functions
 */
export function mapTargets(labels: IntegerArray, maps: ObjectMaps): NdArray<'float32'> {
  const [height, width] = labels.shape as readonly [number, number];
  const plane = height * width;
  if (maps.by === 'stars') {
    const { rays } = maps;
    const targets = float32([1 + rays, height, width]);
    targets.data.set(starProbability(labels).data);
    targets.data.set(starDistances(labels, { rays }).data, plane);
    return targets;
  }
  const targets = float32([3, height, width]);
  targets.data.set(labelFlows(labels).data);
  for (let p = 0; p < plane; p++) targets.data[2 * plane + p] = labels.data[p] === 0 ? 0 : 1;
  return targets;
}
