import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stream } from '../../src/array/random.ts';
import { makeBatch } from '../../src/augment/batch.ts';
import { changeIntensity } from '../../src/augment/intensity.ts';
import { augmentSettings, NO_AUGMENTATION } from '../../src/augment/options.ts';
import { makeSample, type SampleOptions } from '../../src/augment/sample.ts';
import { augmentSheet } from '../../src/augment/sheet.ts';
import { focusIndex, requirePatchFits, type TrainingPage, type TrainingSet } from '../../src/dataset/patch-position.ts';

const page = (name: string, height: number, width: number): TrainingPage => ({
  name,
  height,
  width,
  image: Float32Array.from({ length: height * width }, (_, i) => Math.sin(i * 0.37)),
  label: Uint8Array.from({ length: height * width }, (_, i) =>
    i % 97 === 0 ? 2 : i % 3 === 0 ? 1 : i % 31 === 0 ? 255 : 0,
  ),
});
const pages = [page('a.png', 64, 48), page('b.png', 40, 80)];
const set: TrainingSet = {
  pages,
  channels: 1,
  classCount: 3,
  classWeights: [0.5, 2, 4],
  focus: focusIndex(pages, [0.65, 0.33, 0.01]),
};
const options: SampleOptions = {
  seed: 5,
  patch: [32, 32],
  batch: 2,
  outputMargin: 0,
  focusFraction: 0.3,
  augment: augmentSettings(),
};

describe('makeSample', () => {
  it('depends on seed, step and index alone', () => {
    expect(makeSample(set, 3, 1, options)).toEqual(makeSample(set, 3, 1, options));
    expect(makeSample(set, 3, 1, options).image).not.toEqual(makeSample(set, 3, 0, options).image);
    expect(makeSample(set, 3, 1, options).image).not.toEqual(makeSample(set, 4, 1, options).image);
    expect(makeSample(set, 3, 1, options).image).not.toEqual(makeSample(set, 3, 1, { ...options, seed: 6 }).image);
  });

  it('without changes is a crop with the weights of its classes, 0 where ignored', () => {
    const plain = { ...options, augment: augmentSettings(NO_AUGMENTATION), focusFraction: 0 };
    let inside = 0;
    for (let step = 0; step < 40; step++) {
      const { name, image, label, weight } = makeSample(set, step, 0, plain);
      for (let p = 0; p < label.length; p++) expect(weight[p]).toBe([0.5, 2, 4][label[p] as number] ?? 0);
      const [, file, y, x] = /^(.*) at y (-?\d+), x (-?\d+)$/.exec(name) as RegExpExecArray;
      const source = pages.find((candidate) => candidate.name === file) as TrainingPage;
      const [top, left] = [Number(y), Number(x)];
      if (top < 0 || left < 0 || top + 32 > source.height || left + 32 > source.width) continue;
      inside++;
      for (const [dy, dx] of [
        [0, 0],
        [31, 31],
        [5, 17],
      ] as const) {
        expect(image[dy * 32 + dx]).toBe(source.image[(top + dy) * source.width + left + dx]);
        expect(label[dy * 32 + dx]).toBe(source.label[(top + dy) * source.width + left + dx]);
      }
    }
    expect(inside).toBeGreaterThan(5);
  });

  it('sees every page, in proportion to the root of its area', () => {
    const names = Array.from(
      { length: 200 },
      (_, step) => makeSample(set, step, 0, { ...options, batch: 1, focusFraction: 0 }).name,
    );
    const share = names.filter((name) => name.startsWith('a.png')).length / 200;
    // Spread by the golden ratio: within one or two of the exact share.
    expect(share).toBeCloseTo(Math.sqrt(64 * 48) / (Math.sqrt(64 * 48) + Math.sqrt(40 * 80)), 1);
  });

  it('brings the rare class into the patch when it focuses on it', () => {
    for (let step = 0; step < 20; step++) {
      expect(
        makeSample(set, step, 0, { ...options, focusFraction: 1, augment: augmentSettings(NO_AUGMENTATION) }).label,
      ).toContain(2);
    }
  });

  it('has finite values for any patch, margin and strength', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 0, max: 6 }),
        fc.nat(1000),
        (h, w, margin, step) => {
          const patch = [h + 2 * margin, w + 2 * margin] as const;
          const sample = makeSample(set, step, 0, {
            ...options,
            patch,
            outputMargin: margin,
            augment: augmentSettings({ warpFraction: 1, intensityFraction: 1, scale: 2 }),
          });
          expect(sample.image.length).toBe(patch[0] * patch[1]);
          expect(sample.label.length).toBe(h * w);
          expect(sample.image.every(Number.isFinite)).toBe(true);
          expect(sample.label.every((label) => [0, 1, 2, 255].includes(label))).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is stacked to a batch in order', () => {
    const batch = makeBatch(set, 7, options);
    expect(batch.images.subarray(1024)).toEqual(makeSample(set, 7, 1, options).image);
    expect(batch.names).toEqual([0, 1].map((index) => makeSample(set, 7, index, options).name));
  });
});

describe('a patch that does not fit', () => {
  it('is refused beyond one mirror image, with the page and what fits', () => {
    expect(() => requirePatchFits(pages, [80, 80], 0)).not.toThrow();
    expect(() => requirePatchFits(pages, [96, 96], 0)).toThrow('larger than the image "b.png" (80 x 40)');
  });
  it('is refused when the network leaves nothing of it', () => {
    expect(() => requirePatchFits(pages, [184, 184], 92)).toThrow('leaves no output');
  });
});

describe('changes of brightness', () => {
  const patch = () => Float32Array.from({ length: 400 }, (_, i) => Math.sin(i));
  const only = (changes: object) => {
    const off = { brightness: 0, contrast: 1, gamma: 1, noise: 0, blurPx: 0 };
    const values = patch();
    changeIntensity(
      stream(1, 'test'),
      values,
      [1, 20, 20],
      augmentSettings({ ...off, intensityFraction: 1, ...changes }),
    );
    return values;
  };
  it('with all strengths at nothing change nothing', () => expect(only({})).toEqual(patch()));
  it('of brightness alone shift every pixel alike', () => {
    const shift = (only({ brightness: 0.5 })[0] as number) - (patch()[0] as number);
    expect(shift).not.toBe(0);
    only({ brightness: 0.5 }).forEach((value, i) => {
      // The tone curve is a table of 1024 steps over a range of 2, straight in between: float rounding only.
      expect(Math.abs(value - (patch()[i] as number) - shift)).toBeLessThan(1e-5);
    });
  });
  it('of gamma alone keep the darkest and brightest', () => {
    const before = patch();
    const after = only({ gamma: 3 });
    expect(Math.min(...after)).toBeCloseTo(Math.min(...before), 5);
    expect(Math.max(...after)).toBeCloseTo(Math.max(...before), 5);
    expect(after).not.toEqual(before);
  });
  it('of noise have the deviation that was drawn, at most the given', () => {
    const flat = new Float32Array(40000);
    changeIntensity(
      stream(4, 'test'),
      flat,
      [1, 200, 200],
      augmentSettings({ brightness: 0, blurPx: 0, noise: 0.1, intensityFraction: 1 }),
    );
    const deviation = Math.sqrt(flat.reduce((sum, v) => sum + v * v, 0) / flat.length);
    expect(deviation).toBeGreaterThan(0);
    expect(deviation).toBeLessThan(0.105);
  });
  it('of blur keep the mean', () => {
    const mean = (values: Float32Array) => values.reduce((a, b) => a + b, 0) / values.length;
    expect(mean(only({ blurPx: 2 }))).toBeCloseTo(mean(patch()), 2);
  });
  it('out of range are refused by name', () => {
    expect(() => augmentSettings({ scale: 0.5 })).toThrow("augmentation's scale is 0.5");
    expect(() => augmentSettings({ noise: Number.NaN })).toThrow('noise');
  });
});

describe('the sheet', () => {
  it('is an RGB picture of four columns', () => {
    const sheet = augmentSheet(set, options, { rows: 2 });
    expect(sheet.shape).toEqual([3, 2 * 38 + 6, 4 * 38 + 6]);
    expect(new Set(sheet.data).size).toBeGreaterThan(50);
  });
});
