import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import { readImage } from '../../src/image/read.ts';

interface Case {
  readonly file: string;
  readonly axes: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly spacing: Readonly<Record<string, readonly [number, string]>>;
  readonly values: string;
  readonly channels?: readonly string[];
  readonly notes?: readonly string[];
}

/** Made by scripts/golden/image_files.py with tifffile. */
const golden: Readonly<Record<string, Case>> = JSON.parse(
  readFileSync(new URL('../golden/image_files.json', import.meta.url), 'utf8'),
);

/** Bytes at the beginning of their own buffer, so that typed arrays of any width can look at them. */
const allocated = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));

describe('TIFF files written by tifffile', () => {
  for (const [name, expected] of Object.entries(golden)) {
    it(name, async () => {
      const image = await readImage(allocated(expected.file), `${name}.tif`);
      expect({ axes: image.axes, shape: image.shape, dtype: image.dtype }).toEqual({
        axes: expected.axes,
        shape: expected.shape,
        dtype: expected.dtype,
      });
      const spacing = Object.fromEntries(
        Object.entries(image.spacing).map(([axis, { value, unit }]) => [axis, [Number(value.toPrecision(9)), unit]]),
      );
      expect(spacing).toEqual(expected.spacing);
      if (expected.channels !== undefined) expect(image.channels).toEqual(expected.channels);
      expect(image.notes ?? []).toEqual((expected.notes ?? []).map((note) => expect.stringContaining(note)));
      const { buffer, byteOffset, length } = allocated(expected.values);
      const Values = image.data.constructor as new (
        buffer: ArrayBufferLike,
        at: number,
        length: number,
      ) => typeof image.data;
      expect(image.data).toEqual(new Values(buffer, byteOffset, length / image.data.BYTES_PER_ELEMENT));
    });

    it(`${name}, written and read again`, async () => {
      // Notes and the arrangement of colours are of the file, not of the image.
      const { notes: _, colourPlanes: __, ...image } = await readImage(allocated(expected.file), `${name}.tif`);
      for (const compression of ['deflate', 'none'] as const) {
        const again = await readImage(writeTiff(image, { compression }), `${name}.tif`);
        expect(again).toEqual(image);
      }
    });
  }
});

it('a palette of 16 bits, as colours and as indices', async () => {
  // Label images of tifffile with a colour per number: little-endian, one strip of 2 x 1 pixels, the colours behind it.
  const entries = 2 ** 16;
  const tags = [
    [256, 4, 1, 2],
    [257, 4, 1, 1],
    [258, 3, 1, 16],
    [259, 3, 1, 1],
    [262, 3, 1, 3],
    [273, 4, 1, 256],
    [277, 3, 1, 1],
    [278, 4, 1, 1],
    [279, 4, 1, 4],
    [320, 3, 3 * entries, 260],
  ] as const;
  const view = new DataView(new ArrayBuffer(260 + 6 * entries));
  view.setUint32(0, 0x2a_49_49, true);
  view.setUint32(4, 8, true);
  view.setUint16(8, tags.length, true);
  for (const [i, [tag, type, count, value]] of tags.entries()) {
    view.setUint16(10 + 12 * i, tag, true);
    view.setUint16(12 + 12 * i, type, true);
    view.setUint32(14 + 12 * i, count, true);
    view.setUint32(18 + 12 * i, value, true);
  }
  for (const [p, index] of [7, 40_000].entries()) {
    view.setUint16(256 + 2 * p, index, true);
    for (let k = 0; k < 3; k++) view.setUint16(260 + 2 * (k * entries + index), 257 * (10 * k + p), true);
  }
  const bytes = new Uint8Array(view.buffer);
  const indices = await readImage(bytes, 'a.tif', { palette: 'index' });
  expect([...indices.data]).toEqual([7, 40_000]);
  expect(indices.palette?.[40_000]).toEqual([1, 11, 21]);
  const colours = await readImage(bytes, 'a.tif');
  expect(colours).toMatchObject({ dtype: 'uint8', axes: 'cyx', shape: [3, 1, 2] });
  expect([...colours.data]).toEqual([0, 1, 10, 11, 20, 21]);
});

it('one page of a stack is read alone, with the pixel size of the file', async () => {
  const { file } = golden['imagej hyperstack'] as Case;
  const whole = await readImage(allocated(file), 'stack.tif');
  // Pages in the file: t z c, here t 0, z 1, c 2 of 3 channels and 4 slices; in the image t c z.
  const one = await readImage(allocated(file), 'stack.tif', { page: 1 * 3 + 2 });
  expect(one).toMatchObject({ axes: 'yx', shape: [5, 6], dtype: 'uint16' });
  expect(one.data).toEqual(whole.data.slice((2 * 4 + 1) * 30, (2 * 4 + 2) * 30));
  expect(one.spacing).toEqual({ x: { value: 0.25, unit: 'µm' }, y: { value: 0.5, unit: 'µm' } });
  expect(one.notes).toBeUndefined();
  await expect(readImage(allocated(file), 'stack.tif', { page: 24 })).rejects.toThrow(
    /stack.tif: page 24 does not exist; the file has 24/,
  );
});
