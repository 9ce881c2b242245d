/**
 * Discs and the areas that they sweep, exactly: a pixel belongs to a stroke if its centre is at most the radius away
 * from the stroke's line.
 */

import { UsageError } from '../errors.ts';
import type { Size } from '../objects/fill-polygon.ts';

/** Half pixels from the upper left corner of the image, in which every centre of a disc is a whole number. */
export type HalfPixels = readonly [x: number, y: number];

/** One run per row from `top` on: columns from..to-1; none where `to` <= `from`. */
export interface RowRuns {
  readonly top: number;
  readonly from: Int32Array;
  readonly to: Int32Array;
}

export const LARGEST_DIAMETER = 4096;

/** Positions farther from the image are refused, so that all arithmetic is exact. */
export const FARTHEST_PX = 2 ** 22;

/** @throws UsageError unless it is a whole number of pixels from 1 to 4096 */
export function requireDiameter(diameter: number): void {
  if (Number.isInteger(diameter) && diameter >= 1 && diameter <= LARGEST_DIAMETER) return;
  throw new UsageError(`The brush has a diameter of ${diameter} pixels.`, {
    remedy: `Use a whole number from 1 to ${LARGEST_DIAMETER}.`,
  });
}

/**
 * The centre of the disc at a position: of odd diameter the centre of the pixel, of even diameter the nearest corner.
 * @param x in pixels from the left edge; pixel 0 is 0..1
 * @throws UsageError for a position that is not finite, or 4 million pixels away
 */
export function discCentre(x: number, y: number, diameter: number): HalfPixels {
  if (!(Math.abs(x) <= FARTHEST_PX && Math.abs(y) <= FARTHEST_PX)) {
    throw new UsageError(`The brush is at x ${x}, y ${y}.`, { remedy: 'Use a position in pixels, near the image.' });
  }
  return diameter % 2 === 1 ? [2 * Math.floor(x) + 1, 2 * Math.floor(y) + 1] : [2 * Math.round(x), 2 * Math.round(y)];
}

/** The largest whole number whose square is at most n. */
function squareRoot(n: bigint): number {
  let root = BigInt(Math.floor(Math.sqrt(Number(n))));
  while (root * root > n) root--;
  while ((root + 1n) * (root + 1n) <= n) root++;
  return Number(root);
}

/**
 * The pixels whose centres are within half a diameter of the segment from a to b: the union of the discs along it. The
 * area is convex, so that each row has one run, the union of those of both discs and of the rectangle between them.
 *
 * With d = b - a, and u, v from a to a pixel's centre, all in half pixels and so whole numbers, the rectangle is
 * |u dy - v dx| <= sqrt(D^2 |d|^2) and 0 <= u dx + v dy <= |d|^2.
 */
export function capsule(a: HalfPixels, b: HalfPixels, diameter: number, [height, width]: Size): RowRuns {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const length2 = dx * dx + dy * dy;
  const reach = squareRoot(BigInt(diameter * diameter) * BigInt(length2));
  const top = Math.max(0, Math.ceil((Math.min(a[1], b[1]) - diameter - 1) / 2));
  const bottom = Math.min(height, Math.floor((Math.max(a[1], b[1]) + diameter - 1) / 2) + 1);
  const rows = Math.max(0, bottom - top);
  const runs = { top, from: new Int32Array(rows), to: new Int32Array(rows) };
  for (let i = 0; i < rows; i++) {
    const y = 2 * (top + i) + 1;
    let [first, last] = [width, -1];
    /** Joins the pixels whose centres are at low..high, in half pixels. */
    const join = (low: number, high: number): void => {
      const [from, to] = [Math.ceil((low - 1) / 2), Math.floor((high - 1) / 2)];
      if (from > to) return;
      if (from < first) first = from;
      if (to > last) last = to;
    };
    for (const [cx, cy] of [a, b]) {
      const rest = diameter * diameter - (y - cy) * (y - cy);
      if (rest < 0) continue;
      const half = Math.floor(Math.sqrt(rest));
      join(cx - half, cx + half);
    }
    if (length2 > 0) {
      const v = y - a[1];
      const across = between(dy, v * dx - reach, v * dx + reach);
      const along = between(dx, -v * dy, length2 - v * dy);
      join(a[0] + Math.max(across[0], along[0]), a[0] + Math.min(across[1], along[1]));
    }
    runs.from[i] = Math.max(0, first);
    runs.to[i] = Math.min(width, last + 1);
  }
  return runs;
}

/** The least and the greatest whole u with low <= factor * u <= high; empty: the least is greater. */
function between(factor: number, low: number, high: number): readonly [number, number] {
  if (factor === 0) return low <= 0 && high >= 0 ? [-Infinity, Infinity] : [Infinity, -Infinity];
  return factor > 0
    ? [Math.ceil(low / factor), Math.floor(high / factor)]
    : [Math.ceil(high / factor), Math.floor(low / factor)];
}
