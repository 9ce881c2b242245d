/** Pixelwise overlap of classes: confusion matrix, Dice and IoU. */

import { UsageError } from '../errors.ts';
import type { IntegerArray } from '../objects/grid.ts';
import { type IgnoreOption, requireComparable } from './contingency.ts';
import { pixelCounts } from './pixel-error.ts';
import { CLASS_SCORES, type OVERLAP_TOTALS } from './scores.ts';

export interface ConfusionMatrix {
  /** Number of classes C, 0..C-1. */
  readonly classes: number;
  /** C x C pixel counts, row = true class, column = predicted class. Matrices of several images can be summed. */
  readonly pixels: Float64Array;
}

export interface ConfusionOptions extends IgnoreOption {
  /** Pixels with this ground-truth value are ignored. */
  readonly ignoreValue?: number;
}

/**
 * Counts true against predicted classes.
 * @param truth class of each pixel, 0..classes-1, any number of axes
 * @throws UsageError if shapes differ or a value that is not ignored is not a class.
 */
export function confusionMatrix(
  truth: IntegerArray,
  prediction: IntegerArray,
  classes: number,
  { ignore, ignoreValue }: ConfusionOptions = {},
): ConfusionMatrix {
  requireComparable(truth, prediction, ignore);
  const pixels = new Float64Array(classes * classes);
  const skip = ignore?.data;
  for (let i = 0; i < truth.data.length; i++) {
    const actual = truth.data[i];
    if (actual === ignoreValue || (skip !== undefined && skip[i] !== 0)) continue;
    const predicted = prediction.data[i];
    if (actual < 0 || actual >= classes || predicted < 0 || predicted >= classes) {
      const [name, value] = actual < 0 || actual >= classes ? ['truth', actual] : ['prediction', predicted];
      throw new UsageError(`The ${name} contains the value ${value}, which is not one of the ${classes} classes.`, {
        remedy: `Map the values to 0..${classes - 1}, or name the value to ignore.`,
      });
    }
    const cell = actual * classes + predicted;
    pixels[cell] = pixels[cell] + 1;
  }
  return { classes, pixels };
}

/**
 * The combined matrix of several images.
 * @throws UsageError for no matrices, as the classes are unknown, or if the classes differ.
 */
export function sumOfConfusions(matrices: readonly ConfusionMatrix[]): ConfusionMatrix {
  const classes = matrices[0]?.classes;
  if (classes === undefined || matrices.some((matrix) => matrix.classes !== classes)) {
    throw new UsageError('Confusion matrices to add must exist and have the same classes.');
  }
  const pixels = new Float64Array(classes * classes);
  for (const matrix of matrices) {
    for (let k = 0; k < pixels.length; k++) pixels[k] = pixels[k] + matrix.pixels[k];
  }
  return { classes, pixels };
}

type ClassScoreName = keyof typeof CLASS_SCORES;

/** Scores of one class. */
export type ClassScores = { readonly [S in ClassScoreName | 'truthPixels' | 'predictedPixels']: number };

export interface OverlapScores extends Readonly<Record<keyof typeof OVERLAP_TOTALS, number>> {
  readonly perClass: readonly ClassScores[];
}

export interface OverlapOptions {
  /** Classes excluded from the means, such as background; default none. */
  readonly leaveOut?: readonly number[];
}

/** Dice, IoU, precision and recall per class, and their means. */
export function overlapScores(
  { classes, pixels }: ConfusionMatrix,
  { leaveOut = [] }: OverlapOptions = {},
): OverlapScores {
  const at = (row: number, column: number): number => pixels[row * classes + column];
  const perClass: ClassScores[] = [];
  let right = 0;
  const total = pixels.reduce((sum, count) => sum + count, 0);
  for (let c = 0; c < classes; c++) {
    let truthPixels = 0;
    let predictedPixels = 0;
    for (let k = 0; k < classes; k++) {
      truthPixels += at(c, k);
      predictedPixels += at(k, c);
    }
    const shared = at(c, c);
    right += shared;
    const counts = { truth: truthPixels, predicted: predictedPixels, shared, all: total };
    const scores = Object.entries(CLASS_SCORES).map(([name, { of }]) => [name, of(counts)]);
    perClass.push({ truthPixels, predictedPixels, ...Object.fromEntries(scores) } as ClassScores);
  }
  const present = perClass.filter(({ dice }, c) => !Number.isNaN(dice) && !leaveOut.includes(c));
  const mean = (value: (scores: ClassScores) => number): number =>
    present.reduce((sum, scores) => sum + value(scores), 0) / present.length;
  return {
    perClass,
    meanDice: mean(({ dice }) => dice),
    meanIou: mean(({ iou }) => iou),
    pixelAccuracy: right / total,
  };
}

/**
 * Dice coefficient of two masks (nonzero = inside), 2 |A and B| / (|A| + |B|), 0..1; NaN if both are empty.
 * @throws UsageError if shapes differ.
 */
export function dice(truth: IntegerArray, prediction: IntegerArray, options: IgnoreOption = {}): number {
  const { truePositives, falsePositives, falseNegatives } = pixelCounts(truth, prediction, options);
  return (2 * truePositives) / (2 * truePositives + falsePositives + falseNegatives);
}

/**
 * Intersection over union (Jaccard index) of two masks (nonzero = inside),|A and B| / |A or B|, 0..1; NaN if both are
 * empty.
 * @throws UsageError if shapes differ.
 */
export function iou(truth: IntegerArray, prediction: IntegerArray, options: IgnoreOption = {}): number {
  const { truePositives, falsePositives, falseNegatives } = pixelCounts(truth, prediction, options);
  return truePositives / (truePositives + falsePositives + falseNegatives);
}
