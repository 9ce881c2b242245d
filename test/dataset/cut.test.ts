import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { coordinates, drawGeometry, reachPx } from '../../src/augment/field.ts';
import { augmentSettings, NO_AUGMENTATION } from '../../src/augment/options.ts';
import { makeSample, type SampleOptions } from '../../src/augment/sample.ts';
import { warp } from '../../src/augment/warp.ts';
import { annotatedBoxes, annotatedPixel, annotatedRows } from '../../src/dataset/annotated.ts';
import { cutToAnnotation } from '../../src/dataset/cut.ts';
import { IGNORE } from '../../src/dataset/labels/labels.ts';
import { patchPosition, type TrainingPage, type TrainingSet } from '../../src/dataset/patch-position.ts';
import { prepareDataset } from '../../src/dataset/prepare.ts';
import { rawDataset } from '../../src/dataset/raw.ts';
import { borderWeights } from '../../src/dataset/weights/page-separation.ts';

const N = 65535;
type Box = readonly [x: number, y: number, width: number, height: number];

/** Cells of 12 pixels every 16, each with a number, annotated in boxes only. */
function pageWith(boxes: readonly Box[], [height, width]: readonly [number, number]) {
  const inBox = (y: number, x: number) =>
    boxes.some(([left, top, wide, high]) => x >= left && x < left + wide && y >= top && y < top + high);
  const of = (value: (y: number, x: number) => number) => {
    const data = Uint16Array.from({ length: height * width }, (_, p) => value(Math.floor(p / width), p % width));
    return { ...ndarray('uint16', [height, width], data), axes: 'yx', spacing: {} } as const;
  };
  const cell = (y: number, x: number) =>
    y % 16 < 12 && x % 16 < 12 ? 1 + Math.floor(y / 16) * Math.ceil(width / 16) + Math.floor(x / 16) : 0;
  return {
    name: 'a',
    image: of((y, x) => (31 * y + 17 * x) % 509),
    label: of((y, x) => (inBox(y, x) ? cell(y, x) : N)),
  };
}
const setOf = (boxes: readonly Box[], size: readonly [number, number], w0 = 0): TrainingSet =>
  prepareDataset(rawDataset([pageWith(boxes, size)]), {
    task: 'instances',
    ignore: [N],
    split: { fraction: 0 },
    separation: { w0 },
  }).train;
const options = (side: number, augment: SampleOptions['augment']): SampleOptions => ({
  seed: 4,
  patch: [side, side],
  batch: 1,
  outputMargin: 0,
  focusFraction: 0.33,
  augment,
});

describe('where a page is annotated', () => {
  const label = new Uint8Array(6).fill(IGNORE);
  label.set([0, 1], 1);
  label[5] = 2;
  it('by pixel: those above each row, and each by its number', () => {
    const page = { label, height: 2, width: 3 };
    const rows = annotatedRows(page) as Int32Array;
    expect([...rows]).toEqual([0, 2, 3]);
    expect([0, 1, 2].map((nth) => annotatedPixel(page, rows, nth))).toEqual([1, 2, 5]);
    expect(annotatedRows({ label: new Uint8Array(6), height: 2, width: 3 })).toBeUndefined();
  });
  it('by box', () => {
    const [page] = setOf(
      [
        [10, 20, 30, 40],
        [300, 0, 5, 6],
      ],
      [200, 310],
    ).pages as [TrainingPage];
    expect(annotatedBoxes(page)).toEqual([
      { top: 20, left: 10, bottom: 60, right: 40 },
      { top: 0, left: 300, bottom: 6, right: 305 },
    ]);
  });
});

describe('a set cut to what is annotated', () => {
  it('is the set itself where all is annotated', () => {
    const whole = setOf([[0, 0, 64, 64]], [64, 64]);
    expect(whole.pages[0]?.annotatedRows).toBeUndefined();
    expect(cutToAnnotation(whole, 10)).toBe(whole);
  });

  it('has the boxes with their context, as one where they overlap, nothing beyond the page', () => {
    const size = [400, 600] as const;
    const pieces = (boxes: readonly Box[]) =>
      cutToAnnotation(setOf(boxes, size), 50).pages.map(({ origin, height, width }) => [origin, height, width]);
    expect(
      pieces([
        [10, 20, 60, 40],
        [300, 200, 100, 80],
      ]),
    ).toEqual([
      [[0, 0], 110, 120],
      [[150, 250], 180, 200],
    ]);
    expect(
      pieces([
        [100, 100, 60, 40],
        [259, 100, 60, 40],
      ]),
    ).toEqual([[[50, 50], 140, 319]]);
    // The pieces just meet.
    expect(
      pieces([
        [100, 100, 60, 40],
        [260, 100, 60, 40],
      ]),
    ).toHaveLength(2);
  });

  it('keeps values, labels, border weights and object sizes of the whole page', () => {
    const whole = setOf(
      [
        [40, 40, 100, 90],
        [400, 300, 90, 90],
      ],
      [480, 520],
      5,
    );
    const [page] = whole.pages as [TrainingPage];
    const weights = borderWeights(page) as Float32Array;
    const cut = cutToAnnotation(whole, 60).pages;
    expect(cut).toHaveLength(2);
    for (const piece of cut) {
      const [top, left] = piece.origin as readonly [number, number];
      const own = borderWeights(piece) as Float32Array;
      for (let y = 0; y < piece.height; y++) {
        for (let x = 0; x < piece.width; x++) {
          const [p, q] = [y * piece.width + x, (top + y) * page.width + left + x];
          if (piece.image[p] !== page.image[q] || piece.label[p] !== page.label[q]) expect([y, x]).toBe('the same');
          if (piece.label[p] !== IGNORE && own[p] !== weights[q]) expect([y, x, own[p]]).toBe(weights[q]);
        }
      }
    }
    expect(weights.some((weight) => weight > 0.5)).toBe(true);
    expect(cut.reduce((sum, { annotatedRows: rows }) => sum + (rows?.at(-1) ?? 0), 0)).toBe(page.annotatedRows?.at(-1));
  });

  // Boxes in a corner, at an edge, inside.
  const boxes: readonly Box[] = [
    [0, 0, 40, 30],
    [748, 200, 52, 40],
    [350, 550, 30, 30],
  ];
  it.each([
    ['flipped and turned', augmentSettings({ warpFraction: 0 }), 0],
    ['bent, scaled and rotated', augmentSettings({ warpFraction: 1, scale: 1.4, elasticSigmaPx: 14 }), 1e-3],
  ])('gives the patches of the whole page, with real pixels around them: %s', (_, augment, tolerance) => {
    const whole = setOf(boxes, [800, 800]);
    const [source] = whole.pages as [TrainingPage];
    const patch = [64, 64] as const;
    const cut = cutToAnnotation(whole, reachPx(patch, augment));
    expect(cut.pages.length).toBeGreaterThan(1);
    let worst = 0;
    for (let step = 0; step < 150; step++) {
      const { page, centre } = patchPosition(cut, step, 0, options(64, augment));
      const [top, left] = page.origin as readonly [number, number];
      const sample = (from: TrainingPage, at: readonly [number, number]) => {
        const field = coordinates(drawGeometry(stream(4, 'augment', step, 0), patch, augment), patch, at);
        return warp({ ...from, channels: 1, separation: undefined }, field, patch).image;
      };
      const [own, theirs] = [sample(page, centre), sample(source, [centre[0] + top, centre[1] + left])];
      for (let p = 0; p < own.length; p++)
        worst = Math.max(worst, Math.abs((own[p] as number) - (theirs[p] as number)));
    }
    // Coordinates are float32: those of the whole page, up to 800, have an error of 6e-5 pixels, and pixels differ by up to 2.
    expect(worst).toBeLessThanOrEqual(tolerance);
  });
});

describe('patches of a page that is annotated in part', () => {
  it('hold labels, 95 of 100 at least: two squares of 256 on a page of 2048', () => {
    const whole = setOf(
      [
        [300, 400, 256, 256],
        [1500, 1700, 256, 256],
      ],
      [2048, 2048],
    );
    const augment = augmentSettings();
    const cut = cutToAnnotation(whole, reachPx([256, 256], augment));
    let holding = 0;
    let annotated = 0;
    const draws = 100;
    for (let step = 0; step < draws; step++) {
      const { label } = makeSample(cut, step, 0, options(256, augment));
      const own = label.filter((value) => value !== IGNORE).length / label.length;
      if (own > 0) holding++;
      annotated += own / draws;
    }
    expect(holding).toBeGreaterThanOrEqual(95);
    expect(annotated).toBeGreaterThan(0.4);
  });

  it('lie within the page, and show the annotated pixel that they were placed for', () => {
    const plain = options(32, augmentSettings(NO_AUGMENTATION));
    const [page] = setOf(
      [
        [0, 0, 3, 2],
        [97, 60, 3, 4],
      ],
      [64, 100],
    ).pages as [TrainingPage];
    const set = setOf(
      [
        [0, 0, 3, 2],
        [97, 60, 3, 4],
      ],
      [64, 100],
    );
    const corners = new Set<string>();
    for (let step = 0; step < 200; step++) {
      const { centre } = patchPosition(set, step, 0, plain);
      const [top, left] = [centre[0] - 15.5, centre[1] - 15.5];
      expect(top >= 0 && left >= 0 && top + 32 <= page.height && left + 32 <= page.width).toBe(true);
      corners.add(top < 16 ? 'first' : 'last');
      expect(makeSample(set, step, 0, plain).label.some((value) => value !== IGNORE)).toBe(true);
    }
    expect([...corners].sort()).toEqual(['first', 'last']);
  });

  it('are named by where they lie in the whole image', () => {
    const whole = setOf([[300, 200, 30, 30]], [512, 512]);
    const plain = options(32, augmentSettings(NO_AUGMENTATION));
    const cut = cutToAnnotation(whole, reachPx([32, 32], plain.augment));
    const { name, image } = makeSample(cut, 0, 0, plain);
    const [, y, x] = /^a at y (\d+), x (\d+)$/.exec(name) as RegExpExecArray;
    expect(image[0]).toBe(whole.pages[0]?.image[Number(y) * 512 + Number(x)]);
  });
});
