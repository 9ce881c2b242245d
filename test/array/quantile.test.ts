/** Values of numpy 2.4: `numpy.quantile`, `numpy.nanmedian`. */

import { describe, expect, it } from 'vitest';
import { median, quantile } from '../../src/array/quantile.ts';

describe('quantile', () => {
  it.each([
    [[1, 2, 4, 8, 16], 0.5, 4],
    [[1, 2, 4, 8], 0.5, 3],
    [[1, 2, 4, 8], 0.95, 7.399999999999999],
    [[10, 100], 0.25, 32.5],
    [[7], 0.3, 7],
    [[-3, -1], 0, -3],
    [[-3, -1], 1, -1],
    [[0.1, 0.2, 0.7], 0.9, 0.6],
    [[1, 2, Number.POSITIVE_INFINITY], 0.5, 2],
    [[], 0.5, Number.NaN],
  ])('of %j at %d is %d', (values, q, expected) => {
    expect(quantile(values, q)).toBe(expected);
  });

  it('goes on where NumPy says NaN: between equal infinities, and on the way to one', () => {
    const big = Number.POSITIVE_INFINITY;
    expect(quantile([big, big], 0.5)).toBe(big);
    expect(quantile([1, big], 0)).toBe(1);
    expect(quantile([1, big], 0.5)).toBe(big);
  });
});

describe('median', () => {
  it('of an even count is the mean of the two in the middle, whatever their order', () => {
    expect(median([100, 10])).toBe(55);
    expect(median([9, 1, 5])).toBe(5);
    expect(median(Int32Array.of(4, 3, 2, 1))).toBe(2.5);
  });

  it('leaves NaN out', () => {
    expect(median([Number.NaN, 3, 1])).toBe(2);
    expect(median([])).toBeNaN();
  });
});
