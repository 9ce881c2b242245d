import { strFromU8 } from 'fflate';
import { expect, test } from 'vitest';
import { float32, ndarray } from '../../src/array/ndarray.ts';
import { readImage } from '../../src/image/read.ts';
import { exclude } from '../../src/train/excluded-batches.ts';
import { memoryStore } from '../support/memory-store.ts';

const facts = { step: 12, problem: 'the loss is NaN', loss: Number.NaN, learningRate: 0.5 };
const PNG = 'diverged/step-000000012.png';
const JSON_FILE = 'diverged/step-000000012.json';

test('pixels: a row an image, broken values in magenta, ranges told of the finite ones', async () => {
  const store = memoryStore();
  const image = float32([2, 1, 4, 4], new Float32Array(32).fill(0.5));
  image.data[16] = Number.NaN;
  image.data[17] = -3;
  const labels = ndarray('int32', [2, 2, 2], Int32Array.of(0, 1, 1, 255, 0, 0, 0, 0));
  const pixelWeights = float32([2, 2, 2], [1, 1, 2, 0, 1, 1, 1, Number.POSITIVE_INFINITY]);
  const batch = { feeds: { image, labels, pixelWeights }, samples: ['a', 'b'], size: 2 };
  const shape = { patch: [4, 4], channels: 1, outputMargin: 1 } as const;
  expect(await exclude(store, batch, facts, shape)).toBe(`memory/${PNG}`);

  const told = JSON.parse(strFromU8(store.files.get(JSON_FILE) as Uint8Array));
  expect(told).toEqual({
    ...facts,
    loss: null,
    samples: [
      {
        name: 'a',
        image: { least: 0.5, most: 0.5, notFinite: 0 },
        classes: [0, 1, 255],
        weights: { least: 0, most: 2, notFinite: 0 },
      },
      {
        name: 'b',
        image: { least: -3, most: 0.5, notFinite: 1 },
        classes: [0],
        weights: { least: 1, most: 1, notFinite: 1 },
      },
    ],
  });

  const { shape: size, data } = await readImage(store.files.get(PNG) as Uint8Array, 'a.png');
  // Three columns and two rows of 4 x 4 with gaps of 6.
  expect(size).toEqual([3, 26, 36]);
  const colour = (y: number, x: number) => [0, 1, 2].map((c) => data[c * 26 * 36 + y * 36 + x]);
  expect(colour(6, 6)).toEqual([191, 191, 191]);
  expect(colour(16, 6)).toEqual([255, 0, 255]);
  // The weights of the second image: its last pixel.
  expect(colour(16 + 2, 26 + 2)).toEqual([255, 0, 255]);
});

test('whole images: their class and weight are those of every pixel', async () => {
  const store = memoryStore();
  const batch = {
    feeds: {
      image: float32([2, 1, 4, 4]),
      labels: ndarray('int32', [2], Int32Array.of(3, 1)),
      pixelWeights: float32([2], [1, 0.5]),
    },
    samples: ['a', 'b'],
    size: 2,
  };
  await exclude(store, batch, facts, { patch: [4, 4], channels: 1, outputMargin: 0 });
  const told = JSON.parse(strFromU8(store.files.get(JSON_FILE) as Uint8Array));
  expect(told.samples.map((sample: { classes: number[] }) => sample.classes)).toEqual([[3], [1]]);
  const { shape, data } = await readImage(store.files.get(PNG) as Uint8Array, 'a.png');
  expect(shape).toEqual([3, 26, 36]);
  // All of the second image is in the colour of class 1 over grey.
  expect(data[16 * 36 + 16]).toBe(data[19 * 36 + 19]);
});
