/** The table of what was measured, a part at a time. */
import { expect, it } from 'vitest';
import { joinRows, type Table } from '../../src/measure/table.ts';
import { pageOfTable } from '../../src/studio/measuring.ts';

const tableOf = (image: string, unit: string, areas: readonly number[]): Table => ({
  rows: areas.length,
  columns: [
    { name: 'image', values: areas.map(() => image) },
    { name: 'area', unit, values: Float64Array.from(areas) },
  ],
});

it('has a column for each unit of a measurement, and is sorted by either', () => {
  const table = joinRows([tableOf('a', 'µm²', [3, 8]), tableOf('b', 'px²', [70, 20])]);
  const measured = { table, images: tableOf('c', '%', [5, 1, 9]), names: new Map() };
  const byPixels = { sort: { column: 'area_px2', descending: true } };
  const { columns, rows, total, images } = pageOfTable(measured, byPixels);
  expect(columns).toEqual([
    { name: 'image', header: 'image' },
    { name: 'area', unit: 'µm²', header: 'area_um2' },
    { name: 'area', unit: 'px²', header: 'area_px2' },
  ]);
  expect(rows.map((row) => row.slice(1))).toEqual([
    [null, 70],
    [null, 20],
    [3, null],
    [8, null],
  ]);
  expect([total, images]).toEqual([4, 3]);
  const byMicrons = pageOfTable(measured, { sort: { column: 'area_um2', descending: false } });
  expect(byMicrons.rows.map((row) => row[1])).toEqual([3, 8, null, null]);
  const perImage = pageOfTable(measured, { of: 'images', sort: { column: 'area_percent', descending: true } });
  expect([perImage.rows.map((row) => row[1]), perImage.total, perImage.images]).toEqual([[9, 5, 1], 3, 3]);
});
