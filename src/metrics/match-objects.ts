/** The fate of each true and each predicted object: found, missed, merged, split, spurious. */

import { addTo } from '../array/lists.ts';
import { UsageError } from '../errors.ts';
import type { IntegerArray } from '../objects/grid.ts';
import { type Contingency, comparedLabels, type IgnoreOption, labelPixels } from './contingency.ts';

export interface MatchObjectsOptions extends IgnoreOption {
  /** Minimum IoU of an object with a predicted one to count as found: 0.5..1. Default 0.5. */
  readonly iou?: number;
  /** Minimum fraction of a true object that a predicted one covers to count as a part of its split: 0..1. Default 0.1. */
  readonly minPart?: number;
}

/** Objects are identified by their labels. Each true one and each predicted one is in exactly one of the lists. */
export interface ObjectMatches {
  readonly truthCount: number;
  readonly predictedCount: number;
  readonly matched: readonly { readonly truth: number; readonly predicted: number; readonly iou: number }[];
  /** True objects in none of the lists below. */
  readonly missed: readonly number[];
  /** One predicted object over several true ones: it covers more than half of each. */
  readonly merged: readonly { readonly predicted: number; readonly truth: readonly number[] }[];
  /** One true object in several predicted parts: it covers more than half of each. */
  readonly split: readonly { readonly truth: number; readonly predicted: readonly number[] }[];
  /** Predicted objects in none of the lists above. */
  readonly spurious: readonly number[];
}

/**
 * Matches predicted objects with true ones (label 0 is background).
 *
 * First merges: a predicted object that covers more than half of each of two or more true ones. Then splits: a true
 * object, not merged, that covers more than half of each of two or more predicted ones, each covering at least
 * `minPart` of it. Then pairs of the remaining objects with the required IoU. The rest is missed or spurious. An object in a
 * merge or a split is in no pair, even if its IoU would suffice.
 * @throws UsageError if shapes differ, a label is negative, or an option is out of range.
 */
export function matchObjects(
  truth: IntegerArray,
  predicted: IntegerArray,
  { ignore, ...options }: MatchObjectsOptions = {},
): ObjectMatches {
  const { objects, segments, table } = comparedLabels(truth, predicted, { ignore });
  const found = matchTable(table, options);
  const nameOfTruth = (number: number): number => objects.values[number];
  const nameOfPredicted = (number: number): number => segments.values[number];
  return {
    ...found,
    matched: found.matched.map(({ truth: t, predicted: p, iou }) => ({
      truth: nameOfTruth(t),
      predicted: nameOfPredicted(p),
      iou,
    })),
    missed: found.missed.map(nameOfTruth),
    merged: found.merged.map((one) => ({
      predicted: nameOfPredicted(one.predicted),
      truth: one.truth.map(nameOfTruth),
    })),
    split: found.split.map((one) => ({ truth: nameOfTruth(one.truth), predicted: one.predicted.map(nameOfPredicted) })),
    spurious: found.spurious.map(nameOfPredicted),
  };
}

/** As `matchObjects`, from the table of two label maps, by whose numbers objects are identified. */
export function matchTable(
  table: Contingency,
  { iou: least = 0.5, minPart = 0.1 }: Omit<MatchObjectsOptions, 'ignore'> = {},
): ObjectMatches {
  if (!(least >= 0.5 && least <= 1)) {
    throw new UsageError(`The IoU ${least} is not in 0.5..1.`, { remedy: 'Below 0.5 a match is not unique.' });
  }
  if (!(minPart >= 0 && minPart <= 1)) throw new UsageError(`The fraction ${minPart} is not in 0..1.`);
  const { truth: truthPixels, prediction: predictedPixels } = labelPixels(table);
  const covered = new Map<number, number[]>();
  const parts = new Map<number, number[]>();
  const pairs: { truth: number; predicted: number; iou: number }[] = [];
  for (const [k, pixels] of table.pixels.entries()) {
    const t = table.truth[k];
    const p = table.prediction[k];
    if (t === 0 || p === 0) continue;
    const ofTruth = truthPixels[t];
    const ofPredicted = predictedPixels[p];
    if (2 * pixels > ofTruth) addTo(covered, p, t);
    if (2 * pixels > ofPredicted && pixels >= minPart * ofTruth) addTo(parts, t, p);
    const iou = pixels / (ofTruth + ofPredicted - pixels);
    if (iou >= least) pairs.push({ truth: t, predicted: p, iou });
  }

  const truthDone = new Uint8Array(table.truthCount + 1);
  const predictedDone = new Uint8Array(table.predictionCount + 1);
  const merged: { predicted: number; truth: number[] }[] = [];
  for (const [p, objects] of [...covered].sort(([x], [y]) => x - y)) {
    if (objects.length < 2) continue;
    predictedDone[p] = 1;
    for (const t of objects) truthDone[t] = 1;
    merged.push({ predicted: p, truth: objects });
  }
  const split: { truth: number; predicted: number[] }[] = [];
  for (const [t, objects] of parts) {
    const left = objects.filter((p) => predictedDone[p] === 0).sort((x, y) => x - y);
    if (left.length < 2 || truthDone[t] === 1) continue;
    truthDone[t] = 1;
    for (const p of left) predictedDone[p] = 1;
    split.push({ truth: t, predicted: left });
  }
  const matched: { truth: number; predicted: number; iou: number }[] = [];
  for (const { truth: t, predicted: p, iou } of pairs) {
    if (truthDone[t] === 1 || predictedDone[p] === 1) continue;
    truthDone[t] = 1;
    predictedDone[p] = 1;
    matched.push({ truth: t, predicted: p, iou });
  }
  // Objects entirely under the ignore mask do not exist.
  const there = (pixels: Float64Array): number[] =>
    [...pixels.keys()].filter((label) => label > 0 && pixels[label] !== 0);
  const truths = there(truthPixels);
  const predictions = there(predictedPixels);
  return {
    truthCount: truths.length,
    predictedCount: predictions.length,
    matched,
    missed: truths.filter((t) => truthDone[t] === 0),
    merged,
    split,
    spurious: predictions.filter((p) => predictedDone[p] === 0),
  };
}
