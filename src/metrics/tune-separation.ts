/** Finds the settings that separate objects best on images with ground truth. */

import { UsageError } from '../errors.ts';
import type { IntegerArray } from '../objects/grid.ts';
import {
  type PredictedMaps,
  type SeparationSettings,
  type SeparationWay,
  separateObjects,
} from '../objects/instances.ts';
import { contingency, type IgnoreOption } from './contingency.ts';
import { instanceScores, matchInstances } from './instances.ts';

export interface TuningImage extends IgnoreOption {
  readonly maps: PredictedMaps;
  /** Label map, 0 = background. */
  readonly truth: IntegerArray;
}

export interface TuneSeparationOptions {
  /** The score to maximise: AP at IoU 0.5 (default), or its mean over 0.5..0.95. */
  readonly score?: 'ap50' | 'meanAp';
  /** Starting point of the search; default: the defaults of `separateObjects`. */
  readonly start?: Omit<SeparationSettings, 'by'>;
}

export interface TunedSeparation {
  readonly settings: SeparationSettings;
  readonly score: number;
  /** All settings tried, in order. */
  readonly tried: readonly { readonly settings: SeparationSettings; readonly score: number }[];
}

type Tunable = 'threshold' | 'seedThreshold' | 'peakHeight' | 'minSeedSize' | 'minSize' | 'minConfidence';

const THRESHOLDS = [0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8];
/** Densest where the confidences of true objects usually lie. */
const CONFIDENCES = [0, 0.5, 0.6, 0.7, 0.75, 0.8, 0.84, 0.88, 0.9, 0.92, 0.94, 0.96];
const SIZES = [0, 0.02, 0.05, 0.1, 0.2];

/**
 * Candidates for each setting, in order: uncertain objects are filtered by confidence, so that the threshold only
 * shapes the outlines. Sizes are fractions of the median true object.
 */
const CANDIDATES: { readonly [way in SeparationWay]: { readonly [setting in Tunable]?: readonly number[] } } = {
  components: { minConfidence: CONFIDENCES, threshold: THRESHOLDS, minSize: SIZES },
  shape: {
    minConfidence: CONFIDENCES,
    threshold: THRESHOLDS,
    peakHeight: [0.25, 0.5, 0.75, 1, 1.5, 2, 3],
    minSize: SIZES,
  },
  border: {
    minConfidence: CONFIDENCES,
    threshold: THRESHOLDS,
    seedThreshold: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
    minSeedSize: [0, 0.01, 0.02, 0.05, 0.1],
    minSize: SIZES,
  },
  distance: {
    minConfidence: CONFIDENCES,
    threshold: THRESHOLDS,
    peakHeight: [0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3],
    minSize: SIZES,
  },
};

/** Number of passes over the settings. */
const ROUNDS = 2;

/**
 * Coordinate search over the settings, one at a time, keeping improvements; the first tried in case of a tie. Counts of
 * all images are summed into one score.
 * @throws UsageError without images, or if a map required by the method is missing.
 */
export function tuneSeparation(
  images: readonly TuningImage[],
  by: SeparationWay,
  { score: kind = 'ap50', start = {} }: TuneSeparationOptions = {},
): TunedSeparation {
  if (images.length === 0) throw new UsageError('There are no images to tune the separation of objects on.');
  const typicalSize = medianSize(images);
  const tried: { settings: SeparationSettings; score: number }[] = [];
  const known = new Map<string, number>();
  const scoreOf = (settings: SeparationSettings): number => {
    const key = JSON.stringify(Object.entries(settings).sort());
    const before = known.get(key);
    if (before !== undefined) return before;
    const matchings = images.map(({ maps, truth, ignore }) => {
      const { labels } = separateObjects(maps, settings);
      return matchInstances(contingency(truth, labels, ignore === undefined ? {} : { ignore }));
    });
    const scores = instanceScores(matchings);
    const score = kind === 'ap50' ? (scores.perThreshold[0]?.averagePrecision ?? 0) : scores.meanAveragePrecision;
    known.set(key, score);
    tried.push({ settings, score });
    return score;
  };
  let settings: SeparationSettings = { ...start, by };
  let best = scoreOf(settings);
  for (let round = 0; round < ROUNDS; round++) {
    const before = best;
    for (const [name, candidates] of Object.entries(CANDIDATES[by])) {
      const inPixels = name === 'minSize' || name === 'minSeedSize';
      for (const candidate of candidates) {
        const changed = { ...settings, [name]: inPixels ? Math.round(candidate * typicalSize) : candidate };
        const score = scoreOf(changed);
        if (score <= best) continue;
        best = score;
        settings = changed;
      }
    }
    if (best === before) break;
  }
  return { settings, score: best, tried };
}

/** Median object size in pixels; 0 without objects. */
function medianSize(images: readonly TuningImage[]): number {
  const sizes = images.flatMap(({ truth }) => {
    const counts = new Map<number, number>();
    for (const label of truth.data) if (label > 0) counts.set(label, (counts.get(label) ?? 0) + 1);
    return [...counts.values()];
  });
  sizes.sort((a, b) => a - b);
  return sizes[sizes.length >> 1] ?? 0;
}
