import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { UsageError } from '../../src/errors.ts';
import { matchObjects } from '../../src/metrics/match-objects.ts';

/** One row of pixels: a digit is a label, a point background. */
const row = (text: string) =>
  ndarray(
    'int32',
    [1, text.length],
    Int32Array.from([...text], (c) => (c === '.' ? 0 : Number(c))),
  );

describe('matchObjects', () => {
  it('tells found, missed and spurious objects apart', () => {
    const found = matchObjects(row('1111..22..33..'), row('777...8......9'));
    expect(found).toEqual({
      truthCount: 3,
      predictedCount: 3,
      matched: [
        { truth: 1, predicted: 7, iou: 0.75 },
        { truth: 2, predicted: 8, iou: 0.5 },
      ],
      missed: [3],
      merged: [],
      split: [],
      spurious: [9],
    });
  });

  it('names merges, whose members are in no pair', () => {
    // 5 has an IoU of 0.75 with 1, and swallows 2.
    const { matched, merged, missed, spurious } = matchObjects(row('1111112.'), row('5555555.'));
    expect(merged).toEqual([{ predicted: 5, truth: [1, 2] }]);
    expect({ matched, missed, spurious }).toEqual({ matched: [], missed: [], spurious: [] });
  });

  it('names splits; small crumbs are spurious and not parts', () => {
    const { split, spurious } = matchObjects(row('111111111111'), row('2222.3333.44'), { minPart: 0.2 });
    expect(split).toEqual([{ truth: 1, predicted: [2, 3] }]);
    expect(spurious).toEqual([4]);
    expect(matchObjects(row('1111111111'), row('22222222.3'), { minPart: 0.2 }).matched).toHaveLength(1);
  });

  it('a true object that is merged is not split too', () => {
    const { merged, split, spurious, matched } = matchObjects(row('111111112222'), row('333333.43333'));
    expect(merged).toEqual([{ predicted: 3, truth: [1, 2] }]);
    expect(split).toEqual([]);
    expect(matched).toEqual([]);
    expect(spurious).toEqual([4]);
  });

  it('leaves ignored pixels out, and with them objects', () => {
    const ignore = ndarray('uint8', [1, 6], Uint8Array.of(0, 0, 0, 0, 1, 1));
    expect(matchObjects(row('11..22'), row('11...3'), { ignore })).toMatchObject({
      truthCount: 1,
      predictedCount: 1,
      missed: [],
      spurious: [],
    });
  });

  it('takes empty maps, and refuses options out of range', () => {
    expect(matchObjects(row('...'), row('...'))).toMatchObject({ truthCount: 0, predictedCount: 0, matched: [] });
    expect(matchObjects(row('1.2'), row('...')).missed).toEqual([1, 2]);
    expect(matchObjects(row('...'), row('1.2')).spurious).toEqual([1, 2]);
    expect(() => matchObjects(row('1'), row('1'), { iou: 0.4 })).toThrow(UsageError);
    expect(() => matchObjects(row('1'), row('1'), { minPart: 2 })).toThrow(UsageError);
    expect(() => matchObjects(row('1'), row('12'))).toThrow(UsageError);
  });
});
