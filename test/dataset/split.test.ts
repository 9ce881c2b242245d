import { describe, expect, it } from 'vitest';
import { parseSplit, type SplitItem, splitItems, stacksOf } from '../../src/dataset/split.ts';

const item = (file: string, page = 0): SplitItem => ({ file, page, height: 8, width: 8 });
const numbered = Array.from({ length: 24 }, (_, i) => item(`image/${i}.png`));
const patients = [0, 1, 2, 3, 9].flatMap((id) => [32, 59, 80].map((z) => item(`ID_000${id}_Z_00${z}.tif`)));
const words = ['ant', 'bee', 'cat', 'dog', 'eel', 'fox', 'gnu', 'hen', 'ibis', 'jay'].map((name) =>
  item(`${name}.png`),
);

describe('stacks', () => {
  it('are files that differ in the last number, and the pages of one file', () => {
    expect(stacksOf(numbered).length).toBe(1);
    expect(stacksOf(patients).map((stack) => stack.items.length)).toEqual([3, 3, 3, 3, 3]);
    expect(stacksOf(words).length).toBe(10);
    expect(stacksOf([item('s.tif', 0), item('s.tif', 1)]).length).toBe(1);
  });
  it('files of other sizes do not belong', () => {
    expect(stacksOf([item('1.png'), { ...item('2.png'), width: 9 }]).length).toBe(2);
  });
});

describe('a fraction', () => {
  it('of one stack is a block at its end, in the order of the numbers', () => {
    expect(splitItems(numbered, { fraction: 0.2 }).validation).toEqual([19, 20, 21, 22, 23]);
  });
  it('of several stacks is whole stacks', () => {
    const { validation, train } = splitItems(patients, { fraction: 0.2 });
    expect(validation.length).toBe(3);
    expect(new Set(validation.map((i) => patients[i]?.file.slice(0, 7))).size).toBe(1);
    expect([...train, ...validation].sort((a, b) => a - b)).toEqual(patients.map((_, i) => i));
  });
  it('of single images is drawn from the seed', () => {
    const of = (seed: number) => splitItems(words, { fraction: 0.3 }, { seed }).validation;
    expect(of(1)).toEqual(of(1));
    expect(of(1).length).toBe(3);
    expect(new Set([1, 2, 3, 4, 5].map((seed) => of(seed).join())).size).toBeGreaterThan(1);
  });
  it('takes the smallest stack where all are large', () => {
    const items = [
      ...Array.from({ length: 8 }, (_, i) => item(`a${i}.png`)),
      ...Array.from({ length: 6 }, (_, i) => item(`b${i}.png`)),
    ];
    expect(splitItems(items, { fraction: 0.1 }).validation.length).toBe(6);
  });
  it('leaves images of each size to train on, where there are others to hold out', () => {
    const large = (file: string): SplitItem => ({ ...item(file), height: 32, width: 32 });
    for (let seed = 0; seed < 20; seed++) {
      const one = [...words, large('kiwi.png')];
      expect(splitItems(one, { fraction: 0.5 }, { seed }).train).toContain(10);
      const two = [...one, large('lark.png')];
      const { train, validation } = splitItems(two, { fraction: 0.5 }, { seed });
      expect(train.filter((i) => i >= 10).length).toBeGreaterThan(0);
      expect(validation.length).toBe(6);
    }
    // Every image of a size of its own: somebody has to be held out.
    const all = words.map((word, i) => ({ ...word, width: 8 + i }));
    expect(splitItems(all, { fraction: 0.3 }).validation.length).toBe(3);
  });
  it('of one page is nothing, and 0 is nothing', () => {
    expect(splitItems([item('a.png')], { fraction: 0.2 }).validation).toEqual([]);
    expect(splitItems(words, { fraction: 0 }).validation).toEqual([]);
  });
  it('out of range is refused', () => expect(() => splitItems(words, { fraction: 1 })).toThrow('0 to 0.9'));
});

describe('names', () => {
  it.each([
    ['20..23', [20, 21, 22, 23]],
    ['3', [3]],
    ['3.png,5.png', [3, 5]],
    ['image/7.png', [7]],
    ['2*', [2, 20, 21, 22, 23]],
  ])('%s', (text, expected) => expect(splitItems(numbered, parseSplit(text)).validation).toEqual(expected));
  it('numbers are pages where there is one file', () => {
    const pages = Array.from({ length: 9 }, (_, page) => item('stack-2.tif', page));
    expect(splitItems(pages, parseSplit('7..8')).validation).toEqual([7, 8]);
  });
  it('that fit nothing are refused with what there is', () => {
    expect(() => splitItems(words, parseSplit('zebra'))).toThrow(
      '"zebra" names no image of this data set. There are ant, bee, cat, ...',
    );
  });
  it('of everything are refused', () => expect(() => splitItems(numbered, parseSplit('*'))).toThrow('none is left'));
});

describe('folds', () => {
  it.each([
    ['one stack', numbered, 4],
    ['patients', patients, 5],
    ['more folds than stacks', patients, 7],
    ['images', words, 3],
  ])('of %s hold every page once', (_, items, folds) => {
    const all = Array.from({ length: folds }, (__, fold) => splitItems(items, { fold, folds }).validation).flat();
    expect(all.toSorted((a, b) => a - b)).toEqual(items.map((__, i) => i));
  });
  it('keep a stack together where there are enough', () => {
    const { validation } = splitItems(patients, { fold: 2, folds: 5 });
    expect(new Set(validation.map((i) => patients[i]?.file.slice(0, 7))).size).toBe(1);
  });
  it('that do not fit are refused', () =>
    expect(() => splitItems(words, { fold: 0, folds: 11 })).toThrow('Use 2 to 10'));
});

it('of one stack whose end lacks a class, a block that has all is held out', () => {
  const label = (values: readonly number[]) => ({ values: Int32Array.from(values) });
  // A patient from the belly to the neck: lungs on pages 2 to 6 of 10.
  const stack: SplitItem[] = Array.from({ length: 10 }, (_, page) => ({
    file: 'ct.nii.gz',
    page,
    height: 1,
    width: 2,
    label: label(page >= 2 && page <= 6 ? [0, 1] : [0, 0]),
  }));
  const { validation, reason } = splitItems(stack, { fraction: 0.2 });
  expect(validation).toEqual([6, 7]);
  expect(reason).toBe('validation: pages 6 to 7 of 10 (from 0) of the one stack: its end lacks a class');
  const everywhere = stack.map((item) => ({ ...item, label: label([0, 1]) }));
  expect(splitItems(everywhere, { fraction: 0.2 }).validation).toEqual([8, 9]);
});

describe('of single images, those held out and the others have every class where that is possible', () => {
  const withClasses = (of: (i: number) => readonly number[]) =>
    words.map((word, i) => ({ ...word, width: 2, height: 1, label: { values: Int32Array.from(of(i)) } }));
  const seeds = Array.from({ length: 20 }, (_, seed) => seed);

  it('two images have the second class: one is held out', () => {
    const items = withClasses((i) => (i === 3 || i === 8 ? [0, 1] : [0, 0]));
    for (const seed of seeds) {
      const { validation } = splitItems(items, { fraction: 0.3 }, { seed });
      expect(validation).toHaveLength(3);
      expect(validation.filter((i) => i === 3 || i === 8)).toHaveLength(1);
    }
  });
  it('one image has it: it is trained on', () => {
    const items = withClasses((i) => (i === 3 ? [0, 1] : [0, 0]));
    for (const seed of seeds) expect(splitItems(items, { fraction: 0.3 }, { seed }).train).toContain(3);
  });
  it('many objects are one class', () => {
    const items = withClasses((i) => (i % 2 === 0 ? [0, 100 + i] : [0, 0])).concat(
      withClasses((i) => [200 + i, 300 + i]).map((one) => ({ ...one, file: `more/${one.file}` })),
    );
    const { validation } = splitItems(items, { fraction: 0.1 });
    expect(validation.some((i) => [...items[i].label.values].some((value) => value > 0))).toBe(true);
  });
  it('what has them in the first place is drawn as without labels', () => {
    const everywhere = withClasses(() => [0, 1]);
    for (const seed of seeds) {
      const drawn = splitItems(words, { fraction: 0.3 }, { seed }).validation;
      expect(splitItems(everywhere, { fraction: 0.3 }, { seed }).validation).toEqual(drawn);
    }
  });
});
