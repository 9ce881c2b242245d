/** Scores as figures, tables and curves of the report. */

import type { InstanceScores } from '../../metrics/instances.ts';
import type { IsbiScores } from '../../metrics/isbi.ts';
import { CLASS_SCORE_LABELS, type OverlapScores } from '../../metrics/overlap.ts';
import { type Figure, type ScoreTable, score, type ThresholdCurves } from '../run/data.ts';
import type { Evaluation } from '../run/evaluate.ts';
import type { IsbiRow } from '../run/published.ts';

export function scoreFigures({ isbi, overlap, instances, separated }: Evaluation): Figure[] {
  const show = (value: number, digits: number): string => (Number.isFinite(value) ? value.toFixed(digits) : '–');
  if (isbi !== undefined) {
    return [
      { label: 'V-Rand', value: show(isbi.vRandThinned.value, 4), note: 'thinned; 1 is best' },
      { label: 'V-Info', value: show(isbi.vInfoThinned.value, 4), note: 'thinned; 1 is best' },
      { label: 'Warping error', value: show(isbi.warpingError.value, 6), note: '0 is best' },
      { label: 'Rand error', value: show(isbi.randError.value, 4), note: '0 is best' },
      { label: 'Pixel error', value: show(isbi.pixelError.value, 4), note: '0 is best' },
    ];
  }
  const at = instances?.perThreshold[0];
  const ofObjects =
    at === undefined
      ? []
      : [{ label: 'AP at IoU 0.5', value: show(at.averagePrecision, 4), note: 'per object; 1 is best' }];
  if (separated && at !== undefined) {
    return [
      ...ofObjects,
      { label: 'AP, mean over images', value: show(at.imageMean, 4), note: 'as in the 2018 Data Science Bowl' },
      { label: 'Precision', value: show(at.precision, 4), note: 'per object' },
      { label: 'Recall', value: show(at.recall, 4), note: 'per object' },
    ];
  }
  return [
    { label: 'Dice', value: show(overlap.meanDice, 4), note: 'foreground mean; 1 is best' },
    { label: 'IoU', value: show(overlap.meanIou, 4), note: '1 is best' },
    { label: 'Pixel accuracy', value: `${show(100 * overlap.pixelAccuracy, 2)} %` },
    ...ofObjects,
  ];
}

export function isbiRow(name: string, isbi: IsbiScores, warping = true): IsbiRow {
  return {
    name,
    vRand: score(isbi.vRandThinned.value),
    vInfo: score(isbi.vInfoThinned.value),
    warpingError: warping ? score(isbi.warpingError.value) : null,
    randError: score(isbi.randError.value),
    pixelError: score(isbi.pixelError.value),
  };
}

export function isbiDetails(isbi: IsbiScores): ScoreTable {
  const row = (name: string, { value, threshold, precision, recall }: IsbiScores['vRand']) => ({
    name,
    values: [score(value), score(threshold), score(precision), score(recall)],
  });
  return {
    caption: 'Each score at its best threshold',
    columns: [{ label: 'Score' }, { label: 'Threshold' }, { label: 'Precision' }, { label: 'Recall' }],
    digits: [6, 1, 4, 4],
    rows: [
      row('V-Rand, thinned', isbi.vRandThinned),
      row('V-Info, thinned', isbi.vInfoThinned),
      row('V-Rand', isbi.vRand),
      row('V-Info', isbi.vInfo),
      row('Rand error', isbi.randError),
      row('Pixel error', isbi.pixelError),
      {
        name: 'Warping error',
        values: [score(isbi.warpingError.value), score(isbi.warpingError.threshold), null, null],
      },
    ],
    note: 'Merged cells lower precision and split cells lower recall; for pixels, false and missed ones do.',
  };
}

export function overlapTable(
  { perClass, meanDice, meanIou }: OverlapScores,
  names: readonly string[],
  where: string,
): ScoreTable {
  const means = { dice: meanDice, iou: meanIou };
  // Of one foreground class the mean is its score.
  const isAlone = perClass.length === 2;
  const mean = {
    name: 'Foreground mean',
    values: CLASS_SCORE_LABELS.map(([key]) => (key in means ? score(means[key as keyof typeof means]) : null)),
    own: true,
  };
  return {
    caption: 'Overlap per class',
    columns: CLASS_SCORE_LABELS.map(([, label]) => ({ label, better: 'higher' as const })),
    rows: [
      ...(isAlone ? [] : [mean]),
      ...perClass.map((scores, c) => ({
        name: names[c] ?? String(c),
        values: CLASS_SCORE_LABELS.map(([key]) => score(scores[key])),
        own: isAlone && c === 1,
      })),
    ],
    note: `On ${where}; pixels of all images pooled.`,
  };
}

/** @param separated whether touching objects were separated as in prediction, instead of taking connected pixels */
export function instanceTable(
  { perThreshold, meanAveragePrecision, truthCount, predictionCount }: InstanceScores,
  separated: boolean,
): ScoreTable {
  const chosen = perThreshold.filter(({ iouThreshold }) => [0.5, 0.75, 0.9].includes(iouThreshold));
  return {
    caption: 'Objects',
    columns: ['AP', 'AP, mean over images', 'F1', 'Precision', 'Recall', 'PQ'].map((label) => ({
      label,
      better: 'higher' as const,
    })),
    rows: [
      ...chosen.map(({ iouThreshold, averagePrecision, imageMean, f1, precision, recall, panopticQuality }) => ({
        name: `IoU ≥ ${iouThreshold}`,
        values: [averagePrecision, imageMean, f1, precision, recall, panopticQuality].map(score),
      })),
      { name: 'Mean over IoU 0.5 to 0.95', values: [score(meanAveragePrecision), null, null, null, null, null] },
    ],
    note: separated
      ? `${truthCount} ground-truth and ${predictionCount} predicted objects, separated as in prediction.`
      : `${truthCount} ground-truth objects and ${predictionCount} connected components of the prediction; touching objects that it joins count as missed.`,
  };
}

/** The best threshold of fewer images is that of these images; it says little of others. */
const LEAST_IMAGES = 5;

/** Scores over thresholds. The best one is marked only where enough images show it. */
export function thresholdsOf(evaluation: Evaluation): ThresholdCurves[] {
  const { imageCount } = evaluation;
  return curvesOf(evaluation).map(({ best, ...curves }) =>
    imageCount < LEAST_IMAGES
      ? { ...curves, note: `Of ${imageCount} image${imageCount === 1 ? '' : 's'}, too few to choose a threshold.` }
      : { ...curves, best, note: `Of ${imageCount} images.` },
  );
}

function curvesOf({ isbi, thresholds }: Evaluation): ThresholdCurves[] {
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
