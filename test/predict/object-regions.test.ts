import { describe, expect, test } from 'vitest';
import { elementCount } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import type { Image } from '../../src/image/image.ts';
import { memorySink } from '../../src/image/sink.ts';
import { memorySource } from '../../src/image/source.ts';
import { memoryBlockStore } from '../../src/objects/blocks/by-blocks.ts';
import { probabilitiesOf, type SeparationSettings } from '../../src/objects/instances.ts';
import { objectBlocks, objectsInfo, objectsToSink } from '../../src/predict/object-regions.ts';
import { objectMaps, objectsImage, separationOf } from '../../src/predict/objects.ts';

/** Probabilities of smooth random waves: blobs that touch. */
function prediction(axes: string, shape: readonly number[], channels: readonly string[]): Image<'float32'> {
  const random = stream(3, 'waves');
  const c = axes.indexOf('c');
  const waves = Array.from({ length: 40 }, () => shape.map(() => 0.9 * random.uniform() - 0.45));
  const phases = waves.map(() => 7 * random.uniform());
  const size = elementCount(shape);
  const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
  const raw = Float64Array.from({ length: size }, (_, i) => {
    const place = strides.map((stride, axis) => Math.floor(i / stride) % (shape[axis] as number));
    const at = (wave: readonly number[]) =>
      place.reduce((sum, p, axis) => sum + p * (axis === c ? 9 : 1) * (wave[axis] as number), 0);
    return Math.exp(waves.reduce((sum, wave, k) => sum + Math.sin(at(wave) + (phases[k] as number)), 0) / 2);
  });
  const total = (i: number): number => {
    const stride = strides[c] as number;
    const first = i - (Math.floor(i / stride) % channels.length) * stride;
    return channels.reduce((sum, _, k) => sum + (raw[first + k * stride] as number), 0);
  };
  return {
    dtype: 'float32',
    axes,
    shape,
    data: Float32Array.from(raw, (value, i) => value / total(i)),
    spacing: {},
    channels,
  };
}

async function byRegion(
  image: Image<'float32'>,
  settings: SeparationSettings,
  bytes: number,
  unit?: readonly number[],
) {
  const maps = objectMaps(image);
  const info = objectsInfo(memorySource(maps).info);
  const sink = memorySink(info, unit && { unit, inOrder: true });
  const found = await objectsToSink(memorySource(maps), sink, settings, { bytes, store: memoryBlockStore() });
  return { found, image: sink.image };
}

describe('objects of stored maps, region by region, are those of the whole prediction', () => {
  for (const [what, axes, shape, channels] of [
    ['a plane', 'cyx', [2, 300, 310], ['background', 'cell']],
    ['a plane with borders', 'cyx', [3, 300, 310], ['background', 'cell', 'border']],
    ['time points of several classes', 'tcyx', [3, 4, 90, 150], ['background', 'a', 'b', 'c']],
    ['a volume with borders', 'czyx', [3, 14, 50, 170], ['background', 'cell', 'border']],
    ['time points of volumes', 'tczyx', [2, 2, 9, 40, 110], ['background', 'cell']],
  ] as const) {
    test(`of ${what}`, async () => {
      const image = prediction(axes, shape, channels);
      const settings = separationOf(channels);
      expect(settings.by).toBe(channels.includes('border' as never) ? 'border' : 'shape');
      const whole = objectsImage(image);
      // In the smallest blocks, as the whole does not fit.
      const pixels = whole.labels.data.length / (axes.includes('t') ? shape[0] : 1);
      const { found, image: labels } = await byRegion(image, settings, 100 * (pixels - 1));
      expect(found).toEqual({ count: whole.count, openPixels: 0, openObjects: 0 });
      expect(whole.count).toBeGreaterThan(5);
      expect(labels).toMatchObject({ axes: whole.labels.axes, shape: whole.labels.shape, labelKind: 'objects' });
      expect([...labels.data]).toEqual([...whole.labels.data]);
    });
  }

  test('written in rows of tiles, in order', async () => {
    const image = prediction('cyx', [2, 150, 170], ['background', 'cell']);
    const { image: labels } = await byRegion(image, { by: 'shape' }, 40e6, [64, 64]);
    expect([...labels.data]).toEqual([...objectsImage(image).labels.data]);
  });
});

test('blocks leave room for twice the halo in the memory allowed', () => {
  expect(objectBlocks([20_000, 20_000], 300e6)).toEqual({ block: [1024, 1024], maxWindow: 3e6 });
  expect(objectBlocks([20_000, 20_000], 100e6)).toEqual({ block: [512, 512], maxWindow: 1e6 });
  expect(objectBlocks([20_000, 20_000], 1e6).block).toEqual([128, 128]);
  expect(objectBlocks([40, 2000, 2000], 1e9).block).toEqual([40, 256, 256]);
  expect(objectBlocks([300, 310], 100 * 92_999).block).toEqual([128, 128]);
  expect(objectBlocks([500, 2000, 2000], 1e9).block).toEqual([128, 128, 128]);
});

test('what is more than one half, and only that, is more than half of the steps', () => {
  const above = 0.5 + 2 ** -24;
  const values = [0, 1e-6, 1 / 65_535, 0.5 - 2 ** -25, 0.5, above, 1 - 2 ** -24, 1, -1, 2, Number.NaN];
  const data = Float32Array.from([...values.map((p) => 1 - p), ...values]);
  const image: Image<'float32'> = { dtype: 'float32', axes: 'cyx', shape: [2, 1, values.length], data, spacing: {} };
  const maps = objectMaps(image);
  expect([...maps.data]).toEqual([0, 0, 1, 32_767, 32_767, 32_768, 65_535, 65_535, 0, 65_535, 0]);
  const steps = probabilitiesOf({ dtype: 'uint16', shape: maps.shape, data: maps.data });
  expect([...steps.data].map((p) => p > 0.5)).toEqual(values.map((p) => p > 0.5));
});

test('a map that is not predicted is missed before anything is read', () => {
  expect(() => separationOf(['background', 'cell'], { by: 'border' })).toThrow('needs a map of the border');
  expect(() => separationOf(['background', 'border'], { by: 'distance' })).toThrow('needs a map of the distance');
});
