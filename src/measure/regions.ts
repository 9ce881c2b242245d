/** The measures from one pass over a label map for each object: pixels, box, moments, and its reach in each row. */

import type { Extents } from '../objects/grid.ts';
import { ExactSums } from './exact-sums.ts';

/** By object 1..count (index 0 is unused), in pixels of the whole map. Sums of integers, exact up to 2^17 per side. */
export interface Regions {
  readonly count: number;
  readonly pixels: Float64Array;
  /** First and last pixel on each axis; `last` is inclusive. */
  readonly box: { readonly first: PerAxis<Int32Array>; readonly last: PerAxis<Int32Array> };
  /** The object's first pixel in raster order: the sums use coordinates relative to it. */
  readonly origin: PerAxis<Int32Array>;
  readonly sums: PerAxis<Float64Array>;
  /** Sums of products: zz, yy, xx, yx, zx, zy. */
  readonly products: { readonly [pair in Pair]: ExactSums };
}

const AXES = ['z', 'y', 'x'] as const;
const PAIRS = ['zz', 'yy', 'xx', 'yx', 'zx', 'zy'] as const;
export type Pair = (typeof PAIRS)[number];

export type PerAxis<T> = Readonly<Record<'z' | 'y' | 'x', T>>;

/** Numbered pixels of a part of a map. */
export interface NumberedPixels {
  /** 0..count, in rows of `stride.y`, planes of `stride.z` pixels. */
  readonly labels: Int32Array;
  readonly count: number;
  /** What belongs to the part: from the first pixel on. */
  readonly own: Extents;
  /** The first pixel in the map. */
  readonly start: PerAxis<number>;
  readonly stride: Omit<PerAxis<number>, 'x'>;
}

/** Calls `visit` with each run of pixels of one object, end exclusive, in raster order; in pixels of the whole map. */
export function eachRun(
  { labels, own: { depth, height, width }, start: first, stride }: NumberedPixels,
  visit: (label: number, z: number, y: number, start: number, end: number) => void,
): void {
  for (let z = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      const row = z * stride.z + y * stride.y;
      let x = 0;
      while (x < width) {
        const label = labels[row + x];
        const start = x++;
        while (x < width && labels[row + x] === label) x++;
        if (label !== 0) visit(label, z + first.z, y + first.y, start + first.x, x + first.x);
      }
    }
  }
}

const perAxis = <T>(make: (axis: 'z' | 'y' | 'x') => T): PerAxis<T> => ({ z: make('z'), y: make('y'), x: make('x') });

/** Room for `count` objects, with those of `from` as far as there are. */
export function emptyRegions(count: number, from?: Regions): Regions {
  const ints = (old?: Int32Array): Int32Array => filled(new Int32Array(count + 1), old);
  const floats = (old?: Float64Array): Float64Array => filled(new Float64Array(count + 1), old);
  const exact = PAIRS.map((pair) => [pair, new ExactSums(count + 1, from?.products[pair])] as const);
  return {
    count,
    pixels: floats(from?.pixels),
    box: {
      first: perAxis((axis) => ints(from?.box.first[axis])),
      last: perAxis((axis) => ints(from?.box.last[axis])),
    },
    origin: perAxis((axis) => ints(from?.origin[axis])),
    sums: perAxis((axis) => floats(from?.sums[axis])),
    products: Object.fromEntries(exact) as Regions['products'],
  };
}

function filled<A extends Int32Array | Float64Array>(array: A, old: A | undefined): A {
  if (old !== undefined) array.set(old);
  return array;
}

export function regionsOf(block: NumberedPixels): Regions {
  const regions = emptyRegions(block.count);
  const { pixels, box, origin, sums, products } = regions;
  const { first, last } = box;
  const add = (to: Float64Array, label: number, value: number): void => {
    to[label] = to[label] + value;
  };
  eachRun(block, (label, z, y, start, end) => {
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
    products.zz.add(label, n * dz * dz);
    products.yy.add(label, n * dy * dy);
    products.xx.add(label, sumOfSquares(to) - sumOfSquares(from - 1));
    products.yx.add(label, dy * sumX);
    products.zx.add(label, dz * sumX);
    products.zy.add(label, n * dz * dy);
  });
  return regions;
}

/** Adds one object of a block to what is known of it. Its first pixel in raster order is the origin of both together. */
export function addRegion(total: Regions, index: number, part: Regions, label: number): void {
  const n = part.pixels[label];
  const { box, origin, sums, products, pixels } = total;
  if (n > 0 && pixels[index] === 0) copyRegion(total, index, part, label);
  else if (n > 0) {
    const ahead = AXES.map((axis) => part.origin[axis][label] - origin[axis][index]).find((steps) => steps !== 0) ?? 0;
    const first = ahead < 0 ? { of: part, at: label } : { of: total, at: index };
    const place = perAxis((axis) => first.of.origin[axis][first.at]);
    const [own, other] = [shifted(total, index, place), shifted(part, label, place)];
    for (const axis of AXES) {
      origin[axis][index] = place[axis];
      sums[axis][index] = own.sums[axis] + other.sums[axis];
      box.first[axis][index] = Math.min(box.first[axis][index], part.box.first[axis][label]);
      box.last[axis][index] = Math.max(box.last[axis][index], part.box.last[axis][label]);
    }
    for (const pair of PAIRS) products[pair].set(index, own.products[pair] + other.products[pair]);
    pixels[index] = pixels[index] + n;
  }
}

function copyRegion(total: Regions, index: number, part: Regions, label: number): void {
  total.pixels[index] = part.pixels[label];
  for (const axis of AXES) {
    total.box.first[axis][index] = part.box.first[axis][label];
    total.box.last[axis][index] = part.box.last[axis][label];
    total.origin[axis][index] = part.origin[axis][label];
    total.sums[axis][index] = part.sums[axis][label];
  }
  for (const pair of PAIRS) total.products[pair].copy(index, part.products[pair], label);
}

/** The sums of an object relative to another origin: with a = o - o', sum (p + a)(q + b) = pq + b p + a q + n a b. */
function shifted(
  { pixels, origin, sums, products }: Regions,
  index: number,
  to: PerAxis<number>,
): { readonly sums: PerAxis<number>; readonly products: Readonly<Record<Pair, bigint>> } {
  const n = pixels[index];
  const by = perAxis((axis) => origin[axis][index] - to[axis]);
  const product = (pair: Pair): bigint => {
    const [p, q] = [...pair] as ['z' | 'y' | 'x', 'z' | 'y' | 'x'];
    const [a, b] = [BigInt(by[p]), BigInt(by[q])];
    return products[pair].exactly(index) + b * BigInt(sums[p][index]) + a * BigInt(sums[q][index]) + BigInt(n) * a * b;
  };
  return {
    sums: perAxis((axis) => sums[axis][index] + n * by[axis]),
    products: Object.fromEntries(PAIRS.map((pair) => [pair, product(pair)])) as Readonly<Record<Pair, bigint>>,
  };
}

/** Sum of k^2 from k = 1 to n; for negative n the formula equals -(sum from n + 1 to 0), so differences are correct. */
function sumOfSquares(n: number): number {
  return (n * (n + 1) * (2 * n + 1)) / 6;
}

/** The objects' rows (`ObjectRows`), in pixels of the whole map: of object k from `starts[k]` to before `starts[k + 1]`. */
export interface RowReach {
  readonly starts: Float64Array;
  readonly least: Int32Array;
  readonly greatest: Int32Array;
}

/** @param regions of the same pixels */
export function rowReachOf(block: NumberedPixels, { count, pixels, box }: Regions): RowReach {
  const { first, last } = box;
  const starts = new Float64Array(count + 2);
  const rows = new Int32Array(count + 1);
  for (let label = 1; label <= count; label++) {
    starts[label + 1] = starts[label];
    if (pixels[label] === 0) continue;
    rows[label] = last.y[label] - first.y[label] + 1;
    const planes = last.z[label] - first.z[label] + 1;
    starts[label + 1] = starts[label] + planes * rows[label];
  }
  const total = starts[count + 1];
  const least = new Int32Array(total).fill(block.start.x + block.own.width);
  const greatest = new Int32Array(total).fill(-1);
  eachRun(block, (label, z, y, start, end) => {
    const row = starts[label] + (z - first.z[label]) * rows[label] + (y - first.y[label]);
    if (start < least[row]) least[row] = start;
    if (end > greatest[row] + 1) greatest[row] = end - 1;
  });
  return { starts, least, greatest };
}
