/** Instance scores: which predicted object matches which true one, and how well they overlap. */

import { UsageError } from '../errors.ts';
import { type Contingency, labelPixels } from './contingency.ts';
import type { OBJECT_SCORES, OBJECT_TOTALS } from './scores.ts';

/** 0.5 to 0.95 in steps of 0.05. */
export const IOU_THRESHOLDS: readonly number[] = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95];

export interface InstanceMatching {
  readonly truthCount: number;
  readonly predictionCount: number;
  /**
   * Pairs of objects with IoU >= 0.5, each object in at most one, ordered by ground truth. `truth` and `prediction`
   * number the labels that occur, in ascending order, from 1.
   */
  readonly pairs: readonly { readonly truth: number; readonly prediction: number; readonly iou: number }[];
  /** Sum over true objects of the SEG measure's Jaccard index, and the number of objects. */
  readonly segSum: number;
}

/**
 * Matches the objects of two label maps (label 0 is background).
 *
 * Above an IoU of 0.5 a partner is unique, so there is no assignment problem; at exactly 0.5 an object may have two
 * equal partners and is matched to the one with the lower label.
 * @param table from `contingency(truth, prediction)`
 */
export function matchInstances(table: Contingency): InstanceMatching {
  const { truth: truthPixels, prediction: predictionPixels } = labelPixels(table);
  const candidates: { truth: number; prediction: number; iou: number }[] = [];
  let segSum = 0;
  for (let k = 0; k < table.pixels.length; k++) {
    const truth = table.truth[k];
    const prediction = table.prediction[k];
    if (truth === 0 || prediction === 0) continue;
    const shared = table.pixels[k];
    const truthSize = truthPixels[truth];
    const iou = shared / (truthSize + predictionPixels[prediction] - shared);
    if (iou >= 0.5) candidates.push({ truth, prediction, iou });
    if (2 * shared > truthSize) segSum += iou;
  }
  candidates.sort((a, b) => a.truth - b.truth || a.prediction - b.prediction);
  const pairs: typeof candidates = [];
  const takenTruth = new Set<number>();
  const takenPrediction = new Set<number>();
  for (const pair of candidates) {
    if (takenTruth.has(pair.truth) || takenPrediction.has(pair.prediction)) continue;
    takenTruth.add(pair.truth);
    takenPrediction.add(pair.prediction);
    pairs.push(pair);
  }
  // Objects entirely under the ignore mask do not exist.
  return {
    truthCount: truthPixels.reduce((count, pixels, label) => count + (label > 0 && pixels > 0 ? 1 : 0), 0),
    predictionCount: predictionPixels.reduce((count, pixels, label) => count + (label > 0 && pixels > 0 ? 1 : 0), 0),
    pairs,
    segSum,
  };
}

/** The scores are those of `OBJECT_SCORES`. */
export interface InstanceScoresAt extends Readonly<Record<keyof typeof OBJECT_SCORES, number>> {
  readonly iouThreshold: number;
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
}

export interface InstanceScores extends Readonly<Record<keyof typeof OBJECT_TOTALS, number>> {
  readonly truthCount: number;
  readonly predictionCount: number;
  readonly perThreshold: readonly InstanceScoresAt[];
}

export interface InstanceOptions {
  /** Ascending, each 0.5..1; default IOU_THRESHOLDS. */
  readonly iouThresholds?: readonly number[];
}

/**
 * Scores of the objects of one or several images; counts of several images are summed before taking quotients. (DSB
 * 2018 instead averages over images, `imageMean`.)
 *
 * 1 if there are no objects on either side; 0 if there are objects on one side only.
 * @throws UsageError for a threshold below 0.5, where matching is not unique, or above 1.
 */
export function instanceScores(
  images: readonly InstanceMatching[],
  { iouThresholds = IOU_THRESHOLDS }: InstanceOptions = {},
): InstanceScores {
  for (const threshold of iouThresholds) {
    if (!(threshold >= 0.5 && threshold <= 1)) {
      throw new UsageError(`The IoU threshold ${threshold} is not in 0.5..1.`);
    }
  }
  const total = (value: (image: InstanceMatching) => number): number =>
    images.reduce((sum, image) => sum + value(image), 0);
  const truthCount = total((image) => image.truthCount);
  const predictionCount = total((image) => image.predictionCount);
  const perThreshold = iouThresholds.map((iouThreshold): InstanceScoresAt => {
    const matched = images.flatMap((image) => image.pairs.filter(({ iou }) => iou >= iouThreshold));
    const truePositives = matched.length;
    const ofEach = images.map(({ truthCount: t, predictionCount: p, pairs }) => {
      const found = pairs.filter(({ iou }) => iou >= iouThreshold).length;
      return t + p === 0 ? 1 : found / (t + p - found);
    });
    const falsePositives = predictionCount - truePositives;
    const falseNegatives = truthCount - truePositives;
    const agreed = truthCount + predictionCount === 0;
    const quotient = (numerator: number, denominator: number): number =>
      agreed ? 1 : denominator === 0 ? 0 : numerator / denominator;
    const iouSum = singlePrecisionSum(matched.map(({ iou }) => iou));
    return {
      iouThreshold,
      truePositives,
      falsePositives,
      falseNegatives,
      precision: quotient(truePositives, predictionCount),
      recall: quotient(truePositives, truthCount),
      f1: quotient(2 * truePositives, predictionCount + truthCount),
      averagePrecision: quotient(truePositives, truePositives + falsePositives + falseNegatives),
      imageMean: ofEach.reduce((sum, value) => sum + value, 0) / images.length,
      panopticQuality: quotient(iouSum, truePositives + falsePositives / 2 + falseNegatives / 2),
      segmentationQuality: iouSum / truePositives,
    };
  });
  return {
    truthCount,
    predictionCount,
    perThreshold,
    meanAveragePrecision:
      perThreshold.reduce((sum, { averagePrecision }) => sum + averagePrecision, 0) / perThreshold.length,
    seg: total((image) => image.segSum) / truthCount,
  };
}

/**
 * A sum of IoUs in float32 and in NumPy's order (eight running sums, halves above 128 terms), as in the reference
 * program (StarDist's `matching`); in double precision the panoptic quality differs in the eighth digit.
 */
function singlePrecisionSum(values: readonly number[]): number {
  const f = Math.fround;
  if (values.length > 128) {
    const half = Math.floor(values.length / 2);
    const split = half - (half % 8);
    return f(singlePrecisionSum(values.slice(0, split)) + singlePrecisionSum(values.slice(split)));
  }
  const eights = values.length - (values.length % 8);
  let sum = 0;
  if (eights > 0) {
    const running = values.slice(0, 8).map(f);
    for (let k = 8; k < eights; k++) running[k % 8] = f(running[k % 8] + f(values[k]));
    const [a, b, c, d, e, g, h, i] = running as [number, number, number, number, number, number, number, number];
    sum = f(f(f(a + b) + f(c + d)) + f(f(e + g) + f(h + i)));
  }
  for (let k = eights; k < values.length; k++) sum = f(sum + f(values[k]));
  return sum;
}
