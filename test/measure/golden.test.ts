/** Against scikit-image's regionprops on random objects: scripts/golden/measure.py. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { measure } from '../../src/measure/measure.ts';
import { headerOf } from '../../src/measure/table.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

/** Null: scikit-image has no value there. */
type Figures = Readonly<Record<string, readonly (number | null)[]>>;

interface Golden {
  readonly cases: readonly {
    readonly shape: number[];
    readonly spacing: number[];
    readonly labels: number[];
    readonly image: number[];
    readonly expected: Figures;
    readonly centroid: readonly number[][];
    readonly box: readonly number[][];
  }[];
}

const golden: Golden = JSON.parse(readFileSync('test/golden/measure.json', 'utf8'));

describe.each(golden.cases)('objects of $shape, spacing $spacing', (stored) => {
  const { shape, spacing, labels, image, expected } = stored;
  const flat = shape.length === 2;
  const axes = flat ? ['y', 'x'] : ['z', 'y', 'x'];
  const table = measure(
    ndarray('uint16', shape, Uint16Array.from(labels)),
    ndarray('float64', shape, Float64Array.from(image)),
    { spacing, unit: 'mm' },
  );
  const values = (header: string): number[] => {
    const column = table.columns.find((candidate) => headerOf(candidate) === header);
    expect(column, header).toBeDefined();
    return Array.from(column?.values as ArrayLike<number>);
  };

  it('has a row for each label', () => {
    expect(values('label')).toEqual(expected.label);
  });

  it.each(['pixels_px', 'euler_number', 'neighbours'])('%s', (name) => {
    expect(values(name)).toEqual(expected[name]);
  });

  it('box', () => {
    const names = [...axes.map((axis) => `box_first_${axis}_px`), ...axes.map((axis) => `box_end_${axis}_px`)];
    for (const [k, name] of names.entries()) expect(values(name)).toEqual(stored.box.map((box) => box[k]));
  });

  // Sums in another order, square roots: a few units in the last place. Thin shapes have a minor axis that is the root
  // of a rounding error there, and 0 here.
  it.each([
    ['size', flat ? 'area_mm2' : 'volume_mm3'],
    ['equivalent_diameter', 'equivalent_diameter_mm'],
    ['major_axis', 'major_axis_mm'],
    ['minor_axis', 'minor_axis_mm'],
    ['solidity', 'solidity'],
    ['feret_max', 'feret_max_mm'],
    ['nearest_distance', 'nearest_distance_mm'],
    ...(flat
      ? [
          ['orientation', 'orientation_deg'],
          ['eccentricity', 'eccentricity'],
        ]
      : []),
    ...['mean', 'sd', 'min', 'p05', 'p25', 'p50', 'p75', 'p95', 'max', 'sum'].map((name) => [
      `intensity_${name}`,
      `intensity_${name}`,
    ]),
  ] as [string, string][])('%s', (name, header) => {
    const known = expected[name] ?? [];
    const ours = values(header).map((value, k) => (known[k] === null ? 0 : value));
    expectAllClose(
      ours,
      known.map((value) => value ?? 0),
      { rtol: 1e-9, atol: 1e-6 },
    );
  });

  it('centroid', () => {
    for (const [k, axis] of axes.entries()) {
      expectAllClose(
        values(`centroid_${axis}_mm`),
        stored.centroid.map((centroid) => centroid[k] as number),
        { rtol: 1e-12 },
      );
    }
  });

  if (flat && spacing.every((step) => step === 1)) {
    it('perimeter of square pixels', () => {
      expectAllClose(values('perimeter_mm'), (expected.perimeter_of_square_pixels ?? []).map(Number), { rtol: 1e-12 });
    });
  }
});
