/** Convex hulls of 2D objects, from the first and last pixel of each row: solidity and Feret diameters. */

import type { ObjectRows } from './object-rows.ts';

export interface HullMeasures {
  /** Number of pixels whose centres are in the convex hull or on its edge. */
  readonly pixels: number;
  readonly feretMax: number;
  /** 2D only. */
  readonly feretMin?: number;
}

/**
 * Convex area and maximum Feret diameter as in `skimage.measure.regionprops`: the hull passes through the midpoints of
 * the pixels' edges, its pixels are those with their centre in it, and the maximum diameter is measured between the
 * edge midpoints of those pixels. The minimum diameter is the width of the narrowest slit that the object's pixels, as
 * rectangles, pass through: 1 for a single pixel, the shorter side for a rectangle.
 * @param rows changed
 */
export function hullOf2d({ least, greatest }: ObjectRows, [sy, sx]: readonly [number, number]): HullMeasures {
  const feretMin = smallestWidth(hullOf(least, greatest, 'corners'), sy / 2, sx / 2);
  const pixels = fillHull(hullOf(least, greatest, 'edge middles'), least, greatest);
  return { pixels, feretMax: largestDistance(hullOf(least, greatest, 'edge middles'), sy / 2, sx / 2), feretMin };
}

/** In half pixels, relative to the box's first pixel at (0, 0). Left and right chain from top to bottom. */
export interface Hull {
  readonly left: Chain;
  readonly right: Chain;
}

/** Vertices by strictly ascending y. */
interface Chain {
  readonly y: number[];
  readonly x: number[];
}

/** The hull of a 2D object, through the centres, the edge midpoints or the corners of its pixels. */
export function hullOf(least: Int32Array, greatest: Int32Array, through: 'centres' | 'edge middles' | 'corners'): Hull {
  const left: Chain = { y: [], x: [] };
  const right: Chain = { y: [], x: [] };
  const atCentres = through === 'corners' ? undefined : through === 'centres' ? 0 : 1;
  const between = through === 'centres' ? undefined : through === 'corners' ? 1 : 0;
  const rows = least.length;
  // Lines in half pixels: 2 row - 1 between rows, 2 row through their pixels' centres.
  for (let y = -1; y <= 2 * rows - 1; y++) {
    let lowest = Number.POSITIVE_INFINITY;
    let highest = Number.NEGATIVE_INFINITY;
    if (y % 2 === 0) {
      if (atCentres === undefined) continue;
      const row = y / 2;
      if (least[row] <= greatest[row]) {
        lowest = 2 * least[row] - atCentres;
        highest = 2 * greatest[row] + atCentres;
      }
    } else {
      if (between === undefined) continue;
      for (let row = (y - 1) / 2; row <= (y + 1) / 2; row++) {
        if (row < 0 || row >= rows || least[row] > greatest[row]) continue;
        lowest = Math.min(lowest, 2 * least[row] - between);
        highest = Math.max(highest, 2 * greatest[row] + between);
      }
    }
    if (lowest > highest) continue;
    append(left, y, lowest, 1);
    append(right, y, highest, -1);
  }
  return { left, right };
}

/** Adds a vertex below and removes those that become interior. `side` 1 = left chain, -1 = right chain. */
function append({ y: ys, x: xs }: Chain, y: number, x: number, side: 1 | -1): void {
  while (ys.length >= 2) {
    const k = ys.length - 1;
    const [y0, x0] = [ys[k - 1], xs[k - 1]];
    const [y1, x1] = [ys[k], xs[k]];
    // The middle one is kept if it lies outside the line from the one before to the new one.
    if (side * ((x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)) < 0) break;
    ys.pop();
    xs.pop();
  }
  ys.push(y);
  xs.push(x);
}

/** Counts the pixels with their centre in the hull, and stores the first and last of each row in the arrays. */
function fillHull({ left, right }: Hull, least: Int32Array, greatest: Int32Array): number {
  let pixels = 0;
  let l = 0;
  let r = 0;
  for (let row = 0; row < least.length; row++) {
    const y = 2 * row;
    while (left.y[l + 1] < y) l++;
    while (right.y[r + 1] < y) r++;
    const first = Math.ceil(halfOfCrossing(left, l, y));
    const last = Math.floor(halfOfCrossing(right, r, y));
    least[row] = first;
    greatest[row] = last;
    pixels += Math.max(0, last - first + 1);
  }
  return pixels;
}

/**
 * Where the edge from vertex k to the next crosses line y, in whole pixels: a single division, so that integers are
 * exact.
 */
function halfOfCrossing({ y: ys, x: xs }: Chain, k: number, y: number): number {
  const [y0, x0] = [ys[k], xs[k]];
  const rise = ys[k + 1] - y0;
  return (x0 * rise + (xs[k + 1] - x0) * (y - y0)) / (2 * rise);
}

/** Vertices around the hull, in physical units. */
function vertices({ left, right }: Hull, sy: number, sx: number): { y: number[]; x: number[] } {
  const y = [...left.y, ...right.y.toReversed()].map((value) => value * sy);
  const x = [...left.x, ...right.x.toReversed()].map((value) => value * sx);
  return { y, x };
}

function largestDistance(hull: Hull, sy: number, sx: number): number {
  const { y, x } = vertices(hull, sy, sx);
  let largest = 0;
  for (let i = 0; i < y.length; i++) {
    for (let j = i + 1; j < y.length; j++) {
      const dy = y[i] - y[j];
      const dx = x[i] - x[j];
      largest = Math.max(largest, dy * dy + dx * dx);
    }
  }
  return Math.sqrt(largest);
}

/** The minimum width is attained with an edge of the hull on one side of the slit (Freeman and Shapira 1975). */
function smallestWidth(hull: Hull, sy: number, sx: number): number {
  const { y, x } = vertices(hull, sy, sx);
  let smallest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < y.length; i++) {
    const next = (i + 1) % y.length;
    const ey = y[next] - y[i];
    const ex = x[next] - x[i];
    const length = Math.hypot(ey, ex);
    if (length === 0) continue;
    let width = 0;
    for (let j = 0; j < y.length; j++) {
      const distance = Math.abs(ex * (y[j] - y[i]) - ey * (x[j] - x[i]));
      width = Math.max(width, distance);
    }
    smallest = Math.min(smallest, width / length);
  }
  return smallest;
}
