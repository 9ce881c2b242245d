/**
 * Warping error (Jain et al. 2010, CVPR): the number of pixels that prevent warping the ground truth into the
 * prediction without changing its topology. Algorithm and flip order are those of the ISBI 2012 challenge's Java
 * program, since a different order leaves different pixels.
 */

import { ndarray } from '../array/ndarray.ts';
import { connectedComponents } from '../objects/connected-components.ts';
import { extentsOf, type IntegerArray } from '../objects/grid.ts';
import { ascendingOrder } from '../objects/level-order.ts';
import { simplePointTable } from './simple-points.ts';

/** How a pixel that could not be warped away changes the topology. Values of `WarpingResult.classes`. */
export const WARPING_CLASSES = {
  none: 0,
  /** Background in the ground truth that connects two or more objects. */
  merge: 1,
  /** Foreground in the ground truth whose loss splits or shortens an object. */
  split: 2,
  /** A hole in an object, or background enclosed by one object. */
  holeAddition: 3,
  objectDeletion: 4,
  objectAddition: 5,
  holeDeletion: 6,
} as const;

/** Pixels of each class. */
export type WarpingCounts = Readonly<Record<Exclude<keyof typeof WARPING_CLASSES, 'none'>, number>>;

export interface WarpingResult {
  readonly counts: WarpingCounts;
  /** 8-connected groups of merge pixels and of split pixels: the number of errors a person would count. */
  readonly mergeClusters: number;
  readonly splitClusters: number;
  /** All remaining mismatches. */
  readonly mismatches: number;
  /** Pixels that are not ignored. */
  readonly pixels: number;
  /** (merge + split) / pixels: the challenge's warping error at this threshold; NaN without pixels. */
  readonly error: number;
  /** The warped ground truth, 0 or 1, row by row. */
  readonly warped: Uint8Array;
  /** A value of WARPING_CLASSES for each pixel, row by row. */
  readonly classes: Uint8Array;
}

/** The part that does not depend on the threshold, shared by many thresholds. */
export class WarpingScorer {
  readonly #width: number;
  readonly #height: number;
  readonly #stride: number;
  /**
   * Column by column, in the order of flips, with a border of background: outside the image counts as membrane. Simple
   * points and classes are the same for a mask and its transpose.
   */
  readonly #truth: Uint8Array;
  readonly #ignored: Uint8Array | undefined;
  readonly #pixels: number;
  readonly #simple = simplePointTable();

  /**
   * @param truth [h, w], nonzero = foreground (inside)
   * @param ignore nonzero = never a mismatch, and not counted among the pixels
   */
  constructor(truth: IntegerArray, ignore?: IntegerArray) {
    const { height, width, size } = extentsOf(truth.shape);
    this.#width = width;
    this.#height = height;
    this.#stride = height + 2;
    this.#truth = new Uint8Array((width + 2) * this.#stride);
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        if (truth.data[i] !== 0) this.#truth[(x + 1) * this.#stride + y + 1] = 1;
      }
    }
    this.#ignored = ignore === undefined ? undefined : Uint8Array.from(ignore.data, (value) => (value === 0 ? 0 : 1));
    this.#pixels = this.#ignored === undefined ? size : this.#ignored.reduce((sum, value) => sum + 1 - value, 0);
  }

  /**
   * Warps the ground truth towards `prediction > threshold` and classifies the remaining mismatches.
   * @param prediction probability of foreground, row by row, of the same size as the ground truth
   */
  score(prediction: Float32Array, threshold: number): WarpingResult {
    const source = this.#truth.slice();
    const places = this.#mismatches(source, prediction, threshold);
    const rest = warp(source, places, this.#stride, this.#simple);
    return this.#classify(source, rest);
  }

  /** Framed indices of mismatching pixels in the order in which they may be flipped. */
  #mismatches(source: Uint8Array, prediction: Float32Array, threshold: number): Int32Array {
    const [width, height, stride] = [this.#width, this.#height, this.#stride];
    const places: number[] = [];
    const keys: number[] = [];
    for (let x = 0; x < width; x++) {
      for (let y = 0; y < height; y++) {
        const i = y * width + x;
        const p = (x + 1) * stride + y + 1;
        const value = prediction[i];
        const inside = value > threshold ? 1 : 0;
        if (inside === source[p] || this.#ignored?.[i] === 1) continue;
        places.push(p);
        keys.push(-Math.abs(value - threshold));
      }
    }
    return ascendingOrder(Float32Array.from(keys)).map((k) => places[k]);
  }

  #classify(source: Uint8Array, rest: readonly number[]): WarpingResult {
    const [width, height, stride] = [this.#width, this.#height, this.#stride];
    const framed = connectedComponents(ndarray('uint8', [width + 2, stride], source)).labels.data;
    const counts = { merge: 0, split: 0, holeAddition: 0, objectDeletion: 0, objectAddition: 0, holeDeletion: 0 };
    const classes = new Uint8Array(width * height);
    for (const p of rest) {
      const kind = classOf(p, source, framed, stride);
      counts[kind]++;
      classes[this.#unframe(p)] = WARPING_CLASSES[kind];
    }
    const warped = new Uint8Array(width * height);
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) warped[i] = source[(x + 1) * stride + y + 1];
    }
    const clusters = (kind: number): number => {
      const mask = ndarray(
        'uint8',
        [height, width],
        classes.map((value) => (value === kind ? 1 : 0)),
      );
      return connectedComponents(mask, { connectivity: 8 }).count;
    };
    return {
      counts,
      mergeClusters: counts.merge === 0 ? 0 : clusters(WARPING_CLASSES.merge),
      splitClusters: counts.split === 0 ? 0 : clusters(WARPING_CLASSES.split),
      mismatches: rest.length,
      pixels: this.#pixels,
      error: (counts.merge + counts.split) / this.#pixels,
      warped,
      classes,
    };
  }

  #unframe(p: number): number {
    return ((p % this.#stride) - 1) * this.#width + Math.floor(p / this.#stride) - 1;
  }
}

function pattern(mask: Uint8Array, p: number, stride: number): number {
  const above = p - stride;
  const below = p + stride;
  return (
    mask[above - 1] |
    (mask[above] << 1) |
    (mask[above + 1] << 2) |
    (mask[p - 1] << 3) |
    (mask[p] << 4) |
    (mask[p + 1] << 5) |
    (mask[below - 1] << 6) |
    (mask[below] << 7) |
    (mask[below + 1] << 8)
  );
}

/**
 * Flips simple points of `source` in place, pass after pass through `places` in order, until a pass flips none; returns
 * the remaining ones. Whether a pixel is simple changes only when a neighbour flips, so later passes visit only pixels
 * with a neighbour flipped since their last visit: the same flips in the same order.
 */
function warp(source: Uint8Array, places: Int32Array, stride: number, simple: Uint8Array): readonly number[] {
  const rankOf = new Int32Array(source.length).fill(-1);
  for (let rank = 0; rank < places.length; rank++) rankOf[places[rank]] = rank;
  const neighbours = [-stride - 1, -stride, -stride + 1, -1, 1, stride - 1, stride, stride + 1];
  const present = new RankHeap(places.length);
  const upcoming = new RankHeap(places.length);

  const visit = (rank: number, firstPass: boolean): void => {
    const p = places[rank];
    if (simple[pattern(source, p, stride)] === 0) return;
    source[p] = 1 - source[p];
    rankOf[p] = -1;
    for (const offset of neighbours) {
      const other = rankOf[p + offset];
      if (other < 0) continue;
      if (other < rank) upcoming.push(other);
      else if (!firstPass) present.push(other);
    }
  };

  for (let rank = 0; rank < places.length; rank++) visit(rank, true);
  while (upcoming.size > 0) {
    while (upcoming.size > 0) present.push(upcoming.pop());
    while (present.size > 0) visit(present.pop(), false);
  }
  const rest: number[] = [];
  for (const p of places) if (rankOf[p] !== -1) rest.push(p);
  return rest;
}

/** A binary heap of distinct ranks, smallest first. */
class RankHeap {
  size = 0;
  readonly #heap: Int32Array;
  readonly #inside: Uint8Array;

  constructor(capacity: number) {
    this.#heap = new Int32Array(capacity);
    this.#inside = new Uint8Array(capacity);
  }

  push(rank: number): void {
    if (this.#inside[rank] === 1) return;
    this.#inside[rank] = 1;
    const heap = this.#heap;
    let child = this.size++;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (heap[parent] <= rank) break;
      heap[child] = heap[parent];
      child = parent;
    }
    heap[child] = rank;
  }

  pop(): number {
    const heap = this.#heap;
    const smallest = heap[0];
    const last = heap[--this.size];
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= this.size) break;
      if (child + 1 < this.size && heap[child + 1] < heap[child]) child++;
      if (heap[child] >= last) break;
      heap[parent] = heap[child];
      parent = child;
    }
    heap[parent] = last;
    this.#inside[smallest] = 0;
    return smallest;
  }
}

/** The effect of flipping pixel p of the warped ground truth, from its eight neighbours. */
function classOf(p: number, source: Uint8Array, components: Int32Array, stride: number): keyof WarpingCounts {
  let background = 0;
  let firstObject = 0;
  let severalObjects = false;
  let edges = 0;
  for (let dy = -1; dy <= 1; dy++) {
    for (let dx = -1; dx <= 1; dx++) {
      if (dx === 0 && dy === 0) continue;
      const q = p + dy * stride + dx;
      if (source[q] === 0) {
        background++;
        continue;
      }
      if (dx === 0 || dy === 0) edges++;
      const object = components[q];
      if (firstObject === 0) firstObject = object;
      else if (object !== firstObject) severalObjects = true;
    }
  }
  if (source[p] === 1) {
    if (edges === 0) return 'objectDeletion';
    return background === 0 ? 'holeAddition' : 'split';
  }
  if (firstObject === 0) return 'objectAddition';
  if (background === 0) return 'holeDeletion';
  return severalObjects ? 'merge' : 'holeAddition';
}
