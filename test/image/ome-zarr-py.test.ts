/** Stores as ome-zarr-py writes them (scripts/golden/ngff.py): an image of two channels, and its labels, at three levels. */

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { strFromU8, unzipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { crc32 } from '../../src/array/crc32.ts';
import { listImageSources, pairListing } from '../../src/dataset/discover/sources.ts';
import { readOmeZarr } from '../../src/image/read.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { memoryFiles } from '../../src/workflows/memory-files.ts';

import { dataFolder, describeWithData } from '../support/data.ts';

interface Stored {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly crc32: number;
}

const { written: golden, samples } = JSON.parse(readFileSync('test/golden/ome_zarr.json', 'utf8')) as {
  readonly written: Record<string, Stored>;
  readonly samples: Record<string, Stored>;
};
const files = memoryFiles(unzipSync(readFileSync('test/golden/ome_zarr.zip')));

describe.each(['v04.ome.zarr', 'v05.ome.zarr'])('%s', (store) => {
  test.each([store, `${store}/labels/cells`])(
    '%s has the values that zarr-python reads, at every level',
    async (path) => {
      for (const level of [0, 1, 2]) {
        const image = await readOmeZarr(files, path, path, { level });
        const { shape, dtype, crc32: expected } = golden[`${path}/s${level}`] as Stored;
        expect(image).toMatchObject({ shape, dtype });
        expect(crc32(new Uint8Array(image.data.buffer, 0, image.data.byteLength))).toBe(expected);
        const step = { value: 0.5 * 2 ** level, unit: 'µm' };
        expect(image.spacing).toEqual({ y: step, x: step });
      }
    },
  );

  test('has the names of its channels, and its labels belong to it', async () => {
    expect((await readOmeZarr(files, store, store)).channels).toEqual(['cells', 'noise']);
    const { pairing } = pairListing(await listImageSources(files, store));
    expect(pairing.pairs).toEqual([{ image: store, label: `${store}/labels/cells.zarr` }]);
  });
});

test('what was written is known', () => {
  expect(
    strFromU8(unzipSync(readFileSync('test/golden/ome_zarr.zip'))['v05.ome.zarr/zarr.json'] as Uint8Array),
  ).toContain('"0.5"');
  expect(Object.keys(golden)).toHaveLength(12);
});

describeWithData('the sample folders', () => {
  /** Nothing of it is stored: its repository left out the files. */
  const EMPTY = 'image-04.zarr';
  /** By the path of its group: the arrays of each image, the full resolution first. */
  const images = new Map<string, Stored[]>();
  for (const [path, stored] of Object.entries(samples)) {
    const group = dirname(path);
    images.set(group, [...(images.get(group) ?? []), stored]);
  }
  const stores = [...images].map(([group, levels]) => [group, levels] as const);

  test.each(stores.filter(([group]) => !group.endsWith(EMPTY)))(
    '%s has the values that zarr-python reads',
    async (group, levels) => {
      for (const [level, stored] of levels.entries()) {
        const image = await readOmeZarr(nodeFiles, join(dataFolder(), group), group, { level });
        expect(image.shape).toEqual(stored.shape.filter((length, i) => length > 1 || i >= stored.shape.length - 2));
        expect(image.bitDepth === 1 ? 'bool' : image.dtype).toBe(stored.dtype);
        expect(crc32(new Uint8Array(image.data.buffer, 0, image.data.byteLength))).toBe(stored.crc32);
      }
    },
  );

  test('a store of which no chunk is there is refused', async () => {
    const [group = ''] = stores.find(([path]) => path.endsWith(EMPTY)) ?? [];
    await expect(readOmeZarr(nodeFiles, join(dataFolder(), group), group)).rejects.toThrow(
      'none of the 8 files of this array is there: nothing of the image is stored',
    );
  });
});
