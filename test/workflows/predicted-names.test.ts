/** Classes of a prediction and of its ground truth are matched by their names, in the whole and by region. */

import { describe, expect, test } from 'vitest';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image } from '../../src/image/image.ts';
import { evaluate } from '../../src/workflows/evaluate.ts';
import type { EvaluateOptions } from '../../src/workflows/evaluate-items.ts';
import { memoryFiles } from '../../src/workflows/memory-files.ts';

const SIDE = 64;
/** Quarters of an image: the values of each from the left top, row by row. */
const quarters = (values: readonly number[], dtype: 'uint8' | 'float32' = 'uint8'): Image => {
  const at = (p: number): number => values[2 * Number(p >= (SIDE * SIDE) / 2) + Number(p % SIDE >= SIDE / 2)] as number;
  const data = Array.from({ length: SIDE * SIDE }, (_, p) => at(p));
  const shared = { shape: [SIDE, SIDE], axes: 'yx', spacing: {} };
  return dtype === 'uint8'
    ? { ...shared, dtype, data: Uint8Array.from(data) }
    : { ...shared, dtype, data: Float32Array.from(data) };
};

/** A map of each class, whose largest says the class. */
const probabilities = (classes: readonly number[], count: number): Image => ({
  dtype: 'float32',
  shape: [count, SIDE, SIDE],
  axes: 'cyx',
  spacing: {},
  channels: Array.from({ length: count }, (_, c) => `c${c}`),
  data: Float32Array.from(
    Array.from({ length: count }, (_, c) => [
      ...quarters(
        classes.map((own) => (own === c ? 0.9 : 0.05)),
        'float32',
      ).data,
    ]).flat(),
  ),
});

const text = (value: object) => new TextEncoder().encode(JSON.stringify(value));

/** A prediction as `predict` writes it. */
const predicted = (
  part: 'label' | 'probability',
  image: Image,
  classes: readonly string[],
  values: readonly number[],
) => ({
  'pred/prediction.json': text({ models: ['m.onnx'], images: 'x', classes, values }),
  [`pred/${part}/a.tif`]: writeTiff(image),
});
/** A ground truth of nnU-Net, which states its names. */
const named = (image: Image, labels: Readonly<Record<string, number>>) => ({
  'truth/dataset.json': text({ channel_names: { 0: 'x' }, labels, numTraining: 1, file_ending: '.tif' }),
  'truth/labelsTr/a.tif': writeTiff(image),
});
const plain = (image: Image) => ({ 'truth/a.tif': writeTiff(image) });

async function scored(contents: Readonly<Record<string, Uint8Array>>, options: EvaluateOptions = {}) {
  const files = memoryFiles(contents);
  const truth = 'truth/dataset.json' in contents ? 'truth/labelsTr' : 'truth';
  const { classes, overlap, notes } = await evaluate({ files }, 'pred', truth, { metrics: ['overlap'], ...options });
  return { classes, dice: overlap?.perClass.map(({ dice }) => dice), notes: notes.join('\n') };
}

describe('a ground truth that states names', () => {
  const other = { background: 0, wall: 1, cell: 2 };
  const classes = ['background', 'Cell', 'wall'];
  test('in another order is scored by them: nothing is wrong here', async () => {
    const label = await scored({
      ...predicted('label', quarters([0, 1, 2, 1]), classes, [0, 1, 2]),
      ...named(quarters([0, 2, 1, 2]), other),
    });
    expect(label.classes).toEqual(['background', 'wall', 'cell']);
    expect(label.dice).toEqual([1, 1, 1]);
    expect(label.notes).toContain(
      'prediction.json: "Cell" (1) is compared with the class of that name, which is another by its value.',
    );
    const maps = await scored({
      ...predicted('probability', probabilities([0, 1, 2, 1], 3), classes, [0, 1, 2]),
      ...named(quarters([0, 2, 1, 2]), other),
    });
    expect(maps.dice).toEqual([1, 1, 1]);
  });
  test('that are others: by values, which is said, and a class that only one has scores 0', async () => {
    const { dice, notes } = await scored({
      ...predicted('label', quarters([0, 1, 2, 1]), ['ground', 'nucleus', 'wall'], [0, 1, 2]),
      ...named(quarters([0, 2, 1, 2]), other),
    });
    // "nucleus" has the value of "wall", which the prediction has itself.
    expect(dice).toEqual([1, 1, 0, 0]);
    expect(notes).toContain('"nucleus" (1) is no class of the ground truth.');
    expect(notes).toContain('"ground" (0) is compared with "background", which has its value.');
  });
  test('of two classes exchanged, as label maps and as probabilities', async () => {
    const truth = named(quarters([0, 1, 1, 1]), { cell: 0, background: 1 });
    const both = ['background', 'cell'];
    expect((await scored({ ...predicted('label', quarters([1, 0, 0, 0]), both, [0, 1]), ...truth })).dice).toEqual([
      1, 1,
    ]);
    const maps = predicted('probability', quarters([0.9, 0.2, 0.2, 0.2], 'float32'), both, [0, 1]);
    expect((await scored({ ...maps, ...truth })).dice).toEqual([1, 1]);
  });
});

describe('a ground truth without names', () => {
  const classes = ['background', 'cell', 'wall'];
  test('has those of the prediction', async () => {
    const {
      dice,
      classes: found,
      notes,
    } = await scored(
      {
        ...predicted('label', quarters([0, 10, 20, 10]), classes, [0, 10, 20]),
        ...plain(quarters([0, 10, 20, 20])),
      },
      { as: 'classes' },
    );
    expect([found, notes]).toEqual([classes, '']);
    expect(dice).toEqual([1, 2 / 3, 2 / 3]);
    const mask = await scored({
      ...predicted('label', quarters([0, 255, 255, 0]), ['background', 'cell'], [0, 255]),
      ...plain(quarters([0, 1, 1, 0])),
    });
    expect([mask.classes, mask.dice]).toEqual([
      ['background', 'cell'],
      [1, 1],
    ]);
  });
  test('of which the classes do not all occur: a value is the class that it was trained as, not the next one', async () => {
    const { dice, classes: found } = await scored(
      { ...predicted('label', quarters([0, 1, 1, 0]), classes, [0, 1, 2]), ...plain(quarters([0, 2, 2, 0])) },
      { as: 'classes' },
    );
    expect(found).toEqual(['background', 'wall', 'cell']);
    expect(dice).toEqual([1, 0, 0]);
  });
  test('without what predict writes, values decide as ever', async () => {
    const files = { 'pred/label/a.tif': writeTiff(quarters([0, 1, 2, 1])), ...plain(quarters([0, 1, 2, 1])) };
    expect((await scored(files, { as: 'classes' })).classes).toEqual(['background', 'class 1', 'class 2']);
  });
});

test('a value of none of the classes comes behind those that stand for several values', async () => {
  const classes = [
    { name: 'ground', values: [0] },
    { name: 'any', values: [1, 2] },
  ];
  const files = { 'pred/a.tif': writeTiff(quarters([0, 1, 2, 3])), ...plain(quarters([0, 1, 2, 1])) };
  const { classes: found, dice } = await scored(files, { classes, as: 'classes' });
  expect(found).toEqual(['ground', 'any', 'class 3']);
  expect(dice).toEqual([1, 0.8, 0]);
});
