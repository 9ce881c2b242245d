import type { VolumeScores } from '../../metrics/volume-scores.ts';
import { type Score, type ScoreTable, type StackScores, score } from '../run/data.ts';

export const namedScores = (name: string, { dice, meanMm, hd95Mm }: VolumeScores): StackScores => ({
  name,
  dice: score(dice),
  meanMm: score(meanMm),
  hd95Mm: score(hd95Mm),
});

/** Mean over all; null if any has none. */
export function meanScore(values: readonly Score[]): Score {
  return score(values.reduce<number>((sum, value) => sum + (value ?? Number.NaN), 0) / values.length);
}

/** Dice and surface distances, one row per patient or stack, and their mean. */
export function volumeTable(scores: readonly StackScores[], caption: string): ScoreTable {
  const row = ({ name, dice, meanMm, hd95Mm }: StackScores) => ({ name, values: [dice, meanMm, hd95Mm] });
  const mean = (of: 'dice' | 'meanMm' | 'hd95Mm'): Score => meanScore(scores.map((own) => own[of]));
  return {
    caption,
    columns: [
      { label: 'Dice', better: 'higher' },
      { label: 'Mean surface distance, mm', better: 'lower' },
      { label: '95 % surface distance, mm', better: 'lower' },
    ],
    digits: [4, 2, 2],
    rows: [
      ...scores.map(row),
      ...(scores.length > 1
        ? [{ ...row({ name: 'Mean', dice: mean('dice'), meanMm: mean('meanMm'), hd95Mm: mean('hd95Mm') }), own: true }]
        : []),
    ],
    note: scores.some(({ meanMm }) => meanMm !== null)
      ? 'Distances between edge pixels, as in MONAI: in 3D for volumes with evenly spaced slices, otherwise the mean over slices.'
      : NO_SIZE,
  };
}

export const NO_SIZE =
  'No distances in mm: they need a pixel size (set the option spacing if the files have none) and a surface in both ground truth and prediction.';

/** One line per row for a terminal. */
export function describeVolumes(scores: readonly StackScores[]): readonly string[] {
  const digits = (value: Score, count: number): string => (value === null ? '-' : value.toFixed(count));
  return scores.map(({ name, dice, meanMm, hd95Mm }) =>
    meanMm === null
      ? `${name}: Dice ${digits(dice, 4)}`
      : `${name}: Dice ${digits(dice, 4)}, mean surface distance ${digits(meanMm, 2)} mm, 95 % ${digits(hd95Mm, 2)} mm`,
  );
}
