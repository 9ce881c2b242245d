/**
 * The five scores of the ISBI 2012 challenge over thresholds, for slices and for stacks (Arganda-Carreras et al. 2015),
 * identical to the challenge's Java program.
 *
 * Foreground is the inside of cells, membranes are background. A slice is scored once at every threshold; everything in
 * the report is a cheap reduction of these records.
 */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import { connectedComponents } from '../objects/connected-components.ts';
import { extentsOf, type IntegerArray } from '../objects/grid.ts';
import { vincentSoilleWatershed } from '../objects/watershed.ts';
import { contingencyOfGroups, groupPixels, type IgnoreOption, requireComparable } from './contingency.ts';
import type { PrecisionRecall } from './f-score.ts';
import { type PixelScores, pixelCounts, pixelScores } from './pixel-error.ts';
import { type InfoScores, infoScores, type RandScores, randScores, randSums } from './rand.ts';
import { type WarpingCounts, type WarpingResult, WarpingScorer } from './warping.ts';

/**
 * 0 to 1 in steps of 0.1, accumulated as in the challenge's program (0.7999999999999999 and so on). The last is just
 * below 1, so a pixel of exactly 1 is foreground at every threshold.
 */
export const ISBI_THRESHOLDS: readonly number[] = [
  0, 0.1, 0.2, 0.30000000000000004, 0.4, 0.5, 0.6, 0.7, 0.7999999999999999, 0.8999999999999999, 0.9999999999999999,
];

export interface IsbiOptions extends IgnoreOption {
  /** Foreground is where `prediction > threshold`; default ISBI_THRESHOLDS. */
  readonly thresholds?: readonly number[];
  /** The warping error is computed up to this threshold, inclusive; default 0.9 as in the challenge. */
  readonly warpingUpTo?: number;
}

export type WarpingScores = WarpingCounts & Pick<WarpingResult, 'mergeClusters' | 'splitClusters' | 'pixels' | 'error'>;

export interface PartitionScores {
  readonly rand: RandScores;
  readonly info: InfoScores;
}

/** All scores of one slice at one threshold. */
export interface IsbiThresholdScores {
  readonly threshold: number;
  readonly pixel: PixelScores;
  /** Scores of the 4-connected components of the thresholded prediction. */
  readonly components: PartitionScores;
  /** Scores of its watershed basins: borders thinned to lines, so that their width does not matter. */
  readonly thinned: PartitionScores;
  /** Undefined above `warpingUpTo`. */
  readonly warping?: WarpingScores;
}

export type IsbiSliceScores = readonly IsbiThresholdScores[];

/** A score at its best threshold (the lowest in case of a tie). */
export interface BestScore {
  readonly value: number;
  /** NaN if the score is not defined at any threshold. */
  readonly threshold: number;
}

export type BestFScore = BestScore & Omit<PrecisionRecall, 'fScore'>;

/** One point of the curves over thresholds. */
export interface IsbiCurvePoint {
  readonly threshold: number;
  /** 1 - F-score of pixels. */
  readonly pixelError: number;
  /** 1 - V-Rand of components. */
  readonly randError: number;
  /** Undefined above `warpingUpTo`. */
  readonly warpingError?: number;
  readonly vRand: number;
  readonly vInfo: number;
  readonly vRandThinned: number;
  readonly vInfoThinned: number;
}

/**
 * The challenge's scores. Errors: 0 is best. V scores: 1 is best; precision is low if segments were merged, recall if
 * they were split. The published V-Rand and V-Info are the thinned ones.
 */
export interface IsbiScores {
  readonly slices: number;
  readonly pixelError: BestFScore;
  readonly randError: BestFScore;
  /** With the merge and split pixels, summed over slices, at its threshold. */
  readonly warpingError: BestScore & { readonly merge: number; readonly split: number };
  readonly vRand: BestFScore;
  readonly vInfo: BestFScore;
  readonly vRandThinned: BestFScore;
  readonly vInfoThinned: BestFScore;
  readonly curve: readonly IsbiCurvePoint[];
}

/**
 * Scores one slice at every threshold.
 *
 * A ground truth without foreground has nothing to partition: its Rand and information scores are NaN, while pixel and
 * warping scores are defined. A constant prediction is scored like any other. An `ignore` mask excludes pixels from the
 * counts; segments are still determined on the whole slice, and warping treats ignored pixels as correct.
 *
 * @param truth [h, w], nonzero = inside a cell, 0 = membrane
 * @param prediction [h, w], probability of "inside", 0..1; compared and sorted in float32
 * @throws UsageError if shapes differ, the slice has no pixels, or the prediction has NaN or values outside 0..1.
 */
export function isbiSliceScores(
  truth: IntegerArray,
  prediction: NdArray<'float32' | 'float64'>,
  { ignore, thresholds = ISBI_THRESHOLDS, warpingUpTo = 0.9 }: IsbiOptions = {},
): IsbiSliceScores {
  const { rank, size } = extentsOf(truth.shape);
  if (rank !== 2 || size === 0) {
    throw new UsageError(`The ground truth has the shape [${truth.shape.join(', ')}].`, {
      remedy: 'Score 2D slices that have pixels, one by one.',
    });
  }
  requireComparable(truth, prediction, ignore);
  requireThresholds(thresholds);
  const probability = asProbability(prediction);

  const truthComponents = connectedComponents(truth);
  const groups = groupPixels(truthComponents.labels, truthComponents.count, ignore);
  const warping = new WarpingScorer(truth, ignore);
  const partition = (labels: NdArray<'int32'>, count: number): PartitionScores => {
    const table = contingencyOfGroups(groups, labels, count);
    return { rand: randScores(randSums(table)), info: infoScores(table) };
  };

  const labels = new Int32Array(size);
  const scoreAt = (threshold: number): IsbiThresholdScores => {
    const inside = new Uint8Array(size);
    const membrane = new Uint8Array(size);
    for (let i = 0; i < size; i++) {
      if (probability[i] > threshold) inside[i] = 1;
      else membrane[i] = 1;
    }
    const mask = ndarray('uint8', truth.shape, inside);
    const components = connectedComponents(mask, { out: labels });
    const basins = vincentSoilleWatershed(ndarray('uint8', truth.shape, membrane));
    const scores = {
      threshold,
      pixel: pixelScores(pixelCounts(truth, mask, ignore === undefined ? {} : { ignore })),
      components: partition(components.labels, components.count),
      thinned: partition(basins.labels, basins.count),
    };
    if (threshold > warpingUpTo) return scores;
    const { counts, mergeClusters, splitClusters, pixels, error } = warping.score(probability, threshold);
    return { ...scores, warping: { ...counts, mergeClusters, splitClusters, pixels, error } };
  };

  // Thresholds between the same two values of the prediction produce the same mask, but a different warping order.
  return thresholds.map(scoreAt);
}

/**
 * Reduces slices to the challenge's scores, with a single best threshold for the whole stack: pixel and Rand scores are
 * computed from sums over the slices (micro), V-Rand, V-Info and warping are means over the slices (macro), excluding
 * slices whose score is NaN. One slice is a stack of one. If a score is not defined at any threshold, its value and
 * threshold are NaN.
 * @throws UsageError without slices, or if their thresholds differ.
 */
export function isbiScores(slices: readonly IsbiSliceScores[]): IsbiScores {
  const first = slices[0];
  if (first === undefined) throw new UsageError('There is no slice to score.');
  for (const slice of slices) {
    if (slice.length !== first.length || slice.some(({ threshold }, t) => threshold !== first[t]?.threshold)) {
      throw new UsageError('The slices were scored at different thresholds.', { remedy: 'Use the same ones for all.' });
    }
  }
  const points = first.map(({ threshold }, t) =>
    stackPoint(
      threshold,
      slices.map((slice) => slice[t]),
    ),
  );
  const best = (value: (point: StackPoint) => PrecisionRecall): BestFScore => {
    const point = lowest(points, (candidate) => 1 - value(candidate).fScore);
    if (point === undefined) {
      return { value: Number.NaN, threshold: Number.NaN, precision: Number.NaN, recall: Number.NaN };
    }
    const { fScore, precision, recall } = value(point);
    return { value: fScore, threshold: point.threshold, precision, recall };
  };
  const asError = (score: BestFScore): BestFScore => ({ ...score, value: 1 - score.value });
  const warped = lowest(points, ({ warping }) => warping?.error ?? Number.NaN);

  return {
    slices: slices.length,
    pixelError: asError(best(({ pixel }) => pixel)),
    randError: asError(best(({ rand }) => rand)),
    warpingError: {
      value: warped?.warping?.error ?? Number.NaN,
      threshold: warped?.threshold ?? Number.NaN,
      merge: warped?.warping?.merge ?? 0,
      split: warped?.warping?.split ?? 0,
    },
    vRand: best(({ vRand }) => vRand),
    vInfo: best(({ vInfo }) => vInfo),
    vRandThinned: best(({ vRandThinned }) => vRandThinned),
    vInfoThinned: best(({ vInfoThinned }) => vInfoThinned),
    curve: points.map(({ threshold, pixel, rand, warping, vRand, vInfo, vRandThinned, vInfoThinned }) => ({
      threshold,
      pixelError: 1 - pixel.fScore,
      randError: 1 - rand.fScore,
      ...(warping === undefined ? {} : { warpingError: warping.error }),
      vRand: vRand.fScore,
      vInfo: vInfo.fScore,
      vRandThinned: vRandThinned.fScore,
      vInfoThinned: vInfoThinned.fScore,
    })),
  };
}

interface StackPoint {
  readonly threshold: number;
  readonly pixel: PrecisionRecall;
  readonly rand: PrecisionRecall;
  readonly warping: { readonly error: number; readonly merge: number; readonly split: number } | undefined;
  readonly vRand: PrecisionRecall;
  readonly vInfo: PrecisionRecall;
  readonly vRandThinned: PrecisionRecall;
  readonly vInfoThinned: PrecisionRecall;
}

function stackPoint(threshold: number, slices: readonly IsbiThresholdScores[]): StackPoint {
  const meanF = (value: (slice: IsbiThresholdScores) => PrecisionRecall): PrecisionRecall => ({
    fScore: mean(slices.map((slice) => value(slice).fScore)),
    precision: mean(slices.map((slice) => value(slice).precision)),
    recall: mean(slices.map((slice) => value(slice).recall)),
  });
  const infoF = ({ fScore, mergeScore, splitScore }: InfoScores): PrecisionRecall => ({
    fScore,
    precision: mergeScore,
    recall: splitScore,
  });
  const warping = slices.flatMap((slice) => (slice.warping === undefined ? [] : [slice.warping]));
  return {
    threshold,
    pixel: pixelScores(total(slices.map(({ pixel }) => pixel))),
    rand: randScores(total(slices.map(({ components }) => components.rand.sums))),
    warping: warping.length === 0 ? undefined : { ...total(warping), error: mean(warping.map(({ error }) => error)) },
    vRand: meanF(({ components }) => components.rand),
    vInfo: meanF(({ components }) => infoF(components.info)),
    vRandThinned: meanF(({ thinned }) => thinned.rand),
    vInfoThinned: meanF(({ thinned }) => infoF(thinned.info)),
  };
}

/** The sum of each number. */
function total<T extends object>(items: readonly T[]): T {
  const entries = Object.keys(items[0] as T).map((key) => {
    const values = items.map((item) => item[key as keyof T] as number);
    return [key, values.reduce((sum, value) => sum + value, 0)];
  });
  return Object.fromEntries(entries) as T;
}

/** Mean of the values other than NaN; NaN if there are none. */
function mean(values: readonly number[]): number {
  const defined = values.filter((value) => !Number.isNaN(value));
  return defined.reduce((sum, value) => sum + value, 0) / defined.length;
}

/** The first item with the lowest value other than NaN. */
function lowest<T>(items: readonly T[], value: (item: T) => number): T | undefined {
  let best: T | undefined;
  let bestValue = Number.POSITIVE_INFINITY;
  for (const item of items) {
    if (value(item) < bestValue) {
      best = item;
      bestValue = value(item);
    }
  }
  return best;
}

function requireThresholds(thresholds: readonly number[]): void {
  if (thresholds.length === 0 || thresholds.some((threshold) => !Number.isFinite(threshold))) {
    throw new UsageError(`The thresholds [${thresholds.join(', ')}] are not a list of numbers.`);
  }
}

/** float32, like the challenge's images; softmax rounding may exceed 0..1 slightly. */
function asProbability(prediction: NdArray<'float32' | 'float64'>): Float32Array {
  const data = prediction.data instanceof Float32Array ? prediction.data : Float32Array.from(prediction.data);
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    if (value >= -1e-3 && value <= 1.001) continue;
    const width = prediction.shape[1];
    throw new UsageError(`The prediction is ${value} at row ${Math.floor(i / width)}, column ${i % width}.`, {
      remedy: 'Use probabilities from 0 to 1 (8-bit maps divided by 255).',
    });
  }
  return data;
}
