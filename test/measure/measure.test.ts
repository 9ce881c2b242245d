import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { UsageError } from '../../src/errors.ts';
import { measure } from '../../src/measure/measure.ts';
import { MEASURES } from '../../src/measure/measures.ts';
import { headerOf, type Table, tableColumn } from '../../src/measure/table.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

const SIDE = 220;

/** A label map with one object: the pixels whose centres satisfy `inside`, from the middle of the map. */
function shape(inside: (y: number, x: number) => boolean) {
  const labels = ndarray('uint8', [SIDE, SIDE]);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) labels.data[y * SIDE + x] = inside(y - SIDE / 2, x - SIDE / 2) ? 1 : 0;
  }
  return labels;
}

const value = (table: Table, header: string, row = 0): number => Number(tableColumn(table, header).values[row]);
const values = (table: Table, headers: string): number[] => headers.split(' ').map((header) => value(table, header));

describe('known shapes', () => {
  it('one pixel', () => {
    const labels = shape((y, x) => y === 0 && x === 3);
    const table = measure(labels, labels);
    expect(values(table, 'pixels_px area_px2 centroid_y_px centroid_x_px')).toEqual([1, 1, 110, 113]);
    expect(values(table, 'major_axis_px minor_axis_px eccentricity solidity')).toEqual([0, 0, 0, 1]);
    expect(values(table, 'feret_max_px feret_min_px euler_number touches_border')).toEqual([1, 1, 1, 0]);
    expect(values(table, 'intensity_mean intensity_sd intensity_p05 neighbours')).toEqual([1, 0, 1, 0]);
    expect(value(table, 'nearest_distance_px')).toBeNaN();
    // Two entries from each side along rows and columns, one along each diagonal: pi/4 (1 + 1 + 1/sqrt 2 + 1/sqrt 2).
    expect(value(table, 'perimeter_px')).toBeCloseTo((Math.PI / 4) * (2 + Math.SQRT2), 12);
  });

  it('a line of 40 pixels', () => {
    const table = measure(shape((y, x) => y === 0 && x >= -20 && x < 20));
    expect(values(table, 'area_px2 feret_max_px feret_min_px solidity euler_number')).toEqual([40, 40, 1, 1, 1]);
    expect(values(table, 'eccentricity minor_axis_px')).toEqual([1, 0]);
    // The variance of 0..39 is (40^2 - 1) / 12; the axis lies along the row.
    expect(value(table, 'major_axis_px')).toBeCloseTo(4 * Math.sqrt(1599 / 12), 12);
    expect(Math.abs(value(table, 'orientation_deg'))).toBe(90);
  });

  it('a rectangle of 30 x 80', () => {
    const table = measure(
      shape((y, x) => y >= -15 && y < 15 && x >= -40 && x < 40),
      undefined,
      {
        spacing: [0.5, 0.5],
        unit: 'µm',
      },
    );
    expect(values(table, 'pixels_px area_um2 solidity feret_min_um')).toEqual([2400, 600, 1, 15]);
    expect(values(table, 'box_first_y_px box_first_x_px box_end_y_px box_end_x_px')).toEqual([95, 70, 125, 150]);
    expect(value(table, 'feret_max_um')).toBeCloseTo(Math.hypot(29, 80) / 2, 12);
    // Four directions see a rectangle along the axes 6 % too small.
    expect(value(table, 'perimeter_um')).toBeGreaterThan(110 * 0.93);
    expect(value(table, 'perimeter_um')).toBeLessThan(110);
  });

  it('a disc of radius 80', () => {
    const table = measure(shape((y, x) => Math.hypot(y, x) <= 80));
    expect(value(table, 'area_px2') / (Math.PI * 6400)).toBeCloseTo(1, 2);
    expect(value(table, 'perimeter_px') / (Math.PI * 160)).toBeCloseTo(1, 2);
    expect(value(table, 'circularity')).toBeCloseTo(1, 1);
    expect(value(table, 'equivalent_diameter_px') / 160).toBeCloseTo(1, 2);
    expect(values(table, 'major_axis_px minor_axis_px').map((axis) => axis / 160)).toEqual([
      expect.closeTo(1, 2),
      expect.closeTo(1, 2),
    ]);
    expect(value(table, 'solidity')).toBeGreaterThan(0.99);
    // Up to the pixels' far edges.
    expect(value(table, 'feret_max_px')).toBeGreaterThanOrEqual(161);
    expect(value(table, 'feret_max_px')).toBeLessThan(162);
    expect(value(table, 'feret_min_px')).toBeGreaterThan(159);
    expect(value(table, 'feret_min_px')).toBeLessThanOrEqual(161);
  });

  it('an ellipse of 50 x 20, its long axis 30 degrees from down to the right, with a hole', () => {
    const tilt = Math.PI / 6;
    const table = measure(
      shape((y, x) => {
        const along = y * Math.cos(tilt) + x * Math.sin(tilt);
        const across = x * Math.cos(tilt) - y * Math.sin(tilt);
        return (along / 50) ** 2 + (across / 20) ** 2 <= 1 && !(y === 0 && x === 0);
      }),
    );
    expect(value(table, 'orientation_deg')).toBeCloseTo(30, 0);
    expect(value(table, 'major_axis_px') / 100).toBeCloseTo(1, 2);
    expect(value(table, 'minor_axis_px') / 40).toBeCloseTo(1, 2);
    expect(value(table, 'eccentricity')).toBeCloseTo(Math.sqrt(1 - 0.16), 2);
    expect(value(table, 'euler_number')).toBe(0);
  });

  it('pixels that are not square: a disc in the specimen is one in the table', () => {
    const [sy, sx] = [0.4, 1] as const;
    const table = measure(
      shape((y, x) => Math.hypot(y * sy, x * sx) <= 40),
      undefined,
      { spacing: [sy, sx], unit: 'nm' },
    );
    expect(value(table, 'perimeter_nm') / (80 * Math.PI)).toBeCloseTo(1, 1);
    expect(value(table, 'major_axis_nm') / value(table, 'minor_axis_nm')).toBeCloseTo(1, 2);
    // Diagonals at 22 degrees leave wide gaps between the directions: 3 %.
    expect(Math.abs(value(table, 'circularity') - 1)).toBeLessThan(0.06);
  });

  it('a ball in voxels that are not cubes', () => {
    const [d, h, w] = [20, 50, 50];
    const spacing = [2.5, 1, 1];
    const labels = ndarray('uint8', [d, h, w]);
    for (let z = 0, i = 0; z < d; z++) {
      for (let y = 0; y < h; y++) {
        for (let x = 0; x < w; x++, i++) {
          labels.data[i] = Math.hypot((z - 9.5) * 2.5, y - 24.5, x - 24.5) <= 20 ? 1 : 0;
        }
      }
    }
    const table = measure(labels, undefined, { spacing, unit: 'mm' });
    expect(value(table, 'volume_mm3') / ((4 / 3) * Math.PI * 8000)).toBeCloseTo(1, 1);
    expect(value(table, 'surface_mm2') / (4 * Math.PI * 400)).toBeCloseTo(1, 1);
    expect(value(table, 'sphericity')).toBeCloseTo(1, 1);
    expect(value(table, 'equivalent_diameter_mm') / 40).toBeCloseTo(1, 2);
    expect(value(table, 'feret_max_mm')).toBeGreaterThan(40);
    expect(value(table, 'feret_max_mm')).toBeLessThan(40 + 2 * 2.5);
    expect(values(table, 'euler_number touches_border centroid_z_mm')).toEqual([1, 0, 23.75]);
  });
});

describe('tables', () => {
  const labels = ndarray('uint16', [2, 6], Uint16Array.of(7, 7, 0, 9, 9, 0, 7, 0, 0, 0, 9, 2));

  it('has rows in ascending order of labels with gaps, and a column a channel', () => {
    const image = {
      ...ndarray(
        'float32',
        [2, 2, 6],
        Float32Array.from({ length: 24 }, (_, i) => (i === 1 ? Number.NaN : i)),
      ),
      channels: ['Red', 'DAPI (405 nm)'],
    };
    const table = measure(labels, image, { measures: ['size', 'neighbours', 'intensity'], percentiles: [50, 99.5] });
    expect(table.rows).toBe(3);
    expect(tableColumn(table, 'label').values).toEqual(Int32Array.of(2, 7, 9));
    expect(tableColumn(table, 'neighbours').values).toEqual(Int32Array.of(1, 0, 1));
    expect(table.columns.map(headerOf).slice(5, 9)).toEqual([
      'intensity_mean_red',
      'intensity_sd_red',
      'intensity_min_red',
      'intensity_p50_red',
    ]);
    // Label 7 lies on 0, 1 (no value) and 6.
    expect(tableColumn(table, 'intensity_mean_red').values[1]).toBe(3);
    expect(tableColumn(table, 'intensity_p99_5_dapi_405_nm').values[0]).toBe(23);
  });

  it('tells channels of the same name, and of none, apart', () => {
    const image = { ...ndarray('uint8', [4, 2, 6]), channels: ['GFP', 'gfp', '--'] };
    const table = measure(labels, image, { measures: ['intensity'], percentiles: [] });
    expect(table.columns.map(headerOf).filter((header) => header.includes('mean'))).toEqual([
      'intensity_mean_gfp_1',
      'intensity_mean_gfp_2',
      'intensity_mean_channel_3',
      'intensity_mean_channel_4',
    ]);
  });

  it('has all columns and no rows for an empty mask, and for a map of no pixels', () => {
    const names = measure(labels, labels).columns.map(headerOf);
    for (const nothing of [ndarray('uint8', [2, 6]), ndarray('uint8', [0, 6])]) {
      const table = measure(nothing, nothing);
      expect(table.rows).toBe(0);
      expect(table.columns.map(headerOf)).toEqual(names);
      for (const column of table.columns) expect(column.values.length).toBe(0);
    }
    expect(measure(ndarray('uint8', [2, 3, 3])).rows).toBe(0);
  });

  it('takes labels beyond 65,535 and beyond int32', () => {
    const large = ndarray('uint32', [1, 4], Uint32Array.of(4294967295, 0, 70000, 70000));
    expect([...(tableColumn(measure(large), 'label').values as Float64Array)]).toEqual([70000, 4294967295]);
  });

  it('says what does not fit', () => {
    expect(() => measure(labels, undefined, { spacing: [1, 0], unit: 'mm' })).toThrow(UsageError);
    expect(() => measure(labels, undefined, { spacing: [1, 1] })).toThrow(/no unit/);
    expect(() => measure(labels, undefined, { unit: 'mm' })).toThrow(/no spacing/);
    expect(() => measure(labels, ndarray('uint8', [6, 2]))).toThrow(/same grid/);
    expect(() => measure(labels, ndarray('float16', [2, 6]))).toThrow(/float16/);
    expect(() => measure(labels, labels, { percentiles: [101] })).toThrow(UsageError);
    expect(() => measure(ndarray('int8', [1, 2], Int8Array.of(-1, 0)))).toThrow(/negative/);
  });

  it('gives columns of each group by itself as with all', () => {
    const all = measure(labels, labels);
    const apart = MEASURES.flatMap((name) => measure(labels, labels, { measures: [name] }).columns.slice(1));
    expect(apart.map(headerOf)).toEqual(all.columns.slice(1).map(headerOf));
    for (const [k, column] of apart.entries()) expect(column).toEqual(all.columns[k + 1]);
  });
});

describe('properties', () => {
  it('do not change when the object is moved or turned by 90 degrees, and scale with the pixel', () => {
    const random = stream(3, 'shapes');
    const names = 'area_px2 perimeter_px major_axis_px minor_axis_px solidity feret_max_px feret_min_px euler_number';
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), (h, w) => {
        const inside = Array.from({ length: h * w }, () => random.uniform() < 0.6);
        inside[0] = true;
        const draw = (at: (y: number, x: number) => number) => {
          const labels = ndarray('uint8', [20, 20]);
          for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) if (inside[y * w + x]) labels.data[at(y, x)] = 1;
          return labels;
        };
        const here = measure(draw((y, x) => y * 20 + x));
        const moved = measure(draw((y, x) => (y + 7) * 20 + x + 5));
        const turned = measure(draw((y, x) => (x + 2) * 20 + 15 - y));
        // Sums of the same terms in another order.
        expectAllClose(values(moved, names), values(here, names), { rtol: 1e-12, atol: 1e-6 });
        expectAllClose(values(turned, names), values(here, names), { rtol: 1e-12, atol: 1e-6 });
        const double = measure(
          draw((y, x) => y * 20 + x),
          undefined,
          { spacing: [2, 2], unit: 'mm' },
        );
        expect(value(double, 'perimeter_mm') / value(here, 'perimeter_px')).toBeCloseTo(2, 12);
        expect(value(double, 'feret_min_mm') / value(here, 'feret_min_px')).toBeCloseTo(2, 12);
      }),
    );
  });
});

describe('NaN and infinite values', () => {
  const labels = ndarray('uint8', [1, 8], Uint8Array.of(1, 1, 1, 1, 2, 2, 3, 3));
  const numbers = (...list: number[]) => ndarray('float32', [1, 8], Float32Array.from(list));
  const [nan, infinite] = [Number.NaN, Number.POSITIVE_INFINITY];

  it('NaN takes no part (numpy 2.4: nanmean, nanstd, nanpercentile, nanmin, nanmax, nansum)', () => {
    const table = measure(labels, numbers(1, 2, nan, 4, 5, 5, nan, nan));
    expect(value(table, 'pixels_px')).toBe(4);
    expect(value(table, 'intensity_mean')).toBe(7 / 3);
    expect(value(table, 'intensity_sd')).toBeCloseTo(1.247219128924647, 15);
    expect(values(table, 'intensity_p05 intensity_p25 intensity_p50 intensity_p75 intensity_p95')).toEqual([
      1.1, 1.5, 2, 3, 3.8,
    ]);
    expect(values(table, 'intensity_min intensity_max intensity_sum')).toEqual([1, 4, 7]);
  });

  it('an object without any number has no value at all, the sum neither', () => {
    const table = measure(labels, numbers(1, 2, nan, 4, 5, 5, nan, nan));
    for (const { name, values: all } of table.columns.filter((column) => column.name.startsWith('intensity'))) {
      expect(all[2], name).toBeNaN();
    }
  });

  it('an infinite value is a value, as in NumPy', () => {
    const table = measure(labels, numbers(1, 2, infinite, 4, 5, 5, 6, 6));
    expect(values(table, 'intensity_mean intensity_sum intensity_max')).toEqual([infinite, infinite, infinite]);
    expect(values(table, 'intensity_min intensity_p50')).toEqual([1, 3]);
    expect(value(table, 'intensity_sd')).toBeNaN();
    expect(value(table, 'intensity_mean', 1)).toBe(5);
  });
});
