import { describe, expect, it } from 'vitest';
import { describeImage, formatDescription } from '../../src/image/describe.ts';
import type { Image } from '../../src/image/image.ts';

const row = (image: Pick<Image, 'dtype' | 'data'> & Partial<Image>): Image => ({
  axes: 'yx',
  shape: [1, image.data.length],
  spacing: {},
  ...image,
});

describe('describeImage', () => {
  it('gives range, mean, deviation and percentiles', () => {
    const image = row({ dtype: 'uint8', data: Uint8Array.from({ length: 101 }, (_, i) => 100 - i) });
    const [channel] = describeImage(image).channels;
    expect(channel).toMatchObject({
      name: 'grey',
      min: 0,
      max: 100,
      mean: 50,
      nan: 0,
      infinite: 0,
      distinct: 101,
      values: [],
    });
    expect(channel?.percentiles.map(({ value }) => value)).toEqual([1, 5, 50, 95, 99]);
    // Variance of 0..n-1 is (n^2 - 1) / 12.
    expect(channel?.std).toBeCloseTo(Math.sqrt((101 ** 2 - 1) / 12), 12);
  });

  it('says which labels there are and their share', () => {
    const [channel] = describeImage(row({ dtype: 'uint8', data: Uint8Array.of(255, 0, 0, 0) })).channels;
    expect(channel?.values).toEqual([
      { value: 0, count: 3, share: 0.75 },
      { value: 255, count: 1, share: 0.25 },
    ]);
  });

  it('counts NaN and infinity apart from the values', () => {
    const data = Float32Array.of(1, Number.NaN, 3, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
    const description = describeImage(row({ dtype: 'float32', data }));
    expect(description.channels[0]).toMatchObject({
      min: 1,
      max: 3,
      mean: 2,
      std: 1,
      nan: 1,
      infinite: 2,
      distinct: 2,
    });
    expect(formatDescription(description)).toContain('; 1 NaN and 2 infinite');
  });

  it('has NaN for statistics of nothing finite', () => {
    const description = describeImage(row({ dtype: 'float32', data: Float32Array.of(Number.NaN) }));
    expect(description.channels[0]).toMatchObject({
      min: Number.NaN,
      mean: Number.NaN,
      std: Number.NaN,
      nan: 1,
      distinct: 0,
    });
    expect(formatDescription(description)).toContain('no finite value; 1 NaN');
  });

  it('keeps small deviations on large offsets', () => {
    const [channel] = describeImage(row({ dtype: 'float64', data: Float64Array.of(1e9, 1e9 + 1, 1e9 + 2) })).channels;
    expect(channel?.std).toBeCloseTo(Math.sqrt(2 / 3), 12);
  });

  it('describes each channel of each page', () => {
    const image = row({
      dtype: 'uint8',
      axes: 'tcyx',
      shape: [2, 2, 1, 1],
      data: Uint8Array.of(1, 10, 3, 30),
      channels: ['DNA', 'membrane'],
    });
    expect(describeImage(image).channels.map(({ name, min, max }) => [name, min, max])).toEqual([
      ['DNA', 1, 3],
      ['membrane', 10, 30],
    ]);
  });

  it('understands half precision and 64 bits', () => {
    expect(describeImage(row({ dtype: 'float16', data: Uint16Array.of(0x3c00, 0xc000) })).channels[0]).toMatchObject({
      min: -2,
      max: 1,
    });
    expect(describeImage(row({ dtype: 'int64', data: BigInt64Array.of(-5n, 7n) })).channels[0]).toMatchObject({
      min: -5,
      max: 7,
    });
  });
});

it('formatDescription prints what inspect shows', () => {
  const image = row({
    source: 'mask.tif',
    dtype: 'uint8',
    axes: 'zyx',
    shape: [2, 1, 2],
    data: Uint8Array.of(0, 1, 1, 1),
    bitDepth: 1,
    spacing: { z: { value: 50, unit: 'nm' }, y: { value: 4, unit: 'nm' }, x: { value: 4.00003, unit: 'nm' } },
    channels: ['grey'],
    notes: ['Something to know.'],
  });
  expect(formatDescription(describeImage(image))).toBe(
    [
      'mask.tif',
      '  axes     zyx 2 x 1 x 2',
      '  dtype    uint8 (1 bit in the file)',
      '  spacing  z 50 nm, y 4 nm, x 4 nm',
      '  grey     0 to 1, mean 0.75, deviation 0.433, 1 % 0.03, median 1, 99 % 1',
      '           values 0 (25 %), 1 (75 %)',
      '  note     Something to know.',
    ].join('\n'),
  );
});

it('formatDescription counts values where they are many', () => {
  const text = formatDescription(
    describeImage(row({ dtype: 'uint8', data: Uint8Array.from({ length: 11 }, (_, i) => i) })),
  );
  expect(text).toContain('\n           11 distinct values');
});
