/** Pyramids in OME-TIFF that Lamella writes, read by itself and by tifffile. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crc32 } from '../../src/array/crc32.ts';
import type { DType, Storage } from '../../src/array/ndarray.ts';
import { UsageError } from '../../src/errors.ts';
import { type WriteOmeTiffOptions, writeOmeTiff } from '../../src/image/formats/tiff/write-pyramid.ts';
import { halve } from '../../src/image/halve.ts';
import { readImage } from '../../src/image/read.ts';
import type { ImageInfo } from '../../src/image/source.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { memoryFiles } from '../../src/workflows/memory-files.ts';
import { askPeer, describeWithPeers } from '../support/peers.ts';
import { pattern, writeAll } from '../support/write-all.ts';

interface Read {
  readonly ome: boolean;
  readonly big: boolean;
  readonly tiled: boolean;
  readonly axes: string;
  readonly pixels: Readonly<Record<string, string>>;
  readonly channels: readonly (string | null)[];
  readonly levels: readonly { readonly shape: readonly number[]; readonly dtype: string; readonly crc32: number }[];
}

const crcOf = (data: Storage[DType]): number => crc32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));

const DTYPES = ['uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'float32', 'float64'] as const;

/** Axes, shape, and those of the second level. */
const SHAPES = [
  ['yx', [5, 7], undefined],
  ['yx', [513, 1025], [257, 513]],
  ['cyx', [2, 600, 40], [2, 300, 20]],
  ['zyx', [3, 65, 530], [3, 33, 265]],
  ['tczyx', [2, 3, 5, 66, 530], [2, 3, 5, 33, 265]],
] as const;

const COLOURS = ['red', 'green', 'blue'];

describeWithPeers('pyramids that Lamella writes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lamella-pyramids-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let read: Record<string, Read> = {};
  const data = new Map<string, { readonly info: ImageInfo; readonly values: Storage[DType] }>();

  const add = async (name: string, info: ImageInfo, options: WriteOmeTiffOptions = {}) => {
    const values = pattern(info as ImageInfo & { readonly dtype: 'uint8' });
    data.set(name, { info, values });
    await writeAll(await writeOmeTiff(nodeFiles, join(folder, name), info, options), values);
  };

  beforeAll(async () => {
    const spacing = { y: { value: 0.5, unit: 'µm' }, x: { value: 0.25, unit: 'µm' } };
    for (const dtype of DTYPES) await add(`${dtype}.ome.tif`, { dtype, axes: 'yx', shape: [61, 1030], spacing });
    for (const [axes, shape] of SHAPES) {
      await add(`${axes}-${shape.join('-')}.ome.tif`, { dtype: 'uint16', axes, shape, spacing });
    }
    await add('labels.ome.tif', { dtype: 'uint32', axes: 'yx', shape: [700, 300], spacing }, { labels: true });
    await add('colour.ome.tif', { dtype: 'uint8', axes: 'cyx', shape: [3, 1100, 530], spacing, channels: COLOURS });
    await add('colours.ome.tif', {
      dtype: 'uint8',
      axes: 'czyx',
      shape: [3, 4, 70, 530],
      spacing: {},
      channels: COLOURS,
    });
    await add('big.ome.tif', { dtype: 'uint16', axes: 'cyx', shape: [2, 700, 300], spacing }, { big: true });
    const names = ['<DAPI> & "µ"', 'GFP'];
    await add('named.ome.tif', {
      dtype: 'uint8',
      axes: 'tcyx',
      shape: [2, 2, 20, 30],
      spacing: { x: { value: 2, unit: 'Å' }, t: { value: 3, unit: 's' } },
      channels: names,
    });
    read = askPeer('read_pyramids.py', folder);
  });

  test('are OME-TIFF in tiles, with the values that tifffile reads, at every level', () => {
    expect(Object.keys(read).sort()).toEqual([...data.keys()].sort());
    for (const [name, { info, values }] of data) {
      const found = read[name] as Read;
      expect({ name, ome: found.ome, big: found.big, tiled: found.tiled }).toEqual({
        name,
        ome: true,
        big: name === 'big.ome.tif',
        tiled: true,
      });
      expect({ name, ...found.levels[0] }).toEqual({
        name,
        shape: info.shape,
        dtype: info.dtype,
        crc32: crcOf(values),
      });
      if (Math.max(...info.shape.slice(-2)) <= 512) expect(found.levels).toHaveLength(1);
      else {
        const halved = info.shape.map((_, i) => i >= info.shape.length - 2);
        const half = halve(values, info.dtype, info.shape, halved, name.startsWith('labels') ? 'first' : 'mean');
        expect({ name, crc32: found.levels[1]?.crc32 }).toEqual({ name, crc32: crcOf(half) });
      }
    }
    for (const [axes, shape, second] of SHAPES) {
      const found = read[`${axes}-${shape.join('-')}.ome.tif`] as Read;
      expect(found.levels[1]?.shape).toEqual(second);
      expect(found.axes.toLowerCase()).toBe(axes);
    }
  });

  test('have pixel size, unit and channel names', () => {
    expect(read['uint8.ome.tif']?.pixels).toMatchObject({
      PhysicalSizeX: '0.25',
      PhysicalSizeXUnit: 'µm',
      PhysicalSizeY: '0.5',
    });
    expect(read['named.ome.tif']).toMatchObject({
      channels: ['<DAPI> & "µ"', 'GFP'],
      pixels: { PhysicalSizeX: '2', PhysicalSizeXUnit: 'Å', TimeIncrement: '3' },
    });
  });

  test('are read as they were written', async () => {
    for (const [name, { info, values }] of data) {
      const image = await readImage(readFileSync(join(folder, name)), name);
      expect({ name, axes: image.axes, shape: image.shape, spacing: image.spacing, crc32: crcOf(image.data) }).toEqual({
        name,
        axes: info.axes,
        shape: info.shape,
        spacing: info.spacing,
        crc32: crcOf(values),
      });
      if (info.channels !== undefined) expect(image.channels).toEqual(info.channels);
      for (const level of read[name]?.levels.keys() ?? []) {
        const { shape, data: own } = await readImage(readFileSync(join(folder, name)), name, { level });
        expect({ name, level, crc32: crcOf(own) }).toEqual({ name, level, crc32: read[name]?.levels[level]?.crc32 });
        expect(shape.slice(-2)).toEqual(read[name]?.levels[level]?.shape.slice(-2));
      }
    }
  });
});

describe('writeOmeTiff', () => {
  const info: ImageInfo = { dtype: 'uint8', axes: 'yx', shape: [600, 40], spacing: {} };

  test('writes BigTIFF where 32 bits might not reach', async () => {
    const offsetOfFirstTile = async (shape: readonly number[]) => {
      const offsets: number[] = [];
      const write = async (offset: number): Promise<void> => void offsets.push(offset);
      const create = async () => ({ write, finish: async () => {}, abort: async () => {} });
      const sink = await writeOmeTiff({ ...memoryFiles(), create }, 'a.ome.tif', { ...info, axes: 'zyx', shape });
      await sink.write({ start: [0, 0, 0], shape: [1, 512, 512] }, new Uint8Array(512 * 512));
      return offsets[0];
    };
    expect(await offsetOfFirstTile([16_000, 512, 512])).toBe(8);
    expect(await offsetOfFirstTile([16_400, 512, 512])).toBe(16);
  });

  test('leaves nothing where it was given up, and no file before its end', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lamella-given-up-'));
    const sink = await writeOmeTiff(nodeFiles, join(folder, 'a.ome.tif'), info);
    await sink.write({ start: [0, 0], shape: [512, 40] }, new Uint8Array(512 * 40));
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/\.tmp$/)]);
    await expect(sink.finish()).rejects.toThrow('1 of 2 parts of the image were not written');
    await sink.abort();
    expect(readdirSync(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  test.each(['uint64', 'int64', 'float16', 'bool'] as const)('%s is refused', async (dtype) => {
    await expect(writeOmeTiff(memoryFiles(), 'a.ome.tif', { ...info, dtype })).rejects.toThrow(UsageError);
  });
});
