/** The one way from an image to a network's input, for training, prediction and explanation. */
import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { rawDataset } from '../../src/dataset/raw.ts';
import type { Image } from '../../src/image/image.ts';
import { fitInput, inputNotes, inputPages, prepareInput } from '../../src/input/network-input.ts';

/** Two pixels in a row; `flipped` as a file has them whose x runs to the patient's right. */
const row = (values: readonly number[], flipped: boolean): Image => ({
  ...ndarray('uint8', [1, 1, values.length], Uint8Array.from(values)),
  axes: 'zyx',
  spacing: { x: { value: 2, unit: 'mm' }, y: { value: 2, unit: 'mm' }, z: { value: 1, unit: 'mm' } },
  geometry: {
    originMm: [flipped ? 2 * (values.length - 1) : 0, 0, 0],
    direction: [
      [flipped ? -1 : 1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
  },
  source: 'a.nii',
});

const upright = row([10, 20, 40], false);
const flipped = row([40, 20, 10], true);

describe('inputPages', () => {
  it('gives the same page whichever way the file runs, and says how to turn results back', () => {
    expect([...(inputPages(upright).pages[0]?.data ?? [])]).toEqual([10, 20, 40]);
    expect([...(inputPages(flipped).pages[0]?.data ?? [])]).toEqual([10, 20, 40]);
    expect(inputPages(upright).map).toBeUndefined();
    expect(inputPages(flipped).map?.[0]).toEqual({ from: 0, reversed: true });
  });

  it('is how images in memory are trained on: as they are predicted, labels with them', () => {
    const raw = rawDataset([{ image: flipped, label: { ...row([2, 1, 0], true), source: 'label.nii' } }]);
    expect([...(raw.pages[0]?.data ?? [])]).toEqual([10, 20, 40]);
    expect([...(raw.pages[0]?.label.values ?? [])]).toEqual([0, 1, 2]);
    // Labels that say where they lie are brought onto the image.
    const aligned = rawDataset([{ image: flipped, label: row([0, 1, 2], false) }]);
    expect([...(aligned.pages[0]?.label.values ?? [])]).toEqual([0, 1, 2]);
  });
});

it('prepares a page by the rule fitted to it, and says where pixels are of another size', () => {
  const { pages } = inputPages(upright);
  const { input, reasons } = fitInput([{ ...(pages[0] as (typeof pages)[number]), pixelMm: [2, 2] }], {
    normalisation: { range: [0, 40] },
  });
  expect([...prepareInput(pages[0] as (typeof pages)[number], input)]).toEqual([-0.5, 0, 1]);
  expect(reasons).toEqual(['channels: 1, all images are grey', 'normalisation: 0..40, as given']);
  const [page] = pages as [(typeof pages)[number]];
  expect(inputNotes(upright, page, input)).toEqual([]);
  expect(
    inputNotes({ ...upright, spacing: { y: { value: 8, unit: 'mm' }, x: { value: 8, unit: 'mm' } } }, page, input),
  ).toHaveLength(1);
});
