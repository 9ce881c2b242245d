import { describe, expect, test } from 'vitest';
import { float32 } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { readImage } from '../../src/image/read.ts';
import { ERROR_CLASSES } from '../../src/metrics/error-map.ts';
import { ERROR_COLOURS, shrink } from '../../src/report/kit/pictures.ts';
import { worstWindow } from '../../src/report/kit/worst-window.ts';
import { type EvaluatedPage, Evaluator } from '../../src/report/run/evaluate.ts';
import { ThresholdCounts } from '../../src/report/run/threshold-counts.ts';

/** A page of two classes: truth and the probability of class 1, one digit a pixel (9 is 0.9). */
function page(name: string, truth: readonly string[], probability: readonly string[]): EvaluatedPage {
  const [height, width] = [truth.length, truth[0]?.length ?? 0];
  const p = [...probability.join('')].map((digit) => Number(digit) / 10);
  return {
    name,
    height,
    width,
    planes: [Float32Array.from(p, (_, i) => i)],
    truth: Uint8Array.from([...truth.join('')].map(Number)),
    probabilities: float32([2, height, width], [...p.map((v) => 1 - v), ...p]),
  };
}

const row = (text: string, times: number): string[] => Array.from({ length: times }, () => text);

async function colours(uri: string): Promise<number[][]> {
  const image = await readImage(new Uint8Array(Buffer.from(uri.split(',')[1] as string, 'base64')), 'x.png');
  const pixels = image.data.length / 3;
  return Array.from({ length: pixels }, (_, i) => [0, 1, 2].map((k) => Number(image.data[k * pixels + i])));
}

describe('overlap', () => {
  // Two objects of 4 x 5, predicted as one bar over both and the gap of one column between them.
  const merged = page('merged', row('1111011110', 5), row('9999999990', 5));
  const right = page('right', row('1111011110', 5), row('9999199990', 5));

  test('a merge lights up the second object, the filled gap is false', async () => {
    const evaluator = new Evaluator({ classNames: ['no', 'yes'], kind: { name: 'overlap' }, total: 2 });
    evaluator.add(merged);
    evaluator.add(right);
    const { sheet, worst, best, overlap, perImage } = evaluator.result();
    expect(sheet[0]?.errors).toEqual({ splits: 0, merges: 1, missedPixels: 0, falsePixels: 5, pixels: 50 });
    expect(sheet[1]?.errors).toEqual({ splits: 0, merges: 0, missedPixels: 0, falsePixels: 0, pixels: 50 });
    // Dice = 2 * 40 / (40 + 45) and 1; together 2 * 80 / (80 + 85).
    expect(perImage.map(({ score }) => score)).toEqual([80 / 85, 1]);
    expect(overlap.meanDice).toBeCloseTo(160 / 165, 12);
    expect(worst.map(({ name }) => name)).toEqual(['merged']);
    expect(best.map(({ name }) => name)).toEqual(['right']);
    const shown = await colours(sheet[0]?.pictures.errors as string);
    expect(shown[4]).toEqual([...ERROR_COLOURS.false]);
    expect(shown[6]).toEqual([...ERROR_COLOURS.merged]);
    expect(new Set(shown[0]).size, 'what is right stays grey').toBe(1);
  });

  test('true objects with numbers are told apart where they touch', () => {
    const evaluator = new Evaluator({ classNames: ['no', 'yes'], kind: { name: 'overlap' }, total: 1 });
    const touching = page('touching', row('11111111', 5), row('99999999', 5));
    const objects = Int32Array.from({ length: 40 }, (_, i) => (i % 8 < 4 ? 7 : 9));
    evaluator.add({ ...touching, objects });
    const { sheet, instances } = evaluator.result();
    expect(sheet[0]?.errors.merges).toBe(1);
    expect(instances).toMatchObject({ truthCount: 2, predictionCount: 1 });
  });

  test('objects with rims are told apart as in prediction', () => {
    // Two objects of 5 x 5 side by side; the seam between them is predicted as border, nothing else is.
    const classNames = ['background', 'object', 'border'];
    const [height, width] = [5, 10];
    const objects = Int32Array.from({ length: 50 }, (_, i) => (i % width < 5 ? 7 : 9));
    const probabilities = float32([3, height, width]);
    for (let p = 0; p < 50; p++) probabilities.data[([4, 5].includes(p % width) ? 2 : 1) * 50 + p] = 1;
    const shown = { name: 'x', height, width, planes: [new Float32Array(50)], objects, probabilities };
    const truth = Uint8Array.from(objects, (_, i) => (Math.abs((i % width) - 4.5) < 2 ? 2 : 1));
    const kind = { name: 'objects', separation: { by: 'border' } } as const;
    const evaluator = new Evaluator({ classNames, kind, total: 1 });
    evaluator.add({ ...shown, truth });
    const { instances, perImage, sheet, overlap } = evaluator.result();
    expect(instances).toMatchObject({ truthCount: 2, predictionCount: 2 });
    expect(perImage).toEqual([{ name: 'x', score: 1 }]);
    expect(sheet[0]?.errors).toMatchObject({ splits: 0, merges: 0, missedPixels: 0, falsePixels: 0 });
    expect(overlap.perClass, 'a border is of its object').toHaveLength(2);
    expect(overlap.perClass[1]?.dice).toBe(1);

    const asClasses = new Evaluator({ classNames, kind: { name: 'overlap' }, total: 1 });
    asClasses.add({ ...shown, truth });
    expect(asClasses.result().instances?.perThreshold[0]?.averagePrecision).toBeLessThan(1);
  });

  test('an object of the wrong class is false; ignored pixels are not looked at', () => {
    const evaluator = new Evaluator({ classNames: ['a', 'b', 'c'], kind: { name: 'overlap' }, total: 1 });
    const truth = Uint8Array.from({ length: 60 }, (_, i) => (i < 30 ? 1 : i < 40 ? 255 : 0));
    const probabilities = float32([3, 6, 10]);
    for (let p = 0; p < 60; p++) probabilities.data[(p < 40 ? 2 : 0) * 60 + p] = 1;
    evaluator.add({ name: 'x', height: 6, width: 10, planes: [new Float32Array(60)], truth, probabilities });
    expect(evaluator.result().sheet[0]?.errors).toEqual({
      splits: 0,
      merges: 0,
      missedPixels: 0,
      falsePixels: 30,
      pixels: 50,
    });
  });

  test('strokes that a prediction joins are no merged objects; shares are of what is annotated', () => {
    const evaluator = new Evaluator({ classNames: ['ground', 'cell'], kind: { name: 'overlap' }, total: 1 });
    const row = [255, 1, 1, 1, 1, 255, 255, 255, 1, 1, 1, 1, 255, 0, 0, 0, 0, 255, 255, 255];
    const truth = Uint8Array.from({ length: 200 }, (_, p) => (p < 100 ? (row[p % 20] as number) : 255));
    const probabilities = float32([2, 10, 20]);
    // One cell over both strokes of it, and over a fourth of the ground's.
    for (let p = 0; p < 200; p++) probabilities.data[(p % 20 < 14 ? 1 : 0) * 200 + p] = 1;
    evaluator.add({ name: 'x', height: 10, width: 20, planes: [new Float32Array(200)], truth, probabilities });
    expect(evaluator.result().sheet[0]?.errors).toEqual({ missedPixels: 0, falsePixels: 5, pixels: 60 });
  });
});

describe('cells between membranes', () => {
  test('a thick membrane is missed pixels, a gap in it a merge', () => {
    const cells = row('1111110111111', 6);
    const evaluator = new Evaluator({ classNames: ['wall', 'cell'], kind: { name: 'isbi', inside: 1 }, total: 2 });
    evaluator.add(page('thick', cells, row('9999900099999', 6)));
    evaluator.add(page('gap', cells, [...row('9999990999999', 5), '9999999999999']));
    const { sheet, isbi } = evaluator.result();
    expect(sheet[0]?.errors).toMatchObject({ splits: 0, merges: 0, missedPixels: 12, falsePixels: 0 });
    expect(sheet[1]?.errors).toMatchObject({ splits: 0, merges: 1, falsePixels: 1 });
    expect(isbi?.slices).toBe(2);
  });
});

test('many images: a sheet evenly from first to last, each case once', () => {
  const evaluator = new Evaluator({
    classNames: ['no', 'yes'],
    kind: { name: 'overlap' },
    total: 9,
    sheet: 3,
    cases: 2,
  });
  for (let i = 0; i < 9; i++) {
    evaluator.add(page(`${i}`, ['111111111'], ['9'.repeat(9 - i) + '0'.repeat(i)]));
  }
  const { sheet, worst, best, imageCount } = evaluator.result();
  expect(imageCount).toBe(9);
  expect(sheet.map(({ name }) => name)).toEqual(['0', '4', '8']);
  expect(worst.map(({ name }) => name)).toEqual(['8', '7']);
  expect(best.map(({ name }) => name)).toEqual(['0', '1']);
});

test('counts over thresholds are those of cutting anew at each', () => {
  const random = stream(1, 'thresholds');
  const truth = Uint8Array.from({ length: 500 }, () => random.integer(2));
  // Exact multiples of the step are not above it.
  const p = Float32Array.from({ length: 500 }, (_, i) => (i % 3 === 0 ? random.integer(21) / 20 : random.uniform()));
  const counts = new ThresholdCounts();
  counts.add(truth, float32([2, 20, 25], [...p.map((v) => 1 - v), ...p]));
  const [dice, precision, recall] = counts.series();
  for (const [i, [threshold, value]] of (dice?.points ?? []).entries()) {
    const cut = Math.fround(threshold);
    const found = truth.filter((_, k) => (p[k] as number) > cut).length;
    const shared = truth.filter((kind, k) => kind === 1 && (p[k] as number) > cut).length;
    const actual = truth.filter((kind) => kind === 1).length;
    expect(value).toBeCloseTo((2 * shared) / (found + actual), 12);
    expect(precision?.points[i]?.[1]).toBeCloseTo(shared / found, 12);
    expect(recall?.points[i]?.[1]).toBeCloseTo(shared / actual, 12);
  }
  expect(dice?.points).toHaveLength(19);
});

test('the window lies where the errors are', () => {
  const errors = new Uint8Array(400 * 500).fill(ERROR_CLASSES.correct);
  for (let y = 300; y < 320; y++) errors.fill(ERROR_CLASSES.missed, y * 500 + 410, y * 500 + 430);
  const { x, y, width, height } = worstWindow(errors, 400, 500);
  expect([width, height]).toEqual([160, 160]);
  expect(x <= 410 && x + width >= 430 && y <= 300 && y + height >= 320).toBe(true);
  expect(worstWindow(new Uint8Array(15), 3, 5)).toEqual({ x: 0, y: 0, width: 5, height: 3 });
});

test('large pictures shrink by means of blocks', () => {
  const plane = Uint8Array.from({ length: 4 * 1200 }, (_, i) => ((i % 1200) % 3 === 0 ? 90 : 0));
  const { planes, width, height } = shrink({ planes: [plane], width: 1200, height: 4 });
  expect([width, height]).toEqual([400, 1]);
  expect(new Set(planes[0])).toEqual(new Set([30]));
});
