/** OME-Zarr stores that Lamella writes, against what zarr-python reads of them. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { crc32 } from '../../src/array/crc32.ts';
import type { DType } from '../../src/array/ndarray.ts';
import { writeOmeZarr } from '../../src/image/formats/zarr/write.ts';
import { readOmeZarr } from '../../src/image/read.ts';
import type { ImageInfo } from '../../src/image/source.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { askPeer, describeWithPeers } from '../support/peers.ts';
import { pattern, writeAll } from '../support/write-all.ts';

interface Stored {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly crc32: number;
  readonly chunks: readonly number[];
  readonly shards: readonly number[];
}

const DTYPES = [
  'bool',
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
] as const satisfies readonly DType[];

const SHAPES = [
  ['yx', [1, 1]],
  ['yx', [513, 1025]],
  ['yx', [4100, 600]],
  ['cyx', [3, 600, 40]],
  ['zyx', [70, 65, 530]],
  ['tczyx', [2, 3, 5, 66, 10]],
] as const;

describeWithPeers('stores that Lamella writes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lamella-stores-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let read: Record<string, Stored> = {};
  const expected: Record<string, { readonly dtype: DType; readonly shape: readonly number[]; readonly crc32: number }> =
    {};

  const add = async (name: string, dtype: DType, axes: string, shape: readonly number[], labels = false) => {
    const info: ImageInfo = {
      dtype,
      axes,
      shape,
      spacing: { y: { value: 1, unit: 'µm' }, x: { value: 1, unit: 'µm' } },
    };
    const data = pattern({ ...info, dtype });
    const path = join(folder, name);
    await writeAll(await writeOmeZarr(nodeFiles, path, info, { labels }), data);
    const { levels = [info] } = await readOmeZarr(nodeFiles, path, path);
    for (const level of levels.keys()) {
      const image = await readOmeZarr(nodeFiles, path, path, { level });
      expected[`${name}/${level}`] = {
        dtype,
        shape: image.shape,
        crc32: crc32(new Uint8Array(image.data.buffer, image.data.byteOffset, image.data.byteLength)),
      };
    }
    expect(expected[`${name}/0`]?.crc32).toBe(crc32(new Uint8Array(data.buffer)));
  };

  beforeAll(async () => {
    for (const dtype of DTYPES) await add(`${dtype}.zarr`, dtype, 'yx', [61, 1030], dtype === 'bool');
    for (const [axes, shape] of SHAPES) await add(`${axes}-${shape.join('-')}.zarr`, 'uint16', axes, shape);
    await add('uint16.zarr/labels/cells', 'uint32', 'yx', [61, 1030]);
    read = askPeer('read_stores.py', folder);
  });

  test('have the values that zarr-python reads, at every level', () => {
    const found = Object.entries(read).map(([path, { dtype, crc32 }]) => [path, { dtype, crc32 }]);
    const ours = Object.entries(expected).map(([path, { dtype, crc32 }]) => [path, { dtype, crc32 }]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(ours));
    expect(found.length).toBeGreaterThan(30);
  });

  test('are sharded', () => {
    expect(read['yx-4100-600.zarr/0']).toMatchObject({ shape: [4100, 600], chunks: [512, 512], shards: [4096, 1024] });
    expect(read['zyx-70-65-530.zarr/0']).toMatchObject({ chunks: [64, 64, 64], shards: [128, 128, 512] });
  });
});
