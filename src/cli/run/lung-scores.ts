/** Lungs found and true lungs: Dice and distances of surfaces, a row a patient. */

import { ndarray } from '../../array/ndarray.ts';
import { dice } from '../../metrics/overlap.ts';
import { averageSymmetricSurfaceDistance, edgeDistances, hausdorffMonai } from '../../metrics/surface-distance.ts';
import { extentsOf, type IntegerArray } from '../../objects/grid.ts';
import { type ScoreTable, score } from '../../report/data.ts';

export interface LungScores {
  readonly patient: string;
  readonly dice: number;
  /** Mean distance of the surfaces, both ways together, and its 95th percentile; NaN without a pixel size. */
  readonly meanMm: number;
  readonly hd95Mm: number;
}

/** Of a volume in space, of single slices the mean over those that have lung in both. */
export function lungScores(
  truth: IntegerArray,
  found: IntegerArray,
  {
    pixelMm,
    sliceMm,
    volume,
  }: { readonly pixelMm?: readonly [number, number]; readonly sliceMm?: readonly number[]; readonly volume: boolean },
): Omit<LungScores, 'patient'> {
  const overlap = dice(truth, found);
  const none = { dice: overlap, meanMm: Number.NaN, hd95Mm: Number.NaN };
  if (pixelMm === undefined) return none;
  if (volume) {
    const even = sliceMm?.every((step) => Math.abs(step / (sliceMm[0] as number) - 1) < 0.01) === true;
    // Distances on a grid need even steps.
    if (!even) return none;
    const surfaces = edgeDistances(truth, found, { spacing: [sliceMm?.[0] as number, ...pixelMm] });
    return { dice: overlap, meanMm: averageSymmetricSurfaceDistance(surfaces), hd95Mm: hausdorffMonai(surfaces) };
  }
  const { depth, height, width } = extentsOf(truth.shape);
  const slice = ({ dtype, data }: IntegerArray, z: number): IntegerArray =>
    ndarray(dtype, [height, width], data.subarray(z * height * width, (z + 1) * height * width));
  const each = Array.from({ length: depth }, (_, z) => {
    const surfaces = edgeDistances(slice(truth, z), slice(found, z), { spacing: pixelMm });
    return { mean: averageSymmetricSurfaceDistance(surfaces), hd95: hausdorffMonai(surfaces) };
  }).filter(({ mean }) => Number.isFinite(mean));
  const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  return {
    dice: overlap,
    meanMm: average(each.map(({ mean }) => mean)),
    hd95Mm: average(each.map(({ hd95 }) => hd95)),
  };
}

export function scoresTable(scores: readonly LungScores[]): ScoreTable {
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const row = (name: string, own: Omit<LungScores, 'patient'>) => ({
    name,
    values: [score(own.dice), score(own.meanMm), score(own.hd95Mm)],
  });
  return {
    caption: 'Lungs found and true lungs',
    columns: [
      { label: 'Dice', better: 'higher' },
      { label: 'Mean surface distance, mm', better: 'lower' },
      { label: '95 % surface distance, mm', better: 'lower' },
    ],
    digits: [4, 2, 2],
    rows: [
      ...scores.map((own) => row(own.patient, own)),
      ...(scores.length > 1
        ? [
            {
              ...row('Mean', {
                dice: mean(scores.map((own) => own.dice)),
                meanMm: mean(scores.map((own) => own.meanMm)),
                hd95Mm: mean(scores.map((own) => own.hd95Mm)),
              }),
              own: true,
            },
          ]
        : []),
    ],
    note: 'Distances between edge pixels, as MONAI measures them: in space for volumes; of single slices the mean over slices.',
  };
}
