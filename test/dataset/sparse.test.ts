import { describe, expect, it } from 'vitest';
import type { Region } from '../../src/annotate/region.ts';
import { ndarray } from '../../src/array/ndarray.ts';
import { IGNORE } from '../../src/dataset/labels/labels.ts';
import { type PrepareOptions, prepareDataset } from '../../src/dataset/prepare.ts';
import { type LabelledImage, rawDataset } from '../../src/dataset/raw.ts';

const N = 65535;
const I = IGNORE;
const CELLS = [
  { name: 'background', values: [0] },
  { name: 'cell', values: 'rest' },
] as const;

function sample(name: string, [height, width]: readonly [number, number], label: (y: number, x: number) => number) {
  const of = (value: (y: number, x: number) => number) => ({
    ...ndarray(
      'uint16',
      [height, width],
      Uint16Array.from({ length: height * width }, (_, p) => value(Math.floor(p / width), p % width)),
    ),
    axes: 'yx',
    spacing: {},
  });
  return { name, image: of((y, x) => (7 * y + 13 * x) % 251), label: of(label) } as LabelledImage;
}
const box = (id: number, own: readonly [number, number, number, number], rest: Partial<Region> = {}): Region => ({
  id,
  shape: { box: own },
  complete: true,
  origin: 'painted',
  held: false,
  ...rest,
});
const prepare = (samples: readonly LabelledImage[], options: PrepareOptions = {}) =>
  prepareDataset(rawDataset(samples), { classes: CELLS, split: { fraction: 0 }, ignore: [N], ...options });

describe('pixels that nobody painted', () => {
  // Three pixels of a cell and one of background, on a page of 12.
  const strokes = sample('a', [3, 4], (y, x) => (y === 0 && x < 3 ? 4 : y === 2 && x === 3 ? 0 : N));

  it('take no part in labels, class shares, or what is printed of them', () => {
    const { train, shares, notes } = prepare([strokes]);
    expect([...(train.pages[0]?.label ?? [])]).toEqual([1, 1, 1, I, I, I, I, I, I, I, I, 0]);
    expect(shares).toEqual([1 / 4, 3 / 4]);
    expect(notes).toContain('annotated: 4 pixels, 33 % of 1 training page; the others take no part');
  });

  it('leave pages without any out of the split', () => {
    const empty = ['b', 'c', 'd'].map((name) => sample(name, [3, 4], () => N));
    const { train, validation, notes } = prepare([empty[0] as LabelledImage, strokes, ...empty.slice(1)], {
      split: { fraction: 0.4 },
    });
    expect([train.pages.map(({ name }) => name), validation]).toEqual([['a'], []]);
    expect(notes).toContain('left out, as nothing is annotated there: 3 of 4 pages');
  });

  it('are refused as validation images', () => {
    const empty = sample('b', [3, 4], () => N);
    expect(() => prepare([strokes, empty], { split: { names: ['b'] } })).toThrow(
      'nothing is annotated in the images that are held out for validation',
    );
  });

  it('leave the normalisation that of the whole page', () => {
    const whole = prepare([sample('a', [3, 4], (_, x) => x % 2)]);
    expect(prepare([strokes]).train.pages[0]?.image).toEqual(whole.train.pages[0]?.image);
  });
});

describe('one class alone', () => {
  it.each([
    [
      'background',
      (y: number) => (y === 0 ? 0 : N),
      'only class \'background\' is painted in "a", "b". Paint some of \'cell\' too.',
    ],
    [
      'cell',
      (y: number) => (y === 0 ? 3 : N),
      'only class \'cell\' is painted in "a", "b". Paint some of \'background\' too.',
    ],
  ])('is refused with what is missing: %s', (_, label, message) => {
    const samples = ['a', 'b'].map((name) => sample(name, [3, 4], label));
    expect(() => prepare(samples)).toThrow(message);
  });
  it('is refused where the other one is held out', () => {
    const halves = sample('a', [4, 8], (y, x) => (x < 4 ? 0 : y % 2));
    const regions = { a: [box(1, [4, 0, 4, 4], { held: true })] };
    expect(() => prepare([halves], { annotation: { notAnnotated: N, regions } })).toThrow(
      "only class 'background' is painted",
    );
  });
});

describe('regions', () => {
  // A cell of 4 x 4 in the middle of 8 x 8.
  const cell = sample('a', [8, 8], (y, x) => (y > 1 && y < 6 && x > 1 && x < 6 ? 4 : N));
  const left = box(1, [0, 0, 4, 8]);
  const right = box(2, [4, 0, 4, 8], { held: true });

  it('that are held out are not trained on, and scored alone', () => {
    const { train, validation, shares, split, heldRegions } = prepare([cell], {
      annotation: { notAnnotated: N, regions: { a: [left, right] } },
      split: { fraction: 0.2 },
    });
    const rows = (label: Uint8Array = new Uint8Array()) => [0, 2].map((y) => [...label.subarray(8 * y, 8 * y + 8)]);
    expect(rows(train.pages[0]?.label)).toEqual([
      [0, 0, 0, 0, I, I, I, I],
      [0, 0, 1, 1, I, I, I, I],
    ]);
    expect(rows(validation[0]?.label)).toEqual([
      [I, I, I, I, 0, 0, 0, 0],
      [I, I, I, I, 1, 1, 0, 0],
    ]);
    expect(shares).toEqual([24 / 32, 8 / 32]);
    expect([split.train, split.validation, split.reason]).toEqual([[0], [0], 'validation: 1 held-out region (2 of a)']);
    expect(heldRegions).toEqual({ a: [right] });
    // Both are the same pixels, normalised once.
    expect(validation[0]?.image).toBe(train.pages[0]?.image);
  });

  const four = [0, 2, 4, 6].map((x) => box(x, [x, 0, 2, 8]));
  it('split the only annotated image, the same for the same seed', () => {
    const annotation = { notAnnotated: N, regions: { a: four } };
    const of = (seed: number) => prepare([cell], { annotation, split: { fraction: 0.25 }, seed });
    const { heldRegions, split, train, validation } = of(1);
    const held = heldRegions.a as readonly Region[];
    expect(held).toHaveLength(1);
    expect(split.reason).toBe(`validation: 1 held-out region (${held[0]?.id} of a)`);
    for (let p = 0; p < 64; p++) {
      const inside = p % 8 >= (held[0]?.id as number) && p % 8 < (held[0]?.id as number) + 2;
      expect([train.pages[0]?.label[p] === I, validation[0]?.label[p] === I]).toEqual([inside, !inside]);
    }
    expect(of(1).heldRegions).toEqual(heldRegions);
    const drawn = [0, 1, 2, 3, 4, 5, 6, 7].map((seed) => of(seed).heldRegions.a?.[0]?.id);
    expect(new Set(drawn).size).toBeGreaterThan(1);
  });

  it.each([
    ['fewer than three', four.slice(0, 2)],
    ['accepted predictions', four.map((own, i) => ({ ...own, origin: i > 0 ? 'proofread' : own.origin }) as Region)],
    ['incomplete ones', four.map((own, i) => ({ ...own, complete: i === 0 }))],
    ['overlapping ones', four.map((own, i) => box(own.id, [2 * i, 0, i < 3 ? 3 : 2, 8]))],
  ])('do not split it: %s', (_, regions) => {
    const { validation, split } = prepare([cell], {
      annotation: { notAnnotated: N, regions: { a: regions } },
      split: { fraction: 0.25 },
    });
    expect(validation).toEqual([]);
    expect(split.reason).toBe('validation: none, there is one page only, and fewer than 3 complete regions on it');
  });

  it('of a few images are held out rather than one of these, where they are annotated in part', () => {
    const images = ['a', 'b'].map((name) => ({ ...cell, name }));
    const of = (regions: { readonly [name: string]: readonly Region[] }, seed = 1) =>
      prepare(images, { annotation: { notAnnotated: N, regions }, split: { fraction: 0.2 }, seed });
    const { split, heldRegions, train } = of({ a: four.slice(0, 2), b: four.slice(2) });
    expect([split.train, split.validation.length, Object.values(heldRegions).flat().length]).toEqual([[0, 1], 1, 1]);
    expect(train.pages).toHaveLength(2);
    const places = [0, 1, 2, 3, 4, 5, 6, 7].map((seed) => of({ a: four.slice(0, 2), b: four.slice(2) }, seed).split);
    expect(new Set(places.flatMap(({ validation }) => validation))).toEqual(new Set([0, 1]));

    const reason = 'validation: none, there are 2 pages only, and fewer than 3 complete regions on them';
    expect(of({ a: [left], b: [] }).split).toEqual({ train: [0, 1], validation: [], reason });
  });

  it('that are held out are not trained on beside images that are held out by name, or without validation', () => {
    const annotation = { notAnnotated: N, regions: { a: [left, right] } };
    const other = sample('b', [8, 8], (_, x) => x % 2);
    const named = prepare([cell, other], { annotation, split: { names: ['b'] } });
    expect(named.split.reason).toBe('validation: 1 whole page and 1 held-out region (2 of a)');
    expect(named.validation.map(({ name }) => name)).toEqual(['a', 'b']);
    const none = prepare([cell], { annotation, split: { fraction: 0 } });
    expect([none.validation, none.train.pages[0]?.label[7], none.split.reason]).toEqual([[], I, 'validation: none']);
  });
});
