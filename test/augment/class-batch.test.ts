import { describe, expect, test } from 'vitest';
import { type ClassAugment, classBatches } from '../../src/augment/class-batch.ts';
import { augmentSettings, NO_AUGMENTATION } from '../../src/augment/options.ts';
import type { ClassSample } from '../../src/dataset/classification/classes.ts';
import { colourAxes, prepareClasses } from '../../src/dataset/classification/prepare.ts';
import type { ClassInput } from '../../src/input/classes.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

const PLAIN: ClassAugment = { mirror: false, shiftPx: 0, crops: false };
const NONE = augmentSettings(NO_AUGMENTATION);

/** Images 4 x 5 of one channel whose pixels are 20 n + position. */
function samples(count: number): ClassSample[] {
  return Array.from({ length: count }, (_, n) => ({
    name: `image ${n}`,
    label: n % 3,
    data: Uint8Array.from({ length: 20 }, (__, p) => 20 * n + p),
    channels: 1,
    height: 4,
    width: 5,
  }));
}

function input(
  crop: readonly [number, number],
  numbers: readonly (readonly [number, number])[] = [[0, 1]],
): ClassInput {
  const count = numbers.length;
  return {
    channels: { mode: count === 1 ? 'grey' : 'colour', count },
    normalisation: {
      kind: 'zscore',
      scope: 'dataset',
      percentiles: [0, 100],
      perChannel: true,
      numbers,
      leastSpread: 0,
    },
    stored: [4, 5],
    crop,
    views: 1,
  };
}

describe('batches of whole images', () => {
  const set = prepareClasses(samples(10), 3, input([4, 5]), 0);
  const draw = classBatches(set, { seed: 1, batch: 4, augment: NONE, classes: PLAIN });

  test('every epoch has every image once, in another order; a batch may reach into the next', () => {
    const names = [0, 1, 2, 3, 4].flatMap((step) => draw(step).names);
    const [first, second] = [names.slice(0, 10), names.slice(10, 20)];
    const all = samples(10)
      .map(({ name }) => name)
      .sort();
    expect(first.toSorted()).toEqual(all);
    expect(second.toSorted()).toEqual(all);
    expect(first).not.toEqual(second);
  });

  test('a step has the same images however it is come to', () => {
    const again = classBatches(set, { seed: 1, batch: 4, augment: NONE, classes: PLAIN });
    expect(again(7)).toEqual(draw(7));
    expect(classBatches(set, { seed: 2, batch: 4, augment: NONE, classes: PLAIN })(7).names).not.toEqual(draw(7).names);
  });

  test('image, class and weight belong together', () => {
    const { images, labels, weights, names } = draw(0);
    names.forEach((name, i) => {
      const n = Number(name.split(' ')[1]);
      expect([...images.subarray(20 * i, 20 * (i + 1))]).toEqual(Array.from({ length: 20 }, (_, p) => 20 * n + p));
      expect([labels[i], weights[i]]).toEqual([n % 3, 1]);
    });
  });

  test('rare classes weigh more on request, the mean weight stays 1', () => {
    // Four images of class 0, three of 1 and 2: weights 10/12, 10/9, 10/9.
    const { classWeights } = prepareClasses(samples(10), 3, input([4, 5]), 1);
    expectAllClose(classWeights, [10 / 12, 10 / 9, 10 / 9], { rtol: 1e-12 });
  });
});

describe('changes', () => {
  test('crops lie anywhere in the stored image, as they are or mirrored', () => {
    const set = prepareClasses(samples(1), 1, input([2, 3]), 0);
    const draw = classBatches(set, {
      seed: 3,
      batch: 1,
      augment: NONE,
      classes: { ...PLAIN, crops: true, mirror: true },
    });
    const seen = new Set(Array.from({ length: 300 }, (_, step) => [...draw(step).images].join()));
    const expected = new Set<string>();
    for (let top = 0; top <= 2; top++) {
      for (let left = 0; left <= 2; left++) {
        const rows = [0, 1].map((y) => [0, 1, 2].map((x) => 5 * (top + y) + left + x));
        expected.add(rows.flat().join());
        expected.add(rows.flatMap((row) => row.toReversed()).join());
      }
    }
    expect(seen).toEqual(expected);
  });

  test('without crops the middle is taken', () => {
    const set = prepareClasses(samples(1), 1, input([2, 3]), 0);
    const { images } = classBatches(set, { seed: 3, batch: 1, augment: NONE, classes: PLAIN })(0);
    expect([...images]).toEqual([6, 7, 8, 11, 12, 13]);
  });

  test('shifts are whole pixels, the border is mirrored', () => {
    const set = prepareClasses(samples(1), 1, input([4, 5]), 0);
    const draw = classBatches(set, { seed: 3, batch: 1, augment: NONE, classes: { ...PLAIN, shiftPx: 1 } });
    const tops = new Set(Array.from({ length: 60 }, (_, step) => draw(step).images[6]));
    // Pixel (1, 1) is 6; shifted by one it is one of its eight neighbours or itself.
    expect(tops).toEqual(new Set([0, 1, 2, 5, 6, 7, 10, 11, 12]));
  });

  test('colour moves all pixels of a channel by shares of the principal axes', () => {
    const page = { name: 'a', label: 0, data: new Uint8Array(60).fill(100), channels: 3, height: 4, width: 5 };
    const set = prepareClasses(
      [page],
      1,
      input(
        [4, 5],
        [
          [0, 1],
          [0, 1],
          [0, 1],
        ],
      ),
      0,
    );
    const axes = [[30, 20, 10]];
    const draw = classBatches(set, {
      seed: 1,
      batch: 1,
      augment: NONE,
      classes: { ...PLAIN, colour: { sigma: 0.1, axes } },
    });
    const shares = Array.from({ length: 400 }, (_, step) => {
      const { images } = draw(step);
      const [r = 0, g = 0, b = 0] = [0, 20, 40].map((at) => (images[at] ?? 0) - 100);
      expect(images[19]).toBe(images[0]);
      expectAllClose([g / r, b / r], [2 / 3, 1 / 3], { rtol: 1e-3 });
      return r / 30;
    });
    const deviation = Math.sqrt(shares.reduce((sum, share) => sum + share * share, 0) / shares.length);
    // 400 draws: 1 / sqrt(800) of error, four of them.
    expect(Math.abs(deviation / 0.1 - 1)).toBeLessThan(4 / Math.sqrt(800));
  });
});

test('the principal axes of colours, each as long as its variance', () => {
  // Red varies by 0.2 of the range either way, green with half of it, blue not at all.
  const data = Uint8Array.from([102, 204, 76, 127, 50, 50].flatMap((v) => Array.from({ length: 1 }, () => v)));
  const page = { name: 'a', label: 0, data, channels: 3, height: 1, width: 2 };
  const spec = {
    ...input(
      [1, 2],
      [
        [0, 1],
        [0, 1],
        [0, 1],
      ],
    ),
    stored: [1, 2] as const,
  };
  const [first, second, third] = colourAxes(prepareClasses([page], 1, spec, 0)) as [number[], number[], number[]];
  // Deviations (51, 25.5, 0) of 255: variance (0.2^2 + 0.1^2) along (2, 1, 0) / sqrt 5.
  const length = 0.05 * 255;
  expectAllClose(first.map(Math.abs), [(length * 2) / Math.sqrt(5), length / Math.sqrt(5), 0], {
    rtol: 1e-6,
    atol: 1e-9,
  });
  expectAllClose([...second, ...third], [0, 0, 0, 0, 0, 0], { atol: 1e-9 });
});
