/** Pixels in the order of their values, by radix sort: what flooding needs first. */

import type { NdArray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import type { Extents, Framed, IntegerArray } from './grid.ts';

/** Images that can be flooded. */
export type ScalarArray = IntegerArray | NdArray<'float32' | 'float64'>;

const BITS = 11;
const BUCKETS = 1 << BITS;

/**
 * Positions 0..n-1 stably sorted by ascending value. -0 and 0 are equal.
 * @throws UsageError for a NaN.
 */
export function ascendingOrder(values: ScalarArray['data']): Int32Array {
  const count = values.length;
  let order: Int32Array = new Int32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  if (values instanceof Float64Array) {
    // + 0 makes 0 of -0.
    const doubles = new Float64Array(count);
    for (let i = 0; i < count; i++) doubles[i] = (values[i] as number) + 0;
    const words = new Uint32Array(doubles.buffer);
    const low = new Uint32Array(count);
    const high = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      if (Number.isNaN(doubles[i])) refuseNaN();
      const top = words[2 * i + 1] as number;
      // Bits of negative numbers are inverted, so that the order of the bits is that of the numbers.
      const flip = top >>> 31 === 1 ? 0xffffffff : 0;
      low[i] = (words[2 * i] as number) ^ flip;
      high[i] = top ^ (flip | 0x80000000);
    }
    order = sortByKey(low, order);
    const gathered = new Uint32Array(count);
    for (let i = 0; i < count; i++) gathered[i] = high[order[i] as number] as number;
    return sortByKey(gathered, order);
  }
  const keys = new Uint32Array(count);
  if (values instanceof Float32Array) {
    const floats = new Float32Array(count);
    for (let i = 0; i < count; i++) floats[i] = (values[i] as number) + 0;
    const words = new Uint32Array(floats.buffer);
    for (let i = 0; i < count; i++) {
      if (Number.isNaN(floats[i])) refuseNaN();
      const bits = words[i] as number;
      keys[i] = bits >>> 31 === 1 ? ~bits : bits | 0x80000000;
    }
  } else {
    const signed = values instanceof Int8Array || values instanceof Int16Array || values instanceof Int32Array;
    const offset = signed ? 0x80000000 : 0;
    for (let i = 0; i < count; i++) keys[i] = (values[i] as number) + offset;
  }
  return sortByKey(keys, order);
}

export interface PixelLevels {
  /** Indices in the framed grid, in raster order, of the pixels that take part. */
  readonly where: Int32Array;
  /** Positions in `where`, stably sorted by ascending value. */
  readonly order: Int32Array;
  /** For each position in `where`: how many smaller values occur. */
  readonly level: Int32Array;
  /** The values that occur, ascending. */
  readonly values: Float64Array;
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
  const taken = new (data.constructor as new (length: number) => typeof data)(count);
  for (let z = 0, i = 0, k = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0, p = frame.rowStart(z, y); x < width; x++, i++, p++) {
        if (inside !== undefined && inside[i] === 0) continue;
        where[k] = p;
        taken[k] = data[i] as number;
        k++;
      }
    }
  }
  const order = ascendingOrder(taken);
  const level = new Int32Array(count);
  const values = new Float64Array(count);
  let levels = 0;
  for (let k = 0; k < count; k++) {
    const here = order[k] as number;
    const value = taken[here] as number;
    if (k === 0 || value !== values[levels - 1]) values[levels++] = value;
    level[here] = levels - 1;
  }
  return { where, order, level, values: values.subarray(0, levels) };
}

function refuseNaN(): never {
  throw new UsageError('The image to flood holds NaN.', { remedy: 'Replace NaN before, or leave it out by a mask.' });
}

/** Least digit first; digits that are the same in all keys are skipped. `keys[k]` is that of `order[k]`. */
function sortByKey(keys: Uint32Array, order: Int32Array): Int32Array {
  const count = keys.length;
  let fromKeys: Uint32Array = keys;
  let from: Int32Array = order;
  let toKeys: Uint32Array = new Uint32Array(count);
  let to: Int32Array = new Int32Array(count);
  const starts = new Int32Array(BUCKETS);
  for (let shift = 0; shift < 32; shift += BITS) {
    starts.fill(0);
    for (let i = 0; i < count; i++) {
      const digit = ((fromKeys[i] as number) >>> shift) & (BUCKETS - 1);
      starts[digit] = (starts[digit] as number) + 1;
    }
    const first = count === 0 ? 0 : ((fromKeys[0] as number) >>> shift) & (BUCKETS - 1);
    if (starts[first] === count) continue;
    let sum = 0;
    for (let digit = 0; digit < BUCKETS; digit++) {
      const here = starts[digit] as number;
      starts[digit] = sum;
      sum += here;
    }
    for (let i = 0; i < count; i++) {
      const key = fromKeys[i] as number;
      const digit = (key >>> shift) & (BUCKETS - 1);
      const place = starts[digit] as number;
      starts[digit] = place + 1;
      toKeys[place] = key;
      to[place] = from[i] as number;
    }
    [fromKeys, toKeys] = [toKeys, fromKeys];
    [from, to] = [to, from];
  }
  return from;
}
