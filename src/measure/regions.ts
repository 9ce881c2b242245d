/** The measures from one pass over a label map for each object: pixels, box, moments, and its reach in each row. */

import type { Extents } from '../objects/grid.ts';

/** By label 1..count (index 0 is unused). Sums of integers, exact. */
export interface Regions {
  readonly count: number;
  readonly pixels: Float64Array;
  /** First and last pixel on each axis; `last` is inclusive. */
  readonly box: { readonly first: PerAxis<Int32Array>; readonly last: PerAxis<Int32Array> };
  /** The object's first pixel in raster order: the sums use coordinates relative to it. */
  readonly origin: PerAxis<Int32Array>;
  readonly sums: PerAxis<Float64Array>;
  /** Sums of products: zz, yy, xx, yx, zx, zy. */
  readonly products: { readonly [pair in 'zz' | 'yy' | 'xx' | 'yx' | 'zx' | 'zy']: Float64Array };
}

type PerAxis<T> = Readonly<Record<'z' | 'y' | 'x', T>>;

/** Calls `visit` with each run of pixels of one label, end exclusive, in raster order. */
function eachRun(
  labels: Int32Array,
  { depth, height, width }: Extents,
  visit: (label: number, z: number, y: number, start: number, end: number) => void,
): void {
  for (let z = 0, row = 0; z < depth; z++) {
    for (let y = 0; y < height; y++, row += width) {
      let x = 0;
      while (x < width) {
        const label = labels[row + x];
        const start = x++;
        while (x < width && labels[row + x] === label) x++;
        if (label !== 0) visit(label, z, y, start, x);
      }
    }
  }
}

/** @param labels values 0..count */
export function regionsOf(labels: Int32Array, extents: Extents, count: number): Regions {
  const ints = (): Int32Array => new Int32Array(count + 1);
  const floats = (): Float64Array => new Float64Array(count + 1);
  const pixels = floats();
  const first = { z: ints(), y: ints(), x: ints() };
  const last = { z: ints(), y: ints(), x: ints() };
  const origin = { z: ints(), y: ints(), x: ints() };
  const sums = { z: floats(), y: floats(), x: floats() };
  const products = { zz: floats(), yy: floats(), xx: floats(), yx: floats(), zx: floats(), zy: floats() };
  const add = (to: Float64Array, label: number, value: number): void => {
    to[label] = to[label] + value;
  };
  eachRun(labels, extents, (label, z, y, start, end) => {
    if (pixels[label] === 0) {
      origin.z[label] = first.z[label] = z;
      origin.y[label] = first.y[label] = y;
      origin.x[label] = first.x[label] = start;
      last.y[label] = y;
      last.x[label] = end - 1;
    } else {
      if (y < first.y[label]) first.y[label] = y;
      if (y > last.y[label]) last.y[label] = y;
      if (start < first.x[label]) first.x[label] = start;
      if (end > last.x[label] + 1) last.x[label] = end - 1;
    }
    last.z[label] = z;
    const n = end - start;
    const dz = z - origin.z[label];
    const dy = y - origin.y[label];
    const from = start - origin.x[label];
    const to = from + n - 1;
    const sumX = (n * (from + to)) / 2;
    add(pixels, label, n);
    add(sums.z, label, n * dz);
    add(sums.y, label, n * dy);
    add(sums.x, label, sumX);
    add(products.zz, label, n * dz * dz);
    add(products.yy, label, n * dy * dy);
    add(products.xx, label, sumOfSquares(to) - sumOfSquares(from - 1));
    add(products.yx, label, dy * sumX);
    add(products.zx, label, dz * sumX);
    add(products.zy, label, n * dz * dy);
  });
  return { count, pixels, box: { first, last }, origin, sums, products };
}

/** Sum of k^2 from k = 1 to n; for negative n the formula equals -(sum from n + 1 to 0), so differences are correct. */
function sumOfSquares(n: number): number {
  return (n * (n + 1) * (2 * n + 1)) / 6;
}

/** First and last pixel of each object in each row of its box; `least` > `greatest` if it has no pixel in a row. */
export interface RowReach {
  /** Rows of object k: starts[k] .. starts[k + 1] - 1, plane by plane of its box. */
  readonly starts: Float64Array;
  readonly least: Int32Array;
  readonly greatest: Int32Array;
}

export function rowReachOf(labels: Int32Array, extents: Extents, { count, box: { first, last } }: Regions): RowReach {
  const starts = new Float64Array(count + 2);
  const rows = new Int32Array(count + 1);
  for (let label = 1; label <= count; label++) {
    rows[label] = last.y[label] - first.y[label] + 1;
    const planes = last.z[label] - first.z[label] + 1;
    starts[label + 1] = starts[label] + planes * rows[label];
  }
  const total = starts[count + 1];
  const least = new Int32Array(total).fill(extents.width);
  const greatest = new Int32Array(total).fill(-1);
  eachRun(labels, extents, (label, z, y, start, end) => {
    const row = starts[label] + (z - first.z[label]) * rows[label] + (y - first.y[label]);
    if (start < least[row]) least[row] = start;
    if (end > greatest[row] + 1) greatest[row] = end - 1;
  });
  return { starts, least, greatest };
}
