/** Predictions that do not fit into memory: their scores are those of the whole, number by number. */

import { describe, expect, test } from 'vitest';
import { type DType, elementCount, ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { writeOmeTiff } from '../../src/image/formats/tiff/write-pyramid.ts';
import { writeOmeZarr } from '../../src/image/formats/zarr/write.ts';
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

async function stored({ truth, prediction }: ReturnType<typeof maps>, axes: string): Promise<MemoryFiles> {
  const files = memoryFiles({});
  for (const [map, name, write] of [
    [truth, 'truth.ome.zarr', writeOmeZarr],
    [prediction, 'prediction.tif', writeOmeTiff],
  ] as const) {
    const { data, ...info } = { ...map, axes, spacing: {} };
    const sink = await write(files, name, info, { labels: true });
    const whole = { start: info.shape.map(() => 0), shape: info.shape };
    const pages = axes.length > 2 && name.endsWith('.tif') ? (info.shape[0] as number) : 1;
    const size = data.length / pages;
    for (let page = 0; page < pages; page++) {
      const region = pages === 1 ? whole : { start: [page, 0, 0], shape: [1, ...info.shape.slice(1)] };
      await sink.write(region, data.slice(page * size, (page + 1) * size));
    }
    await sink.finish();
  }
  return files;
}

const host = (files: MemoryFiles, free = 1e9) => ({ files, memory: () => ({ used: 0, free }) });

async function bothWays(files: MemoryFiles, options: EvaluateOptions) {
  const said: string[] = [];
  const onNote = (note: string) => void said.push(note);
  const whole = await evaluate(host(files), 'prediction.tif', 'truth.ome.zarr', options);
  const small = { ...options, memory: 100_000, onNote };
  const regions = await evaluate(host(files), 'prediction.tif', 'truth.ome.zarr', small);
  expect(said).toEqual([]);
  expect(regions).toEqual(whole);
  return whole;
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

  test('of classes, in a volume', async () => {
    const files = await stored(maps('uint8', [4, 70, 90], 3), 'zyx');
    const { overlap, volumes, classes } = await bothWays(files, { as: 'classes', metrics: ['overlap'], ignore: [2] });
    expect(volumes).toBe('3D');
    expect(classes).toHaveLength(3);
    expect(overlap?.meanDice).toBeGreaterThan(0.5);
  });

  test('of images at several times', async () => {
    const files = await stored(maps('uint16', [3, 80, 90], 60), 'tyx');
    const { images } = await bothWays(files, { as: 'objects', metrics: ['instances'] });
    expect(images).toBe(3);
  });
});

describe('what needs the whole is said before it begins', () => {
  const make = () => stored(maps('uint8', [100, 100], 3), 'yx');

  test('with the memory that it takes', async () => {
    const said: string[] = [];
    const onNote = (note: string) => void said.push(note);
    const options = { memory: 100_000, onNote } as const;
    const files = await make();
    for (const own of [{ as: 'classes', metrics: ['surface'] }, { as: 'classes' }] as const) {
      await evaluate(host(files), 'prediction.tif', 'truth.ome.zarr', { ...options, ...own });
    }
    expect(said).toEqual([
      'it is scored as a whole because of `metrics: surface`, which takes about 1 MB.',
      'it is scored as a whole because of what is scored, unless `as` and `metrics` say it, which takes about 1 MB.',
    ]);
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
