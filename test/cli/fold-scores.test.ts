import { expect, test } from 'vitest';
import { describeFolds } from '../../src/cli/fold-scores.ts';
import type { ValidationMetric } from '../../src/train/validate.ts';

const fold = (kind?: 'dice' | 'ap', score?: number) => ({
  config: { metric: kind && ({ kind } as ValidationMetric) },
  best: score === undefined ? undefined : { score },
});

test.each([
  [[fold('dice', 0.5), fold('dice', 0.75)], '2 folds: 0.5000, 0.7500; mean 0.6250'],
  [[fold('dice', 0.5), fold(), fold('dice', 0.75)], '3 folds: 0.5000, none, 0.7500; mean of 2 0.6250'],
  [[fold(), fold()], '2 folds: none, none; no fold has a score'],
  [
    [fold('dice', 0.5), fold('ap', 0.75), fold()],
    '3 folds: 0.5000, 0.7500, none; no mean, since the scores are of different kinds (dice, ap, none)',
  ],
] as const)('the scores of folds: %#', (folds, line) => expect(describeFolds(folds)).toBe(line));
