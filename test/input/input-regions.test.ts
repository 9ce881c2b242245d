import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import type { Image } from '../../src/image/image.ts';
import { memorySource } from '../../src/image/source.ts';
import { needsWhole, openInputRegions } from '../../src/input/input-regions.ts';
import { inputNotes, inputPages, prepareInput } from '../../src/input/network-input.ts';
import type { InputSpec, NormalisationSpec } from '../../src/input/normalise.ts';
import { DIVIDED_BY_255 } from '../../src/predict/foreign.ts';

const RGB = ['red', 'green', 'blue'];

function image(seed: number, dtype: 'uint8' | 'uint16' | 'int16' | 'float32', shape: readonly number[]): Image {
  const random = stream(seed, 'image');
  const count = shape.reduce((a, b) => a * b);
  const spread = dtype === 'float32' ? 0.37 : 60;
  const offset = dtype === 'float32' || dtype === 'int16' ? 0 : 128;
  const array = ndarray(dtype, shape);
  for (let i = 0; i < count; i++) {
    const value = offset + spread * random.normal();
    array.data[i] = dtype === 'float32' ? value : Math.round(Math.max(dtype === 'int16' ? -900 : 0, value));
  }
  const axes = ['yx', 'cyx', 'zcyx'][shape.length - 2] as string;
  return { ...array, axes, spacing: {}, source: 'a.zarr', ...(axes === 'cyx' && { channels: RGB }) };
}

const normalisation = (rest: Partial<NormalisationSpec>): NormalisationSpec => ({
  kind: 'percentile',
  scope: 'image',
  percentiles: [1, 99],
  perChannel: false,
  numbers: [],
  leastSpread: 0.01,
  ...rest,
});

const CHANNELS = {
  grey: { mode: 'grey', count: 1 },
  colour: { mode: 'colour', count: 3 },
  each: { mode: 'asis', count: 3 },
} as const;

describe('the input by region is that of the whole image, to the last bit', () => {
  test('any dtype, channels, normalisation, and cut into parts of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          dtype: fc.constantFrom('uint8' as const, 'uint16' as const, 'int16' as const, 'float32' as const),
          colour: fc.boolean(),
          channels: fc.constantFrom('grey' as const, 'colour' as const, 'each' as const),
          kind: fc.constantFrom('percentile' as const, 'zscore' as const, 'divided by 255' as const),
          invertBright: fc.boolean(),
          height: fc.integer({ min: 1, max: 30 }),
          width: fc.integer({ min: 1, max: 30 }),
          atOnce: fc.integer({ min: 1, max: 400 }),
          chunk: fc.integer({ min: 1, max: 12 }),
          seed: fc.nat(1000),
        }),
        async ({ dtype, colour, channels, kind, invertBright, height, width, atOnce, chunk, seed }) => {
          fc.pre(colour || channels !== 'each');
          const whole = image(seed, dtype, colour ? [3, height, width] : [height, width]);
          const input: InputSpec = {
            channels: CHANNELS[channels],
            normalisation:
              kind === 'divided by 255'
                ? DIVIDED_BY_255
                : normalisation({ kind, perChannel: channels === 'each', ...(invertBright && { invertBright }) }),
          };
          const [page] = inputPages(whole).pages;
          if (page === undefined) throw new Error('no page');
          const source = { ...memorySource(whole), chunk: whole.shape.map(() => chunk) };
          const regions = await openInputRegions(source, input, { atOnce });
          const planes = await regions?.read({ y: 0, x: 0, height, width });
          expect([...(planes ?? [])]).toEqual([...prepareInput(page, input)]);
          expect(regions?.notes()).toEqual(inputNotes(whole, page, input));
          const box = { y: height >> 1, x: width >> 2, height: height - (height >> 1), width: 1 };
          const part = await regions?.read(box);
          expect(part?.[0]).toBe(planes?.[box.y * width + box.x]);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('numbers of a data set need no pass over the image', async () => {
    const source = memorySource(image(1, 'uint8', [9, 7]));
    let reads = 0;
    const read: typeof source.read = (...args) => {
      reads++;
      return source.read(...args);
    };
    const input = {
      channels: CHANNELS.grey,
      normalisation: normalisation({ kind: 'range', scope: 'dataset', numbers: [[0, 255]] }),
    };
    await openInputRegions({ ...source, read }, input);
    // One pixel, for the channels.
    expect(reads).toBe(1);
  });
});

describe('what is wrong in an image is found wherever it is', () => {
  test('NaN: how many in all, and where the first is', async () => {
    const whole = image(3, 'float32', [20, 10]);
    whole.data[73] = Number.NaN;
    whole.data[195] = Number.POSITIVE_INFINITY;
    const input = {
      channels: CHANNELS.grey,
      normalisation: normalisation({ kind: 'range', scope: 'dataset', numbers: [[0, 1]] }),
    };
    const message = '2 values are NaN or infinite, the first at x 3, y 7.';
    expect(() => inputPages(whole)).toThrow(message);
    await expect(openInputRegions(memorySource(whole), input, { atOnce: 30 })).rejects.toThrow(message);
  });

  test('Hounsfield units, which are clipped, are seen from the whole image only', async () => {
    const ct = image(4, 'int16', [8, 8]);
    ct.data[63] = -2000;
    const input = { channels: CHANNELS.grey, normalisation: normalisation({}) };
    expect(await openInputRegions(memorySource(ct), input, { atOnce: 16 })).toBeUndefined();
    expect(await openInputRegions(memorySource({ ...ct, valueUnit: 'counts' }), input)).toBeDefined();
    expect(needsWhole({ ...ct, valueUnit: 'HU' })).toBe('its Hounsfield units');
    expect(needsWhole({ ...ct, padding: -2000 })).toBe('its pixels without a value');
    expect(needsWhole({ ...ct, dtype: 'uint64' })).toBe('its values of type uint64');
    expect(needsWhole(ct)).toBeUndefined();
  });
});
