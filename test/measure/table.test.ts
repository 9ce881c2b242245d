import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { headerOf, joinRows, type Table, tableColumn, withText } from '../../src/measure/table.ts';

const two: Table = {
  columns: [
    { name: 'label', values: Int32Array.of(1, 2) },
    { name: 'area', unit: 'µm²', values: Float64Array.of(3, 4) },
  ],
  rows: 2,
};

describe('tables', () => {
  it('headers carry the unit in ASCII', () => {
    expect(headerOf({ name: 'area', unit: 'µm²' })).toBe('area_um2');
    expect(headerOf({ name: 'lung_mean', unit: 'HU' })).toBe('lung_mean_hu');
    expect(headerOf({ name: 'orientation', unit: '°' })).toBe('orientation_deg');
    expect(headerOf({ name: 'solidity' })).toBe('solidity');
  });

  it('a column is found by its header', () => {
    expect(tableColumn(two, 'area_um2').values).toEqual(Float64Array.of(3, 4));
    expect(() => tableColumn(two, 'area')).toThrow(UsageError);
  });

  it('rows join; what a table lacks is NaN, and whole numbers become plain ones then', () => {
    const one: Table = { columns: [{ name: 'label', values: Int32Array.of(7) }], rows: 1 };
    const joined = joinRows([withText(two, 'image', 'a.tif'), withText(one, 'image', 'b.tif')]);
    expect(joined.rows).toBe(3);
    expect(tableColumn(joined, 'image').values).toEqual(['a.tif', 'a.tif', 'b.tif']);
    expect(tableColumn(joined, 'label').values).toEqual(Int32Array.of(1, 2, 7));
    expect(tableColumn(joined, 'area_um2').values).toEqual(Float64Array.of(3, 4, Number.NaN));
    expect(joinRows([])).toEqual({ columns: [], rows: 0 });
    const noRows: Table = { columns: [{ name: 'label', values: new Int32Array(0) }], rows: 0 };
    expect(joinRows([noRows, one])).toEqual(one);
  });

  it('text and numbers do not join', () => {
    const text: Table = { columns: [{ name: 'label', values: ['x'] }], rows: 1 };
    expect(() => joinRows([two, text])).toThrow(UsageError);
  });
});
