/**
 * Published scores of the ISBI 2012 challenge, on its 30 test slices: Arganda-Carreras et al. 2015 (Frontiers in
 * Neuroanatomy 9:142), Ronneberger et al. 2015, and the challenge's table.
 */

import { MEMBRANE_SCORES, mainRows } from '../../metrics/scores.ts';
import type { ScoreTable } from './data.ts';

/** In the order of the main `MEMBRANE_SCORES`; `null` if not published. */
type Row = readonly [
  name: string,
  vRand: number | null,
  vInfo: number | null,
  warping: number | null,
  rand: number | null,
  pixel: number | null,
];

const PUBLISHED: readonly Row[] = [
  ['Human (second annotator)', null, null, 0.000005, 0.0021, 0.001],
  ['Best entry by V-Rand and V-Info', 0.9868, 0.9914, null, null, null],
  ['U-Net (Ronneberger 2015)', 0.9728, 0.9866, 0.000353, 0.0382, 0.0611],
  ['DIVE-SCI', null, null, 0.000355, 0.0305, 0.0584],
  ['IDSIA (Ciresan 2012)', null, null, 0.00042, 0.0504, 0.0613],
  ['DIVE', null, null, 0.00043, 0.0545, 0.0582],
];

/** The main scores of membranes, in order. */
export interface IsbiRow {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

/**
 * Our rows in the columns of the challenge.
 * @param published whether the data are those of the challenge, so that its rows are shown
 * @param slices what ours were computed on, for the note
 */
export function isbiTable(own: readonly IsbiRow[], published: boolean, slices: string): ScoreTable {
  const rows = mainRows(MEMBRANE_SCORES);
  return {
    caption: published ? 'Scores compared with those published for ISBI 2012' : 'Scores of the ISBI 2012 challenge',
    columns: rows.map(({ main, better }) => ({ label: main, better })),
    digits: rows.map(({ digits = 4 }) => digits),
    rows: [
      ...own.map((row, i) => ({ name: row.name, values: row.values, own: i === 0 })),
      ...(published ? PUBLISHED.map(([name, ...rest]) => ({ name, values: rest })) : []),
    ],
    note:
      `Ours: ${slices}; V-Rand and V-Info after thinning, each score at its best threshold.` +
      (published
        ? ' The published rows were measured on the challenge’s 30 test slices, whose labels are not public, so' +
          ' ours are not on the same images.'
        : ''),
  };
}
