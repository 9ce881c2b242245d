import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { UsageError } from '../../src/errors.ts';
import { confusionMatrix, dice, iou, overlapScores, sumOfConfusions } from '../../src/metrics/overlap.ts';

const row = (...values: number[]) => ndarray('uint8', [1, values.length], Uint8Array.from(values));

describe('confusionMatrix', () => {
  it('counts true classes in rows and predicted ones in columns', () => {
    expect([...confusionMatrix(row(0, 0, 1, 1, 1), row(0, 1, 1, 1, 0), 2).pixels]).toEqual([1, 1, 1, 2]);
  });

  it('leaves an ignore value and an ignore mask out', () => {
    const { pixels } = confusionMatrix(row(0, 255, 1), row(0, 9, 1), 2, { ignoreValue: 255, ignore: row(0, 0, 1) });
    expect([...pixels]).toEqual([1, 0, 0, 0]);
  });

  it('names a value that is no class, and shapes that differ', () => {
    expect(() => confusionMatrix(row(0, 255), row(0, 1), 2)).toThrow(/truth contains the value 255/);
    expect(() => confusionMatrix(row(0, 1), row(0, 3), 2)).toThrow(/prediction contains the value 3/);
    expect(() => confusionMatrix(row(0), row(0, 1), 2)).toThrow(UsageError);
  });

  it('adds up over images', () => {
    const one = confusionMatrix(row(0, 1), row(0, 1), 2);
    expect([...sumOfConfusions([one, one]).pixels]).toEqual([2, 0, 0, 2]);
    expect(() => sumOfConfusions([])).toThrow(UsageError);
    expect(() => sumOfConfusions([one, confusionMatrix(row(0), row(0), 3)])).toThrow(UsageError);
  });
});

describe('overlapScores', () => {
  it('scores each class and takes means over those that occur', () => {
    const scores = overlapScores(confusionMatrix(row(0, 0, 1, 1, 1), row(0, 1, 1, 1, 0), 3));
    expect(scores.perClass[0]).toMatchObject({ truthPixels: 2, predictedPixels: 2, dice: 0.5, iou: 1 / 3 });
    expect(scores.perClass[1]).toMatchObject({ dice: 2 / 3, iou: 0.5, precision: 2 / 3, recall: 2 / 3 });
    expect(scores.perClass[2]?.dice).toBeNaN();
    expect(scores.meanDice).toBeCloseTo((1 / 2 + 2 / 3) / 2, 15);
    expect(scores.meanIou).toBeCloseTo((1 / 3 + 1 / 2) / 2, 15);
    expect(scores.pixelAccuracy).toBe(0.6);
  });

  it('can leave background out of the means', () => {
    const matrix = confusionMatrix(row(0, 0, 1), row(0, 1, 1), 2);
    expect(overlapScores(matrix, { leaveOut: [0] }).meanDice).toBeCloseTo(2 / 3, 15);
  });

  it('has no number for no pixels', () => {
    const scores = overlapScores(confusionMatrix(row(), row(), 2));
    expect([scores.meanDice, scores.meanIou, scores.pixelAccuracy]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  });
});

describe('dice and iou', () => {
  it('compare masks, whatever value says inside', () => {
    expect(dice(row(255, 255, 0), row(1, 0, 1))).toBe(0.5);
    expect(iou(row(255, 255, 0), row(1, 0, 1))).toBeCloseTo(1 / 3, 15);
    expect(dice(row(1, 0), row(0, 1))).toBe(0);
    expect(dice(row(1, 0), row(1, 1), { ignore: row(0, 1) })).toBe(1);
  });

  it('are 0 when one mask is empty and NaN when both are', () => {
    expect([dice(row(0), row(1)), iou(row(1), row(0))]).toEqual([0, 0]);
    expect([dice(row(0), row(0)), iou(row(0), row(0))]).toEqual([Number.NaN, Number.NaN]);
  });
});
