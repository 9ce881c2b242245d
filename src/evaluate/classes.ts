/** Compares the classes of images with the true ones: for training, the report, `compare` and `evaluate`. */

import type { NdArray } from '../array/ndarray.ts';
import { LABEL_SCORES, mainScores } from '../metrics/scores.ts';
import { topKAccuracy } from '../metrics/top-k.ts';

/** Scores of one class of images. */
export interface LabelClassScores {
  readonly name: string;
  readonly images: number;
  /** Fraction of the class that was found; NaN without images. */
  readonly recall: number;
  /** Fraction of the predictions of the class that are correct; NaN without any. */
  readonly precision: number;
}

export interface LabelScores {
  readonly images: number;
  readonly top1: number;
  /** NaN for five classes or fewer. */
  readonly top5: number;
  readonly perClass: readonly LabelClassScores[];
  /** Number of images, one row per true class, one column per predicted class. */
  readonly confusion: readonly (readonly number[])[];
  /** 1 for each image whose class is right, else 0. */
  readonly perImage: readonly number[];
}

/**
 * Scores of image classifiers. Among equally probable classes the true one is not the prediction, as in `topKAccuracy`.
 * @param probabilities [images, classes]
 * @param labels class of each image
 */
export function labelScores(
  probabilities: NdArray<'float32'>,
  labels: readonly number[],
  names: readonly string[],
): LabelScores {
  const confusion = names.map(() => names.map(() => 0));
  const perImage = labels.map((label, n) => {
    const row = probabilities.data.subarray(n * names.length, (n + 1) * names.length);
    const found = predicted(row, label);
    const counts = confusion[label] as number[];
    counts[found] = (counts[found] as number) + 1;
    return found === label ? 1 : 0;
  });
  const perClass = names.map((name, c): LabelClassScores => {
    const own = confusion[c] as readonly number[];
    const right = own[c] as number;
    const images = own.reduce((a, b) => a + b, 0);
    const taken = confusion.reduce((sum, row) => sum + (row[c] as number), 0);
    return { name, images, recall: right / images, precision: right / taken };
  });
  return {
    images: labels.length,
    top1: topKAccuracy(probabilities, labels, 1),
    top5: names.length > 5 ? topKAccuracy(probabilities, labels, 5) : Number.NaN,
    perClass,
    confusion,
    perImage,
  };
}

/** The most probable class; another than the true one if it is no less probable. */
function predicted(row: Float32Array, label: number): number {
  let best = label;
  row.forEach((p, c) => {
    if (c === label || p < (row[label] as number)) return;
    if (best === label || p > (row[best] as number)) best = c;
  });
  return best;
}

/** The main scores by name, without those that the number of classes makes meaningless. */
export function mainLabelScores(scores: LabelScores): Readonly<Record<string, number>> {
  const named = mainScores(LABEL_SCORES, (key) => scores[key]);
  return Object.fromEntries(Object.entries(named).filter(([, value]) => !Number.isNaN(value)));
}
