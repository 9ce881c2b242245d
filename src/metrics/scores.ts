/**
 * Every score that `evaluate`, reports, training and `compare` print, in display order. To add one: its computation in
 * `metrics/`, its row here, its definition in docs/scores.md.
 */

/** One score. */
export interface ScoreRow {
  /** Heading in tables. */
  readonly label: string;
  /** Name among the main scores of a run: headline, log, `compare`. Absent: tables only. */
  readonly main?: string;
  /** What `evaluate --metrics` calls it, in lower case without spaces and hyphens. */
  readonly words: readonly string[];
  readonly better: 'higher' | 'lower';
  /** Decimals; default 4. */
  readonly digits?: number;
  /** Of classes: the key of the mean in `OverlapScores`. */
  readonly mean?: 'meanDice' | 'meanIou';
}

/** Pixel counts of one class: true, predicted, both, and the total over all classes. */
export interface ClassPixels {
  readonly truth: number;
  readonly predicted: number;
  readonly shared: number;
  readonly all: number;
}

interface ClassScore extends ScoreRow {
  /** NaN for 0/0, where the class is absent. */
  readonly of: (pixels: ClassPixels) => number;
}

const higher = { better: 'higher' } as const;
const lower = { better: 'lower' } as const;

/** Over all classes: keys of `OverlapScores`. */
export const OVERLAP_TOTALS = {
  /** Means over the classes that occur in the ground truth or in the prediction; NaN if there are none. */
  meanDice: { label: 'Mean Dice', main: 'Dice', words: [], ...higher },
  meanIou: { label: 'Mean IoU', main: 'IoU', words: ['miou'], ...higher },
  /** Fraction of pixels with the correct class; NaN without pixels. */
  pixelAccuracy: { label: 'Pixel accuracy', main: 'Pixel accuracy', words: ['accuracy'], ...higher },
} as const satisfies { readonly [key: string]: ScoreRow };

/** Of one class. */
export const CLASS_SCORES = {
  /** 2 |A and B| / (|A| + |B|), 0..1; NaN if the class is in neither. */
  dice: {
    label: 'Dice',
    mean: 'meanDice',
    words: ['dice', 'f1'],
    ...higher,
    of: ({ truth, predicted, shared }) => (2 * shared) / (truth + predicted),
  },
  /** |A and B| / |A or B|, 0..1; NaN if the class is in neither. */
  iou: {
    label: 'IoU',
    mean: 'meanIou',
    words: ['iou', 'jaccard'],
    ...higher,
    of: ({ truth, predicted, shared }) => shared / (truth + predicted - shared),
  },
  /** NaN if nothing was predicted. */
  precision: {
    label: 'Precision',
    words: ['precision'],
    ...higher,
    of: ({ predicted, shared }) => shared / predicted,
  },
  /** NaN if the class does not occur. */
  recall: { label: 'Recall', words: ['recall'], ...higher, of: ({ truth, shared }) => shared / truth },
} as const satisfies { readonly [name: string]: ClassScore };

/** Of objects at one IoU threshold: keys of `InstanceScoresAt`. */
export const OBJECT_SCORES = {
  /** TP / (TP + FP + FN): called average precision by DSB 2018 and StarDist; without ranking by confidence. */
  averagePrecision: { label: 'AP', main: 'AP at IoU 0.5', words: ['ap', 'objects'], ...higher },
  /** Mean of `averagePrecision` over the images, as in DSB 2018: every image counts equally. */
  imageMean: { label: 'Mean AP of images', main: 'Mean AP of images', words: [], ...higher },
  /** 2 TP / (2 TP + FP + FN). */
  f1: { label: 'F1', words: ['f1'], ...higher },
  precision: { label: 'Precision', main: 'Precision at IoU 0.5', words: [], ...higher },
  recall: { label: 'Recall', main: 'Recall at IoU 0.5', words: [], ...higher },
  /** Sum of matched IoU / (TP + FP / 2 + FN / 2) (Kirillov 2019). */
  panopticQuality: { label: 'PQ', words: ['pq'], ...higher },
  /** Mean IoU of matched pairs; NaN without pairs. */
  segmentationQuality: { label: 'SQ', words: ['sq'], ...higher },
} as const satisfies { readonly [key: string]: ScoreRow };

/** Of objects over all thresholds: keys of `InstanceScores`. */
export const OBJECT_TOTALS = {
  /** Mean of `averagePrecision` over the thresholds: for one image and 0.5 .. 0.95 the DSB 2018 score. */
  meanAveragePrecision: { label: 'Mean AP', main: 'Mean AP', words: ['map'], ...higher },
  /** Cell Tracking Challenge, 0..1: mean over true objects of the IoU with the predicted one that covers more than half of
   * it, 0 if there is none. NaN without true objects. */
  seg: { label: 'SEG', words: ['seg'], ...higher },
} as const satisfies { readonly [key: string]: ScoreRow };

/** Of membranes, at the best threshold: keys of `IsbiScores`. */
export const MEMBRANE_SCORES = {
  /** Thinned: of watershed basins, so that the width of membranes does not matter; as published. */
  vRandThinned: { label: 'V-Rand, thinned', main: 'V-Rand', words: ['vrand'], ...higher },
  vInfoThinned: { label: 'V-Info, thinned', main: 'V-Info', words: ['vinfo'], ...higher },
  vRand: { label: 'V-Rand', words: [], ...higher },
  vInfo: { label: 'V-Info', words: [], ...higher },
  /** Pixels that merge or split cells / pixels. */
  warpingError: { label: 'Warping error', main: 'Warping error', words: ['warping'], ...lower, digits: 6 },
  /** 1 - V-Rand of connected components, weighted as the challenge does. */
  randError: { label: 'Rand error', main: 'Rand error', words: ['rand'], ...lower },
  /** 1 - F-score of pixels. */
  pixelError: { label: 'Pixel error', main: 'Pixel error', words: ['pixel'], ...lower },
} as const satisfies { readonly [key: string]: ScoreRow };

/** Of outlines: keys of `ClassDistances`. */
export const DISTANCE_SCORES = {
  /** 95th percentile of the distances between outlines. */
  hd95: { label: 'HD95', words: ['hd95'], ...lower, digits: 3 },
  /** Their mean in both directions. */
  assd: { label: 'ASSD', words: ['assd'], ...lower, digits: 3 },
} as const satisfies { readonly [key: string]: ScoreRow };

/** Of image classifiers: keys of `LabelScores`. */
export const LABEL_SCORES = {
  /** Fraction of images whose class is the most probable. */
  top1: { label: 'Top-1 accuracy', main: 'accuracy', words: ['top1'], ...higher },
  /** Among the five most probable; NaN for five classes or fewer. */
  top5: { label: 'Top-5 accuracy', main: 'top-5 accuracy', words: ['top5'], ...higher },
} as const satisfies { readonly [key: string]: ScoreRow };

/** The tables of each group of scores. */
const GROUPS = {
  isbi: [MEMBRANE_SCORES],
  overlap: [CLASS_SCORES, OVERLAP_TOTALS],
  instances: [OBJECT_SCORES, OBJECT_TOTALS],
  surface: [DISTANCE_SCORES],
  topk: [LABEL_SCORES],
} as const;
export type ScoreGroup = keyof typeof GROUPS;

/** Words for single scores, with the groups that contain them. */
export const SCORE_WORDS: Readonly<Record<string, readonly ScoreGroup[]>> = wordsOf(GROUPS);

function wordsOf(groups: Readonly<Record<ScoreGroup, readonly Readonly<Record<string, ScoreRow>>[]>>) {
  const found: Record<string, ScoreGroup[]> = {};
  for (const [group, tables] of Object.entries(groups) as [ScoreGroup, readonly Record<string, ScoreRow>[]][]) {
    for (const { words } of tables.flatMap((table) => Object.values(table))) {
      for (const word of words) found[word] = [...(found[word] ?? []), group];
    }
  }
  return found;
}

type Table = Readonly<Record<string, ScoreRow>>;
type Row<T extends Table> = ScoreRow & { readonly key: keyof T & string };

/** The rows of a table with their keys, in order. */
export const scoreRows = <T extends Table>(table: T): readonly Row<T>[] =>
  Object.entries(table).map(([key, row]) => ({ ...row, key }));

/** The rows of the main scores. */
export const mainRows = <T extends Table>(table: T): readonly (Row<T> & { readonly main: string })[] =>
  scoreRows(table).filter((row): row is Row<T> & { readonly main: string } => row.main !== undefined);

/** The main scores of a table by name. */
export function mainScores<T extends Table>(
  table: T,
  value: (key: keyof T & string) => number,
): Readonly<Record<string, number>> {
  return Object.fromEntries(mainRows(table).map(({ main, key }) => [main, value(key)]));
}
