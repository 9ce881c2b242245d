/** Pixel scores of a foreground mask, as in the ISBI 2012 challenge. */

import { type IntegerArray, requireSameShape } from '../objects/grid.ts';
import type { IgnoreOption } from './contingency.ts';
import { type PrecisionRecall, precisionRecall } from './f-score.ts';

export interface PixelCounts {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  readonly trueNegatives: number;
}

export interface PixelScores extends PixelCounts, PrecisionRecall {
  /** Share of pixels that differ, 0..1: the mean squared error of the two masks; NaN without pixels. */
  readonly meanSquaredError: number;
}

/**
 * Counts the pixels of two masks (not zero = foreground) by whether they agree.
 * @throws UsageError when shapes differ.
 */
export function pixelCounts(truth: IntegerArray, prediction: IntegerArray, { ignore }: IgnoreOption = {}): PixelCounts {
  requireSameShape(truth, prediction);
  if (ignore !== undefined) requireSameShape(truth, ignore, ['truth', 'ignore mask']);
  let truePositives = 0;
  let falsePositives = 0;
  let falseNegatives = 0;
  let trueNegatives = 0;
  const skip = ignore?.data;
  for (let i = 0; i < truth.data.length; i++) {
    if (skip !== undefined && skip[i] !== 0) continue;
    if (truth.data[i] !== 0) {
      if (prediction.data[i] !== 0) truePositives++;
      else falseNegatives++;
    } else if (prediction.data[i] !== 0) falsePositives++;
    else trueNegatives++;
  }
  return { truePositives, falsePositives, falseNegatives, trueNegatives };
}

/**
 * Scores from counts: F = 2 TP / (2 TP + FP + FN). Two masks without foreground agree: F = 1.
 * The challenge's pixel error is 1 - max over thresholds of F (not the mean squared error).
 */
export function pixelScores(counts: PixelCounts): PixelScores {
  const { truePositives, falsePositives, falseNegatives, trueNegatives } = counts;
  const wrong = falsePositives + falseNegatives;
  return {
    ...counts,
    ...precisionRecall(truePositives, truePositives + falsePositives, truePositives + falseNegatives),
    meanSquaredError: wrong / (wrong + truePositives + trueNegatives),
  };
}
