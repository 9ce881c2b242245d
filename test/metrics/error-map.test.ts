import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { ERROR_CLASSES, errorMap } from '../../src/metrics/error-map.ts';

/** Rows of digits, one a pixel. */
const picture = (...rows: string[]) =>
  ndarray('uint8', [rows.length, rows[0]?.length ?? 0], Uint8Array.from(rows.join(''), Number));
const rowsOf = ({ classes }: ReturnType<typeof errorMap>) => {
  const width = classes.shape[1] ?? 0;
  const text = [...classes.data].join('');
  return Array.from({ length: classes.shape[0] ?? 0 }, (_, y) => text.slice(y * width, (y + 1) * width));
};
const every = { minimumOverlapPixels: 1 };

describe('errorMap', () => {
  it('finds nothing where both agree, whatever the labels are called', () => {
    const map = errorMap(picture('11022'), picture('77033'), every);
    expect(rowsOf(map)).toEqual(['00000']);
    expect(map).toMatchObject({ splits: 0, merges: 0, missedObjects: 0, falseObjects: 0 });
    expect(map.pixels.correct).toBe(5);
  });

  it('tells missed from false pixels and objects', () => {
    const map = errorMap(picture('1110200'), picture('1100033'), every);
    expect(rowsOf(map)).toEqual(['0010122']);
    expect(map).toMatchObject({ missedObjects: 1, falseObjects: 1, splits: 0, merges: 0 });
  });

  it('marks the smaller piece of a split object', () => {
    const map = errorMap(picture('1111110'), picture('1110220'), every);
    expect(rowsOf(map)).toEqual(['0001330']);
    expect(map).toMatchObject({ splits: 1, merges: 0 });
  });

  it('marks the smaller object that a segment swallowed, and the gap in the membrane as false', () => {
    const map = errorMap(picture('1111022', '1111022'), picture('1111011', '1111111'), every);
    expect(rowsOf(map)).toEqual(['0000044', '0000244']);
    expect(map).toMatchObject({ splits: 0, merges: 1 });
  });

  it('counts an object cut in three twice, and a segment over three objects twice', () => {
    expect(errorMap(picture('11111'), picture('11023'), every).splits).toBe(2);
    expect(errorMap(picture('110203'), picture('111111'), every).merges).toBe(2);
  });

  it('does not call a slight overlap a split or a merge', () => {
    const truth = picture('111110222222');
    const prediction = picture('111111112222');
    expect(errorMap(truth, prediction, { minimumOverlapPixels: 3 })).toMatchObject({ splits: 0, merges: 0 });
    const strict = errorMap(truth, prediction, { minimumOverlapPixels: 2 });
    expect(strict).toMatchObject({ splits: 1, merges: 1 });
    expect(rowsOf(strict)).toEqual(['000002440000']);
  });

  it('leaves ignored pixels out', () => {
    const map = errorMap(picture('1100'), picture('0011'), { ...every, ignore: picture('1110') });
    expect(rowsOf(map)).toEqual(['0002']);
    expect(map).toMatchObject({ missedObjects: 0, falseObjects: 1 });
    expect(map.pixels.false).toBe(1);
  });

  it('takes empty pictures and refuses different shapes', () => {
    expect(errorMap(picture(''), picture('')).splits).toBe(0);
    expect(() => errorMap(picture('11'), picture('111'))).toThrow(/shapes differ/);
    expect(Object.values(ERROR_CLASSES)).toEqual([0, 1, 2, 3, 4]);
  });
});
