/** Scores as figures, tables and curves of the report. */

import { counted } from '../../errors.ts';
import type { InstanceScores } from '../../metrics/instances.ts';
import type { IsbiScores } from '../../metrics/isbi.ts';
import type { OverlapScores } from '../../metrics/overlap.ts';
import {
  CLASS_SCORES,
  MEMBRANE_SCORES,
  mainRows,
  OBJECT_SCORES,
  OBJECT_TOTALS,
  OVERLAP_TOTALS,
  type ScoreRow,
  scoreRows,
} from '../../metrics/scores.ts';
import { type Figure, type ScoreTable, score, type ThresholdCurves } from '../run/data.ts';
import type { ReportEvaluation } from '../run/evaluate.ts';
import type { IsbiRow } from '../run/published.ts';

/** The main scores of a table as figures. */
function figuresOf<T extends Readonly<Record<string, ScoreRow>>>(
  table: T,
  value: (key: keyof T & string) => number,
): Figure[] {
  return scoreRows(table).flatMap(({ key, main, better, digits = 4 }) =>
    main === undefined
      ? []
      : [
          {
            label: main,
            value: Number.isFinite(value(key)) ? value(key).toFixed(digits) : '–',
            note: `${better === 'higher' ? 1 : 0} is best`,
          },
        ],
  );
}

export function scoreFigures({ isbi, overlap, instances, separated }: ReportEvaluation): Figure[] {
  if (isbi !== undefined) return figuresOf(MEMBRANE_SCORES, (key) => isbi[key].value);
  const at = instances?.perThreshold[0];
  const ofObjects =
    at === undefined
      ? []
      : [
          ...figuresOf(OBJECT_SCORES, (key) => at[key]),
          ...figuresOf(OBJECT_TOTALS, (key) => (instances as InstanceScores)[key]),
        ];
  return separated && ofObjects.length > 0
    ? ofObjects
    : [...figuresOf(OVERLAP_TOTALS, (key) => overlap[key]), ...ofObjects];
}

export function isbiRow(name: string, isbi: IsbiScores, warping = true): IsbiRow {
  return {
    name,
    values: mainRows(MEMBRANE_SCORES).map(({ key }) =>
      key === 'warpingError' && !warping ? null : score(isbi[key].value),
    ),
  };
}

export function isbiDetails(isbi: IsbiScores): ScoreTable {
  return {
    caption: 'Each score at its best threshold',
    columns: [{ label: 'Score' }, { label: 'Threshold' }, { label: 'Precision' }, { label: 'Recall' }],
    digits: [6, 1, 4, 4],
    rows: scoreRows(MEMBRANE_SCORES).map(({ key, label }) => {
      const found = isbi[key];
      const detail = 'precision' in found ? [score(found.precision), score(found.recall)] : [null, null];
      return { name: label, values: [score(found.value), score(found.threshold), ...detail] };
    }),
    note: 'Merged cells lower precision and split cells lower recall; for pixels, false and missed ones do.',
  };
}

/** @param hasBackground whether class 0 is the background, which the means exclude */
export function overlapTable(
  overlap: OverlapScores,
  names: readonly string[],
  where: string,
  hasBackground = true,
): ScoreTable {
  const { perClass } = overlap;
  const columns = scoreRows(CLASS_SCORES);
  // Of one foreground class the mean is its score.
  const isAlone = hasBackground && perClass.length === 2;
  const mean = {
    name: hasBackground ? 'Foreground mean' : 'Mean',
    values: columns.map(({ mean: key }) => (key === undefined ? null : score(overlap[key]))),
    own: true,
  };
  return {
    caption: 'Overlap per class',
    columns: columns.map(({ label, better }) => ({ label, better })),
    rows: [
      ...(isAlone ? [] : [mean]),
      ...perClass.map((scores, c) => ({
        name: names[c] ?? String(c),
        values: columns.map(({ key }) => score(scores[key])),
        own: isAlone && c === 1,
      })),
    ],
    note: `On ${where}; pixels of all images pooled.`,
  };
}

/** @param separated whether touching objects were separated as in prediction, instead of taking connected pixels */
export function instanceTable(instances: InstanceScores, separated: boolean): ScoreTable {
  const { perThreshold, truthCount, predictionCount } = instances;
  const columns = scoreRows(OBJECT_SCORES);
  const chosen = perThreshold.filter(({ iouThreshold }) => [0.5, 0.75, 0.9].includes(iouThreshold));
  const rest = columns.slice(1).map(() => null);
  return {
    caption: 'Objects',
    columns: columns.map(({ label, better }) => ({ label, better })),
    rows: [
      ...chosen.map((at) => ({ name: `IoU ≥ ${at.iouThreshold}`, values: columns.map(({ key }) => score(at[key])) })),
      { name: 'Mean over IoU 0.5 to 0.95', values: [score(instances.meanAveragePrecision), ...rest] },
    ],
    note: separated
      ? `${truthCount} ground-truth and ${predictionCount} predicted objects, separated as in prediction.`
      : `${truthCount} ground-truth objects and ${predictionCount} connected components of the prediction; touching objects that it joins count as missed.`,
  };
}

/** The best threshold of fewer images is that of these images; it says little of others. */
const LEAST_IMAGES = 5;

/** Scores over thresholds. The best one is marked only where enough images show it. */
export function thresholdsOf(evaluation: ReportEvaluation): ThresholdCurves[] {
  const { imageCount } = evaluation;
  return curvesOf(evaluation).map(({ best, ...curves }) =>
    imageCount < LEAST_IMAGES
      ? { ...curves, note: `Of ${counted(imageCount, 'image')}, too few to choose a threshold.` }
      : { ...curves, best, note: `Of ${imageCount} images.` },
  );
}

function curvesOf({ isbi, thresholds }: ReportEvaluation): ThresholdCurves[] {
  if (isbi === undefined) {
    const [dice] = thresholds;
    if (dice === undefined) return [];
    const top = dice.points.reduce((a, b) => ((b[1] ?? 0) > (a[1] ?? 0) ? b : a));
    const best = top[1] === null ? {} : { best: { series: 'Dice', threshold: top[0], value: top[1] } };
    return [{ title: 'Score', better: 'higher', series: thresholds, ...best }];
  }
  type Point = IsbiScores['curve'][number];
  const series = (name: string, value: (point: Point) => number | undefined) => ({
    name,
    // The challenge's last threshold is a rounding error below 1.
    points: isbi.curve.map((point) => [Number(point.threshold.toFixed(6)), score(value(point))] as const),
  });
  const best = (name: string, { threshold, value }: { readonly threshold: number; readonly value: number }) =>
    Number.isFinite(value) ? { best: { series: name, threshold, value } } : {};
  return [
    {
      title: 'Score, thinned',
      better: 'higher',
      series: [series('V-Rand', (p) => p.vRandThinned), series('V-Info', (p) => p.vInfoThinned)],
      ...best('V-Rand', isbi.vRandThinned),
    },
    {
      title: 'Error',
      better: 'lower',
      series: [series('Rand error', (p) => p.randError), series('Pixel error', (p) => p.pixelError)],
      ...best('Pixel error', isbi.pixelError),
    },
    {
      title: 'Warping error',
      better: 'lower',
      series: [series('Warping error', (p) => p.warpingError)],
      ...best('Warping error', isbi.warpingError),
    },
  ];
}
