import { expect, test } from 'vitest';
import { shareInterval } from '../../src/metrics/share-interval.ts';

test('Wilson intervals, as statsmodels.stats.proportion.proportion_confint(count, nobs, method="wilson") gives them', () => {
  const found = shareInterval([1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
  expect(found?.value).toBeCloseTo(0.8, 12);
  expect(found?.low).toBeCloseTo(0.4901625, 6);
  expect(found?.high).toBeCloseTo(0.9433178, 6);
  expect(shareInterval([0.9, 0.7])?.value).toBeCloseTo(0.8, 12);
});

test('perfect parts leave room for doubt, and no parts say nothing', () => {
  // 1 / (1 + z^2 / n)
  expect(shareInterval([1, 1, 1])).toMatchObject({ value: 1, high: 1 });
  expect(shareInterval([1, 1, 1])?.low).toBeCloseTo(3 / (3 + 1.959964 ** 2), 6);
  expect(shareInterval([])).toBeUndefined();
});
