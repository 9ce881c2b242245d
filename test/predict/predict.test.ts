import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mirrorIndex } from '../../src/array/gaussian.ts';
import { float32, type NdArray, ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { resize } from '../../src/array/resize.ts';
import { DatasetError, Interrupted, ModelError, UsageError } from '../../src/errors.ts';
import type { Image } from '../../src/image/image.ts';
import { predictImage, predictPage } from '../../src/predict/predict.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { fakeForward, fakeModel, PADDED, UNPADDED } from './fake-network.ts';

function page(height: number, width: number, seed = 1) {
  const random = stream(seed, 'page');
  return {
    data: Float32Array.from({ length: height * width }, () => random.normal()),
    channels: 1,
    height,
    width,
  };
}

/** The page mirrored by `lead` on the left and above, [1, rows, columns]. */
function mirrored({ data, height, width }: ReturnType<typeof page>, lead: number, rows: number, columns: number) {
  const frame = float32([1, rows, columns]);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      frame.data[y * columns + x] = data[
        mirrorIndex(y - lead, height) * width + mirrorIndex(x - lead, width)
      ] as number;
    }
  }
  return frame;
}

/** Softmax over two planes, cropped at `start`. */
function softmax(z: NdArray<'float32'>, start: number, height: number, width: number): number[] {
  const [, rows, columns] = z.shape as [number, number, number];
  const out: number[] = [];
  for (const k of [0, 1]) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = (y + start) * columns + x + start;
        const [a, b] = [z.data[at] as number, z.data[rows * columns + at] as number];
        out.push(1 / (1 + Math.exp(k === 0 ? b - a : a - b)));
      }
    }
  }
  return out;
}

const padded = () => fakeModel(PADDED, (x) => fakeForward(x, true));
const unpadded = () => fakeModel(UNPADDED, (x) => fakeForward(x, false));

const sides = (value: number): Image['spacing'] => ({ y: { value, unit: 'mm' }, x: { value, unit: 'mm' } });

describe('the prediction is that of the mirrored frame in one piece', () => {
  test('padded network: mirrored by the border asked for, then to an even size', async () => {
    const image = page(7, 10);
    const expected = softmax(fakeForward(mirrored(image, 4, 16, 18), true), 4, 7, 10);
    const actual = await predictPage(padded(), image, { border: 4 });
    expect(actual.shape).toEqual([2, 7, 10]);
    // Probabilities are kept as float32.
    expectAllClose(actual.data, expected, { rtol: 0, atol: 1e-7 });
  });
  test('unpadded network: mirrored by the margin', async () => {
    const image = page(5, 9);
    const expected = softmax(fakeForward(mirrored(image, 3, 12, 16), false), 0, 5, 9);
    expectAllClose((await predictPage(unpadded(), image)).data, expected, { rtol: 0, atol: 1e-7 });
  });
});

describe('tiled equals whole', () => {
  for (const [name, make, smallest] of [
    ['padded', padded, 12],
    ['unpadded', unpadded, 10],
  ] as const) {
    test(`${name} network, any size, any tile, any orientation, any batch`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 40 }),
          fc.integer({ min: 1, max: 40 }),
          fc.integer({ min: smallest, max: 30 }),
          fc.constantFrom(1, 4, 8),
          fc.integer({ min: 1, max: 3 }),
          async (height, width, tile, tta, batch) => {
            const image = page(height, width, 100 * height + width);
            const whole = await predictPage(make(), image, { tile: 1000, tta: tta as 1 | 4 | 8 });
            const tiled = await predictPage(make(), image, { tile, batch, tta: tta as 1 | 4 | 8 });
            // The same sums in the same order: only the averaging over orientations may round differently.
            expectAllClose(tiled.data, whole.data, { rtol: 0, atol: 1e-6 });
          },
        ),
        { numRuns: 60 },
      );
    });
  }
});

describe('turns and flips', () => {
  test('averaging over 8 makes the result turn with the image', async () => {
    const image = page(9, 6);
    const turned = { ...image, data: new Float32Array(54), height: 6, width: 9 };
    for (let y = 0; y < 9; y++)
      for (let x = 0; x < 6; x++) turned.data[x * 9 + (8 - y)] = image.data[y * 6 + x] as number;
    // A frame with the same border on both sides, so that it is symmetric too.
    const options = { tta: 8, border: 5 } as const;
    const model = fakeModel({ ...PADDED, multiple: 1, minimum: 1 }, (x) => blur(x));
    const a = await predictPage(model, image, options);
    const b = await predictPage(model, turned, options);
    const back = float32([2, 9, 6]);
    for (let c = 0; c < 2; c++) {
      for (let y = 0; y < 9; y++) {
        for (let x = 0; x < 6; x++) back.data[(c * 9 + y) * 6 + x] = b.data[(c * 6 + x) * 9 + 8 - y] as number;
      }
    }
    expectAllClose(back.data, a.data, { rtol: 0, atol: 1e-6 });
  });
  test('4 averages the flips', async () => {
    // The network's second logit is the pixel to the left: flips make it the mean of left and right.
    const model = fakeModel({ ...PADDED, multiple: 1, minimum: 1, halo: 1 }, (x) => shiftRight(x), {
      activation: 'none',
    });
    const image = { ...page(1, 3), data: Float32Array.from([1, 2, 4]) };
    const { data } = await predictPage(model, image, { tta: 4 });
    expectAllClose(data.subarray(3), [(1 + 2) / 2, (1 + 4) / 2, (2 + 4) / 2], { atol: 1e-6 });
  });
  test('any other number is refused', async () => {
    await expect(predictPage(padded(), page(4, 4), { tta: 2 as 1 })).rejects.toThrow(UsageError);
  });
});

/** Not symmetric on purpose: a column of two. */
function blur(x: NdArray<'float32'>): NdArray<'float32'> {
  const [, height, width] = x.shape as [number, number, number];
  const y = float32([2, height, width]);
  for (let i = 0; i < height * width; i++) {
    y.data[i] = (x.data[i] as number) + 0.5 * ((i >= width ? x.data[i - width] : 0) as number);
    y.data[height * width + i] = 0.25 * (x.data[i] as number);
  }
  return y;
}

function shiftRight(x: NdArray<'float32'>): NdArray<'float32'> {
  const [, height, width] = x.shape as [number, number, number];
  const y = float32([2, height, width]);
  for (let i = 0; i < height * width; i++) {
    y.data[height * width + i] = (i % width > 0 ? x.data[i - 1] : 0) as number;
  }
  return y;
}

describe('inexact networks', () => {
  /** Subtracts the mean of all it sees, as instance normalisation does. */
  const forward = (x: NdArray<'float32'>): NdArray<'float32'> => {
    const [, height, width] = x.shape as [number, number, number];
    const mean = x.data.reduce((a, b) => a + b, 0) / x.data.length;
    const y = float32([2, height, width]);
    for (let i = 0; i < height * width; i++) y.data[height * width + i] = (x.data[i] as number) - mean;
    return y;
  };
  const model = () =>
    fakeModel({ multiple: 2, offset: 0, minimum: 2, halo: 0, margin: 0, exact: false }, forward, {
      activation: 'none',
    });

  test('are blended: the seam between two tiles of different level is a ramp', async () => {
    // Left half 0, right half 10: a tile's mean differs from place to place.
    const image = {
      data: Float32Array.from({ length: 64 }, (_, i) => (i < 32 ? 0 : 10)),
      channels: 1,
      height: 1,
      width: 64,
    };
    const { data } = await predictPage(model(), image, { tile: 32, border: 0 });
    const second = data.subarray(64);
    const jumps = Array.from({ length: 63 }, (_, i) => Math.abs((second[i + 1] as number) - (second[i] as number)));
    jumps[31] = 0; // the edge in the image itself
    expect(Math.max(...jumps)).toBeLessThan(1.5);
    expect(Math.max(...jumps)).toBeGreaterThan(0);
  });
  test('agree with the whole where tiles do not differ', async () => {
    const image = { data: new Float32Array(100 * 70).fill(3), channels: 1, height: 100, width: 70 };
    const { data } = await predictPage(model(), image, { tile: 24 });
    expectAllClose(data, new Float32Array(2 * 7000), { atol: 1e-5 });
  });
});

describe('models from elsewhere', () => {
  test('one logit is the second of two classes', async () => {
    const one = fakeModel(PADDED, (x) => fakeForward(x, true, 1), { outputs: 1, activation: 'sigmoid' });
    const { data, shape } = await predictPage(one, page(6, 6));
    expect(shape).toEqual([2, 6, 6]);
    for (let i = 0; i < 36; i++) expect((data[i] as number) + (data[36 + i] as number)).toBeCloseTo(1, 6);
  });
  test('a coarser map is interpolated', async () => {
    const model = fakeModel({ ...PADDED, exact: false }, (x) => half(x), { activation: 'none' });
    const image = { data: Float32Array.from({ length: 8 }, (_, i) => i), channels: 1, height: 1, width: 8 };
    const { data } = await predictPage(model, image, { border: 0 });
    // Means of pairs 0.5, 2.5, 4.5, 6.5 at the pairs' centres; the row is mirrored to two equal ones.
    expectAllClose(data.subarray(8), [0.5, 1, 2, 3, 4, 5, 6, 6.5], { atol: 1e-6 });
  });
  test('a fixed size is kept, small images mirrored up to it', async () => {
    const fixed = fakeModel({ ...PADDED, fixed: 24 }, (x) => fakeForward(x, true));
    for (const [height, width] of [
      [3, 5],
      [24, 24],
      [50, 31],
    ] as const) {
      await predictPage(fixed, page(height, width), { tta: 8 });
    }
    expect(new Set(fixed.program.runs.map(String))).toEqual(new Set(['1,1,24,24']));
  });
});

function half(x: NdArray<'float32'>): NdArray<'float32'> {
  const [, height, width] = x.shape as [number, number, number];
  const y = float32([2, height / 2, width / 2]);
  for (let r = 0; r < height / 2; r++) {
    for (let s = 0; s < width / 2; s++) {
      const at = 2 * r * width + 2 * s;
      y.data[((height / 2 + r) * width) / 2 + s] =
        [0, 1, width, width + 1].reduce((sum, d) => sum + (x.data[at + d] as number), 0) / 4;
    }
  }
  return y;
}

describe('images', () => {
  test('pages are predicted one by one; axes and pixel size stay', async () => {
    const stack: Image = {
      ...ndarray(
        'uint8',
        [3, 8, 6],
        Uint8Array.from({ length: 144 }, (_, i) => (i * 37) % 255),
      ),
      axes: 'zyx',
      spacing: { z: { value: 50, unit: 'nm' }, y: { value: 4, unit: 'nm' }, x: { value: 4, unit: 'nm' } },
      source: 'stack.tif',
    };
    const all = await predictImage(padded(), stack);
    expect(all).toMatchObject({
      axes: 'czyx',
      shape: [2, 3, 8, 6],
      spacing: stack.spacing,
      channels: ['background', 'cell'],
    });
    const second = await predictImage(padded(), {
      ...ndarray('uint8', [8, 6], (stack.data as Uint8Array).slice(48, 96)),
      axes: 'yx',
      spacing: {},
    });
    expect(second).toMatchObject({ axes: 'cyx', shape: [2, 8, 6] });
    expect(all.data.slice(48, 96)).toEqual(second.data.slice(0, 48));
    expect(all.data.slice(144 + 48, 144 + 96)).toEqual(second.data.slice(48));
  });
  test('one pixel', async () => {
    expect((await predictPage(unpadded(), page(1, 1))).shape).toEqual([2, 1, 1]);
  });
  test('progress counts every run; a stop is honoured', async () => {
    const seen: string[] = [];
    await predictPage(padded(), page(40, 10), {
      tile: 20,
      border: 0,
      onProgress: (done, total) => seen.push(`${done}/${total}`),
    });
    expect(seen).toEqual(['1/3', '2/3', '3/3']);
    await expect(predictPage(padded(), page(4, 4), { signal: AbortSignal.abort() })).rejects.toThrow(Interrupted);
  });
  test('channels that do not fit and NaN from the model are refused by name', async () => {
    const two = { ...page(4, 8), channels: 2, height: 4, width: 4, name: 'two.tif' };
    await expect(predictPage(padded(), two)).rejects.toThrow(DatasetError);
    await expect(predictPage(padded(), two)).rejects.toThrow('two.tif');
    const nan = fakeModel(PADDED, (x) => {
      const y = fakeForward(x, true);
      y.data.fill(Number.NaN);
      return y;
    });
    await expect(predictPage(nan, { ...page(4, 4), name: 'a.png' })).rejects.toThrow(/a\.png: The model gives NaN/);
    const wrong = fakeModel(PADDED, (x) => fakeForward(x, true, 3));
    await expect(predictPage(wrong, page(4, 4))).rejects.toThrow(ModelError);
  });
});

test('an image with pixels of another size than those trained on says so', async () => {
  const { data, height, width } = page(8, 8);
  const image: Image = { ...float32([height, width], data), axes: 'yx', spacing: sides(4) };
  const trained = padded();
  const model = { ...trained, input: { ...trained.input, pixelMm: [1, 1] as const } };
  expect((await predictImage(model, image)).notes?.join()).toContain('4.0 times smaller');
  expect(await predictImage(model, { ...image, spacing: sides(1.1) })).not.toHaveProperty('notes');
  expect(await predictImage(trained, image)).not.toHaveProperty('notes');
});

describe('resampling predicts an image at the pixel size of the training images', () => {
  const trained = padded();
  const model = { ...trained, input: { ...trained.input, pixelMm: [1, 1] as const } };

  test.each([
    [2, 'larger', [18, 22]],
    [0.5, 'smaller', [5, 6]],
  ] as const)('pixels of %s mm: what the network sees is %s', async (side, _, [high, wide]) => {
    const { data } = page(9, 11);
    const image: Image = { ...float32([9, 11], data), axes: 'yx', spacing: sides(side) };
    const found = await predictImage(model, image, { resample: true });
    expect(found.shape).toEqual([2, 9, 11]);
    expect(found.spacing).toEqual(image.spacing);
    expect(found.notes?.join()).toContain('it is predicted at that size');
    const seen = { data: resize(data, 1, [9, 11], [high, wide]), channels: 1, height: high, width: wide };
    const { data: at } = await predictPage(model, seen);
    expectAllClose(found.data, resize(at, 2, [high, wide], [9, 11]), { atol: 1e-6 });
    // Not what it gives at its own size.
    const own = await predictImage(model, image);
    expect(Math.max(...own.data.map((p, i) => Math.abs(p - (found.data[i] as number))))).toBeGreaterThan(0.1);
  });

  test('and nothing else where sizes agree or are unknown', async () => {
    const { data } = page(9, 11);
    for (const spacing of [sides(1.1), {}]) {
      const image: Image = { ...float32([9, 11], data), axes: 'yx', spacing };
      expect(await predictImage(model, image, { resample: true })).toEqual(await predictImage(model, image));
    }
  });

  test('a region alone is refused', async () => {
    const region = { y: 0, x: 0, height: 2, width: 2 };
    await expect(predictPage(model, page(8, 8), { scale: 2, region })).rejects.toThrow('cannot be predicted alone');
  });
});
