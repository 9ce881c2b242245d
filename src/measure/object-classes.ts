/** The class of each object of a label map, counted block by block. */

import type { Box } from '../objects/blocks/block-grid.ts';
import type { IntegerArray } from '../objects/grid.ts';

/** How many pixels of each class objects have. Plain data, by which processes tell each other of their blocks. */
export interface ClassPixels {
  /** Each object with each class of its pixels; the other lists are by these pairs. */
  readonly labels: Float64Array;
  readonly values: Float64Array;
  readonly pixels: Float64Array;
  /** Raster index in the whole map of the first pixel. */
  readonly first: Float64Array;
}

export interface ClassPixelsOptions {
  /** Whether a value is a class; others are not counted. */
  isClass(value: number): boolean;
  /** Raster index in the whole map of a pixel of the block. Default: the block is the whole. */
  indexOf?(pixel: number): number;
}

interface Counted {
  readonly pixels: number;
  readonly first: number;
}

/** Of each label and value. */
class Counts {
  readonly of = new Map<number, Map<number, Counted>>();

  add(label: number, value: number, pixels: number, first: number): void {
    const own = this.of.get(label) ?? new Map<number, Counted>();
    this.of.set(label, own);
    const counted = own.get(value) ?? { pixels: 0, first };
    own.set(value, { pixels: counted.pixels + pixels, first: Math.min(counted.first, first) });
  }
}

/**
 * @param labels of the objects of a block, [h, w] or [d, h, w]; 0 is none
 * @param classes value of the class of each pixel, on the same grid
 */
export function classPixels(
  { data: labels }: IntegerArray,
  { data: classes }: IntegerArray,
  { isClass, indexOf = Number }: ClassPixelsOptions,
): ClassPixels {
  const counts = new Counts();
  for (let p = 0, end = 0; p < labels.length; p = end) {
    const [label, value] = [labels[p], classes[p]];
    while (end < labels.length && labels[end] === label && classes[end] === value) end++;
    if (label !== 0 && isClass(value)) counts.add(label, value, end - p, indexOf(p));
  }
  const pairs = [...counts.of].flatMap(([label, own]) =>
    [...own].map(([value, { pixels, first }]) => [label, value, pixels, first]),
  );
  const column = (k: number): Float64Array => Float64Array.from(pairs, (pair) => pair[k]);
  return { labels: column(0), values: column(1), pixels: column(2), first: column(3) };
}

/** Raster indices in a map of this shape of the pixels of a box of it. */
export const indexIn =
  ({ start, shape }: Box, whole: readonly number[]) =>
  (pixel: number): number => {
    let index = 0;
    for (let axis = shape.length - 1, rest = pixel, stride = 1; axis >= 0; axis--) {
      index += ((rest % shape[axis]) + start[axis]) * stride;
      rest = Math.floor(rest / shape[axis]);
      stride *= whole[axis];
    }
    return index;
  };

/** Memory: about 200 bytes for each object and class of its pixels. */
export class ClassesByBlocks {
  readonly #counts = new Counts();

  take({ labels, values, pixels, first }: ClassPixels): void {
    for (const [k, label] of labels.entries()) this.#counts.add(label, values[k], pixels[k], first[k]);
  }

  /** The class that most pixels of each object have, of equally many the one that is found first; none for objects without. */
  result(): ReadonlyMap<number, number> {
    const isMore = (a: Counted, b: Counted): boolean =>
      a.pixels > b.pixels || (a.pixels === b.pixels && a.first < b.first);
    const largest = (own: ReadonlyMap<number, Counted>): number =>
      [...own].reduce((most, each) => (isMore(each[1], most[1]) ? each : most))[0];
    return new Map([...this.#counts.of].map(([label, own]) => [label, largest(own)]));
  }
}
