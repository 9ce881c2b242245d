/** Where and how a segmentation is wrong: an image of missed, false, split and merged pixels, and their counts. */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import type { IntegerArray } from '../objects/grid.ts';
import { comparedLabels, type IgnoreOption } from './contingency.ts';

/** Values of the error map. */
export const ERROR_CLASSES = {
  correct: 0,
  /** Inside an object, predicted as background (false negative). */
  missed: 1,
  /** Background, predicted as inside (false positive). */
  false: 2,
  /** Inside an object, but in a piece that was split off from it. */
  split: 3,
  /** Inside an object, but in a segment that belongs to another object. */
  merged: 4,
} as const;

export interface ErrorMapOptions extends IgnoreOption {
  /** Overlaps smaller than this, in pixels, count neither as a split nor as a merge; default 10. */
  readonly minimumOverlapPixels?: number;
}

export interface ErrorMap {
  /** A value of ERROR_CLASSES for each pixel; ignored pixels are correct. */
  readonly classes: NdArray<'uint8'>;
  /** Splits to undo: an object covered by k segments counts k - 1. */
  readonly splits: number;
  /** Merges to undo: a segment that covers k objects counts k - 1. */
  readonly merges: number;
  /** Objects without any segment, and segments without any object. */
  readonly missedObjects: number;
  readonly falseObjects: number;
  /** Pixels of each class. */
  readonly pixels: Readonly<Record<keyof typeof ERROR_CLASSES, number>>;
}

/**
 * Compares two label maps object by object, as in proofreading.
 *
 * An object's *main* segment is the one that covers most of it, a segment's main object the one that it covers most of
 * (the lower label in case of a tie). A pixel inside both an object and a segment that overlap sufficiently is
 * - merged, if the object is not the segment's main one: the segment ran into it, and the whole overlap is marked;
 * - split, if the segment is not the object's main one: this piece has to be joined again. If both apply it is merged,
 *   the costlier error. So a hole of one pixel in a membrane marks the whole cell that was swallowed, which reflects
 *   its cost downstream; a border shifted by some pixels shows only as missed or false pixels.
 *
 * @param truth label map, 0 = background; any number of axes
 * @param prediction label map of the same shape, such as the components or basins of a thresholded probability map
 * @throws UsageError if shapes differ or a label is negative.
 */
export function errorMap(
  truth: IntegerArray,
  prediction: IntegerArray,
  { ignore, minimumOverlapPixels = 10 }: ErrorMapOptions = {},
): ErrorMap {
  const { objects, segments, table } = comparedLabels(truth, prediction, { ignore });

  const ofObject = new Partners(objects.count);
  const ofSegment = new Partners(segments.count);
  const large = new Set<number>();
  const pair = (object: number, segment: number): number => object * (segments.count + 1) + segment;
  for (let k = 0; k < table.pixels.length; k++) {
    const object = table.truth[k];
    const segment = table.prediction[k];
    const shared = table.pixels[k];
    const counts = object > 0 && segment > 0 && shared >= minimumOverlapPixels;
    ofObject.see(object, segment, shared, counts);
    ofSegment.see(segment, object, shared, counts);
    if (counts) large.add(pair(object, segment));
  }

  const classes = new Uint8Array(truth.data.length);
  const pixels = [0, 0, 0, 0, 0];
  for (let i = 0; i < classes.length; i++) {
    if (ignore !== undefined && ignore.data[i] !== 0) continue;
    const object = objects.labels.data[i];
    const segment = segments.labels.data[i];
    let kind: number = ERROR_CLASSES.correct;
    if (object === 0) kind = segment === 0 ? ERROR_CLASSES.correct : ERROR_CLASSES.false;
    else if (segment === 0) kind = ERROR_CLASSES.missed;
    else if (ofSegment.main(segment) !== object || ofObject.main(object) !== segment) {
      if (large.has(pair(object, segment))) {
        kind = ofSegment.main(segment) !== object ? ERROR_CLASSES.merged : ERROR_CLASSES.split;
      }
    }
    classes[i] = kind;
    pixels[kind] = pixels[kind] + 1;
  }
  const [correct, missed, falsePixels, split, merged] = pixels as [number, number, number, number, number];
  return {
    classes: ndarray('uint8', truth.shape, classes),
    splits: ofObject.surplus(),
    merges: ofSegment.surplus(),
    missedObjects: ofObject.alone(),
    falseObjects: ofSegment.alone(),
    pixels: { correct, missed, false: falsePixels, split, merged },
  };
}

/** For each label of one map, the labels that it overlaps in the other. */
class Partners {
  readonly #main: Int32Array;
  readonly #mainPixels: Float64Array;
  readonly #count: Int32Array;
  readonly #seen: Uint8Array;

  constructor(labels: number) {
    this.#main = new Int32Array(labels + 1);
    this.#mainPixels = new Float64Array(labels + 1);
    this.#count = new Int32Array(labels + 1);
    this.#seen = new Uint8Array(labels + 1);
  }

  see(own: number, other: number, shared: number, counts: boolean): void {
    this.#seen[own] = 1;
    if (other === 0) return;
    const best = this.#mainPixels[own];
    if (shared > best || (shared === best && other < this.#main[own])) {
      this.#main[own] = other;
      this.#mainPixels[own] = shared;
    }
    if (counts) this.#count[own] = this.#count[own] + 1;
  }

  main(own: number): number {
    return this.#main[own];
  }

  /** Partners beyond the first, over all labels. */
  surplus(): number {
    return this.#count.reduce((sum, count) => sum + Math.max(0, count - 1), 0);
  }

  /** Labels that overlap only background. */
  alone(): number {
    return this.#main.reduce((sum, main, own) => sum + (own > 0 && main === 0 && this.#seen[own] === 1 ? 1 : 0), 0);
  }
}
