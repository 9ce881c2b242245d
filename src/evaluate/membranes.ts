/** Cells separated by membranes, slice by slice, scored as in the ISBI 2012 challenge. */

import { ndarray } from '../array/ndarray.ts';
import {
  type IsbiOptions,
  type IsbiScores,
  type IsbiSliceScores,
  isbiScores,
  isbiSliceScores,
} from '../metrics/isbi.ts';
import { ignoreMask, maskOf } from './ignore-mask.ts';

export class MembraneScorer {
  readonly #slices: IsbiSliceScores[] = [];
  readonly #inside: number;
  readonly #options: IsbiOptions;

  /** @param inside the class of the inside of cells */
  constructor(inside: number, options: Pick<IsbiOptions, 'thresholds' | 'warpingUpTo'> = {}) {
    this.#inside = inside;
    this.#options = options;
  }

  /**
   * Adds one slice.
   * @param truth class of each pixel, `IGNORE` if it is ignored
   * @param probability of the inside, 0..1
   * @returns the scores of this slice, at its own best thresholds
   */
  add(truth: Uint8Array, probability: Float32Array, shape: readonly [height: number, width: number]): IsbiScores {
    const inside = ndarray('uint8', shape, maskOf(truth, this.#inside));
    const options = { ...this.#options, ...ignoreMask(truth, shape) };
    const slice = isbiSliceScores(inside, ndarray('float32', shape, probability), options);
    this.#slices.push(slice);
    return isbiScores([slice]);
  }

  result(): IsbiScores {
    return isbiScores(this.#slices);
  }

  /** Thinned V-Rand of each slice at the threshold that is best for all together, so that their mean is the score. */
  perImage(): readonly number[] {
    const { threshold } = this.result().vRandThinned;
    return this.#slices.map(
      (slice) => isbiScores([slice]).curve.find((point) => point.threshold === threshold)?.vRandThinned ?? Number.NaN,
    );
  }
}
