/** OME-Zarr as Lamella writes it, read back by itself; other programs read it in `written-stores.test.ts`. */

import { describe, expect, test } from 'vitest';
import { type DType, elementCount, type Storage } from '../../src/array/ndarray.ts';
import { FormatError, UsageError } from '../../src/errors.ts';
import { writeOmeZarr } from '../../src/image/formats/zarr/write.ts';
import { halve } from '../../src/image/halve.ts';
import { readOmeZarr } from '../../src/image/read.ts';
import type { ImageSink } from '../../src/image/sink.ts';
import type { ImageInfo } from '../../src/image/source.ts';
import { type MemoryFiles, memoryFiles } from '../../src/workflows/memory-files.ts';
import { pattern, writeAll } from '../support/write-all.ts';

const info = (axes: string, shape: readonly number[], dtype: DType = 'uint8'): ImageInfo => ({
  dtype,
  axes,
  shape,
  spacing: { y: { value: 0.5, unit: 'µm' }, x: { value: 0.25, unit: 'µm' } },
});

async function written(
  image: ImageInfo,
  data: Storage[DType],
  options: Parameters<typeof writeOmeZarr>[3] = {},
): Promise<MemoryFiles> {
  const files = memoryFiles();
  await writeAll(await writeOmeZarr(files, 'a.ome.zarr', image, options), data);
  return files;
}

/** Whether two arrays have the same bits. */
const isSame = (a: Storage[DType], b: Storage[DType]): boolean =>
  a.length === b.length &&
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

const readBack = (files: MemoryFiles, level = 0, path = 'a.ome.zarr') => readOmeZarr(files, path, path, { level });

describe('what is written is read', () => {
  test.each([
    'uint8',
    'int8',
    'uint16',
    'int16',
    'uint32',
    'int32',
    'uint64',
    'int64',
    'float16',
    'float32',
    'float64',
  ] as const)('%s', async (dtype) => {
    const image = info('yx', [61, 77], dtype);
    const data = pattern(image as typeof image & { dtype: typeof dtype });
    const read = await readBack(await written(image, data));
    expect(read).toMatchObject({ ...image, source: 'a.ome.zarr' });
    expect(isSame(read.data, data)).toBe(true);
  });

  test.each([
    ['yx', [1, 1]],
    ['yx', [513, 1025]],
    ['cyx', [3, 600, 40]],
    ['cyx', [20, 30, 40]],
    ['zyx', [70, 65, 130]],
    ['tczyx', [2, 3, 5, 66, 10]],
  ] as const)('%s %j', async (axes, shape) => {
    const image = info(axes, shape);
    const data = pattern({ ...image, dtype: 'uint8' });
    const read = await readBack(await written(image, data));
    expect(read).toMatchObject(image);
    expect(isSame(read.data, data)).toBe(true);
  });

  test('in several shards, in any order of its units', async () => {
    const image = info('yx', [4700, 4400]);
    const data = pattern({ ...image, dtype: 'uint8' });
    const files = memoryFiles();
    await writeAll(await writeOmeZarr(files, 'a.ome.zarr', image), data, { backwards: true });
    expect(files.paths().filter((path) => path.includes('/0/c/'))).toHaveLength(4);
    expect(isSame((await readBack(files)).data, data)).toBe(true);
    const first = halve(data, 'uint8', image.shape, [true, true], 'mean');
    expect(isSame((await readBack(files, 1)).data, first)).toBe(true);
  });
});

test('levels are halved down to 512 pixels, with their pixel size and where their first pixel is', async () => {
  const image = { ...info('cyx', [2, 1500, 1025]), channels: ['cells', 'nuclei'] };
  const files = await written(image, pattern({ ...image, dtype: 'uint8' }));
  const { levels, channels } = await readBack(files, 2);
  expect(levels?.map(({ shape }) => shape)).toEqual([
    [2, 1500, 1025],
    [2, 750, 513],
    [2, 375, 257],
  ]);
  expect(levels?.[2]?.spacing).toEqual({ y: { value: 2, unit: 'µm' }, x: { value: 1, unit: 'µm' } });
  expect(channels).toEqual(['cells', 'nuclei']);
  const group = JSON.parse(new TextDecoder().decode(await files.read('a.ome.zarr/zarr.json')));
  expect(group.attributes.ome.multiscales[0].datasets[2].coordinateTransformations).toEqual([
    { type: 'scale', scale: [1, 2, 1] },
    { type: 'translation', translation: [0, 0.75, 0.375] },
  ]);
});

test('slices are halved where they are about as far apart as pixels are wide', async () => {
  const volume = (z: number): ImageInfo => ({
    ...info('zyx', [6, 600, 20]),
    spacing: { z: { value: z, unit: 'µm' }, y: { value: 1, unit: 'µm' }, x: { value: 1, unit: 'µm' } },
  });
  const shapeOf = async (z: number) => {
    const image = volume(z);
    return (await readBack(await written(image, new Uint8Array(elementCount(image.shape))), 1)).shape;
  };
  expect(await shapeOf(1)).toEqual([3, 300, 10]);
  expect(await shapeOf(2)).toEqual([6, 300, 10]);
});

describe('labels', () => {
  const image = info('yx', [700, 20]);
  const labels = info('yx', [700, 20], 'uint32');
  const values = pattern({ ...labels, dtype: 'uint32' });

  test('are written into the store of their image, whose list names them, with the first pixels as levels', async () => {
    const files = await written(image, pattern({ ...image, dtype: 'uint8' }));
    for (const name of ['cells', 'nuclei', 'cells']) {
      await writeAll(await writeOmeZarr(files, `a.ome.zarr/labels/${name}`, labels), values);
    }
    const list = JSON.parse(new TextDecoder().decode(await files.read('a.ome.zarr/labels/zarr.json')));
    expect(list.attributes.ome).toEqual({ version: '0.5', labels: ['nuclei', 'cells'] });
    const read = await readBack(files, 1, 'a.ome.zarr/labels/cells');
    expect(isSame(read.data, halve(values, 'uint32', labels.shape, [true, true], 'first'))).toBe(true);
  });

  test('keep what their values mean', async () => {
    const files = await written({ ...labels, labelKind: 'objects' }, values);
    expect(await readBack(files)).toMatchObject({ labelKind: 'objects' });
  });

  test('without an image, or of fractions, are refused', async () => {
    await expect(writeOmeZarr(memoryFiles(), 'a.ome.zarr/labels/cells', labels)).rejects.toThrow(UsageError);
    const files = await written(image, pattern({ ...image, dtype: 'uint8' }));
    const fractions = info('yx', [700, 20], 'float32');
    await expect(writeOmeZarr(files, 'a.ome.zarr/labels/cells', fractions)).rejects.toThrow('labels are integers');
  });
});

describe('a store that is not whole is refused by name', () => {
  const image = info('yx', [4200, 4200]);

  test('while it is written', async () => {
    const files = memoryFiles();
    const sink: ImageSink = await writeOmeZarr(files, 'a.ome.zarr', image);
    await sink.write({ start: [0, 0], shape: [512, 4200] }, new Uint8Array(512 * 4200).fill(7));
    await expect(readBack(files)).rejects.toThrow('was not written to its end');
    await expect(sink.finish()).rejects.toThrow('72 of 81 parts of the image were not written');
    await expect(readBack(files)).rejects.toThrow('was not written to its end');
    await sink.abort();
    expect(files.paths()).toEqual([]);
  });

  test('without one of its shards, even where all are empty', async () => {
    const files = await written(image, new Uint8Array(4200 * 4200));
    expect((await readBack(files)).data.every((value) => value === 0)).toBe(true);
    await files.remove?.('a.ome.zarr/0/c/1/0');
    await expect(readBack(files)).rejects.toThrow('a.ome.zarr/0/c/1/0: this shard is missing, though all were written');
  });

  test('with any byte of a shard changed', async () => {
    const small = info('yx', [40, 50]);
    const files = await written(small, pattern({ ...small, dtype: 'uint8' }));
    const path = 'a.ome.zarr/0/c/0/0';
    const bytes = (await files.read(path)).slice();
    for (const at of [0, 1, Math.floor(bytes.length / 2), bytes.length - 25, bytes.length - 1]) {
      const changed = bytes.slice();
      changed[at] = (changed[at] as number) ^ 1;
      await files.write(path, changed);
      await expect(readBack(files), `byte ${at}`).rejects.toThrow(FormatError);
    }
  });
});
