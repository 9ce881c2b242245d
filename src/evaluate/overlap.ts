/** Compares the classes of pixels: Dice and IoU, per image and over all pixels. */

import { ndarray } from '../array/ndarray.ts';
import { IGNORE } from '../dataset/labels/labels.ts';
import {
  type ConfusionMatrix,
  confusionMatrix,
  type OverlapScores,
  overlapScores,
  sumOfConfusions,
} from '../metrics/overlap.ts';

/** The score of one image or of all: the mean Dice of the foreground classes; 1 if none occurs or is predicted. */
export const diceOf = ({ meanDice }: OverlapScores): number => (Number.isNaN(meanDice) ? 1 : meanDice);

export class OverlapScorer {
  readonly #matrices: ConfusionMatrix[] = [];
  readonly #classes: number;
  readonly #leaveOut: readonly number[];

  /** @param leaveOut classes excluded from the means; default the background, class 0 */
  constructor(classes: number, { leaveOut = [0] }: { readonly leaveOut?: readonly number[] } = {}) {
    this.#classes = classes;
    this.#leaveOut = leaveOut;
  }

  /**
   * Adds the pixels of one image or volume.
   * @param truth class of each pixel, `IGNORE` if it is ignored
   * @param predicted class of each pixel, `IGNORE` if it has none: a labelled pixel is then missed
   * @returns the scores of this image
   */
  add(truth: Uint8Array, predicted: Uint8Array): OverlapScores {
    const shape = [truth.length];
    const none = this.#classes;
    const found = predicted.includes(IGNORE) ? predicted.map((value) => (value === IGNORE ? none : value)) : predicted;
    const matrix = confusionMatrix(ndarray('uint8', shape, truth), ndarray('uint8', shape, found), none + 1, {
      ignoreValue: IGNORE,
    });
    this.#matrices.push(matrix);
    return this.#scores(matrix);
  }

  #scores(matrix: ConfusionMatrix): OverlapScores {
    const scores = overlapScores(matrix, { leaveOut: [...this.#leaveOut, this.#classes] });
    return { ...scores, perClass: scores.perClass.slice(0, this.#classes) };
  }

  /** Over all pixels. @throws UsageError if nothing was added. */
  result(): OverlapScores {
    return this.#scores(sumOfConfusions(this.#matrices));
  }

  /** `diceOf` of each image. */
  perImage(): readonly number[] {
    return this.#matrices.map((matrix) => diceOf(this.#scores(matrix)));
  }
}
