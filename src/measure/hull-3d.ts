/** Convex hulls of 3D objects: solidity and Feret's largest diameter. */

import { ConvexPolyhedron } from './convex-polyhedron.ts';
import { type HullMeasures, hullOf } from './hull.ts';
import type { Regions, RowReach } from './regions.ts';

/**
 * As `hullsOf`, in 3D: the hull goes through the middles of the voxels' faces, its voxels are those with their centre in
 * it or on it, and the largest diameter is that of the middles of those voxels' faces. scikit-image finds no hull of
 * objects that lie in one plane; here they have one.
 */
export function hulls3dOf(
  { count, box }: Regions,
  reach: RowReach,
  spacing: readonly [number, number, number],
): HullMeasures {
  const hullPixels = new Float64Array(count + 1);
  const feretMax = new Float64Array(count + 1);
  for (let label = 1; label <= count; label++) {
    const from = reach.starts[label] as number;
    const to = reach.starts[label + 1] as number;
    const x0 = box.first.x[label] as number;
    const least = reach.least.subarray(from, to).map((x) => x - x0);
    const greatest = reach.greatest.subarray(from, to).map((x) => x - x0);
    const planes = (box.last.z[label] as number) - (box.first.z[label] as number) + 1;
    hullPixels[label] = fill(polyhedronOf(least, greatest, planes), least, greatest, planes);
    feretMax[label] = largestDistance(polyhedronOf(least, greatest, planes), spacing);
  }
  return { hullPixels, feretMax };
}

/** In half voxels. Of each plane only the corners of its own hull are looked at. */
function polyhedronOf(least: Int32Array, greatest: Int32Array, planes: number): ConvexPolyhedron {
  const rows = least.length / planes;
  const voxels: [number, number, number][] = [];
  for (let z = 0; z < planes; z++) {
    const { left, right } = hullOf(
      least.subarray(z * rows, (z + 1) * rows),
      greatest.subarray(z * rows, (z + 1) * rows),
      'centres',
    );
    for (const { y: ys, x: xs } of [left, right])
      for (const [k, y] of ys.entries()) voxels.push([2 * z, y, xs[k] as number]);
  }
  return new ConvexPolyhedron(voxels);
}

/** Counts the voxels with their centre inside, and leaves the first and last of each row in the arrays. */
function fill(polyhedron: ConvexPolyhedron, least: Int32Array, greatest: Int32Array, planes: number): number {
  const rows = least.length / planes;
  const width = greatest.reduce((a, b) => Math.max(a, b)) + 1;
  const faces = polyhedron.faces();
  let voxels = 0;
  for (let z = 0, row = 0; z < planes; z++) {
    for (let y = 0; y < rows; y++, row++) {
      let first = 0;
      let last = width - 1;
      for (const { nz, ny, nx, offset } of faces) {
        const room = offset - nz * 2 * z - ny * 2 * y;
        if (nx > 0) last = Math.min(last, Math.floor(room / (2 * nx)));
        else if (nx < 0) first = Math.max(first, Math.ceil(room / (2 * nx)));
        else if (room < 0) last = -1;
      }
      least[row] = first;
      greatest[row] = last;
      voxels += Math.max(0, last - first + 1);
    }
  }
  return voxels;
}

function largestDistance(polyhedron: ConvexPolyhedron, [sz, sy, sx]: readonly [number, number, number]): number {
  const corners = polyhedron.corners().map(([z, y, x]) => [(z * sz) / 2, (y * sy) / 2, (x * sx) / 2] as const);
  let largest = 0;
  for (const [i, [az, ay, ax]] of corners.entries()) {
    for (let j = i + 1; j < corners.length; j++) {
      const [bz, by, bx] = corners[j] as readonly [number, number, number];
      largest = Math.max(largest, (az - bz) ** 2 + (ay - by) ** 2 + (ax - bx) ** 2);
    }
  }
  return Math.sqrt(largest);
}
