/** An image cut into blocks, and boxes of it. */

import { elementCount } from '../../array/ndarray.ts';

/** A box of pixels, [z,] y, x. */
export interface Box {
  readonly start: readonly number[];
  readonly shape: readonly number[];
}

/** Blocks are counted in raster order, as pixels are. */
export interface BlockGrid {
  /** The whole image, [z,] y, x. */
  readonly shape: readonly number[];
  /** One block; the last along each axis may be shorter. */
  readonly block: readonly number[];
  /** Blocks along each axis. */
  readonly counts: readonly number[];
  /** Blocks in all. */
  readonly length: number;
}

export function blockGrid(shape: readonly number[], block: readonly number[]): BlockGrid {
  const counts = shape.map((length, axis) => Math.ceil(length / block[axis]));
  return { shape, block, counts, length: elementCount(counts) };
}

/** Which block along each axis a block is. */
export function placeOf({ counts }: BlockGrid, index: number): readonly number[] {
  const place = new Array<number>(counts.length);
  for (let axis = counts.length - 1, rest = index; axis >= 0; axis--) {
    place[axis] = rest % counts[axis];
    rest = Math.floor(rest / counts[axis]);
  }
  return place;
}

/** The index of the block at a place. */
export const indexOf = ({ counts }: BlockGrid, place: readonly number[]): number =>
  place.reduce((sum, at, axis) => sum * counts[axis] + at, 0);

/** The pixels of a block. */
export function boxOf(grid: BlockGrid, index: number): Box {
  const start = placeOf(grid, index).map((at, axis) => at * grid.block[axis]);
  return { start, shape: start.map((at, axis) => Math.min(grid.block[axis], grid.shape[axis] - at)) };
}

/** A box with what surrounds it, as far as the image goes. */
export function enlarged({ start, shape }: Box, halo: number, whole: readonly number[]): Box {
  const from = start.map((at) => Math.max(0, at - halo));
  const to = start.map((at, axis) => Math.min(whole[axis], at + shape[axis] + halo));
  return { start: from, shape: to.map((end, axis) => end - from[axis]) };
}

/** What two boxes that overlap have in common. */
export function overlapOf(a: Box, b: Box): Box {
  const start = a.start.map((at, axis) => Math.max(at, b.start[axis]));
  const shape = start.map((at, axis) => Math.min(a.start[axis] + a.shape[axis], b.start[axis] + b.shape[axis]) - at);
  return { start, shape };
}

/**
 * The raster index in the whole image of the first pixel of each label.
 * @param labels 0 = background, 1..count, in the raster order of the box
 * @returns by label; of 0, and of labels that do not occur, -1
 */
export function firstPixels(labels: Int32Array, count: number, { start, shape }: Box, whole: readonly number[]) {
  const first = new Float64Array(count + 1).fill(-1);
  // Found already, so that one look at a pixel says whether it is a first one.
  first[0] = 0;
  const [depth, height, width] = shape.length === 3 ? shape : [1, ...shape];
  const [z0, y0, x0] = start.length === 3 ? start : [0, ...start];
  const [rows, columns] = whole.slice(-2);
  for (let z = 0, i = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      // Beyond 2^31 in large images, so no bitwise arithmetic.
      const row = ((z0 + z) * rows + y0 + y) * columns + x0;
      for (let x = 0; x < width; x++, i++) if (first[labels[i]] < 0) first[labels[i]] = row + x;
    }
  }
  first[0] = -1;
  return first;
}
