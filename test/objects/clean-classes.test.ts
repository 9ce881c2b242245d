import { describe, expect, it } from 'vitest';
import { type Cleaning, cleanClasses, cleaningText } from '../../src/objects/clean-classes.ts';

const map = (rows: readonly string[]) => Uint8Array.from(rows.join(''), Number);
const cleaned = (rows: readonly string[], rules: Cleaning['rules'], background = 0): readonly string[] => {
  const width = (rows[0] as string).length;
  const data = cleanClasses(map(rows), [rows.length, width], { background, rules });
  return rows.map((_, y) => data.subarray(y * width, (y + 1) * width).join(''));
};

describe('cleanClasses', () => {
  const rows = ['11000', '10100', '00022', '11011', '11022'];

  it('keeps the largest part of a class, connected by faces, the first of equal ones, and leaves others alone', () => {
    expect(cleaned(rows, [{ class: 1, largest: true }])).toEqual(['00000', '00000', '00022', '11000', '11022']);
    expect(cleaned(rows, [{ class: 2, largest: true }])).toEqual(['11000', '10100', '00022', '11011', '11000']);
  });

  it('removes parts below a size, not those of it', () => {
    expect(cleaned(rows, [{ class: 1, minSize: 3 }])).toEqual(['11000', '10000', '00022', '11000', '11022']);
  });

  it('gives removed pixels the background, whichever class that is', () => {
    expect(cleaned(['2212', '2222'], [{ class: 1, minSize: 2 }], 2)).toEqual(['2222', '2222']);
  });

  it('fills background that a class encloses, but no other class in it, and nothing open', () => {
    const ring = ['11111', '10121', '11111', '00000', '11011'];
    expect(cleaned(ring, [{ class: 1, fillHoles: true }])).toEqual(['11111', '11121', '11111', '00000', '11011']);
  });

  it('removes before it fills: a hole is one of what stays', () => {
    const both = ['11100', '10101', '11100'];
    expect(cleaned(both, [{ class: 1, largest: true, fillHoles: true }])).toEqual(['11100', '11100', '11100']);
  });

  it('fills a hole whose part of another class is removed, whichever class has its rule first', () => {
    const speck = ['11111', '10001', '10201', '10001', '11111', '02222'];
    const rules: Cleaning['rules'] = [
      { class: 1, fillHoles: true },
      { class: 2, minSize: 2 },
    ];
    const whole = ['11111', '11111', '11111', '11111', '11111', '02222'];
    expect(cleaned(speck, rules)).toEqual(whole);
    expect(cleaned(speck, rules.toReversed())).toEqual(whole);
  });

  it('sees a volume as a whole: parts of neighbouring slices are one', () => {
    const slices = Uint8Array.of(1, 0, 0, 1, /* next slice */ 1, 0, 0, 0);
    const rules = [{ class: 1, minSize: 2 }];
    expect([...cleanClasses(slices, [2, 2, 2], { background: 0, rules })]).toEqual([1, 0, 0, 0, 1, 0, 0, 0]);
  });

  it('takes maps without the class', () => {
    expect(cleaned(['000'], [{ class: 1, largest: true, minSize: 4, fillHoles: true }])).toEqual(['000']);
  });

  it('is said in words', () => {
    const rules = [{ class: 1, largest: true, fillHoles: true } as const, { class: 2, minSize: 7 }];
    expect(cleaningText({ background: 0, rules }, ['air', 'lung', 'vessel'])).toBe(
      'lung: the largest part only, holes filled; vessel: no part of fewer than 7 pixels',
    );
  });
});
