/** Predictions that do not fit into memory: their scores are those of the whole, number by number. */

import { describe, expect, test } from 'vitest';
import { type DType, elementCount, ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { writeOmeTiff } from '../../src/image/formats/tiff/write-pyramid.ts';
import { writeOmeZarr } from '../../src/image/formats/zarr/write.ts';
import type { Image } from '../../src/image/image.ts';
import { regionsOf } from '../../src/image/sink.ts';
import { memorySource } from '../../src/image/source.ts';
import { evaluate } from '../../src/workflows/evaluate.ts';
import type { EvaluateOptions } from '../../src/workflows/evaluate-items.ts';
import { type MemoryFiles, memoryFiles } from '../../src/workflows/memory-files.ts';

const random = stream(1, 'evaluate regions');

/** A map and one like it, in which boxes are moved and missing. */
function maps(dtype: DType, shape: readonly number[], labels: number, skipped?: number) {
  const [height, width] = shape.slice(-2) as [number, number];
  const planes = elementCount(shape) / height / width;
  const [truth, prediction] = [ndarray(dtype as 'uint16', shape), ndarray(dtype as 'uint16', shape)];
  for (let k = 0; k < 60; k++) {
    const label = 1 + (k % labels);
    const [y, x] = [Math.floor(random.uniform() * height), Math.floor(random.uniform() * width)];
    const [rows, columns] = [4 + Math.floor(random.uniform() * 20), 4 + Math.floor(random.uniform() * 20)];
    for (const [map, off, kept] of [
      [truth, 0, 1],
      [prediction, Math.floor(random.uniform() * 3), 0.9],
    ] as const) {
      if (random.uniform() > kept) continue;
      for (let p = 0; p < planes; p++) {
        for (let row = y + off; row < Math.min(height, y + off + rows); row++) {
          const at = (p * height + row) * width;
          map.data.fill(label, at + x, at + Math.min(width, x + columns));
        }
      }
    }
  }
  if (skipped !== undefined) truth.data.fill(skipped, 0, 5 * width);
  return { truth, prediction };
}

type Stored = Pick<Image, 'data' | 'dtype' | 'shape'> & Partial<Image>;

async function store(files: MemoryFiles, name: string, image: Stored, axes: string): Promise<void> {
  const whole = { axes, spacing: {}, ...image };
  const { data: _, ...info } = whole;
  const source = memorySource(whole);
  const write = name.endsWith('.tif') ? writeOmeTiff : writeOmeZarr;
  const sink = await write(files, name, info, { labels: image.dtype !== 'float32' });
  for (const region of regionsOf(sink, { maxBytes: 1e5 })) {
    await sink.write(region, (await source.read(0, region)).data);
  }
  await sink.finish();
}

async function stored(
  { truth, prediction }: { readonly truth: Stored; readonly prediction: Stored },
  axes: string,
  predictedAxes = axes,
): Promise<MemoryFiles> {
  const files = memoryFiles({});
  await store(files, 'truth.ome.zarr', truth, axes);
  await store(files, 'prediction.tif', prediction, predictedAxes);
  return files;
}

const host = (files: MemoryFiles, free = 1e9) => ({ files, memory: () => ({ used: 0, free }) });

/** The scores of the whole, which those by region are for blocks of several sizes. */
async function bothWays(files: MemoryFiles, options: EvaluateOptions, [predicted, truth] = PATHS) {
  const said: string[] = [];
  const onNote = (note: string) => void said.push(note);
  const whole = await evaluate(host(files), predicted, truth, options);
  for (const memory of [20_000, 100_000, 300_000]) {
    const regions = await evaluate(host(files), predicted, truth, { ...options, memory, onNote });
    expect(regions, `memory ${memory}`).toEqual(whole);
  }
  expect(said).toEqual([]);
  return whole;
}
const PATHS: readonly [string, string] = ['prediction.tif', 'truth.ome.zarr'];

/** Probabilities that are high inside of a map, in 40 levels: values of which each occurs once would be objects. */
function probabilities({ data, shape }: Stored, dtype: 'uint8' | 'uint16' | 'float32'): Stored {
  const most = { uint8: 255, uint16: 65_535, float32: 1 }[dtype];
  const { data: values } = ndarray(dtype as 'float32', shape);
  for (let p = 0; p < values.length; p++) {
    values[p] = most * (0.7 * (Number(data[p]) > 0 ? 1 : 0) + (0.3 * Math.floor(20 * random.uniform())) / 20);
  }
  return { dtype, shape, data: values };
}

describe('scores of more than the memory that is allowed', () => {
  test('of numbered objects, with pixels that are not annotated', async () => {
    const files = await stored(maps('uint16', [130, 170], 60, 65_535), 'yx');
    const { instances, overlap, mapping, basis } = await bothWays(files, {
      as: 'objects',
      metrics: ['instances', 'overlap'],
    });
    expect(mapping.ignore).toEqual([65_535]);
    expect(basis.pixels).toBe(125 * 170);
    expect(instances?.truthCount).toBeGreaterThan(10);
    expect(instances?.meanAveragePrecision).toBeGreaterThan(0.1);
    expect(overlap?.meanDice).toBeGreaterThan(0.5);
  });

  test.each([
    ['uint16', [130, 170], 'yx', 60],
    ['uint32', [5, 60, 50], 'zyx', 60],
  ] as const)('of what the values show to be objects, %s %j', async (dtype, shape, axes, labels) => {
    const { labelKinds, metrics, instances } = await bothWays(await stored(maps(dtype, shape, labels), axes), {});
    expect(labelKinds.truth).toMatchObject({ kind: 'objects', evidence: 'clear' });
    expect(metrics).toEqual(['overlap', 'instances']);
    expect(instances?.meanAveragePrecision).toBeGreaterThan(0.1);
  });

  test.each([
    [[130, 170], 'yx'],
    [[4, 70, 90], 'zyx'],
  ] as const)('of objects that are connected pixels of classes, %j', async (shape, axes) => {
    const files = await stored(maps('uint8', shape, 3), axes);
    const { labelKinds, instances } = await bothWays(files, { metrics: ['overlap', 'instances'] });
    expect(labelKinds.truth).toMatchObject({ kind: 'classes', evidence: 'clear' });
    expect(instances?.truthCount).toBeGreaterThan(10);
    expect(instances?.predictionCount).toBeGreaterThan(10);
    expect(instances?.seg).toBeGreaterThan(0.1);
    const ignoring = await bothWays(files, { as: 'classes', metrics: ['instances'], ignore: [2] });
    expect(ignoring.instances?.truthCount).toBeLessThan(instances?.truthCount ?? 0);
  });

  test('of a mask against numbered objects', async () => {
    const { truth, prediction } = maps('uint16', [130, 170], 60);
    const data = Uint8Array.from(prediction.data, (value) => (value > 0 ? 255 : 0));
    const mask = ndarray('uint8', prediction.shape, data);
    const { labelKinds } = await bothWays(await stored({ truth, prediction: mask }, 'yx'), {});
    expect(labelKinds).toMatchObject({ truth: { kind: 'objects' }, prediction: { kind: 'classes' } });
  });

  test.each(['uint8', 'uint16', 'float32'] as const)('of probabilities in %s', async (dtype) => {
    const { truth, prediction } = maps('uint8', [130, 170], 1);
    const files = await stored({ truth, prediction: probabilities(prediction, dtype) }, 'yx');
    const { overlap, labelKinds } = await bothWays(files, { threshold: 0.8, metrics: ['overlap', 'instances'] });
    expect(labelKinds.prediction).toBeUndefined();
    expect(overlap?.meanDice).toBeGreaterThan(0.5);
    expect(overlap?.meanDice).toBeLessThan(0.999);
  });

  test('of the probabilities of three classes', async () => {
    const { truth, prediction } = maps('uint8', [130, 170], 2);
    const planes = [0, 1, 2].map((own) => {
      const of = prediction.data.map((value) => (value === own ? 1 : 0));
      return probabilities({ ...prediction, data: of }, 'uint16').data as Uint16Array;
    });
    const data = Uint16Array.from(planes.flatMap((plane) => [...plane]));
    const classes = { dtype: 'uint16', shape: [3, 130, 170], data, channels: ['background', 'a', 'b'] } as const;
    const { overlap } = await bothWays(await stored({ truth, prediction: classes }, 'yx', 'cyx'), {
      metrics: ['overlap'],
    });
    expect(overlap?.meanDice).toBeGreaterThan(0.5);
  });

  test('of classes, in a volume, and slice by slice', async () => {
    const files = await stored(maps('uint8', [4, 70, 90], 3), 'zyx');
    const { overlap, volumes, classes } = await bothWays(files, { as: 'classes', metrics: ['overlap'], ignore: [2] });
    expect(volumes).toBe('3D');
    expect(classes).toHaveLength(3);
    expect(overlap?.meanDice).toBeGreaterThan(0.5);
    const slices = await bothWays(files, { metrics: ['instances'], slices: true });
    expect(slices).toMatchObject({ volumes: 'slice by slice', images: 4 });
  });

  test('of images at several times', async () => {
    const files = await stored(maps('uint16', [3, 80, 90], 60), 'tyx');
    const { images } = await bothWays(files, { as: 'objects', metrics: ['instances'] });
    expect(images).toBe(3);
  });

  test('of a folder that predict wrote: labels, then objects, and probabilities of another depth in each file', async () => {
    const files = memoryFiles({});
    for (const [name, dtype] of [
      ['a', 'uint8'],
      ['b', 'uint16'],
    ] as const) {
      const { truth, prediction } = maps('uint16', [90, 110], 60);
      const mask = ndarray(
        'uint8',
        prediction.shape,
        Uint8Array.from(prediction.data, (value) => (value > 0 ? 1 : 0)),
      );
      await store(files, `truth/${name}.tif`, truth, 'yx');
      await store(files, `p/objects/${name}.tif`, prediction, 'yx');
      await store(files, `p/label/${name}.tif`, mask, 'yx');
      await store(files, `p/probability/${name}.tif`, probabilities(prediction, dtype), 'yx');
    }
    const { labelKinds } = await bothWays(files, {}, ['p', 'truth']);
    expect(labelKinds.prediction?.kind).toBe('objects');
    const own = await bothWays(files, { metrics: ['overlap'], threshold: 0.8 }, ['p/probability', 'truth']);
    expect(own.overlap?.meanDice).toBeGreaterThan(0.5);
  });

  test('of classes that are matched by name', async () => {
    const files = memoryFiles({});
    const { truth, prediction } = maps('uint8', [90, 110], 3);
    await store(files, 'truth/a.tif', truth, 'yx');
    // 1, 2 and 3 are 2, 3 and 1 in the prediction.
    const turned = prediction.data.map((value) => (value === 0 ? 0 : 1 + (value % 3)));
    await store(files, 'p/label/a.tif', { ...prediction, data: turned }, 'yx');
    const content = { models: [], images: 'x', classes: ['background', 'c', 'a', 'b'], values: [0, 1, 2, 3] };
    await files.write('p/prediction.json', JSON.stringify(content));
    const named = ['background', 'a', 'b', 'c'];
    const { overlap } = await bothWays(files, { metrics: ['overlap'], as: 'classes', classes: named }, ['p', 'truth']);
    expect(overlap?.meanDice).toBeGreaterThan(0.5);
  });

  test('the sizes of pixels that differ are said', async () => {
    const { truth, prediction } = maps('uint16', [90, 110], 60);
    const size = (value: number) => ({ y: { value, unit: 'µm' }, x: { value, unit: 'µm' } });
    const sized = { truth: { ...truth, spacing: size(1) }, prediction: { ...prediction, spacing: size(2) } };
    const { notes } = await bothWays(await stored(sized, 'yx'), { as: 'objects', metrics: ['instances'] });
    expect(notes.join('\n')).toContain('pixel size along x');
  });

  test('values that are no classes are refused as in the whole', async () => {
    const { truth, prediction } = maps('uint8', [90, 110], 3);
    const other = { ...prediction, data: prediction.data.map((value) => (value === 0 ? 0 : value + 100)) };
    const files = await stored({ truth, prediction: other }, 'yx');
    const score = (memory?: number) =>
      evaluate(host(files), ...PATHS, { as: 'classes', metrics: ['overlap'], memory }).catch(String);
    const whole = await score();
    expect(whole).toContain('which is not a class of the ground truth');
    expect(await score(100_000)).toBe(whole);
  });

  test('a chunk that is missing is an error, not background', async () => {
    const files = await stored(maps('uint16', [130, 170], 60), 'yx');
    const [chunk] = (await files.list('truth.ome.zarr')).filter((file) => file.startsWith('0/c/'));
    await files.remove?.(`truth.ome.zarr/${chunk}`);
    const options = { as: 'objects', metrics: ['instances'], memory: 100_000 } as const;
    await expect(evaluate(host(files), ...PATHS, options)).rejects.toThrow(/truth\.ome\.zarr.*missing/s);
  });
});

describe('what needs the whole is said before it begins', () => {
  const make = () => stored(maps('uint8', [100, 100], 3), 'yx');

  test('with the memory that it takes', async () => {
    const said: string[] = [];
    const onNote = (note: string) => void said.push(note);
    const options = { memory: 100_000, onNote } as const;
    const files = await make();
    await evaluate(host(files), ...PATHS, { ...options, as: 'classes', metrics: ['surface'] });
    expect(said).toEqual(['it is scored as a whole because of `metrics: surface`, which takes about 1 MB.']);
  });

  test('and refused if that is not free', async () => {
    const scores = evaluate(host(await make(), 1e5), 'prediction.tif', 'truth.ome.zarr', {
      memory: 100_000,
      metrics: ['isbi'],
      as: 'classes',
    });
    await expect(scores).rejects.toThrow(
      'prediction.tif: it is scored as a whole because of `metrics: isbi`, which takes about 1 MB, and 1 MB are free.',
    );
  });
});
