import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { IGNORE } from '../../src/dataset/labels/labels.ts';
import type { TrainingPage } from '../../src/dataset/patch-position.ts';
import { prepareDataset, readDataset } from '../../src/dataset/prepare.ts';
import { borderWeights } from '../../src/dataset/weights/page-separation.ts';
import { bytesSource, type Files } from '../../src/files.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { dataFolder, describeWithData } from '../support/data.ts';

const png = (width: number, height: number, value: (p: number) => number): Uint8Array =>
  encode({
    width,
    height,
    channels: 1,
    depth: 8,
    data: Uint8Array.from({ length: width * height }, (_, p) => value(p)),
  });
const weightsOf = ([page]: readonly TrainingPage[]) => borderWeights(page as TrainingPage) as Float32Array;
const folder = (content: Record<string, Uint8Array>): Files => ({
  list: async () => Object.keys(content),
  read: async (_, name = '') => content[name] as Uint8Array,
  open: async (_, name = '') => bytesSource(content[name] as Uint8Array, name),
});
const image = png(8, 6, (p) => p);
const label = png(8, 6, (p) => (p % 3 === 0 ? 255 : 0));
const OBJECTS = [
  { name: 'background', values: [0] },
  { name: 'cell', values: 'rest' },
] as const;
const five = Object.fromEntries(
  [0, 1, 2, 3, 4].flatMap((i) => [
    [`images/${i}.png`, image],
    [`labels/${i}.png`, label],
  ]),
);

describe('a folder of images and labels', () => {
  it('becomes pages, with every decision printed', async () => {
    const prepared = prepareDataset(await readDataset(folder(five), 'data'));
    expect(prepared.train.pages.map((page) => page.name)).toEqual([0, 1, 2, 3].map((i) => `images/${i}.png`));
    expect(prepared.validation.map((page) => page.name)).toEqual(['images/4.png']);
    expect(prepared.train.pages[0]?.label.slice(0, 4)).toEqual(Uint8Array.of(1, 0, 0, 1));
    expect(prepared.shares).toEqual([32 / 48, 16 / 48]);
    for (const word of [
      '5 images with labels in images + labels',
      '255 is foreground (class 1)',
      'foreground 33.3 %',
      'channels: 1',
      'percentiles',
      'validation:',
    ]) {
      expect(prepared.notes.join('\n')).toContain(word);
    }
  });

  it('keeps ignored pixels out of shares', async () => {
    const prepared = prepareDataset(
      await readDataset(folder({ ...five, 'labels/0.png': png(8, 6, (p) => (p < 24 ? 9 : p % 2)) }), 'data'),
      {
        ignore: [9],
        classes: [
          { name: 'a', values: [0] },
          { name: 'b', values: [1, 255] },
        ],
      },
    );
    expect(prepared.train.pages[0]?.label[0]).toBe(IGNORE);
    expect(prepared.shares[1]).toBeCloseTo((12 + 3 * 16) / (24 + 3 * 48), 12);
  });

  it('is seen alike by all folds, whatever they hold out', async () => {
    const raw = await readDataset(
      folder(
        Object.fromEntries(
          ['ash', 'elm', 'fir', 'gum'].flatMap((name, i) => [
            [`images/${name}.png`, png(8, 6, (p) => p * (i + 1))],
            [`labels/${name}.png`, label],
          ]),
        ),
      ),
      'data',
    );
    const inputOf = (split: { fraction: number } | { fold: number; folds: number }, kind: 'percentile' | 'zscore') =>
      prepareDataset(raw, { split, normalisation: { kind, scope: 'dataset' } }).input;
    for (const kind of ['percentile', 'zscore'] as const) {
      const all = inputOf({ fraction: 0 }, kind);
      for (const fold of [0, 1, 2, 3]) expect(inputOf({ fold, folds: 4 }, kind)).toEqual(all);
      expect(inputOf({ fraction: 0.25 }, kind)).not.toEqual(all);
    }
  });
  it('goes on with the mapping and the normalisation of a model', async () => {
    const raw = await readDataset(folder(five), 'data');
    const first = prepareDataset(raw);
    const again = prepareDataset(raw, { mapping: first.mapping, input: first.input });
    expect(again.train).toEqual(first.train);
  });

  it('weighs the rim between two objects, and small objects, where rims are a class', async () => {
    // Two squares of 12 x 12 side by side, and one of 3 x 3; the median object is a square.
    const numbers = png(32, 24, (p) => {
      const [x, y] = [p % 32, Math.floor(p / 32)];
      if (y >= 4 && y < 16 && x >= 2 && x < 26) return x < 14 ? 1 : 2;
      return y >= 19 && y < 22 && x >= 28 && x < 31 ? 3 : 0;
    });
    const content = { 'images/0.png': png(32, 24, (p) => p % 251), 'labels/0.png': numbers };
    const raw = await readDataset(folder(content), 'data');
    const separation = { w0: 5, sigmaPx: 5 };
    const { train } = prepareDataset(raw, { task: 'instances', separation, split: { fraction: 0 } });
    const weights = weightsOf(train.pages);
    const weight = (x: number, y: number): number => weights[y * 32 + x] as number;
    const between = weight(13, 10);
    // The insides end two pixels from the seam: 2 pixels to the one, 3 to the other.
    expect(between).toBeCloseTo(5 * Math.exp(-25 / 50), 4);
    expect(weight(2, 10)).toBeLessThan(0.1 * between);
    expect(weight(8, 10)).toBe(0);
    expect(weight(29, 20)).toBeCloseTo(Math.sqrt(144 / 9) - 1, 1);
  });

  it('cuts touching instances apart where the gap is weighed', async () => {
    const touching = png(8, 6, (p) => (p % 8 < 4 ? 1 : 2));
    const raw = await readDataset(folder({ 'images/0.png': image, 'labels/0.png': touching }), 'data');
    const { train } = prepareDataset(raw, { classes: OBJECTS, separation: { w0: 10 } });
    expect([...(train.pages[0]?.label.subarray(0, 8) ?? [])]).toEqual([1, 1, 1, 0, 1, 1, 1, 1]);
    expect(weightsOf(train.pages)[3]).toBeCloseTo(10 * Math.exp(-4 / 50), 4);
  });

  it.each([
    [
      'sizes differ',
      { 'images/0.png': image, 'labels/0.png': png(8, 7, () => 0) },
      'images/0.png: the image is 8 x 6, its labels "labels/0.png" are 8 x 7',
    ],
    [
      'all background',
      { 'images/0.png': image, 'labels/0.png': png(8, 6, () => 0) },
      'labels/0.png: the labels of the only page hold the value 0 only: all background',
    ],
    ['an empty file', { 'images/0.png': new Uint8Array(), 'labels/0.png': label }, 'images/0.png'],
    ['a truncated file', { 'images/0.png': image.subarray(0, 60), 'labels/0.png': label }, 'images/0.png'],
  ])('%s is refused with the file', async (_, content, message) => {
    const run = async () => prepareDataset(await readDataset(folder(content), 'data'));
    await expect(run()).rejects.toThrow(message);
  });

  it('the one page with more than background is trained on, and refused where it is to be held out', async () => {
    const background = Object.fromEntries([0, 1, 2, 3].map((i) => [`labels/${i}.png`, png(8, 6, () => 0)]));
    const raw = await readDataset(folder({ ...five, ...background }), 'data');
    expect(prepareDataset(raw).split.train).toContain(4);
    expect(() => prepareDataset(raw, { split: { names: ['4'] } })).toThrow(
      'the labels of the training images hold one class only',
    );
  });
});

describeWithData('real data sets', () => {
  const open = async (name: string) => prepareDataset(await readDataset(nodeFiles, `${dataFolder()}/${name}`));
  it('ISBI 2012: the inside of cells is class 1', async () => {
    const { mapping, shares, validation } = await open('isbi2012/train');
    expect(mapping.classes.map(({ values }) => values)).toEqual([[0], [255]]);
    expect(shares[1]).toBeGreaterThan(0.7);
    expect(validation.map((page) => page.name)).toEqual([19, 20, 21, 22, 23].map((i) => `image/${i}.png`));
  });
  it('phase contrast: 8-bit labels are recognised as instances', async () => {
    const { mapping, input } = await open('phase');
    expect(mapping.kind).toBe('instances');
    expect(input.normalisation.scope).toBe('image');
  });
  it('lungs: HU are normalised alike, patients are kept together', async () => {
    const { input, validation } = await open('lungs');
    expect(input.normalisation.scope).toBe('dataset');
    expect(validation.length).toBe(8);
    expect(new Set(validation.map((page) => page.name.slice(0, 20))).size).toBe(2);
  });
  it('nuclei: RGB files that are mostly grey become one channel', async () => {
    const { mapping, input } = await open('nuclei');
    expect(mapping.kind).toBe('instances');
    expect(input.channels).toEqual({ mode: 'grey', count: 1 });
  });
});
