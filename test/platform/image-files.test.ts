import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readImage } from '../../src/image/read.ts';
import { readImageFile } from '../../src/platform/node/image-files.ts';
import { dataFolder, describeWithData } from '../support/data.ts';

describeWithData('image files read through Node as from plain bytes', () => {
  // `readFile` gives a Buffer, whose `slice` makes no copy: JPEG in TIFF and undone predictors notice.
  test.each([
    'exampletiffs/shapes_jpg.tif',
    'image-rs_tiff/tests/images/quad-tile.jpg.tiff',
    'image-rs_tiff/tests/images/tiled-jpeg-ycbcr.tif',
    'exampletiffs/shapes_uncompressed.tif',
  ])('%s', async (name) => {
    const path = join(dataFolder(), 'formats', name);
    const expected = await readImage(Uint8Array.from(await readFile(path)), path);
    expect(await readImageFile(path)).toEqual(expected);
  });
});

test('bytes of a Buffer are left as they were', async () => {
  // 2 x 1, 8 bits, uncompressed with predictor 2, which is undone in place: 5, 5 + 3.
  const entries = [
    [256, 2],
    [257, 1],
    [258, 8],
    [259, 1],
    [262, 1],
    [273, 8],
    [277, 1],
    [278, 1],
    [279, 2],
    [317, 2],
  ] as const;
  const bytes = Buffer.alloc(10 + 2 + entries.length * 12 + 4);
  bytes.write('II*\0', 'latin1');
  bytes.writeUInt32LE(10, 4);
  bytes.set([5, 3], 8);
  bytes.writeUInt16LE(entries.length, 10);
  for (const [i, [tag, value]] of entries.entries()) {
    bytes.writeUInt16LE(tag, 12 + i * 12);
    bytes.writeUInt16LE(4, 14 + i * 12);
    bytes.writeUInt32LE(1, 16 + i * 12);
    bytes.writeUInt32LE(value, 20 + i * 12);
  }
  const before = Uint8Array.from(bytes);
  expect([...(await readImage(bytes, 'a.tif')).data]).toEqual([5, 8]);
  expect(Uint8Array.from(bytes)).toEqual(before);
});
