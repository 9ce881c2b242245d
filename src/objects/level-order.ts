/** Pixels sorted by value, by radix sort: the first step of flooding. */

import type { NdArray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import type { Extents, Framed, IntegerArray } from './grid.ts';

/** Images that can be flooded. */
export type ScalarArray = IntegerArray | NdArray<'float32' | 'float64'>;

/**
 * Positions 0..n-1 stably sorted by ascending value. -0 and 0 are equal.
 * @throws UsageError for a NaN.
 */
export function ascendingOrder(values: ScalarArray['data']): Int32Array {
  return sortByValue(values, positions(values.length)).items;
}

export interface PixelLevels {
  /** Indices in the framed grid of the pixels to flood, by ascending value; ties in raster order. */
  readonly order: Int32Array;
  /** The pixels of level l, which have the same value, are order[starts[l]] .. order[starts[l + 1] - 1]. */
  readonly starts: Int32Array;
}

/**
 * The pixels of a mask (default: all) by value.
 * @throws UsageError for a NaN among them.
 */
export function levelsOf(
  image: ScalarArray,
  mask: IntegerArray | undefined,
  { depth, height, width, size }: Extents,
  frame: Framed,
): PixelLevels {
  const data = image.data;
  const inside = mask?.data;
  let count = size;
  if (inside !== undefined) {
    count = 0;
    for (let i = 0; i < size; i++) if (inside[i] !== 0) count++;
  }
  const where = new Int32Array(count);
  const taken = inside === undefined ? data : new (data.constructor as new (length: number) => typeof data)(count);
  for (let z = 0, i = 0, k = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0, p = frame.rowStart(z, y); x < width; x++, i++, p++) {
        if (inside !== undefined) {
          if (inside[i] === 0) continue;
          taken[k] = data[i];
        }
        where[k++] = p;
      }
    }
  }
  const { items: order, keys, tied } = sortByValue(taken, where);
  const starts = new Int32Array(count + 1);
  let levels = 0;
  for (let k = 0; k < count; k++) {
    const same = k > 0 && keys[k] === keys[k - 1] && (tied === undefined || tied[k] === tied[k - 1]);
    if (!same) starts[levels++] = k;
  }
  starts[levels] = count;
  return { order, starts: starts.subarray(0, levels + 1) };
}

/** Items sorted by their keys, and the sorted keys. */
interface Sorted {
  readonly items: Int32Array;
  readonly keys: Uint32Array;
  /** Where keys are equal, these must be equal too for the values to be equal. */
  readonly tied?: Uint32Array;
}

/** Sorts items (overwritten) by `values[k]`, the value of `items[k]`. */
function sortByValue(values: ScalarArray['data'], items: Int32Array): Sorted {
  const count = values.length;
  const keys = new Uint32Array(count);
  if (values instanceof Float64Array) {
    const words = new Uint32Array(values.buffer, values.byteOffset, 2 * count);
    const low = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const value = values[i];
      if (Number.isNaN(value)) refuseNaN();
      const top = value === 0 ? 0 : words[2 * i + 1];
      // Bits of negative numbers are inverted, so that bits order like numbers.
      const flip = top >>> 31 === 1 ? 0xffffffff : 0;
      low[i] = words[2 * i] ^ flip;
      keys[i] = top ^ (flip | 0x80000000);
    }
    const byLow = sortByKey(low.slice(), positions(count)).items;
    const { items: order, keys: sorted } = sortByKey(gathered(keys, byLow), byLow);
    return { items: gathered(items, order), keys: sorted, tied: gathered(low, order) };
  }
  if (values instanceof Float32Array) {
    const words = new Uint32Array(values.buffer, values.byteOffset, count);
    for (let i = 0; i < count; i++) {
      const value = values[i];
      if (Number.isNaN(value)) refuseNaN();
      // 0 for -0.
      const bits = value === 0 ? 0 : words[i];
      keys[i] = bits >>> 31 === 1 ? ~bits : bits | 0x80000000;
    }
  } else {
    const signed = values instanceof Int8Array || values instanceof Int16Array || values instanceof Int32Array;
    const offset = signed ? 0x80000000 : 0;
    for (let i = 0; i < count; i++) keys[i] = values[i] + offset;
  }
  return sortByKey(keys, items);
}

function positions(count: number): Int32Array {
  const all = new Int32Array(count);
  for (let i = 0; i < count; i++) all[i] = i;
  return all;
}

function gathered<T extends Int32Array | Uint32Array>(values: T, at: Int32Array): T {
  const result = values.slice() as T;
  for (let k = 0; k < at.length; k++) result[k] = values[at[k]];
  return result;
}

function refuseNaN(): never {
  throw new UsageError('The image to flood contains NaN.', { remedy: 'Replace NaN first, or exclude it with a mask.' });
}

const BITS = 11;
const BUCKETS = 1 << BITS;
const PASSES = 3;

/**
 * Least significant digit first, all digits counted in one pass; digits that are equal in all keys are skipped. Both
 * arrays are overwritten.
 */
function sortByKey(keys: Uint32Array, items: Int32Array): Sorted {
  const count = keys.length;
  const starts = new Int32Array(PASSES * BUCKETS);
  for (let i = 0; i < count; i++) {
    const key = keys[i];
    const low = key & (BUCKETS - 1);
    const middle = BUCKETS + ((key >>> BITS) & (BUCKETS - 1));
    const high = 2 * BUCKETS + (key >>> (2 * BITS));
    starts[low] = starts[low] + 1;
    starts[middle] = starts[middle] + 1;
    starts[high] = starts[high] + 1;
  }
  let fromKeys: Uint32Array = keys;
  let from: Int32Array = items;
  let toKeys: Uint32Array | undefined;
  let to: Int32Array | undefined;
  for (let pass = 0; pass < PASSES; pass++) {
    const shift = pass * BITS;
    const first = pass * BUCKETS;
    if (count === 0 || starts[first + ((fromKeys[0] >>> shift) & (BUCKETS - 1))] === count) continue;
    let sum = 0;
    for (let digit = first; digit < first + BUCKETS; digit++) {
      const here = starts[digit];
      starts[digit] = sum;
      sum += here;
    }
    toKeys ??= new Uint32Array(count);
    to ??= new Int32Array(count);
    for (let i = 0; i < count; i++) {
      const key = fromKeys[i];
      const digit = first + ((key >>> shift) & (BUCKETS - 1));
      const place = starts[digit];
      starts[digit] = place + 1;
      toKeys[place] = key;
      to[place] = from[i];
    }
    [fromKeys, toKeys] = [toKeys, fromKeys];
    [from, to] = [to, from];
  }
  return { items: from, keys: fromKeys };
}
