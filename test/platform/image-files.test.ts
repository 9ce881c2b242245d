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
  // One float32, uncompressed with predictor 3, which is undone in place.
  const entries = [
    [256, 1],
    [257, 1],
    [258, 32],
    [259, 1],
    [262, 1],
    [273, 8],
    [277, 1],
    [278, 1],
    [279, 4],
    [317, 3],
    [339, 3],
  ] as const;
  const bytes = Buffer.alloc(12 + 2 + entries.length * 12 + 4);
  bytes.write('II*\0', 'latin1');
  bytes.writeUInt32LE(12, 4);
  bytes.set([0x3f, 0x41, 0, 0], 8);
  bytes.writeUInt16LE(entries.length, 12);
  for (const [i, [tag, value]] of entries.entries()) {
    bytes.writeUInt16LE(tag, 14 + i * 12);
    bytes.writeUInt16LE(4, 16 + i * 12);
    bytes.writeUInt32LE(1, 18 + i * 12);
    bytes.writeUInt32LE(value, 22 + i * 12);
  }
  const before = Uint8Array.from(bytes);
  // 3f, 3f + 41 = 80, 80, 80: most significant byte first.
  const value = Buffer.from([0x3f, 0x80, 0x80, 0x80]).readFloatBE();
  expect([...(await readImage(bytes, 'a.tif')).data]).toEqual([value]);
  expect(Uint8Array.from(bytes)).toEqual(before);
});
