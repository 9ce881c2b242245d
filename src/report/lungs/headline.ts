import type { Table } from '../../measure/table.ts';
import { meanScore } from '../kit/volume-table.ts';
import { type Figure, type ScoreTable, type StackScores, score } from '../run/data.ts';

/** Figures of one patient: both lungs, then each lung. */
export function lungFigures({ columns }: Table): ScoreTable {
  const parts = [
    ['Both lungs', 'lung'],
    ['Left', 'left_lung'],
    ['Right', 'right_lung'],
  ] as const;
  const wanted = [
    ['Volume, L', 'volume', 'L', 3],
    ['Pixels', 'area', 'px', 0],
    ['Mean, HU', 'mean', 'HU', 0],
    ['5th, HU', 'pd05', 'HU', 0],
    ['95th, HU', 'pd95', 'HU', 0],
  ] as const;
  const has = (name: string, unit: string) => columns.find((one) => one.name === name && one.unit === unit);
  // Litres if known, otherwise pixels.
  const litres = has('lung_volume', 'L') !== undefined;
  const shown = wanted.filter(([, name]) => name !== (litres ? 'area' : 'volume'));
  return {
    caption: litres ? 'Volume and density' : 'Size and density',
    columns: shown.map(([label]) => ({ label })),
    digits: shown.map(([, , , digits]) => digits),
    rows: parts.map(([label, part]) => ({
      name: label,
      values: shown.map(([, name, unit]) => score(has(`${part}_${name}`, unit)?.values[0] as number | undefined)),
    })),
  };
}

/** The figures at the top of the lung report. */
export function lungHeadline({ columns, rows }: Table, scores: readonly StackScores[]): readonly Figure[] {
  const valuesOf = (name: string, unit: string): readonly number[] => {
    const column = columns.find((one) => one.name === name && one.unit === unit);
    return column === undefined ? [] : Array.from(column.values as ArrayLike<number>).filter(Number.isFinite);
  };
  const range = (values: readonly number[], digits: number): string => {
    const say = (value: number): string => value.toFixed(digits).replace('-', '−');
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return values.length === 1 || low === high ? say(low) : `${say(low)} to ${say(high)}`;
  };
  const figures: Figure[] = [];
  const add = (label: string, values: readonly number[], unit: string, digits: number, note?: string): void => {
    if (values.length === 0) return;
    figures.push({ label, value: `${range(values, digits)} ${unit}`, note });
  };
  if (rows > 1) figures.push({ label: 'Patients', value: String(rows) });
  const litres = valuesOf('lung_volume', 'L');
  add('Lung volume', litres, 'L', 2, rows > 1 ? 'range' : 'both lungs');
  if (rows === 1) {
    add('Left lung', valuesOf('left_lung_volume', 'L'), 'L', 2);
    add('Right lung', valuesOf('right_lung_volume', 'L'), 'L', 2);
  }
  if (rows === 1 && litres.length === 0) add('Lung area', valuesOf('lung_area', 'px'), 'px', 0, 'in all slices');
  add('Mean density', valuesOf('lung_mean', 'HU'), 'HU', 0);
  if (rows === 1) {
    const [low] = valuesOf('lung_pd05', 'HU');
    const [high] = valuesOf('lung_pd95', 'HU');
    if (low !== undefined && high !== undefined) {
      const say = (value: number): string => String(Math.round(value)).replace('-', '−');
      figures.push({ label: '5th, 95th percentile', value: `${say(low)}, ${say(high)}`, note: 'HU' });
    }
  }
  const mean = meanScore(scores.map(({ dice }) => dice));
  if (mean !== null) figures.push({ label: 'Dice', value: mean.toFixed(4), note: 'mean over patients' });
  return figures;
}
