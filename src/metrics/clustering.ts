/**
 * Rand and information scores of label maps as defined by other programs, each named after its program: the definitions
 * differ in the treatment of background, in units and in argument order.
 */

import type { Contingency } from './contingency.ts';
import type { PrecisionRecall } from './f-score.ts';
import type { PixelCounts } from './pixel-error.ts';

export interface AdaptedRand {
  /** 1 - F, 0 is best. */
  readonly error: number;
  /** Low if segments were merged. */
  readonly precision: number;
  /** Low if segments were split. */
  readonly recall: number;
}

export interface SplitMergeEntropy {
  /** H(prediction | truth): increases with splits. */
  readonly split: number;
  /** H(truth | prediction): increases with merges. */
  readonly merge: number;
}

/**
 * `skimage.metrics.adapted_rand_error` (0.26): over ground-truth foreground pixels, with predicted background as *one*
 * segment and pairs of different pixels: F = 2 P_ij / (P_i + P_j) with P = sum c^2 - n.
 *
 * scikit-image returns this precision and recall under each other's name. NaN if the quotient is 0/0.
 */
export function scikitImageAdaptedRand(table: Contingency): AdaptedRand {
  const { joint, truth, prediction } = squares(table, { truthBackground: false, predictionBackground: true });
  const shared = joint.sum - joint.pixels;
  const inTruth = truth.sum - joint.pixels;
  const inPrediction = prediction.sum - joint.pixels;
  return {
    error: 1 - (2 * shared) / (inTruth + inPrediction),
    precision: shared / inPrediction,
    recall: shared / inTruth,
  };
}

/**
 * The CREMI challenge's adapted Rand error: over ground-truth foreground pixels, but predicted background adds N0 / N
 * with N *all* pixels of the image (instead of N0 as in the ISBI program, so the scores differ).
 *
 * NaN without ground-truth foreground.
 */
export function cremiAdaptedRand(table: Contingency): AdaptedRand {
  const { joint, truth, prediction } = squares(table, { truthBackground: false, predictionBackground: false });
  let all = 0;
  let single = 0;
  for (let k = 0; k < table.pixels.length; k++) {
    all += table.pixels[k];
    if (table.truth[k] !== 0 && table.prediction[k] === 0) single += table.pixels[k];
  }
  const shared = joint.sum + single / all;
  const precision = shared / (prediction.sum + single / all);
  const recall = shared / truth.sum;
  return { error: 1 - (2 * precision * recall) / (precision + recall), precision, recall };
}

export interface VariationOfInformationOptions {
  /** Whether ground-truth background counts as a segment; by default its pixels are ignored. */
  readonly truthBackground?: boolean;
}

/**
 * Variation of information in *bits*, split and merge part, as computed by `skimage.metrics.variation_of_information`
 * (with `ignore_labels=[0]` if `truthBackground` is false) and CREMI's `voi`: predicted background is one segment. Both
 * are 0 if no pixel counts.
 */
export function variationOfInformationBits(
  table: Contingency,
  { truthBackground = false }: VariationOfInformationOptions = {},
): SplitMergeEntropy {
  const { joint, truth, prediction } = squares(table, { truthBackground, predictionBackground: true });
  return {
    split: Math.max(0, joint.entropy - truth.entropy) / Math.LN2,
    merge: Math.max(0, joint.entropy - prediction.entropy) / Math.LN2,
  };
}

export interface PairCounts extends PixelCounts, PrecisionRecall {
  /** Fraction of pairs on which both agree. */
  readonly randIndex: number;
}

/**
 * The classic Rand index (Rand 1971): all pairs of different pixels, with background as an ordinary segment. NaN for
 * fewer than two pixels; precision or recall is NaN if no pair is in a common segment.
 */
export function wholeImageRand(table: Contingency): PairCounts {
  const { joint, truth, prediction } = squares(table, { truthBackground: true, predictionBackground: true });
  const n = joint.pixels;
  const truePositives = (joint.sum - n) / 2;
  const falsePositives = (prediction.sum - joint.sum) / 2;
  const falseNegatives = (truth.sum - joint.sum) / 2;
  const pairs = (n * (n - 1)) / 2;
  const trueNegatives = pairs - truePositives - falsePositives - falseNegatives;
  return {
    truePositives,
    falsePositives,
    falseNegatives,
    trueNegatives,
    precision: truePositives / (truePositives + falsePositives),
    recall: truePositives / (truePositives + falseNegatives),
    fScore: (2 * truePositives) / (2 * truePositives + falsePositives + falseNegatives),
    randIndex: (truePositives + trueNegatives) / pairs,
  };
}

/**
 * The variation of information of whole images, in nats, as printed by the ISBI program: 2 H(joint) - H(truth) -
 * H(prediction), where the joint sum excludes every pair with background but the other two do not. It can be negative;
 * only for comparison with that program.
 */
export function isbiWholeImageVariationOfInformation(table: Contingency): number {
  const { joint, truth, prediction } = squares(table, { truthBackground: true, predictionBackground: true });
  let inside = 0;
  for (let k = 0; k < table.pixels.length; k++) {
    if (table.truth[k] !== 0 && table.prediction[k] !== 0) {
      const p = table.pixels[k] / joint.pixels;
      inside -= p * Math.log(p);
    }
  }
  return 2 * inside - truth.entropy - prediction.entropy;
}

interface Squares {
  readonly sum: number;
  /** Nats. */
  readonly entropy: number;
  readonly pixels: number;
}

/** Sum of squares and entropy of the cells and of both marginals, with or without background. */
function squares(
  table: Contingency,
  { truthBackground, predictionBackground }: { truthBackground: boolean; predictionBackground: boolean },
): { joint: Squares; truth: Squares; prediction: Squares } {
  const rows = new Float64Array(table.truthCount + 1);
  const columns = new Float64Array(table.predictionCount + 1);
  const cells: number[] = [];
  for (let k = 0; k < table.pixels.length; k++) {
    const i = table.truth[k];
    const j = table.prediction[k];
    if (i === 0 && !truthBackground) continue;
    const count = table.pixels[k];
    rows[i] = rows[i] + count;
    if (j === 0 && !predictionBackground) continue;
    columns[j] = columns[j] + count;
    cells.push(count);
  }
  return { joint: reduce(cells), truth: reduce(rows), prediction: reduce(columns) };
}

function reduce(counts: ArrayLike<number>): Squares {
  let pixels = 0;
  let sum = 0;
  for (let k = 0; k < counts.length; k++) {
    const count = counts[k];
    pixels += count;
    sum += count * count;
  }
  let entropy = 0;
  for (let k = 0; k < counts.length; k++) {
    const p = counts[k] / pixels;
    if (p > 0) entropy -= p * Math.log(p);
  }
  return { sum, entropy, pixels };
}
