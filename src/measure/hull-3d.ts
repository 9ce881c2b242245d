/** Convex hulls of 3D objects: solidity and Feret's largest diameter. */

import type { HullMeasures } from './hull.ts';
import type { Regions, RowReach } from './regions.ts';

export function hulls3dOf(
  regions: Regions,
  _reach: RowReach,
  _spacing: readonly [number, number, number],
): HullMeasures {
  const column = (): Float64Array => new Float64Array(regions.count + 1).fill(Number.NaN);
  return { hullPixels: column(), feretMax: column() };
}
