/** Pixel scores of a foreground mask, as in the ISBI 2012 challenge. */

import { wordsOf } from '../objects/connected-components.ts';
import type { IntegerArray } from '../objects/grid.ts';
import { type IgnoreOption, requireComparable } from './contingency.ts';
import { type PrecisionRecall, precisionRecall } from './f-score.ts';

export interface PixelCounts {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  readonly trueNegatives: number;
}

export interface PixelScores extends PixelCounts, PrecisionRecall {
  /** Fraction of pixels that differ, 0..1: the mean squared error of the two masks; NaN without pixels. */
  readonly meanSquaredError: number;
}

/**
 * Counts the agreeing and differing pixels of two masks (nonzero = foreground).
 * @throws UsageError if shapes differ.
 */
export function pixelCounts(truth: IntegerArray, prediction: IntegerArray, { ignore }: IgnoreOption = {}): PixelCounts {
  requireComparable(truth, prediction, ignore);
  if (ignore === undefined) {
    const { length } = truth.data;
    const [a, b] = [wordsOf(truth.data, length), wordsOf(prediction.data, length)];
    if (a !== undefined && b !== undefined) return countsOfWords(a, b);
  }
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

/** Number of words that can be summed lane by lane before a byte lane could overflow. */
const LANE_WORDS = 255;

/** Byte masks, four pixels at once and branch-free: 0.1 ms instead of 1.5 for 512 x 512. */
function countsOfWords(truth: Int32Array, prediction: Int32Array): PixelCounts {
  const words = truth.length;
  let inTruth = 0;
  let inPrediction = 0;
  let inBoth = 0;
  for (let from = 0; from < words; from += LANE_WORDS) {
    const end = Math.min(words, from + LANE_WORDS);
    let truthLanes = 0;
    let predictionLanes = 0;
    let bothLanes = 0;
    for (let i = from; i < end; i++) {
      const a = onesOf(truth[i]);
      const b = onesOf(prediction[i]);
      truthLanes = (truthLanes + a) | 0;
      predictionLanes = (predictionLanes + b) | 0;
      bothLanes = (bothLanes + (a & b)) | 0;
    }
    inTruth += sumOfLanes(truthLanes);
    inPrediction += sumOfLanes(predictionLanes);
    inBoth += sumOfLanes(bothLanes);
  }
  return {
    truePositives: inBoth,
    falsePositives: inPrediction - inBoth,
    falseNegatives: inTruth - inBoth,
    trueNegatives: 4 * words - inTruth - inPrediction + inBoth,
  };
}

/** 1 in every nonzero byte of a word. */
function onesOf(word: number): number {
  return ((((word & 0x7f7f7f7f) + 0x7f7f7f7f) | word) >>> 7) & 0x01010101;
}

function sumOfLanes(lanes: number): number {
  const pairs = (lanes & 0x00ff00ff) + ((lanes >>> 8) & 0x00ff00ff);
  return (pairs & 0xffff) + (pairs >>> 16);
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
