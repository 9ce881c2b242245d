import { describe, expect, it } from 'vitest';
import { ModelError } from '../../src/errors.ts';
import type { Image } from '../../src/image/image.ts';
import { objectsImage, separationSettings } from '../../src/predict/objects.ts';

/** Two squares of 4 x 4 pixels side by side in 6 x 10, their rims of one pixel predicted with probability 0.6. */
const HEIGHT = 6;
const WIDTH = 10;
const squares = Array.from({ length: HEIGHT * WIDTH }, (_, p) => {
  const [y, x] = [Math.floor(p / WIDTH), p % WIDTH];
  if (y < 1 || y > 4 || x < 1 || x > 8) return [1, 0, 0];
  const rim = y === 1 || y === 4 || x === 1 || x === 4 || x === 5 || x === 8;
  return rim ? [0, 0.4, 0.6] : [0, 1, 0];
});
const prediction: Image<'float32'> = {
  data: Float32Array.from([0, 1, 2].flatMap((k) => squares.map((classes) => classes[k] as number))),
  shape: [3, HEIGHT, WIDTH],
  axes: 'cyx',
  dtype: 'float32',
  spacing: {},
  channels: ['background', 'object', 'border'],
};

describe('objects of a prediction with a border', () => {
  it('are told apart by it', () => {
    const { labels, count } = objectsImage(prediction);
    expect(count).toBe(2);
    expect(labels.data[2 * WIDTH + 4]).not.toBe(labels.data[2 * WIDTH + 5]);
  });

  it('are told apart as the model says', () => {
    // On the rim 1 - 0.6 is above 0.3, so both lie in one seed.
    const separation = separationSettings({ separation: { by: 'border', seedThreshold: 0.3 } });
    expect(objectsImage(prediction, separation && { separation }).count).toBe(1);
  });
});

it('a way to tell objects apart that is not known is refused', () => {
  expect(separationSettings({})).toBeUndefined();
  expect(() => separationSettings({ separation: { by: 'flow' } })).toThrow(ModelError);
});
