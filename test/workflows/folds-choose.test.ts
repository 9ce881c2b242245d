import { describe, expect, it } from 'vitest';
import { chooseByFolds, type HeldOutImage } from '../../src/workflows/folds/choose.ts';
import { type ClassMap, chooseCleaning, medianParts, scoredMap } from '../../src/workflows/folds/clean.ts';
import { nextShare } from '../../src/workflows/folds/record.ts';

/** 12 images in 3 folds, whose score without a choice is 0.5 and a bit. */
const images = (after: (fold: number, i: number, choice: string) => number): readonly HeldOutImage<string>[] =>
  Array.from({ length: 12 }, (_, i) => ({
    fold: i % 3,
    unit: `image ${i}`,
    score: (choice) => (choice === undefined ? 0.5 + i / 1000 : after(i % 3, i, choice)),
  }));

/** The name of the folds that a choice was made on. */
const seen = (some: readonly HeldOutImage<string>[]): string =>
  [...new Set(some.map(({ fold }) => fold))].sort().join('');

describe('chooseByFolds', () => {
  it('takes a choice that helps on folds that it was not made on, and makes it from all', () => {
    const found = chooseByFolds(
      images((_, i) => 0.6 + i / 1000),
      seen,
    );
    expect(found.choice).toBe('012');
    expect(found.difference.value).toBeCloseTo(0.1, 12);
    expect(found.before.value).toBeCloseTo(0.5055, 12);
    expect(found.after.value).toBeCloseTo(0.6055, 12);
    expect(found.before.low).toBeLessThan(0.5055);
    expect(found.before.high).toBeGreaterThan(0.5055);
  });

  it('scores each fold with what was chosen on the others, and leaves what helps only where it was chosen', () => {
    const found = chooseByFolds(
      images((fold, i, choice) => (choice.includes(String(fold)) ? 0.9 : 0.4 + i / 1000)),
      seen,
    );
    expect(found.choice).toBeUndefined();
    expect(found.after.value).toBeCloseTo(0.4055, 12);
    expect(found.difference.value).toBeCloseTo(-0.1, 12);
  });

  it('leaves what may be chance: as often better as worse', () => {
    const found = chooseByFolds(
      images((_, i) => 0.5 + i / 1000 + (i % 2 === 0 ? 0.1 : -0.09)),
      seen,
    );
    expect(found.difference.value).toBeGreaterThan(0);
    expect(found.choice).toBeUndefined();
  });

  it('leaves everything with fewer than six units, such as slices of five stacks', () => {
    const better = images((_, i) => 0.6 + i / 1000);
    const inStacks = (count: number) => better.map((image, i) => ({ ...image, unit: `stack ${i % count}` }));
    expect(chooseByFolds(inStacks(5), seen)).toMatchObject({ choice: undefined, units: 5 });
    expect(chooseByFolds(inStacks(6), seen)).toMatchObject({ choice: '012', units: 6 });
  });
});

/** 20 x 20 pixels: a square of 8 x 8, of which the map has all, and what else the map has. */
function square(i: number, more: (y: number, x: number) => number | undefined): ClassMap {
  const inside = (y: number, x: number): number => (y >= 4 && y < 12 && x >= 4 + (i % 3) && x < 12 + (i % 3) ? 1 : 0);
  const make = (value: (y: number, x: number) => number) =>
    Uint8Array.from({ length: 400 }, (_, p) => value(Math.floor(p / 20), p % 20));
  const found = make((y, x) => more(y, x) ?? inside(y, x));
  return { fold: i % 3, unit: `${i}`, shape: [20, 20], truth: make(inside), found };
}

function chosenFor(maps: readonly ClassMap[]) {
  const options = { classes: 2, leaveOut: [0], background: 0 };
  return chooseByFolds(
    maps.map((map) => scoredMap(map, options)),
    chooseCleaning(medianParts(maps, 2), options),
  );
}

describe('chooseCleaning', () => {
  it('keeps the largest part where the others are wrong', () => {
    const wrong = (i: number) => (y: number, x: number) => (y >= 15 && y < 15 + 4 && x < 5 + (i % 4) ? 1 : undefined);
    const found = chosenFor(Array.from({ length: 12 }, (_, i) => square(i, wrong(i))));
    expect(found.choice).toEqual({ background: 0, rules: [{ class: 1, largest: true }] });
    expect(found.after).toEqual({ value: 1, low: 1, high: 1 });
    // 64 right pixels and 4 rows of 5 to 8 wrong ones: the mean of 2 * 64 / (128 + wrong).
    const dice = [20, 24, 28, 32].map((n) => 128 / (128 + n));
    expect(found.before.value).toBeCloseTo(dice.reduce((a, b) => a + b, 0) / 4, 12);
  });

  it('fills holes where there are none in the ground truth', () => {
    const found = chosenFor(
      Array.from({ length: 12 }, (_, i) => square(i, (y, x) => (y === 7 && x === 8 + (i % 2) ? 0 : undefined))),
    );
    expect(found.choice).toEqual({ background: 0, rules: [{ class: 1, fillHoles: true }] });
  });

  it('does nothing to maps that are right', () => {
    const found = chosenFor(Array.from({ length: 12 }, (_, i) => square(i, () => undefined)));
    expect(found.choice).toBeUndefined();
    expect([found.before, found.after, found.difference.value]).toEqual([
      { value: 1, low: 1, high: 1 },
      { value: 1, low: 1, high: 1 },
      0,
    ]);
  });

  it('measures the parts of each class in the ground truth', () => {
    expect(medianParts([square(0, () => undefined)], 3)).toEqual([336, 64, 0]);
  });
});

describe('nextShare', () => {
  const of = (minutes: readonly number[], reserved = 0) =>
    nextShare(60, { folds: 5, finished: minutes.map((each, fold) => ({ fold, minutes: each })) }, reserved);

  it('gives equal parts, and what a fold did not use to those after it', () => {
    expect(of([])).toBe(12);
    expect(of([12])).toBe(12);
    expect(of([4])).toBe(14);
    expect(of([12, 12, 12, 12])).toBe(12);
  });

  it('keeps what scoring all folds will take', () => {
    expect(of([12], 4)).toBe(11);
  });

  it('gives a tenth of an equal part at least where the time is used up', () => {
    expect(of([30, 40])).toBeCloseTo(1.2, 12);
  });
});
