import { describe, expect, test } from 'vitest';
import { crc32 } from '../../src/array/crc32.ts';
import { Interrupted, LamellaError, UsageError } from '../../src/errors.ts';
import { writeNifti } from '../../src/image/formats/nifti/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image } from '../../src/image/image.ts';
import { regionsOf } from '../../src/image/sink.ts';
import { convertImage } from '../../src/workflows/convert.ts';
import { readImageFile } from '../../src/workflows/image-files.ts';
import { type MemoryFiles, memoryFiles } from '../../src/workflows/memory-files.ts';
import { pattern } from '../support/write-all.ts';

const image: Image<'uint16'> = {
  dtype: 'uint16',
  axes: 'cyx',
  shape: [2, 700, 1100],
  data: pattern({ dtype: 'uint16', shape: [2, 700, 1100] }),
  channels: ['DAPI', 'GFP'],
  spacing: { y: { value: 0.5, unit: 'µm' }, x: { value: 0.25, unit: 'µm' } },
};

const start = (): MemoryFiles => memoryFiles({ 'a.tif': writeTiff(image) });
const crcOf = ({ data }: Image): number => crc32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
const known = ({ axes, shape, dtype, channels, spacing, ...rest }: Image) => ({
  axes,
  shape,
  dtype,
  channels,
  spacing,
  crc32: crcOf({ axes, shape, dtype, channels, spacing, ...rest }),
});

describe('an image keeps its values, axes, pixel size and channels', () => {
  test('through OME-Zarr, OME-TIFF and back', async () => {
    const files = start();
    const way = ['a.tif', 'b.ome.zarr', 'c.ome.tif', 'd.zarr', 'e.tif'];
    for (const [i, out] of way.slice(1).entries()) {
      const { levels } = await convertImage(files, way[i] as string, out);
      expect(levels).toBe(out === 'e.tif' ? 1 : 3);
      expect(known(await readImageFile(files, out))).toEqual(known(image));
    }
  });

  test('at a lower resolution', async () => {
    const files = start();
    await convertImage(files, 'a.tif', 'b.ome.zarr');
    const half = await readImageFile(files, 'b.ome.zarr', { level: 1 });
    for (const out of ['c.ome.tif', 'c.ome.zarr', 'c.tif']) {
      await convertImage(files, 'b.ome.zarr', out, { level: 1 });
      expect(known(await readImageFile(files, out))).toEqual(known(half));
    }
    await expect(convertImage(files, 'b.ome.zarr', 'd.ome.tif', { level: 3 })).rejects.toThrow(
      'level 3 does not exist',
    );
    expect(files.paths()).not.toContain('d.ome.tif');
  });

  test('as labels in the store of an image', async () => {
    const files = start();
    const { channels: _, ...rest } = image;
    const labels: Image = { ...rest, axes: 'yx', shape: [700, 1100], data: image.data.subarray(0, 770_000) };
    await files.write('labels.tif', writeTiff(labels));
    await convertImage(files, 'a.tif', 'b.ome.zarr');
    await convertImage(files, 'labels.tif', 'b.ome.zarr/labels/cells');
    const half = await readImageFile(files, 'b.ome.zarr/labels/cells', { level: 1 });
    expect(half.data[1]).toBe(labels.data[2]);
    await expect(convertImage(files, 'labels.tif', 'none.ome.zarr/labels/cells')).rejects.toThrow(
      'labels are written into the store of their image',
    );
  });

  test('what a format does not hold is said', async () => {
    const volume: Image = {
      dtype: 'int16',
      axes: 'zyx',
      shape: [2, 3, 4],
      data: new Int16Array(24),
      spacing: { z: { value: 2, unit: 'mm' }, y: { value: 1, unit: 'mm' }, x: { value: 1, unit: 'mm' } },
      geometry: {
        originMm: [1, 2, 3],
        direction: [
          [1, 0, 0],
          [0, 1, 0],
          [0, 0, 1],
        ],
      },
    };
    const files = memoryFiles({ 'a.nii.gz': writeNifti(volume) });
    const place = 'Its place and orientation in the patient are not kept; NIfTI holds them.';
    const notesOf = async (from: string, out: string) => (await convertImage(files, from, out)).notes;
    expect(await notesOf('a.nii.gz', 'a.ome.zarr')).toContain(place);
    expect(await notesOf('a.nii.gz', 'a.tif')).toEqual([place]);
    expect(await notesOf('a.nii.gz', 'a.h5')).toEqual([place]);
    expect((await readImageFile(files, 'a.h5')).spacing).toEqual({
      z: { value: 2000, unit: 'µm' },
      y: { value: 1000, unit: 'µm' },
      x: { value: 1000, unit: 'µm' },
    });
    expect(await notesOf('a.nii.gz', 'again.nii')).toEqual([]);
    const { geometry: _, ...rest } = volume;
    const film: Image = { ...rest, axes: 'tyx', spacing: { t: { value: 2, unit: 's' } }, valueUnit: 'HU' };
    await files.write('film.tif', writeTiff(film));
    expect(await notesOf('film.tif', 'film.h5')).toEqual([
      'The unit of its values, HU, is not kept.',
      'The time from one of its images to the next is not kept.',
    ]);
  });
});

describe('what is there is kept', () => {
  test('unless it may be replaced, by what it is', async () => {
    const files = start();
    for (const out of ['b.ome.zarr', 'b.ome.tif', 'b.tif']) {
      await files.write('other.tif', writeTiff({ ...image, data: image.data.map((value) => value >> 1) }));
      await convertImage(files, 'other.tif', out);
      await expect(convertImage(files, 'a.tif', out)).rejects.toThrow('this exists already');
      await convertImage(files, 'a.tif', out, { overwrite: true });
      expect(known(await readImageFile(files, out))).toEqual(known(image));
    }
  });

  test('where it is something else', async () => {
    const files = start();
    await files.write('notes.zarr/notes.txt', 'mine');
    await files.write('file.zarr', 'mine');
    const over = (out: string) => convertImage(files, 'a.tif', out, { overwrite: true });
    await expect(over('notes.zarr')).rejects.toThrow('this folder is no Zarr store');
    await expect(over('file.zarr')).rejects.toThrow('this is a file, and is not replaced by a folder');
    await expect(over('a.tif')).rejects.toThrow('an image is not written over itself');
    await convertImage(files, 'a.tif', 'b.zarr');
    await expect(convertImage(files, 'b.zarr', 'b.zarr', { overwrite: true })).rejects.toThrow(UsageError);
    await convertImage(files, 'a.tif', 'b.zarr/labels/c');
    await expect(convertImage(files, 'b.zarr/labels/c', 'b.zarr', { overwrite: true })).rejects.toThrow(UsageError);
    await expect(over('b.zarr.tif')).resolves.toBeDefined();
    expect(new TextDecoder().decode(await files.read('notes.zarr/notes.txt'))).toBe('mine');
  });

  test.each(['b.foo', 'b', 'b.zarr/0'])('%s is no format', async (out) => {
    await expect(convertImage(start(), 'a.tif', out)).rejects.toThrow('Use .ome.zarr, .ome.tif, .png,');
  });
});

describe('nothing is left', () => {
  /** Files on a disk on which there is room for some bytes. */
  const almostFull = (files: MemoryFiles, bytes: number): MemoryFiles => {
    let left = bytes;
    const use = (count: number): void => {
      left -= count;
      if (left < 0) throw new LamellaError('no space left on the disk.');
    };
    return {
      ...files,
      async write(path, content) {
        use(content.length);
        await files.write(path, content);
      },
      async create(path) {
        const parts: Uint8Array[] = [];
        return {
          async write(_, part) {
            use(part.length);
            parts.push(part);
          },
          finish: () => files.write(path, Buffer.concat(parts)),
          abort: async () => {},
        };
      },
    };
  };

  test.each([
    ['b.ome.zarr', 0],
    ['b.ome.zarr', 100_000],
    ['b.ome.zarr', 2_500_000],
    ['b.ome.tif', 100_000],
    ['b.ome.tif', 3_100_000],
    ['b.tif', 0],
  ])('of %s on a disk with room for %i bytes', async (out, bytes) => {
    const files = start();
    await expect(convertImage(almostFull(files, bytes), 'a.tif', out)).rejects.toThrow('no space left');
    expect(files.paths()).toEqual(['a.tif']);
  });

  test.each(['b.ome.zarr', 'b.ome.tif'])('of %s when it is stopped', async (out) => {
    const files = start();
    const stopped = { signal: AbortSignal.abort() };
    await expect(convertImage(files, 'a.tif', out, stopped)).rejects.toThrow(Interrupted);
    expect(files.paths()).toEqual(['a.tif']);
  });

  test('of a damaged image', async () => {
    const files = start();
    await convertImage(files, 'a.tif', 'b.ome.zarr');
    const shard = 'b.ome.zarr/0/c/1/0/0';
    await files.write(
      shard,
      (await files.read(shard)).map((byte, i) => (i === 1000 ? byte ^ 1 : byte)),
    );
    await expect(convertImage(files, 'b.ome.zarr', 'c.ome.tif')).rejects.toThrow('is damaged');
    expect(await files.kind('c.ome.tif')).toBe(undefined);
  });
});

describe('regions', () => {
  const of = (
    shape: readonly number[],
    unit: readonly number[],
    { inOrder = false, ...options }: { maxBytes: number; chunk?: readonly number[]; inOrder?: boolean },
  ) => regionsOf({ info: { dtype: 'uint8', axes: 'zyx', shape, spacing: {} }, unit, inOrder }, options);

  test('are whole rows of as many bytes as allowed, in C order', () => {
    expect(of([2, 10, 10], [1, 4, 4], { maxBytes: 100 })).toEqual([
      { start: [0, 0, 0], shape: [1, 8, 10] },
      { start: [0, 8, 0], shape: [1, 2, 10] },
      { start: [1, 0, 0], shape: [1, 8, 10] },
      { start: [1, 8, 0], shape: [1, 2, 10] },
    ]);
    expect(of([2, 10, 10], [1, 4, 4], { maxBytes: 1000 })).toEqual([{ start: [0, 0, 0], shape: [2, 10, 10] }]);
    expect(of([1, 4, 10], [1, 4, 4], { maxBytes: 20 }).map(({ shape }) => shape)).toEqual([
      [1, 4, 4],
      [1, 4, 4],
      [1, 4, 2],
    ]);
  });

  test('hold what is read together as a whole, where they have room for it', () => {
    const chunk = [2, 8, 8];
    const shapesOf = (options: Parameters<typeof of>[2]) =>
      of([4, 16, 10], [1, 4, 4], { chunk, ...options }).map(({ shape }) => shape.join());
    expect(new Set(shapesOf({ maxBytes: 80 }))).toEqual(new Set(['2,8,8', '2,8,2']));
    expect(new Set(shapesOf({ maxBytes: 39 }))).toEqual(new Set(['1,4,8', '1,4,2']));
    expect(new Set(shapesOf({ maxBytes: 80, inOrder: true }))).toEqual(new Set(['1,8,8', '1,8,2']));
  });
});
