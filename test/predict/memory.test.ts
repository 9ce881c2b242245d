import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { readOnnx } from '../../src/graph/onnx/read.ts';
import { memorySink } from '../../src/image/sink.ts';
import { buildNetwork, type ModelSpec } from '../../src/models/registry.ts';
import { modelMemory, tileWithin, wholeBytes } from '../../src/predict/memory.ts';
import { blockFor, sinkBytes } from '../../src/predict/stream.ts';
import type { Recipe } from '../../src/train/config.ts';
import { modelWriter } from '../../src/train/model-file.ts';
import { initialWeights } from '../../src/train/step.ts';
import { fakeForward, fakeModel, PADDED } from './fake-network.ts';

const info = (shape: readonly number[]) => ({
  dtype: 'uint8' as const,
  axes: 'zyx'.slice(-shape.length),
  shape,
  spacing: {},
});

describe('the largest tile for the memory there is', () => {
  // 100 bytes a pixel; the smallest tile is 12 x 12.
  const model = fakeModel(PADDED, (x) => fakeForward(x, true), { memory: { perPixel: 100, compiled: 0 } });

  test('its area is the memory by the bytes of a pixel, and of all tiles of a batch', () => {
    expect(tileWithin(model, 1_000_000)).toBe(100);
    expect(tileWithin(model, 1_000_000, { batch: 4 })).toBe(50);
  });

  test('if not even the smallest fits, that is said, or a tile of the usual size is taken', () => {
    expect(() => tileWithin(model, 100 * 12 ** 2 - 1)).toThrow(UsageError);
    expect(tileWithin(model, 100 * 12 ** 2)).toBe(12);
    expect(tileWithin(model, -1, { atLeast: 640 })).toBe(640);
  });

  test('of a network of which nothing is known, it is the default', () => {
    expect(tileWithin({ rule: model.rule }, 1)).toBe(640);
  });
});

test('a U-Net takes what its widest layers hold for each pixel, and more for more channels', () => {
  const perPixel = [
    [8, 'nchw'],
    [16, 'nchw'],
    [8, 'nchw16c'],
  ] as const;
  const taken = perPixel.map(([baseChannels, layout]) => {
    const model: ModelSpec = { name: 'unet', channels: 1, numClasses: 2, baseChannels, depth: 2, norm: 'none' };
    const labels = {
      classes: [
        { name: 'out', values: [0] },
        { name: 'in', values: [1] },
      ],
    };
    const input = { channels: { mode: 'grey', count: 1 }, normalisation: {} };
    const { parameters } = buildNetwork(model, [1, 1, 64, 64]);
    const bytes = modelWriter({ model, labels, input } as unknown as Recipe)(initialWeights(parameters, 1), {});
    return modelMemory(readOnnx(bytes, { shapes: { image: [1, 1, 64, 64] } }), bytes.length, layout).perPixel;
  });
  const [narrow, wide, blocked] = taken as [number, number, number];
  // At full resolution: the skip and what is joined to it, at least 4 bytes for each of 2 x 16 channels.
  expect(wide).toBeGreaterThan(4 * 32);
  expect(wide / narrow).toBeGreaterThan(1.5);
  expect(wide / narrow).toBeLessThan(2);
  // 8 channels in blocks of 16.
  expect(blocked / narrow).toBeGreaterThan(1.5);
});

test('an image in memory takes several times its classes, and more for objects', () => {
  const model = fakeModel(PADDED, (x) => fakeForward(x, true));
  expect(wholeBytes(model, info([10, 100]))).toBe(1000 * (2 + 4 + 24 + 5));
  expect(wholeBytes(model, info([3, 10, 100]), { objects: true })).toBe(3000 * (2 + 4 + 24 + 5 + 40));
});

describe('blocks are whole units that tiles fill', () => {
  const sink = (unit: readonly number[], shape: readonly number[], inOrder = false) =>
    memorySink(info(shape), { unit, inOrder });

  test('the fewest units that tiles of at least 95 % of the largest fill', () => {
    // Tiles of 862: 5 units of 512 are 3 tiles of 853.3; fewer are filled by tiles of 512 or 768.
    expect(blockFor([sink([512, 512], [9000, 9000])], [862, 862])).toEqual([2560, 2560]);
    expect(blockFor([sink([512, 512], [9000, 9000])], [512, 1024])).toEqual([512, 1024]);
    // 16 tiles of 96 in 3 units; one unit is 6 tiles of 85.3.
    expect(blockFor([sink([512, 512], [9000, 9000])], [100, 100])).toEqual([1536, 1536]);
  });

  test('units of all sinks; all columns where one is written in order', () => {
    const two = [sink([4, 6], [90, 90]), sink([6, 4], [90, 90])];
    expect(blockFor(two, [12, 12])).toEqual([12, 12]);
    expect(blockFor([sink([8, 90], [90, 90], true)], [16, 16])).toEqual([16, 90]);
  });

  test('smaller where memory is short, with as many slices as are written together', () => {
    const volume = [sink([64, 64, 64], [200, 1000, 1000])];
    const [y, x] = blockFor(volume, [400, 400], { bytes: 64 * 128 * 128 * 2 });
    expect(sinkBytes(volume, [y, x])).toBeLessThanOrEqual(64 * 128 * 128 * 2);
    expect(blockFor(volume, [400, 400], { bytes: 1 })).toEqual([64, 64]);
    expect(sinkBytes(volume, [64, 128])).toBe(2 * 64 * 64 * 128);
  });
});
