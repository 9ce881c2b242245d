/** Convex hulls of 3D objects: solidity and maximum Feret diameter. */

import { ConvexPolyhedron } from './convex-polyhedron.ts';
import { type HullMeasures, hullOf } from './hull.ts';
import type { ObjectRows } from './object-rows.ts';

/**
 * As `hullOf2d`, in 3D: the hull passes through the centres of the voxels' faces, its voxels are those with their centre
 * in or on it, and the maximum diameter is measured between the face centres of those voxels. scikit-image finds no
 * hull for planar objects; here they have one.
 * @param rows changed
 */
export function hullOf3d(rows: ObjectRows, spacing: readonly [number, number, number]): HullMeasures {
  const { least, greatest, planes } = rows;
  const pixels = fill(polyhedronOf(least, greatest, planes), least, greatest, planes);
  return { pixels, feretMax: largestDistance(polyhedronOf(least, greatest, planes), spacing) };
}

/** In half voxels. Only the corners of each plane's own hull are used. */
function polyhedronOf(least: Int32Array, greatest: Int32Array, planes: number): ConvexPolyhedron {
  const rows = least.length / planes;
  const voxels: [number, number, number][] = [];
  for (let z = 0; z < planes; z++) {
    const { left, right } = hullOf(
      least.subarray(z * rows, (z + 1) * rows),
      greatest.subarray(z * rows, (z + 1) * rows),
      'centres',
    );
    for (const { y: ys, x: xs } of [left, right]) for (const [k, y] of ys.entries()) voxels.push([2 * z, y, xs[k]]);
  }
  return new ConvexPolyhedron(voxels);
}

/**
 * Counts the voxels with their centre inside, and stores the first and last of each row in the arrays. A row along x
 * crosses the faces whose projection contains its point: each bounds only those rows.
 */
function fill(polyhedron: ConvexPolyhedron, least: Int32Array, greatest: Int32Array, planes: number): number {
  const rows = least.length / planes;
  // Rows outside the polyhedron are empty.
  const width = greatest.reduce((a, b) => Math.max(a, b)) + 1;
  least.fill(width);
  greatest.fill(-1);
  for (const { nz, ny, nx, offset, corners } of polyhedron.faces()) {
    // Seen along the row it is a line, which its neighbours also cover.
    if (nx === 0) continue;
    const [a, b, c] = corners;
    const [[az, ay], [bz, by], [cz, cy]] = [polyhedron.point(a), polyhedron.point(b), polyhedron.point(c)];
    const turn = Math.sign((bz - az) * (cy - ay) - (by - ay) * (cz - az));
    const lastPlane = Math.min(planes - 1, Math.floor(Math.max(az, bz, cz) / 2));
    const lastRow = Math.min(rows - 1, Math.floor(Math.max(ay, by, cy) / 2));
    for (let plane = Math.max(0, Math.ceil(Math.min(az, bz, cz) / 2)); plane <= lastPlane; plane++) {
      const z = 2 * plane;
      for (let row = Math.max(0, Math.ceil(Math.min(ay, by, cy) / 2)); row <= lastRow; row++) {
        const y = 2 * row;
        if (
          turn * ((bz - az) * (y - ay) - (by - ay) * (z - az)) < 0 ||
          turn * ((cz - bz) * (y - by) - (cy - by) * (z - bz)) < 0 ||
          turn * ((az - cz) * (y - cy) - (ay - cy) * (z - cz)) < 0
        )
          continue;
        const at = plane * rows + row;
        const bound = (offset - nz * z - ny * y) / (2 * nx);
        if (nx > 0) greatest[at] = Math.min(width - 1, Math.floor(bound));
        else least[at] = Math.max(0, Math.ceil(bound));
      }
    }
  }
  let voxels = 0;
  for (let row = 0; row < least.length; row++) {
    voxels += Math.max(0, greatest[row] - least[row] + 1);
  }
  return voxels;
}

function largestDistance(polyhedron: ConvexPolyhedron, [sz, sy, sx]: readonly [number, number, number]): number {
  const corners = polyhedron.corners().map(([z, y, x]) => [(z * sz) / 2, (y * sy) / 2, (x * sx) / 2] as const);
  let largest = 0;
  for (const [i, [az, ay, ax]] of corners.entries()) {
    for (let j = i + 1; j < corners.length; j++) {
      const [bz, by, bx] = corners[j];
      largest = Math.max(largest, (az - bz) ** 2 + (ay - by) ** 2 + (ax - bx) ** 2);
    }
  }
  return Math.sqrt(largest);
}
