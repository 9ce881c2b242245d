import { describe, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { prepareDataset } from '../../src/dataset/prepare.ts';
import { rawDataset, withVoxelMm } from '../../src/dataset/raw.ts';
import type { Image } from '../../src/image/image.ts';
import { nearestLevel, pixelSizeNote, pixelSizes, scaleToTrained } from '../../src/input/pixel-size.ts';

const spaced = (value: number, unit: string): Pick<Image, 'spacing'> => ({
  spacing: { y: { value, unit }, x: { value, unit } },
});

describe('the pixel sizes of training images', () => {
  test('are the least and the most of all, by the side of a square of the same area', () => {
    expect(pixelSizes([{ pixelMm: [2, 2] }, { pixelMm: [1, 4] }, { pixelMm: [0.5, 0.5] }])).toEqual([0.5, 2]);
  });

  test('are unknown where one is', () => {
    expect(pixelSizes([{ pixelMm: [2, 2] }, {}])).toBeUndefined();
    expect(pixelSizes([])).toBeUndefined();
  });

  test('go with the input of the network, as the files have them or as they are given', () => {
    const samples = [0, 1, 2].map((seed) => ({
      image: {
        ...ndarray(
          'uint8',
          [16, 16],
          Uint8Array.from({ length: 256 }, (_, p) => (p * 7 + seed) % 251),
        ),
        axes: 'yx',
        ...spaced(0.25, 'µm'),
      },
      label: {
        ...ndarray(
          'uint8',
          [16, 16],
          Uint8Array.from({ length: 256 }, (_, p) => (p % 5 === 0 ? 1 : 0)),
        ),
        axes: 'yx',
        spacing: {},
      },
    }));
    const raw = rawDataset(samples);
    expect(prepareDataset(raw).input.pixelMm).toEqual([0.00025, 0.00025]);
    expect(prepareDataset(withVoxelMm(raw, [null, 2, 2])).input.pixelMm).toEqual([2, 2]);
    const unsaid = { ...raw, pages: raw.pages.map(({ pixelMm, ...page }) => page) };
    expect(prepareDataset(unsaid).input.pixelMm).toBeUndefined();
  });
});

describe('an image whose pixels are of another size', () => {
  test('is noted beyond a quarter more or less, in the unit that suits', () => {
    expect(pixelSizeNote([0.9, 1], spaced(3.9, 'mm'))).toMatch(
      /^its pixels are 3\.9 mm wide, those of the training images 0\.9 mm to 1 mm: everything appears 3\.9 times smaller/,
    );
    expect(pixelSizeNote([0.0005, 0.0005], spaced(0.25, 'µm'))).toMatch(
      /^its pixels are 0\.25 µm wide, those of the training images 0\.5 µm: everything appears 2\.0 times larger/,
    );
    expect(pixelSizeNote([4e-6, 4e-6], spaced(8, 'nm'))).toContain('8 nm wide');
  });

  test('is enlarged or reduced to the nearest of the trained sizes, if that is asked for', () => {
    expect(scaleToTrained([0.5, 1], spaced(4, 'mm'))).toBe(4);
    expect(scaleToTrained([0.5, 1], spaced(125, 'µm'))).toBe(0.25);
    for (const size of [0.41, 0.5, 0.7, 1.25]) expect(scaleToTrained([0.5, 1], spaced(size, 'mm'))).toBe(1);
    expect(scaleToTrained([0.5, 1], { spacing: {} })).toBe(1);
    expect(scaleToTrained(undefined, spaced(4, 'mm'))).toBe(1);
    expect(pixelSizeNote([1, 1], spaced(4, 'mm'), { resample: true })).toBe(
      'its pixels are 4 mm wide, those of the training images 1 mm: it is predicted at that size, 4.0 times enlarged.',
    );
    expect(pixelSizeNote([1, 1], spaced(0.5, 'mm'), { resample: true })).toContain('2.0 times reduced.');
  });

  test('is not noted within a quarter, nor where one of the two is not known', () => {
    expect(pixelSizeNote([1, 1], spaced(1.25, 'mm'))).toBeUndefined();
    expect(pixelSizeNote([1, 1], spaced(0.8, 'mm'))).toBeUndefined();
    expect(pixelSizeNote([1, 1], spaced(1.26, 'mm'))).toBeDefined();
    expect(pixelSizeNote([1, 1], spaced(0.79, 'mm'))).toBeDefined();
    expect(pixelSizeNote([1, 1], { spacing: {} })).toBeUndefined();
    expect(pixelSizeNote([1, 1], spaced(4, 'furlong'))).toBeUndefined();
    expect(pixelSizeNote(undefined, spaced(4, 'mm'))).toBeUndefined();
  });
});

describe('nearestLevel', () => {
  const um = (value: number) => ({ value, unit: 'µm' });
  const levels = [0.25, 0.5, 1, 2].map((side) => ({ spacing: { y: um(side), x: um(side) } }));
  test.each([
    [0.00025, 0.00025, 0],
    [0.0001, 0.0001, 0],
    // 0.6 µm is 1.2 times 0.5, and 1 is 1.67 times 0.6; nearer to 1 by ratio from sqrt(0.5) = 0.707 µm on.
    [0.0006, 0.0006, 1],
    [0.0007, 0.0007, 1],
    [0.00072, 0.00072, 2],
    [0.01, 0.01, 3],
    // The finest of those within what was trained on.
    [0.0004, 0.0012, 1],
  ])('of images of %f to %f mm is %i', (least, most, level) => {
    expect(nearestLevel([least, most], levels)).toBe(level);
  });
  test('is the full one if a size is unknown', () => {
    expect(nearestLevel(undefined, levels)).toBe(0);
    expect(nearestLevel([0.001, 0.001], [{ spacing: {} }, { spacing: {} }])).toBe(0);
  });
});
