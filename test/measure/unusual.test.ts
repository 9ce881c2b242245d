import { expect, test } from 'vitest';
import { unusualness } from '../../src/measure/unusual.ts';

test('is the distance from the median in robust standard deviations', () => {
  // Median 3, deviations 2 1 0 1 7, whose median is 1.
  const found = unusualness([[1, 2, 3, 4, 10]]);
  expect(Array.from(found, (value) => value * 1.4826)).toEqual(
    [2, 1, 0, 1, 7].map((value) => expect.closeTo(value, 10)),
  );
});

test('is the root of the mean square over measurements; those without spread or value take no part', () => {
  const [first, , , , last] = unusualness([
    [1, 2, 3, 4, 10],
    [5, 5, 5, 5, 5],
    [3, 2, 1, 2, Number.NaN],
  ]);
  // (2^2 + (1 / 0.5)^2) / 2 = 4; the last has its first measurement alone.
  expect(first).toBeCloseTo(2 / 1.4826, 10);
  expect(last).toBeCloseTo(7 / 1.4826, 10);
  expect(unusualness([[], []])).toEqual(new Float64Array(0));
});
