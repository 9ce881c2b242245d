/**
 * One scorer per task, on predicted slices: it selects the best model in training, and evaluates runs in `compare`. The
 * report and `evaluate` score with the same classes of this folder.
 */

import type { NdArray } from '../array/ndarray.ts';
import { argmaxClasses } from '../metrics/argmax.ts';
import type { InstanceScoresAt } from '../metrics/instances.ts';
import type { IsbiOptions } from '../metrics/isbi.ts';
import { MEMBRANE_SCORES, mainScores, OBJECT_SCORES, OBJECT_TOTALS, OVERLAP_TOTALS } from '../metrics/scores.ts';
import { type TuningImage, tuneSeparation } from '../metrics/tune-separation.ts';
import { labelGrid } from '../objects/grid.ts';
import { mapsOfRims, type SeparationSettings, separateObjects } from '../objects/instances.ts';
import type { MapKind, MapSeparation } from '../objects/object-maps.ts';
import { ignoreMask } from './ignore-mask.ts';
import { MembraneScorer } from './membranes.ts';
import { ObjectScorer } from './objects.ts';
import { diceOf, OverlapScorer } from './overlap.ts';

/** How slices are scored. JSON, stored in a run's configuration. */
export type PageMetric =
  | { readonly kind: 'v-rand' /** The class that is the inside of cells. */; readonly inside: 0 | 1 }
  | {
      readonly kind: 'dice' /** Classes excluded from the mean; default the background, class 0. */;
      readonly leaveOut?: readonly number[];
    }
  /** Average precision of objects at IoU 0.5, found by border or by the maps that the network gives instead of classes. */
  | { readonly kind: 'ap'; readonly by?: MapKind };

export interface ScoredPage {
  /** Class of each pixel, `IGNORE` if it is ignored. */
  readonly page: { readonly name: string; readonly height: number; readonly width: number; readonly label: Uint8Array };
  /** float32 [classes, height, width], or the maps that a network gives instead of classes. */
  readonly probabilities: NdArray<'float32'>;
  /** Label of the object at each pixel, if the label images number objects. */
  readonly objects?: Int32Array | Uint32Array;
}

export interface PageScores {
  /** `V-Rand`, `AP at IoU 0.5`, `Dice`. */
  readonly metric: string;
  /** Over all slices; higher is better. */
  readonly score: number;
  /** This and other scores, by name. */
  readonly scores: Readonly<Record<string, number>>;
  /** Per slice, in the order of addition. */
  readonly perImage: readonly number[];
  /** The separation settings used for this score. */
  readonly separation?: SeparationSettings | MapSeparation;
}

/** Receives slices one after another, so that only one probability map is in memory at a time. */
export interface Scorer {
  add(page: ScoredPage): void;
  result(): PageScores;
}

export interface ScorerOptions {
  /** `v-rand`: thresholds on the probability; default those of the challenge. */
  readonly thresholds?: IsbiOptions['thresholds'];
  /**
   * `ap`: how objects are separated. Default: the settings that are best on the slices, for which two maps of each are
   * kept.
   */
  readonly separation?: SeparationSettings;
  /** `ap` by maps: `mapScorer`. */
  readonly byMaps?: ((by: MapKind) => Scorer) | undefined;
}

/** A scorer for slices with these classes, class 0 first. Ignored pixels are not counted. */
export function scorerFor(metric: PageMetric, classNames: readonly string[], options: ScorerOptions = {}): Scorer {
  if (metric.kind === 'v-rand') return membraneScorer(metric.inside, options);
  if (metric.kind === 'dice') return overlapScorer(classNames, metric.leaveOut);
  return metric.by === undefined
    ? objectScorer(options)
    : (options.byMaps as NonNullable<ScorerOptions['byMaps']>)(metric.by);
}

function membraneScorer(inside: 0 | 1, { thresholds }: ScorerOptions): Scorer {
  // The warping error takes most of the time and is not needed here.
  const scorer = new MembraneScorer(inside, { thresholds, warpingUpTo: -1 });
  return {
    add({ page: { height, width, label }, probabilities }) {
      const pixels = height * width;
      scorer.add(label, probabilities.data.subarray(inside * pixels, (inside + 1) * pixels), [height, width]);
    },
    result() {
      const found = scorer.result();
      const { value, threshold } = found.vRandThinned;
      const { warpingError: _, ...computed } = MEMBRANE_SCORES;
      return {
        score: value,
        metric: MEMBRANE_SCORES.vRandThinned.main,
        scores: { ...mainScores(computed, (key) => found[key].value), threshold },
        perImage: scorer.perImage(),
      };
    },
  };
}

/** Number of slices on which settings are tuned, evenly spread; more take longer and change little. */
const TUNED_ON = 16;

/** Classes are background, object and border, as defined by `findMapping`. */
function objectScorer({ separation }: ScorerOptions): Scorer {
  const images: TuningImage[] = [];
  const scorer = new ObjectScorer();
  const score = ({ maps, truth, ignore }: TuningImage, settings: SeparationSettings): void => {
    scorer.add(truth, separateObjects(maps, settings).labels, { ignore });
  };
  return {
    add({ page: { height, width, label }, probabilities, objects = new Int32Array(label.length) }) {
      const shape = [height, width];
      const image = {
        maps: mapsOfRims(probabilities),
        truth: labelGrid(objects, shape),
        ...ignoreMask(label, shape),
      };
      if (separation === undefined) images.push(image);
      else score(image, separation);
    },
    result() {
      const every = Math.max(1, Math.ceil(images.length / TUNED_ON));
      const tuned = images.filter((_, i) => i % every === 0);
      const settings = separation ?? tuneSeparation(tuned, 'border').settings;
      for (const image of images.splice(0)) score(image, settings);
      return { ...objectScores(scorer), separation: settings };
    },
  };
}

/** AP at IoU 0.5 of all slices, and the other scores of objects. */
export function objectScores(scorer: ObjectScorer): PageScores {
  const found = scorer.result();
  const [at] = found.perThreshold as readonly [InstanceScoresAt];
  const ap = at.averagePrecision;
  return {
    // Neither true nor predicted objects: no errors.
    score: Number.isNaN(ap) ? 1 : ap,
    metric: OBJECT_SCORES.averagePrecision.main,
    scores: {
      ...mainScores(OBJECT_SCORES, (key) => at[key]),
      ...mainScores(OBJECT_TOTALS, (key) => found[key]),
    },
    perImage: scorer.perImage(),
  };
}

function overlapScorer(classNames: readonly string[], leaveOut: readonly number[] = [0]): Scorer {
  const scorer = new OverlapScorer(classNames.length, { leaveOut });
  return {
    add({ page: { label }, probabilities }) {
      scorer.add(label, argmaxClasses(probabilities).data);
    },
    result() {
      const all = scorer.result();
      const { perClass } = all;
      const each = classNames
        .map((name, c) => [`Dice ${name}`, perClass[c]?.dice ?? Number.NaN] as const)
        .filter((_, c) => !leaveOut.includes(c));
      return {
        score: diceOf(all),
        metric: OVERLAP_TOTALS.meanDice.main,
        scores: {
          ...(each.length > 1 ? Object.fromEntries(each) : {}),
          ...mainScores(OVERLAP_TOTALS, (key) => all[key]),
        },
        perImage: scorer.perImage(),
      };
    },
  };
}
