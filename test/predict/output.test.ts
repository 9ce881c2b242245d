import { describe, expect, test } from 'vitest';
import { float32, ndarray } from '../../src/array/ndarray.ts';
import { UsageError } from '../../src/errors.ts';
import { OKABE_ITO } from '../../src/image/display.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image } from '../../src/image/image.ts';
import { readImage } from '../../src/image/read.ts';
import { labelImage, outlines, overlayImage, probabilityImage } from '../../src/predict/output.ts';

const spacing = { y: { value: 4, unit: 'nm' }, x: { value: 4, unit: 'nm' } };

/** Two classes over 1 x 4 pixels. */
const two: Image<'float32'> = {
  ...float32([2, 1, 4], [1, 0.75, 0.5, 0, 0, 0.25, 0.5, 1]),
  axes: 'cyx',
  spacing,
  channels: ['membrane', 'cell'],
};
/** Three classes in a stack of two pages of 1 x 2 pixels. */
const three: Image<'float32'> = {
  ...float32([3, 2, 1, 2], [0.5, 0.2, 0.1, 0.4, 0.3, 0.2, 0.8, 0.2, 0.2, 0.6, 0.1, 0.4]),
  axes: 'czyx',
  spacing: {},
};

describe('probabilities', () => {
  test('of two classes the second, in 8 bits by default', () => {
    const image = probabilityImage(two);
    expect(image).toMatchObject({ dtype: 'uint8', shape: [1, 4], axes: 'yx', spacing });
    expect([...image.data]).toEqual([0, 64, 128, 255]);
  });
  test('in 16 bits and as they are', () => {
    expect([...probabilityImage(two, { depth: 'uint16', classes: 0 }).data]).toEqual([65535, 49151, 32768, 0]);
    expect([...probabilityImage(two, { depth: 'float32' }).data]).toEqual([0, 0.25, 0.5, 1]);
  });
  test('of more classes all, as channels', () => {
    expect(probabilityImage(three)).toMatchObject({ axes: 'czyx', shape: [3, 2, 1, 2] });
    const last = probabilityImage(three, { classes: 2, depth: 'float32' });
    expect(last).toMatchObject({ axes: 'zyx', shape: [2, 1, 2] });
    expect([...last.data].map((p) => Math.round(10 * p))).toEqual([2, 6, 1, 4]);
    expect(() => probabilityImage(three, { classes: 3 })).toThrow(UsageError);
  });
  test('written and read they keep axes, pixel size and values', async () => {
    const png = await readImage(writePng(probabilityImage(two)), 'p.png');
    expect(png).toMatchObject({ shape: [1, 4], dtype: 'uint8' });
    expect([...png.data]).toEqual([0, 64, 128, 255]);
    const tiff = await readImage(writeTiff(probabilityImage(two, { depth: 'float32' })), 'p.tif');
    expect([...tiff.data]).toEqual([0, 0.25, 0.5, 1]);
    expect(tiff.spacing.x?.unit).toBe('nm');
    expect(tiff.spacing.x?.value).toBeCloseTo(4, 6);
  });
});

describe('label maps', () => {
  test('the more probable class, the first of equals', () => {
    expect([...labelImage(two).data]).toEqual([0, 0, 0, 1]);
    expect(labelImage(three)).toMatchObject({ axes: 'zyx', shape: [2, 1, 2] });
    expect([...labelImage(three).data]).toEqual([0, 2, 1, 0]);
  });
  test('above a threshold, written as the values of the masks', () => {
    expect([...labelImage(two, { threshold: 0.25 }).data]).toEqual([0, 0, 1, 1]);
    expect([...labelImage(two, { threshold: 0.2, values: [0, 255] }).data]).toEqual([0, 255, 255, 255]);
    expect(() => labelImage(three, { threshold: 0.5 })).toThrow(UsageError);
    expect(labelImage(two, { values: [0, 1000] }).dtype).toBe('uint16');
  });
});

describe('overlay', () => {
  test('outlines lie inside the object; the border of the picture is none', () => {
    // biome-ignore format: a picture
    const labels = ndarray('uint8', [4, 4], Uint8Array.from([
      0, 0, 0, 0,
      0, 1, 1, 1,
      0, 1, 1, 1,
      0, 1, 1, 1,
    ]));
    // biome-ignore format: a picture
    expect([...outlines(labels)]).toEqual([
      0, 0, 0, 0,
      0, 1, 1, 1,
      0, 1, 0, 0,
      0, 1, 0, 0,
    ]);
    expect([...outlines(labels, 2)].filter((value) => value === 1)).toHaveLength(8);
  });
  test('keeps pages and turns 16-bit grey into RGB', () => {
    const image: Image = {
      ...ndarray('uint16', [2, 1, 3], Uint16Array.from([0, 500, 1000, 1000, 1000, 0])),
      axes: 'zyx',
      spacing,
    };
    const labels: Image<'uint8'> = {
      ...ndarray('uint8', [2, 1, 3], Uint8Array.from([0, 0, 1, 0, 0, 0])),
      axes: 'zyx',
      spacing: {},
    };
    const overlay = overlayImage(image, labels);
    expect(overlay).toMatchObject({ axes: 'czyx', shape: [3, 2, 1, 3], spacing });
    const pixel = (z: number, x: number) => [0, 1, 2].map((c) => overlay.data[(c * 2 + z) * 3 + x]);
    expect(pixel(0, 0)).toEqual([0, 0, 0]);
    expect(pixel(0, 1)).toEqual([128, 128, 128]);
    expect(pixel(0, 2)).toEqual([...OKABE_ITO.orange]);
    expect(pixel(1, 2)).toEqual([0, 0, 0]);
    expect(() => overlayImage(image, { ...labels, shape: [2, 3, 1] })).toThrow(UsageError);
  });
});
