import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { symmetricEigen } from '../../src/array/eigen.ts';
import { resize, resizeToCover } from '../../src/array/resize.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

describe('resizeToCover', () => {
  test('half the size is the mean of a triangle over four pixels, cut at the border', () => {
    // Weights 1/8 3/8 3/8 1/8 about each middle; what lies outside is left out and the rest sums to 1.
    const expected = [(3 * 0 + 3 * 8 + 16) / 7, (8 + 3 * 16 + 3 * 24) / 7];
    expectAllClose(resizeToCover([0, 8, 16, 24, 0, 8, 16, 24], 1, [2, 4], [1, 2]), expected, { rtol: 1e-6 });
  });

  test('twice the size interpolates between pixel centres', () => {
    expectAllClose(resizeToCover([0, 4], 1, [1, 2], [2, 4]), [0, 1, 3, 4, 0, 1, 3, 4], { rtol: 1e-6 });
  });

  test('of a wide or tall image the middle is cut out', () => {
    expectAllClose(resizeToCover([1, 2, 3, 4, 5, 6], 1, [1, 6], [1, 2]), [3, 4], { rtol: 1e-6 });
    expectAllClose(resizeToCover([1, 2, 3, 10, 20, 30], 2, [3, 1], [1, 1]), [2, 20], { rtol: 1e-6 });
  });

  test('the same size changes nothing, values stay within those of the source', () => {
    const side = fc.integer({ min: 1, max: 9 });
    const pixels = fc.array(fc.nat(255), { minLength: 81, maxLength: 81 });
    fc.assert(
      fc.property(side, side, side, side, pixels, (h, w, th, tw, values) => {
        const planes = values.slice(0, h * w);
        expect([...resizeToCover(planes, 1, [h, w], [h, w])]).toEqual(planes);
        const made = resizeToCover(planes, 1, [h, w], [th, tw]);
        // Weights sum to 1 within float32.
        expect(Math.max(...made)).toBeLessThanOrEqual(Math.max(...planes) + 1e-3);
        expect(Math.min(...made)).toBeGreaterThanOrEqual(Math.min(...planes) - 1e-3);
      }),
    );
  });
});

describe('resize', () => {
  test('scales each axis by its own factor, from edge to edge', () => {
    expectAllClose(resize([0, 4], 1, [1, 2], [1, 4]), [0, 1, 3, 4], { rtol: 1e-6 });
    // Rows: twice as many; columns: the mean of a triangle, cut at the border.
    const columns = [(3 * 0 + 3 * 8 + 16) / 7, (8 + 3 * 16 + 3 * 24) / 7];
    expectAllClose(resize([0, 8, 16, 24], 1, [1, 4], [2, 2]), [...columns, ...columns], { rtol: 1e-6 });
  });

  test('of several planes is that of each', () => {
    const [a, b] = [
      [1, 2, 3, 4],
      [9, 7, 5, 3],
    ];
    const of = (planes: readonly number[], count: number) => [...resize(planes, count, [2, 2], [3, 5])];
    expect(of([...a, ...b], 2)).toEqual([...of(a, 1), ...of(b, 1)]);
  });
});

describe('symmetricEigen', () => {
  test('of a matrix whose eigenvectors are known', () => {
    const [first, second] = symmetricEigen([2, 1, 1, 2], 2);
    expect(first?.value).toBeCloseTo(3, 12);
    expect(second?.value).toBeCloseTo(1, 12);
    expect(Math.abs(first?.vector[0] ?? 0)).toBeCloseTo(Math.SQRT1_2, 12);
    expect(first?.vector[0]).toBeCloseTo(first?.vector[1] ?? 0, 12);
  });

  test('gives the matrix back, with falling values', () => {
    const entry = fc.double({ min: -10, max: 10, noNaN: true });
    fc.assert(
      fc.property(fc.array(entry, { minLength: 6, maxLength: 6 }), ([a = 0, b = 0, c = 0, d = 0, e = 0, f = 0]) => {
        const matrix = [a, b, c, b, d, e, c, e, f];
        const pairs = symmetricEigen(matrix, 3);
        const again = matrix.map((_, i) =>
          pairs.reduce(
            (sum, { value, vector }) => sum + value * (vector[Math.floor(i / 3)] ?? 0) * (vector[i % 3] ?? 0),
            0,
          ),
        );
        expectAllClose(again, matrix, { atol: 1e-9 });
        const values = pairs.map(({ value }) => value);
        expect(values).toEqual(values.toSorted((x, y) => y - x));
      }),
    );
  });
});
