/** The first and last pixel of an object in each row of its box: what its convex hull is made of. */

import type { PerAxis, Regions, RowReach } from './regions.ts';

export interface ObjectRows {
  /**
   * Of each row, plane by plane, relative to the box, so that products of coordinates stay small and exact; `least` >
   * `greatest` if the object has no pixel in it.
   */
  readonly least: Int32Array;
  readonly greatest: Int32Array;
  readonly planes: number;
}

/** Rows of the box of an object, without pixels. */
export function emptyRows({ box: { first, last } }: Regions, index: number): ObjectRows {
  const planes = last.z[index] - first.z[index] + 1;
  const rows = planes * (last.y[index] - first.y[index] + 1);
  const width = last.x[index] - first.x[index] + 1;
  return { least: new Int32Array(rows).fill(width), greatest: new Int32Array(rows).fill(-1), planes };
}

/** The rows of an object, as far as it lies in a block. */
export function rowsOf({ box }: Regions, { starts, least, greatest }: RowReach, label: number): ObjectRows {
  const x0 = box.first.x[label];
  const relative = (xs: Int32Array): Int32Array => xs.subarray(starts[label], starts[label + 1]).map((x) => x - x0);
  return {
    least: relative(least),
    greatest: relative(greatest),
    planes: box.last.z[label] - box.first.z[label] + 1,
  };
}

/** Adds the rows of a part of an object. @param steps from the first pixel of its box to that of the part's */
export function addRows(total: ObjectRows, part: ObjectRows, steps: PerAxis<number>): void {
  const { z: dz, y: dy, x: dx } = steps;
  const [rowsOfTotal, rowsOfPart] = [total.least.length / total.planes, part.least.length / part.planes];
  for (let z = 0; z < part.planes; z++) {
    for (let y = 0; y < rowsOfPart; y++) {
      const from = z * rowsOfPart + y;
      const to = (z + dz) * rowsOfTotal + y + dy;
      if (part.least[from] > part.greatest[from]) continue;
      total.least[to] = Math.min(total.least[to], part.least[from] + dx);
      total.greatest[to] = Math.max(total.greatest[to], part.greatest[from] + dx);
    }
  }
}
