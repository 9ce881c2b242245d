/**
 * Rand and information scores restricted to the ground-truth foreground, as in the ISBI 2012 challenge
 * (Arganda-Carreras et al. 2015, Frontiers in Neuroanatomy 9:142; its Java program).
 */

import type { Contingency } from './contingency.ts';
import { type PrecisionRecall, precisionRecall } from './f-score.ts';

/**
 * Sums over pairs of pixels, in squared pixels; a stack's sums are the totals over its slices.
 *
 * With c_ij the overlap in pixels of ground-truth segment i and predicted segment j, over the n pixels that are
 * foreground in the ground truth, a_i and b_j its row and column sums, and N0 the number of those pixels that are
 * background in the prediction (each counts as a separate segment): joint = sum c_ij^2 + N0, truth = sum a_i^2,
 * prediction = sum b_j^2 + N0.
 */
export interface RandSums {
  /** n, the number of pixels that count. */
  readonly pixels: number;
  readonly joint: number;
  readonly truth: number;
  readonly prediction: number;
}

export interface RandScores extends PrecisionRecall {
  readonly sums: RandSums;
  /** (truth + prediction - 2 joint) / (n (n - 1)): fraction of pixel pairs on which the two disagree; NaN for n < 2. */
  readonly pairError: number;
}

export interface InfoScores {
  /** I / H(truth): low if segments were merged. */
  readonly mergeScore: number;
  /** I / H(prediction): low if segments were split. */
  readonly splitScore: number;
  /** 2 I / (H(truth) + H(prediction)), 0..1: V-Info. */
  readonly fScore: number;
  /** H(prediction | truth) in nats: increases with splits. */
  readonly splitNats: number;
  /** H(truth | prediction) in nats: increases with merges. */
  readonly mergeNats: number;
  /** splitNats + mergeNats, >= 0. */
  readonly variationOfInformationNats: number;
}

interface Marginals {
  readonly truth: Float64Array;
  /** Over ground-truth foreground pixels; entry 0 is N0. */
  readonly prediction: Float64Array;
  readonly pixels: number;
}

function foregroundMarginals(table: Contingency): Marginals {
  const truth = new Float64Array(table.truthCount + 1);
  const prediction = new Float64Array(table.predictionCount + 1);
  let pixels = 0;
  for (let k = 0; k < table.pixels.length; k++) {
    const i = table.truth[k];
    if (i === 0) continue;
    const count = table.pixels[k];
    truth[i] = truth[i] + count;
    const j = table.prediction[k];
    prediction[j] = prediction[j] + count;
    pixels += count;
  }
  return { truth, prediction, pixels };
}

/** The sums of one slice or volume. Exact for up to 9e7 foreground pixels (2^53 squared pixels). */
export function randSums(table: Contingency): RandSums {
  const marginals = foregroundMarginals(table);
  const single = marginals.prediction[0];
  let joint = single;
  for (let k = 0; k < table.pixels.length; k++) {
    if (table.truth[k] !== 0 && table.prediction[k] !== 0) joint += table.pixels[k] ** 2;
  }
  let truth = 0;
  for (const a of marginals.truth) truth += a * a;
  let prediction = single;
  for (let j = 1; j < marginals.prediction.length; j++) prediction += marginals.prediction[j] ** 2;
  return { pixels: marginals.pixels, joint, truth, prediction };
}

/**
 * precision = joint / prediction (the "Rand merge score"), recall = joint / truth ("Rand split score"), fScore =
 * V-Rand; the challenge's Rand error is 1 - max over thresholds of fScore.
 *
 * All NaN without ground-truth foreground: there is nothing to score.
 */
export function randScores(sums: RandSums): RandScores {
  const { pixels, joint, truth, prediction } = sums;
  if (pixels === 0) {
    return { precision: Number.NaN, recall: Number.NaN, fScore: Number.NaN, sums, pairError: Number.NaN };
  }
  return {
    ...precisionRecall(joint, prediction, truth),
    sums,
    pairError: (truth + prediction - 2 * joint) / (pixels * (pixels - 1)),
  };
}

/**
 * Information scores over the same pixels, in nats: with p = counts / n, H(prediction) = -sum p_j ln p_j + p0 ln n
 * (each predicted background pixel is a segment of 1/n), likewise for the joint entropy; I = H(truth) + H(prediction) -
 * H(joint).
 *
 * If both entropies are 0 (one segment each) the partitions are equal and the scores are 1; if one is 0, so is I, and
 * the quotient with that entropy is defined as 1. All NaN without ground-truth foreground.
 */
export function infoScores(table: Contingency): InfoScores {
  const marginals = foregroundMarginals(table);
  const n = marginals.pixels;
  const entropy = (count: number): number => (count === 0 ? 0 : -(count / n) * Math.log(count / n));
  const singles = n === 0 ? Number.NaN : (marginals.prediction[0] / n) * Math.log(n);
  let truth = 0;
  for (const a of marginals.truth) truth += entropy(a);
  let prediction = singles;
  for (let j = 1; j < marginals.prediction.length; j++) prediction += entropy(marginals.prediction[j]);
  let joint = singles;
  for (let k = 0; k < table.pixels.length; k++) {
    if (table.truth[k] !== 0 && table.prediction[k] !== 0) joint += entropy(table.pixels[k]);
  }
  // Rounding may leave it out of range by some 1e-16.
  const information = Math.min(truth, prediction, Math.max(0, truth + prediction - joint));
  const share = (whole: number): number => (whole === 0 ? 1 : information / whole);
  const splitNats = Math.max(0, joint - truth);
  const mergeNats = Math.max(0, joint - prediction);
  return {
    mergeScore: share(truth),
    splitScore: share(prediction),
    fScore: share((truth + prediction) / 2),
    splitNats,
    mergeNats,
    variationOfInformationNats: splitNats + mergeNats,
  };
}
