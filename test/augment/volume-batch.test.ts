import { describe, expect, test } from 'vitest';
import { makeBatch } from '../../src/augment/batch.ts';
import { augmentSettings, NO_AUGMENTATION } from '../../src/augment/options.ts';
import { makeAnyBatch, makeVolumeSample, type VolumeSampleOptions } from '../../src/augment/volume-batch.ts';
import { annotatedRows } from '../../src/dataset/annotated.ts';
import { IGNORE } from '../../src/dataset/labels/labels.ts';
import { focusIndex, type TrainingPage, type TrainingSet } from '../../src/dataset/patch-position.ts';

const [SIDE, DEPTH] = [12, 6];

/** Slice z of volume v holds v * 1000 + z * 10 everywhere. */
function setOf({ annotated = () => true }: { readonly annotated?: (z: number) => boolean } = {}): TrainingSet {
  const pages = [0, 1].flatMap((volume) =>
    Array.from({ length: DEPTH }, (_, z): TrainingPage => {
      const label = new Uint8Array(SIDE * SIDE).fill(annotated(z) ? z % 2 : IGNORE);
      const page = { name: `v${volume}[${z}]`, height: SIDE, width: SIDE, label };
      return {
        ...page,
        image: new Float32Array(SIDE * SIDE).fill(1000 * volume + 10 * z),
        annotatedRows: annotatedRows(page),
      };
    }),
  );
  return {
    pages,
    channels: 1,
    classCount: 2,
    classWeights: [1, 3],
    focus: focusIndex(pages, [0.5, 0.5]),
    volumes: [
      { first: 0, slices: DEPTH },
      { first: DEPTH, slices: DEPTH },
    ],
  };
}

const options = (given: Partial<VolumeSampleOptions> = {}): VolumeSampleOptions => ({
  seed: 1,
  patch: [8, 8],
  slices: 4,
  batch: 2,
  outputMargin: 0,
  focusFraction: 0.33,
  augment: augmentSettings(NO_AUGMENTATION),
  ...given,
});

/** The value of each slice of a sample, which is the same at all its pixels. */
function slicesOf(image: Float32Array, slices: number): number[] {
  const pixels = image.length / slices;
  return Array.from({ length: slices }, (_, z) => {
    const plane = image.subarray(z * pixels, (z + 1) * pixels);
    expect(new Set(plane).size).toBe(1);
    return plane[0] as number;
  });
}

describe('patches of volumes', () => {
  test('are consecutive slices of one volume, mirrored at its ends, with labels and weights of the same slices', () => {
    const seen = new Set<number>();
    for (let step = 0; step < 40; step++) {
      const { image, label, weight } = makeVolumeSample(setOf(), step, 0, options());
      const values = slicesOf(image, 4);
      const volume = Math.floor((values[0] as number) / 1000);
      const numbers = values.map((value) => (value - 1000 * volume) / 10);
      for (const [i, z] of numbers.entries()) {
        expect(z).toBeGreaterThanOrEqual(0);
        expect(z).toBeLessThan(DEPTH);
        // One further, or the same twice where the volume is mirrored.
        if (i > 0) expect(Math.abs(z - (numbers[i - 1] as number))).toBeLessThanOrEqual(1);
        expect(label[i * 64]).toBe(z % 2);
        expect(weight[i * 64]).toBe(z % 2 === 1 ? 3 : 1);
        seen.add(values[i] as number);
      }
    }
    expect(seen.size, 'every slice of both volumes').toBe(2 * DEPTH);
  });

  test('are mirrored along the depth in half of the samples if flips are on, and only then', () => {
    const order = (flip: boolean): number[] =>
      Array.from({ length: 60 }, (_, step) => {
        const augment = augmentSettings({ ...NO_AUGMENTATION, flip });
        const values = slicesOf(makeVolumeSample(setOf(), step, 0, options({ augment })).image, 4);
        return Math.sign((values[2] as number) - (values[1] as number));
      });
    expect(order(false).every((sign) => sign >= 0)).toBe(true);
    const reversed = order(true).filter((sign) => sign < 0).length;
    expect(reversed).toBeGreaterThan(15);
    expect(reversed).toBeLessThan(45);
  });

  test('move all slices by one field', () => {
    const pages = setOf().pages.map((page) => ({
      ...page,
      image: Float32Array.from({ length: SIDE * SIDE }, (_, p) => Math.sin(p) + 0 * page.height),
    }));
    const augment = augmentSettings({ intensityFraction: 0, warpFraction: 1 });
    const { image } = makeVolumeSample({ ...setOf(), pages }, 3, 0, options({ augment }));
    const first = image.subarray(0, 64);
    for (let z = 1; z < 4; z++) expect(image.subarray(64 * z, 64 * (z + 1))).toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(32);
  });

  test('hold an annotated slice where only some are', () => {
    const set = setOf({ annotated: (z) => z === 2 });
    for (const slices of [1, 2, 5, 6, 8]) {
      for (let step = 0; step < 30; step++) {
        const { label, weight } = makeVolumeSample(set, step, 0, options({ slices }));
        expect(label.some((value) => value !== IGNORE)).toBe(true);
        expect(weight.every((value, p) => (value === 0) === (label[p] === IGNORE))).toBe(true);
      }
    }
  });

  test('are the same bits for the same step; batches of pages stay as they are', () => {
    const set = setOf();
    const augment = augmentSettings();
    const batch = makeAnyBatch(set, 7, options({ augment }));
    expect(batch).toEqual(makeAnyBatch(setOf(), 7, options({ augment })));
    expect(batch.images).toHaveLength(2 * 4 * 64);
    expect(batch.images.subarray(4 * 64)).toEqual(makeVolumeSample(set, 7, 1, options({ augment })).image);
    const { slices: _, ...flat } = options({ augment });
    expect(makeAnyBatch(set, 7, flat)).toEqual(makeBatch(set, 7, flat));
  });
});
