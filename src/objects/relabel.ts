/** Makes label maps with arbitrary values consecutive. */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import type { IntegerArray } from './grid.ts';

export interface Relabelled {
  /** Same shape; 0 stays 0, the others become 1..count in ascending order of their values. */
  readonly labels: NdArray<'int32'>;
  readonly count: number;
  /** `values[k]` is the original value of label k; `values[0]` is 0. */
  readonly values: readonly number[];
}

/**
 * Makes the labels of a map consecutive; a map that already is, is copied as int32.
 * @throws UsageError if a label is negative.
 */
export function relabelConsecutive(array: IntegerArray): Relabelled {
  const data = array.data;
  let largest = 0;
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    if (value < 0) {
      throw new UsageError(`The label map contains the negative value ${value}.`, {
        remedy: 'Labels are 0 for background and positive for objects; pass ignored pixels as a mask.',
      });
    }
    if (value > largest) largest = value;
  }
  const labels = new Int32Array(data.length);
  const values = [0];
  // A lookup table if it is not much larger than the image, a map for huge sparse values.
  if (largest <= 4 * data.length + 65536) {
    const table = new Int32Array(largest + 1);
    for (let i = 0; i < data.length; i++) table[data[i]] = 1;
    for (let value = 1; value <= largest; value++) {
      if (table[value] === 0) continue;
      table[value] = values.length;
      values.push(value);
    }
    table[0] = 0;
    for (let i = 0; i < data.length; i++) labels[i] = table[data[i]];
  } else {
    const sorted = [...new Set<number>(data)].filter((value) => value > 0).sort((a, b) => a - b);
    const ranks = new Map(sorted.map((value, index) => [value, index + 1]));
    values.push(...sorted);
    for (let i = 0; i < data.length; i++) labels[i] = ranks.get(data[i]) ?? 0;
  }
  return { labels: ndarray('int32', array.shape, labels), count: values.length - 1, values };
}
