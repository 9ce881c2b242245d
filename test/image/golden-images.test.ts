import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { crc32 } from '../../src/array/crc32.ts';
import { FormatError } from '../../src/errors.ts';
import type { Image } from '../../src/image/image.ts';
import { readImage } from '../../src/image/read.ts';
import { dataFolder, describeWithData } from '../support/data.ts';

interface Expected {
  readonly unread?: string;
  readonly dtype: string;
  readonly axes: string;
  readonly shape: readonly number[];
  readonly crc32: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly picks: readonly (readonly [number, string])[];
  readonly bitDepth?: number;
}

/** Made by scripts/golden/images.py with tifffile, imagecodecs and Pillow. */
const golden: { readonly images: Readonly<Record<string, Expected>> } = JSON.parse(
  readFileSync(new URL('../golden/images.json', import.meta.url), 'utf8'),
);

/** What is not read, and why: part of the contract. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  'exampletiffs/shapes_multi_color.tif': /5 pages differ .*palette/,
  'exampletiffs/shapes_multi_size.tif': /2 pages differ \(128 x 72 x 3 uint8; 64 x 36 x 3 uint8\)/,
  'image-js_tiff/img/dog.tiff': /8 pages differ/,
  'image-rs_tiff/tests/images/big_g4.tif': /CCITT fax group 4 is not supported/,
  'image-rs_tiff/tests/images/fax4.tiff': /CCITT fax group 4 is not supported/,
  'image-rs_tiff/tests/images/imagemagick_group4.tiff': /CCITT fax group 4 is not supported/,
  'image-rs_tiff/tests/images/seq/seq-1c-1b-fax3-71f6a21a.tiff': /CCITT fax group 3 is not supported/,
  'image-rs_tiff/tests/images/seq/seq-1c-1b-fax3-fillbits-71f6a21a.tiff': /CCITT fax group 3 is not supported/,
  'image-rs_tiff/tests/images/seq/seq-1c-1b-fax3-lsb-71f6a21a.tiff': /CCITT fax group 3 is not supported/,
  'image-rs_tiff/tests/images/logluv-3c-16b.tiff': /SGI LogLuv is not supported/,
};

/** The bits as they lie in memory, which the golden checksum is of (little-endian machines, as all that run this). */
function checksum({ data }: Image): number {
  return crc32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

describeWithData('sample files against independent readers', () => {
  for (const [name, expected] of Object.entries(golden.images)) {
    const read = () => readImage(new Uint8Array(readFileSync(join(dataFolder(), 'formats', name))), name);
    const reason = REFUSED[name];
    if (reason !== undefined) {
      it(`${name} is refused`, async () => {
        const error = await read().then(
          () => undefined,
          (cause: unknown) => cause,
        );
        expect(error).toBeInstanceOf(FormatError);
        expect((error as FormatError).message).toMatch(reason);
        expect((error as FormatError).message).toContain(name);
        expect((error as FormatError).remedy).toMatch(/^Save /);
      });
      continue;
    }
    it(`${name} reads`, async () => {
      expect(expected.unread).toBeUndefined();
      const image = await read();
      const { dtype, axes, shape, bitDepth } = image;
      expect({ dtype, axes, shape, bitDepth }).toEqual({
        dtype: expected.dtype,
        axes: expected.axes,
        shape: expected.shape,
        bitDepth: expected.bitDepth,
      });
      if (dtype !== 'float16') {
        // Says more than a checksum when it fails.
        expect(expected.picks.map(([i]) => Number(image.data[i]))).toEqual(expected.picks.map(([, v]) => Number(v)));
      }
      expect(checksum(image)).toBe(expected.crc32);
    });
  }

  it('every refused file is among the samples', () => {
    expect(Object.keys(golden.images)).toEqual(expect.arrayContaining(Object.keys(REFUSED)));
  });
});
