import { describe, expect, it } from 'vitest';
import { cutToAnnotation } from '../../src/dataset/cut.ts';
import { memoByObject } from '../../src/dataset/memo.ts';
import { patchPosition, type TrainingSet } from '../../src/dataset/patch-position.ts';
import { prepareDataset } from '../../src/dataset/prepare.ts';
import type { RawDataset, RawPage } from '../../src/dataset/raw.ts';
import { keepingPages, newStrokes, withNewest } from '../../src/dataset/revisions.ts';

const SIDE = 96;
const NOT = 7;

/** A page with strokes, each a row of pixels from x to x + 9 with its class. */
function page(name: string, strokes: readonly (readonly [value: number, x: number, y: number])[], shade = 0): RawPage {
  const values = new Int32Array(SIDE * SIDE).fill(NOT);
  for (const [value, x, y] of strokes) values.fill(value, y * SIDE + x, y * SIDE + x + 10);
  const data = Uint8Array.from({ length: SIDE * SIDE }, (_, p) => (p + shade) % 251);
  const label = { values, height: SIDE, width: SIDE, colour: false, source: name };
  return { name, file: name, page: 0, data, channels: 1, height: SIDE, width: SIDE, label };
}
const data = (...pages: readonly RawPage[]): RawDataset => ({ folder: 'memory', pages, notes: [] });
const A = [
  [0, 5, 5],
  [1, 40, 5],
] as const;
const first = () => data(page('a', A), page('b', A));

describe('a revision of the data', () => {
  it('keeps pages that are as before, and the images of those whose labels changed', () => {
    const before = first();
    const { pages } = keepingPages(before, data(page('a', A), page('b', [...A, [1, 60, 80]]), page('c', A)));
    expect(pages[0]).toBe(before.pages[0]);
    expect(pages[1]).not.toBe(before.pages[1]);
    expect(pages[1]?.data).toBe(before.pages[1]?.data);
    const [other] = keepingPages(before, data(page('a', A, 1))).pages;
    expect(other?.data).not.toBe(before.pages[0]?.data);
    const regions = [{ id: 1, shape: { box: [0, 0, 9, 9] }, complete: false, origin: 'painted', held: false }] as const;
    const [annotated] = keepingPages(
      before,
      data({ ...page('a', A), annotation: { notAnnotated: NOT, regions } }),
    ).pages;
    expect(annotated?.annotation?.regions).toHaveLength(1);
  });

  it('says what it adds: pixels with another label, all of a new page, none where a label was taken back', () => {
    const before = first();
    const now = keepingPages(
      before,
      data(page('a', A), page('b', [A[0], [0, 40, 5], [1, 60, 80]]), page('c', [[1, 0, 0]])),
    );
    const run = (from: number) => Array.from({ length: 10 }, (_, i) => from + i);
    expect(newStrokes(before, now, { kind: 'integer', classes: [], ignore: [NOT] })).toEqual([
      { page: 'b', pixels: [...run(5 * SIDE + 40), ...run(80 * SIDE + 60)] },
      { page: 'c', pixels: run(0) },
    ]);
    const less = keepingPages(before, data(page('a', [A[0]]), page('b', A)));
    expect(newStrokes(before, less, { kind: 'integer', classes: [], ignore: [NOT] })).toEqual([]);
  });

  it('is prepared to the same bits with what is kept of the one before, of which changed pages alone are made anew', () => {
    const classes = [
      { name: 'out', values: [0] },
      { name: 'in', values: [1] },
    ];
    const memo = memoByObject();
    let made: number[] = [];
    const allocate = (bytes: number) => {
      made.push(bytes);
      return new ArrayBuffer(bytes);
    };
    const options = { classes, ignore: [NOT], split: { fraction: 0 }, separation: { w0: 5 } };
    const before = first();
    const { input } = prepareDataset(before, options);
    const prepare = (raw: RawDataset) =>
      cutToAnnotation(prepareDataset(raw, { ...options, input, memo, allocate }).train, 8, { memo, allocate });
    const old = prepare(before);
    const changed = page('b', [...A, [1, 60, 80]]);
    made = [];
    const now = prepare(keepingPages(before, data(page('a', A), changed)));
    // No image of a whole page, nor a piece of the page that did not change.
    expect(made.filter((bytes) => bytes === 4 * SIDE * SIDE)).toHaveLength(1); // the border weights
    expect(now.pages.map(({ image }) => old.pages.some((other) => other.image === image))).toEqual(
      now.pages.map(({ name }) => name === 'a'),
    );
    const { train } = prepareDataset(data(page('a', A), changed), { ...options, input });
    const fresh = cutToAnnotation(train, 8);
    const parts = ({ pages, focus, classWeights }: TrainingSet) => [
      pages.map(({ name, image, label, origin, annotatedRows: rows }) => [name, image, label, origin, rows]),
      focus,
      classWeights,
    ];
    expect(parts(now)).toEqual(parts(fresh));
  });
});

describe('patches of the newest strokes', () => {
  const { train } = prepareDataset(first(), { ignore: [NOT], split: { fraction: 0 } });
  const set = cutToAnnotation(train, 4);
  const options = { seed: 3, patch: [16, 16], batch: 1, outputMargin: 0, focusFraction: 0 } as const;
  const stroke = { page: 'b', pixels: [5 * SIDE + 42, 5 * SIDE + 200, 90 * SIDE + 1] };
  const marked = withNewest(set, [{ ...stroke, until: 100 }], () => SIDE);

  it('are of pixels that are annotated, on the pieces that hold them', () => {
    const [place, ...more] = marked.newest ?? [];
    expect(more).toEqual([]);
    const piece = set.pages[place?.page as number] as TrainingSet['pages'][number];
    const [top, left] = piece.origin as readonly [number, number];
    expect(piece.name).toBe('b');
    expect([...(place?.pixels ?? [])]).toEqual([(5 - top) * piece.width + 42 - left]);
    expect(withNewest(set, [{ page: 'b', pixels: [90 * SIDE], until: 9 }], () => SIDE)).toBe(set);
  });

  it('are half of all until their step, after which the others are as without them', () => {
    const isThere = (step: number): boolean => {
      const { page: at, centre } = patchPosition(marked, step, 0, options);
      const [top, left] = at.origin as readonly [number, number];
      return at.name === 'b' && Math.abs(centre[0] + top - 5) <= 8 && Math.abs(centre[1] + left - 42) <= 8;
    };
    const count = (from: number) => Array.from({ length: 100 }, (_, i) => isThere(from + i)).filter(Boolean).length;
    const usual = count(100);
    expect(count(0)).toBeGreaterThan(50 + usual / 2 - 15);
    expect(usual).toBeLessThan(45);
    for (const step of [100, 150]) {
      expect(patchPosition(marked, step, 0, options)).toEqual(patchPosition(set, step, 0, options));
    }
  });
});
