/** The score that decides which model is best: the real one, on whole images. */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { hasRim, IGNORE, type LabelMapping } from '../dataset/labels/labels.ts';
import { insideOfCells } from '../dataset/labels/membranes.ts';
import type { TrainingPage } from '../dataset/patch-position.ts';
import { option } from '../errors.ts';
import { argmaxClasses } from '../metrics/argmax.ts';
import { contingency } from '../metrics/contingency.ts';
import { instanceScores, matchInstances } from '../metrics/instances.ts';
import { isbiScores, isbiSliceScores } from '../metrics/isbi.ts';
import { confusionMatrix, overlapScores, sumOfConfusions } from '../metrics/overlap.ts';
import { type TuningImage, tuneSeparation } from '../metrics/tune-separation.ts';
import { labelGrid } from '../objects/grid.ts';
import { mapsOfRims, type SeparationSettings, separateObjects } from '../objects/instances.ts';
import type { ValidationResult } from './loop.ts';

/** How validation images are scored. JSON, kept in the run's configuration. */
export type ValidationMetric =
  | { readonly kind: 'v-rand' /** The class that is the inside of cells. */; readonly inside: 0 | 1 }
  | { readonly kind: 'dice' }
  /** Average precision of objects at IoU 0.5. */
  | { readonly kind: 'ap' }
  /** Of the class of whole images. */
  | { readonly kind: 'accuracy' };

export interface ValidationPage {
  readonly page: Pick<TrainingPage, 'name' | 'height' | 'width' | 'label'>;
  /** float32 [classes, height, width]. */
  readonly probabilities: NdArray<'float32'>;
  /** Number of the object at each pixel, where labels have such numbers. */
  readonly objects?: Int32Array | Uint32Array;
}

/** Around the best threshold of most networks; a tenth finer or wider changes the order of models little. */
const THRESHOLDS = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/**
 * V-Rand for cells parted by membranes, where one gap in a membrane matters more than its width; else the mean Dice
 * of the foreground classes. With the reason as a printed line.
 */
export function chooseMetric(
  pages: readonly Pick<TrainingPage, 'height' | 'width' | 'label'>[],
  mapping: LabelMapping,
): { readonly metric: ValidationMetric; readonly reason: string } {
  const { kind, classes } = mapping;
  if (hasRim(mapping)) {
    return {
      metric: { kind: 'ap' },
      reason:
        'validation score: AP at IoU 0.5, since the labels number objects; how these are told apart is tuned on it',
    };
  }
  const inside = classes.length === 2 && kind !== 'instances' ? insideOfCells(pages) : undefined;
  if (inside !== undefined) {
    return {
      metric: { kind: 'v-rand', inside },
      reason: 'validation score: V-Rand, since the labels are cells parted by connected membranes',
    };
  }
  const which = classes.length === 2 ? 'of the foreground' : 'over the foreground classes';
  const hint = kind === 'instances' ? `; ${option('task', 'instances')} learns to separate touching objects` : '';
  return { metric: { kind: 'dice' }, reason: `validation score: mean Dice ${which}${hint}` };
}

/** Collects one image after another, so that no two probability maps are in memory at once. */
export interface Scorer {
  add(page: ValidationPage): void;
  result(): ValidationResult & {
    /** How objects are told apart with this score. */
    readonly separation?: SeparationSettings;
  };
}

/** A scorer for one validation. Ignored pixels take no part. */
export function scorer(metric: ValidationMetric, classNames: readonly string[]): Scorer {
  if (metric.kind === 'v-rand') return membraneScorer(metric.inside);
  return metric.kind === 'ap' ? objectScorer() : diceScorer(classNames);
}

function membraneScorer(inside: 0 | 1): Scorer {
  const slices: ReturnType<typeof isbiSliceScores>[] = [];
  return {
    add({ page: { height, width, label }, probabilities }) {
      const pixels = height * width;
      const truth = label.map((value) => (value === inside ? 1 : 0));
      const probability = probabilities.data.subarray(inside * pixels, (inside + 1) * pixels);
      const ignored = label.includes(IGNORE) ? label.map((value) => (value === IGNORE ? 1 : 0)) : undefined;
      slices.push(
        isbiSliceScores(ndarray('uint8', [height, width], truth), ndarray('float32', [height, width], probability), {
          thresholds: THRESHOLDS,
          // The warping error takes most of the time, and decides nothing here.
          warpingUpTo: -1,
          ...(ignored === undefined ? {} : { ignore: ndarray('uint8', [height, width], ignored) }),
        }),
      );
    },
    result() {
      const { vRandThinned, vInfoThinned, randError, pixelError } = isbiScores(slices);
      return {
        score: vRandThinned.value,
        metric: 'V-Rand',
        scores: {
          'V-Rand': vRandThinned.value,
          'V-Info': vInfoThinned.value,
          'Rand error': randError.value,
          'pixel error': pixelError.value,
          threshold: vRandThinned.threshold,
        },
      };
    },
  };
}

/** Settings are sought on this many pages, evenly spread; more take time and change little. */
const TUNED_ON = 16;

/** Classes are background, object and border, as `findMapping` gives them. Keeps two maps a page until the result. */
function objectScorer(): Scorer {
  const images: TuningImage[] = [];
  return {
    add({ page: { height, width, label }, probabilities, objects = new Int32Array(label.length) }) {
      images.push({
        maps: mapsOfRims(probabilities),
        truth: labelGrid(objects, [height, width]),
        ...(label.includes(IGNORE) && {
          ignore: ndarray(
            'uint8',
            [height, width],
            label.map((value) => (value === IGNORE ? 1 : 0)),
          ),
        }),
      });
    },
    result() {
      const every = Math.max(1, Math.ceil(images.length / TUNED_ON));
      const { settings } = tuneSeparation(
        images.filter((_, i) => i % every === 0),
        'border',
      );
      const { perThreshold, meanAveragePrecision } = instanceScores(
        images.map(({ maps, truth, ignore }) =>
          matchInstances(contingency(truth, separateObjects(maps, settings).labels, ignore && { ignore })),
        ),
      );
      const ap = perThreshold[0]?.averagePrecision ?? Number.NaN;
      return {
        // Objects neither there nor predicted: nothing is wrong.
        score: Number.isNaN(ap) ? 1 : ap,
        metric: 'AP at IoU 0.5',
        scores: { 'AP at IoU 0.5': ap, 'mean AP': meanAveragePrecision },
        separation: settings,
      };
    },
  };
}

function diceScorer(classNames: readonly string[]): Scorer {
  const matrices: ReturnType<typeof confusionMatrix>[] = [];
  return {
    add({ page: { height, width, label }, probabilities }) {
      const truth = ndarray('uint8', [height, width], label);
      matrices.push(confusionMatrix(truth, argmaxClasses(probabilities), classNames.length, { ignoreValue: IGNORE }));
    },
    result() {
      const { perClass, meanDice, meanIou } = overlapScores(sumOfConfusions(matrices), { leaveOut: [0] });
      const each = classNames.map((name, c) => [`Dice ${name}`, perClass[c]?.dice ?? Number.NaN] as const).slice(1);
      return {
        // Foreground neither there nor predicted: nothing is wrong.
        score: Number.isNaN(meanDice) ? 1 : meanDice,
        metric: 'Dice',
        scores: { ...(each.length > 1 ? Object.fromEntries(each) : {}), Dice: meanDice, IoU: meanIou },
      };
    },
  };
}
