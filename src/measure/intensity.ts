/** Statistics of the image values in each object. */

import { allocate, type DType, type NdArray, type Storage } from '../array/ndarray.ts';
import { quantileOf } from '../array/quantile.ts';
import { UsageError } from '../errors.ts';

export type NumberDType = Exclude<DType, 'int64' | 'uint64' | 'float16'>;

export interface Statistics {
  readonly mean: number;
  /** Standard deviation of the values, divided by n, not n - 1. */
  readonly sd: number;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  /** One per requested percentile. */
  readonly percentiles: readonly number[];
}

/** Collects the values of one object, in any order. */
export interface ObjectValues {
  /** Without NaN. */
  add(values: Storage[NumberDType]): void;
  readonly count: number;
  /** The value at a place of the ascending order. */
  at(place: number): number;
  /** Calls `visit` with each value in ascending order. */
  each(visit: (value: number) => void): void;
}

/**
 * Their sums are of the ascending order, so that they do not depend on the order in which values came.
 * @param percentiles 0..100
 * @returns NaN for no values; of infinite values mean and sum are infinite, and the deviation is NaN
 */
export function statisticsOf(values: ObjectValues, percentiles: readonly number[]): Statistics {
  const { count } = values;
  let sum = 0;
  values.each((value) => {
    sum += value;
  });
  const mean = sum / count;
  let squares = 0;
  values.each((value) => {
    const deviation = value - mean;
    squares += deviation * deviation;
  });
  const at = (place: number): number => (count === 0 ? Number.NaN : values.at(place));
  return {
    sum: count === 0 ? Number.NaN : sum,
    mean,
    sd: Math.sqrt(squares / count),
    min: at(0),
    max: at(count - 1),
    percentiles: percentiles.map((p) => quantileOf(count, at, p / 100)),
  };
}

/** Objects of more pixels are counted by value where the dtype has at most 2^16 of them. */
const MOST_LISTED = 2 ** 16;

/** @param pixels of the object: the most values that are added */
export const objectValues = (dtype: NumberDType, pixels: number): ObjectValues =>
  pixels > MOST_LISTED && LOWEST[dtype] !== undefined
    ? new CountedValues(LOWEST[dtype])
    : new ListedValues(allocate(dtype, pixels));

/** The least value of dtypes of at most 16 bits. */
const LOWEST: Partial<Record<NumberDType, number>> = { bool: 0, uint8: 0, int8: -128, uint16: 0, int16: -32_768 };

export class ListedValues implements ObjectValues {
  readonly #values: Storage[NumberDType];
  #sorted = false;
  count: number;

  /** @param values that were added already; changed. @param room for all values */
  constructor(values: Storage[NumberDType], count = 0) {
    this.#values = values;
    this.count = count;
  }

  add(values: Storage[NumberDType]): void {
    this.#values.set(values, this.count);
    this.count += values.length;
    this.#sorted = false;
  }

  #ascending(): Storage[NumberDType] {
    const values = this.#values.subarray(0, this.count);
    if (!this.#sorted) values.sort();
    this.#sorted = true;
    return values;
  }

  at(place: number): number {
    return this.#ascending()[place];
  }

  each(visit: (value: number) => void): void {
    const values = this.#ascending();
    for (let k = 0; k < values.length; k++) visit(values[k]);
  }
}

/** Counts how often each value occurs. */
class CountedValues implements ObjectValues {
  readonly #lowest: number;
  readonly #counts = new Float64Array(2 ** 16);
  count = 0;

  constructor(lowest: number) {
    this.#lowest = lowest;
  }

  add(values: Storage[NumberDType]): void {
    for (let k = 0; k < values.length; k++) this.#counts[values[k] - this.#lowest]++;
    this.count += values.length;
  }

  at(place: number): number {
    let before = this.#counts[0];
    let k = 0;
    while (before <= place) before += this.#counts[++k];
    return k + this.#lowest;
  }

  each(visit: (value: number) => void): void {
    for (let k = 0; k < this.#counts.length; k++) {
      for (let times = this.#counts[k]; times > 0; times--) visit(k + this.#lowest);
    }
  }
}

/**
 * The values of a block grouped by object: those of object k from `starts[k]` to before `ends[k]`; NaN is left out.
 * @param labels 0..count
 * @param values of the same length
 * @param pixels of each object
 */
export function groupValues(labels: Int32Array, values: Storage[NumberDType], pixels: Float64Array) {
  const count = pixels.length - 1;
  const starts = new Float64Array(count + 2);
  for (let label = 1; label <= count; label++) starts[label + 1] = starts[label] + pixels[label];
  const grouped = new (values.constructor as new (length: number) => Storage[NumberDType])(starts[count + 1]);
  const ends = starts.slice();
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i];
    if (label === 0) continue;
    const value = values[i];
    if (Number.isNaN(value)) continue;
    const place = ends[label];
    grouped[place] = value;
    ends[label] = place + 1;
  }
  return (label: number): Storage[NumberDType] => grouped.subarray(starts[label], ends[label]);
}

/** @throws UsageError for a dtype whose elements are not plain numbers. */
export function requireNumbers(image: NdArray): asserts image is NdArray<NumberDType> {
  if (image.dtype === 'int64' || image.dtype === 'uint64' || image.dtype === 'float16') {
    throw new UsageError(`The image has the type ${image.dtype}, which cannot be measured.`, {
      remedy: 'Convert it to float32 or float64.',
    });
  }
}
