import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import {
  castTo,
  channel,
  dropAlpha,
  isGreyInColour,
  page,
  pageCount,
  rescaleToUint8,
  stackPages,
  toFloat32,
  toGrey,
} from '../../src/image/convert.ts';
import type { Image } from '../../src/image/image.ts';

const grey = (values: number[]): Image => ({
  dtype: 'uint8',
  axes: 'yx',
  shape: [1, values.length],
  data: Uint8Array.from(values),
  spacing: { x: { value: 2, unit: 'nm' } },
  source: 'cells.png',
});

/** Channels of one row of two pixels each. */
const colour = (channels: readonly string[], values: number[]): Image => ({
  ...grey(values),
  axes: 'cyx',
  shape: [channels.length, 1, values.length / channels.length],
  channels,
});

const RGB = ['red', 'green', 'blue'];

describe('toGrey', () => {
  it('takes equal red, green and blue exactly', () => {
    const image = colour(RGB, [7, 200, 7, 200, 7, 200]);
    expect(isGreyInColour(image)).toBe(true);
    expect(toGrey(image)).toEqual({ ...grey([7, 200]), channels: ['grey'] });
  });

  it('weighs colours as BT.601 does, rounded to the nearest', () => {
    // 0.299 * 255 = 76.245; 0.587 * 255 + 0.114 * 255 = 178.755
    const image = colour(RGB, [255, 0, 0, 255, 0, 255]);
    expect(isGreyInColour(image)).toBe(false);
    expect([...toGrey(image).data]).toEqual([76, 179]);
  });

  it('leaves alpha out', () => {
    expect(toGrey(colour([...RGB, 'alpha'], [9, 8, 9, 8, 9, 8, 255, 0]))).toEqual({
      ...grey([9, 8]),
      channels: ['grey'],
    });
    expect(toGrey(colour(['grey', 'alpha'], [9, 8, 255, 0]))).toEqual({ ...grey([9, 8]), channels: ['grey'] });
  });

  it('returns a grey image itself', () => {
    const image = grey([1, 2]);
    expect(toGrey(image)).toBe(image);
  });

  it('does not mix stains', () => {
    expect(() => toGrey(colour(['DNA', 'membrane'], [1, 2, 3, 4]))).toThrow(
      /cells.png: 2 channels \(DNA, membrane\).*Choose one channel/,
    );
  });

  it('works page by page in a stack', () => {
    const stack: Image = {
      ...colour(RGB, []),
      axes: 'czyx',
      shape: [3, 2, 1, 1],
      data: Uint8Array.of(1, 2, 1, 2, 1, 2),
    };
    expect(toGrey(stack)).toMatchObject({ axes: 'zyx', shape: [2, 1, 1], data: Uint8Array.of(1, 2) });
  });
});

describe('channel and dropAlpha', () => {
  it('picks by number and by name', () => {
    const image = colour(['DNA', 'membrane'], [1, 2, 3, 4]);
    expect(channel(image, 1)).toEqual({ ...grey([3, 4]), channels: ['membrane'] });
    expect(channel(image, 'DNA')).toEqual({ ...grey([1, 2]), channels: ['DNA'] });
    expect(() => channel(image, 'RNA')).toThrow(/channel RNA does not exist; the image has 2 \(DNA, membrane\)/);
    expect(() => channel(image, 2)).toThrow(UsageError);
  });

  it('drops alpha alone', () => {
    expect(dropAlpha(colour([...RGB, 'alpha'], [1, 2, 3, 4, 5, 6, 7, 8]))).toEqual(colour(RGB, [1, 2, 3, 4, 5, 6]));
    expect(dropAlpha(colour(['grey', 'alpha'], [1, 2, 3, 4]))).toEqual({ ...grey([1, 2]), channels: ['grey'] });
    const image = colour(RGB, [1, 2, 3]);
    expect(dropAlpha(image)).toBe(image);
  });
});

describe('pages', () => {
  it('counts z fastest and keeps the channels of a page together', () => {
    // t 2, c 2, z 2, one pixel: value = 100 t + 10 c + z
    const data = Uint8Array.of(0, 1, 10, 11, 100, 101, 110, 111);
    const image: Image = { ...grey([]), axes: 'tczyx', shape: [2, 2, 2, 1, 1], data };
    expect(pageCount(image)).toBe(4);
    expect([0, 1, 2, 3].map((i) => [...page(image, i).data])).toEqual([
      [0, 10],
      [1, 11],
      [100, 110],
      [101, 111],
    ]);
    expect(page(image, 3)).toMatchObject({ axes: 'cyx', shape: [2, 1, 1] });
    expect(() => page(image, 4)).toThrow(/page 4 does not exist; the image has 4/);
  });

  it('shares memory where values lie together', () => {
    const image: Image = { ...grey([]), axes: 'zyx', shape: [2, 1, 2], data: Uint8Array.of(1, 2, 3, 4) };
    expect(page(image, 1).data.buffer).toBe(image.data.buffer);
    expect(page(image, 1)).toMatchObject({ axes: 'yx', shape: [1, 2], data: Uint8Array.of(3, 4) });
  });

  it('stack again to the image that they came from', () => {
    const axes = fc.subarray(['t', 'c', 'z'], { minLength: 0 }).map((some) => `${some.join('')}yx`);
    fc.assert(
      fc.property(axes, fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 5, maxLength: 5 }), (order, lengths) => {
        const shape = [...order].map((_, i) => lengths[i] as number);
        const size = shape.reduce((product, length) => product * length, 1);
        const image: Image = { ...grey([]), axes: order, shape, data: Uint8Array.from({ length: size }, (_, i) => i) };
        const pages = Array.from({ length: pageCount(image) }, (_, i) => page(image, i));
        expect(stackPages(pages, image)).toEqual(image);
      }),
    );
  });

  it('takes other channels than the model image has', () => {
    const like: Image = { ...grey([]), axes: 'zyx', shape: [2, 1, 1], data: Uint8Array.of(1, 2) };
    const pages = [colour(['background', 'cell'], [1, 2]), colour(['background', 'cell'], [3, 4])];
    expect(stackPages(pages, like)).toMatchObject({
      axes: 'czyx',
      shape: [2, 2, 1, 1],
      data: Uint8Array.of(1, 3, 2, 4),
    });
    expect(() => stackPages(pages.slice(1), like)).toThrow(UsageError);
  });
});

describe('dtypes', () => {
  it('toFloat32 keeps numbers', () => {
    expect([...toFloat32(grey([0, 255])).data]).toEqual([0, 255]);
    const half: Image = {
      ...grey([]),
      dtype: 'float16',
      shape: [1, 6],
      data: Uint16Array.of(0x3c00, 0xc000, 0x7c00, 0x7e00, 1, 0x3555),
    };
    // 1, -2, infinity, NaN, the smallest subnormal 2^-24, and 1/3 as half has it.
    expect([...toFloat32(half).data]).toEqual([1, -2, Number.POSITIVE_INFINITY, Number.NaN, 2 ** -24, 0.333251953125]);
    const long: Image = { ...grey([]), dtype: 'int64', shape: [1, 2], data: BigInt64Array.of(-3n, 2n ** 40n) };
    expect([...toFloat32(long).data]).toEqual([-3, 2 ** 40]);
  });

  it('castTo refuses what does not fit', () => {
    const wide: Image = { ...grey([]), dtype: 'uint16', shape: [1, 2], data: Uint16Array.of(0, 256) };
    expect(() => castTo(wide, 'uint8')).toThrow(/the value 256 is no uint8/);
    expect(castTo(wide, 'uint32')).toMatchObject({ dtype: 'uint32', data: Uint32Array.of(0, 256) });
    const part: Image = { ...grey([]), dtype: 'float32', shape: [1, 1], data: Float32Array.of(0.5) };
    expect(() => castTo(part, 'uint8')).toThrow(/0.5/);
    expect(() => castTo({ ...part, data: Float32Array.of(Number.NaN) }, 'uint8')).toThrow(/NaN/);
  });

  it('rescaleToUint8 clips and sends NaN to 0', () => {
    const values: Image = {
      ...grey([]),
      dtype: 'float32',
      shape: [1, 5],
      data: Float32Array.of(-1, 0, 1, 3, Number.NaN),
    };
    expect([...rescaleToUint8(values, 0, 2).data]).toEqual([0, 0, 128, 255, 0]);
    expect([...rescaleToUint8(values, 1, 1).data]).toEqual([0, 0, 0, 255, 0]);
  });
});
