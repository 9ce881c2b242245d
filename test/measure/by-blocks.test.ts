/** Tables of maps in blocks are those of whole maps, number by number. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cropped, placesIn } from '../../src/array/boxes.ts';
import { type DType, elementCount, type NdArray, ndarray } from '../../src/array/ndarray.ts';
import { type Random, stream } from '../../src/array/random.ts';
import { decodeRecord, encodeRecord } from '../../src/array/record.ts';
import { LabelBlock } from '../../src/measure/label-block.ts';
import { measure } from '../../src/measure/measure.ts';
import { countsOfRecord, countsRecord, valuesOfRecord, valuesRecord } from '../../src/measure/measure-records.ts';
import type { MeasureOptions } from '../../src/measure/measures.ts';
import { ObjectMeasurer } from '../../src/measure/object-measurer.ts';
import { headerOf, tableColumn } from '../../src/measure/table.ts';
import type { IntegerArray } from '../../src/objects/grid.ts';

/** The boxes of a grid of blocks, in another order. */
function blocksOf(shape: readonly number[], block: readonly number[], random: Random) {
  const counts = shape.map((length, axis) => Math.ceil(length / block[axis]));
  const starts = [
    ...placesIn(
      shape.map(() => 0),
      counts,
    ),
  ].map((place) => place.map((p, axis) => p * block[axis]));
  return starts
    .map((start) => ({ start, shape: start.map((at, axis) => Math.min(block[axis], shape[axis] - at)) }))
    .map((box) => ({ box, key: random.uniform() }))
    .sort((a, b) => a.key - b.key)
    .map(({ box }) => box);
}

interface Blocks {
  readonly block: readonly number[];
  readonly random: Random;
  readonly drop?: Parameters<ObjectMeasurer['drop']>[0];
}

function measureBlocks(
  labels: IntegerArray,
  image: (NdArray & { readonly channels?: readonly string[] }) | undefined,
  options: MeasureOptions,
  { block, random, drop }: Blocks,
) {
  const { shape } = labels;
  const several = image !== undefined && image.shape.length > shape.length;
  const measurer = new ObjectMeasurer(
    { shape, channels: image === undefined ? 0 : several ? image.shape[0] : 1, names: image?.channels },
    options,
  );
  for (const { start, shape: own } of blocksOf(shape, block, random)) {
    const withNeighbours = own.map((length, axis) => Math.min(length + 1, shape[axis] - start[axis]));
    measurer.addLabels(new LabelBlock(cropped(labels, start, withNeighbours), { start, own }));
  }
  if (drop !== undefined) measurer.drop(drop);
  for (const { start, shape: own } of blocksOf(shape, block, random)) {
    const values =
      image && (several ? cropped(image, [0, ...start], [image.shape[0], ...own]) : cropped(image, start, own));
    measurer.addValues(new LabelBlock(cropped(labels, start, own), { start }), values);
  }
  return measurer.table();
}

/** As `measureBlocks`, each block counted and measured by a process of its own that tells the others in bytes. */
function measureApart(
  labels: IntegerArray,
  image: (NdArray & { readonly channels?: readonly string[] }) | undefined,
  options: MeasureOptions,
  { block, random }: Blocks,
) {
  const { shape } = labels;
  const several = image !== undefined && image.shape.length > shape.length;
  const channels = image === undefined ? 0 : several ? image.shape[0] : 1;
  const measurer = () => new ObjectMeasurer({ shape, channels }, options);
  const told = <T extends object>(record: T): T => decodeRecord(encodeRecord(record)) as T;
  const counted = blocksOf(shape, block, random).map(({ start, shape: own }) => {
    const withNeighbours = own.map((length, axis) => Math.min(length + 1, shape[axis] - start[axis]));
    return told(
      countsRecord(measurer().countsOf(new LabelBlock(cropped(labels, start, withNeighbours), { start, own }))),
    );
  });
  const knowing = () => {
    const one = measurer();
    for (const record of counted) one.addCounts(countsOfRecord(record));
    return one;
  };
  const measured = blocksOf(shape, block, random).map(({ start, shape: own }) => {
    const values =
      image && (several ? cropped(image, [0, ...start], [image.shape[0], ...own]) : cropped(image, start, own));
    return told(valuesRecord(knowing().valuesOf(new LabelBlock(cropped(labels, start, own), { start }), values)));
  });
  const all = knowing();
  for (const record of measured) all.takeValues(valuesOfRecord(record));
  return all.table();
}

const DTYPES = ['uint8', 'int16', 'uint16', 'int32', 'float32', 'float64'] as const satisfies readonly DType[];

/** Values of the whole range of the dtype; fractions with some NaN. */
function imageOf(dtype: (typeof DTYPES)[number], shape: readonly number[], random: Random): NdArray {
  const image = ndarray(dtype, shape);
  const isFraction = dtype.startsWith('float');
  for (let i = 0; i < image.data.length; i++) {
    const value = random.uniform();
    image.data[i] = isFraction ? (value < 0.05 ? Number.NaN : Math.log(value)) : Math.floor(value * 2 ** 32);
  }
  return image;
}

/** Labels of pieces from single pixels to boxes across blocks, in several parts, with gaps in the numbers. */
function labelsOf(shape: readonly number[], random: Random) {
  const labels = ndarray('uint32', shape);
  const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
  const objects = 1 + Math.floor(random.uniform() * 12);
  const values = Array.from({ length: objects }, (_, k) => (k === 3 ? 4_000_000_000 : 1 + 7 * k));
  for (let piece = 0; piece < 2 * objects; piece++) {
    const label = values[Math.floor(random.uniform() * objects)];
    const first = shape.map((length) => Math.floor(random.uniform() * length));
    const end = first.map((at, axis) =>
      Math.min(shape[axis], at + 1 + Math.floor(random.uniform() ** 2 * shape[axis])),
    );
    for (const place of placesIn(first, end)) {
      if (random.uniform() < 0.85) labels.data[place.reduce((sum, at, axis) => sum + at * strides[axis], 0)] = label;
    }
  }
  return labels;
}

describe('objects across blocks of any size, added in any order', () => {
  it.each([
    { rank: 2, side: 40, blockSide: 17, runs: 60 },
    { rank: 3, side: 12, blockSide: 7, runs: 40 },
  ])('in $rank dimensions', ({ rank, side, blockSide, runs }) => {
    const lengths = (most: number) => fc.array(fc.integer({ min: 1, max: most }), { minLength: rank, maxLength: rank });
    const cases = fc.record({
      shape: lengths(side),
      block: lengths(blockSide),
      seed: fc.nat(),
      channels: fc.integer({ min: 0, max: 3 }),
      dtype: fc.constantFrom(...DTYPES),
      steps: fc.array(fc.constantFrom(0.3, 1, 2.5), { minLength: rank, maxLength: rank }),
    });
    fc.assert(
      fc.property(cases, ({ shape, block, seed, channels, dtype, steps }) => {
        const random = stream(seed, 'blocks');
        const labels = labelsOf(shape, random);
        const image = channels === 0 ? undefined : imageOf(dtype, [channels, ...shape], random);
        const options = { spacing: steps, unit: 'µm' };
        const whole = measure(labels, image, options);
        expect(measureBlocks(labels, image, options, { block, random })).toEqual(whole);
        expect(measureApart(labels, image, options, { block, random })).toEqual(whole);
      }),
      { numRuns: runs },
    );
  });

  it('gives each group of measures by itself', () => {
    const random = stream(5, 'groups');
    const labels = labelsOf([31, 23], random);
    for (const measures of [['size'], ['neighbours'], ['axes', 'border'], ['solidity'], ['euler', 'feret']] as const) {
      const whole = measure(labels, undefined, { measures });
      expect(measureBlocks(labels, undefined, { measures }, { block: [8, 9], random })).toEqual(whole);
    }
  });

  it('leaves objects out as if they were background', () => {
    const random = stream(6, 'dropped');
    for (let run = 0; run < 20; run++) {
      const labels = labelsOf([33, 29], random);
      const image = imageOf('uint8', [33, 29], random);
      const pixels = new Map<number, number>();
      for (const label of labels.data) pixels.set(label, (pixels.get(label) ?? 0) + 1);
      const kept = labels.data.map((label) => (label === 8 || (pixels.get(label) as number) < 20 ? 0 : label));
      const whole = measure({ ...labels, data: kept }, image);
      const drop = (label: number, count: number) => label === 8 || count < 20;
      expect(measureBlocks(labels, image, {}, { block: [10, 7], random, drop })).toEqual(whole);
    }
  });
});

describe('large objects', () => {
  it('counts the values of one of more than 2^16 pixels, in its block or across blocks', () => {
    const shape = [300, 310];
    const labels = ndarray('uint8', shape, new Uint8Array(300 * 310).fill(1));
    const random = stream(7, 'counted');
    for (const dtype of ['uint8', 'int16', 'float32'] as const) {
      const image = imageOf(dtype, shape, random);
      const whole = measure(labels, image, { measures: ['intensity'] });
      const values = Float64Array.from(image.data as ArrayLike<number>).filter((value) => !Number.isNaN(value));
      expect(tableColumn(whole, 'intensity_min').values[0]).toBe(values.reduce((a, b) => Math.min(a, b)));
      expect(tableColumn(whole, 'intensity_p50').values[0]).toBe(
        ((sorted) => (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2)(values.sort()),
      );
      const apart = measureBlocks(labels, image, { measures: ['intensity'] }, { block: [128, 101], random });
      expect(apart).toEqual(whole);
    }
  });

  it('has exact moments where their sums exceed 2^53', () => {
    // A line of n pixels along x at y = 0, from x = 0: the variance is (n^2 - 1) / 12, its sum of squares about n^3 / 3.
    const n = 131_072;
    const rows = 40;
    const labels = ndarray('uint8', [rows, n], new Uint8Array(rows * n).fill(1));
    const random = stream(8, 'moments');
    const measures = ['axes'] as const;
    const whole = measure(labels, undefined, { measures });
    const apart = measureBlocks(labels, undefined, { measures }, { block: [23, 50_001], random });
    expect(apart).toEqual(whole);
    expect(measureApart(labels, undefined, { measures }, { block: [23, 70_001], random })).toEqual(whole);
    expect(rows * (n ** 3 / 3)).toBeGreaterThan(2 ** 53);
    const exact = 4 * Math.sqrt((n ** 2 - 1) / 12);
    expect(Math.abs(Number(tableColumn(whole, 'major_axis_px').values[0]) / exact - 1)).toBeLessThan(1e-14);
  });
});

describe('misuse', () => {
  const labels = ndarray('uint8', [4, 6], new Uint8Array(24).fill(2));

  it('a block without its neighbours, outside of the map, or of which values are missing, is refused', () => {
    const measurer = new ObjectMeasurer({ shape: [4, 6] });
    expect(() => measurer.addLabels(new LabelBlock(cropped(labels, [0, 0], [4, 3])))).toThrow(/neighbours/);
    expect(() => measurer.addLabels(new LabelBlock(labels, { start: [1, 0] }))).toThrow(/within/);
    measurer.addLabels(new LabelBlock(cropped(labels, [0, 0], [4, 4]), { own: [4, 3] }));
    measurer.addLabels(new LabelBlock(cropped(labels, [0, 3], [4, 3]), { start: [0, 3] }));
    expect(() => measurer.table()).toThrow(/not added/);
    measurer.addValues(new LabelBlock(cropped(labels, [0, 0], [4, 3])));
    expect(() => measurer.table()).toThrow(/not added/);
    expect(() => measurer.addValues(new LabelBlock(labels))).toThrow(/more pixels/);
  });

  it('a label that was not there before is refused', () => {
    const measurer = new ObjectMeasurer({ shape: [4, 6] });
    measurer.addLabels(new LabelBlock(ndarray('uint8', [4, 6])));
    expect(() => measurer.addValues(new LabelBlock(labels))).toThrow(RangeError);
    expect(new ObjectMeasurer({ shape: [4, 6] }).table().columns.map(headerOf)).toEqual(
      measure(ndarray('uint8', [4, 6])).columns.map(headerOf),
    );
  });
});
