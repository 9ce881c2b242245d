/** Operations that read or write elements at places that a tensor names, by Gather from all elements in a row. */

import { elementCount, int64, type NdArray, ndarray, type Shape } from '../../array/ndarray.ts';
import type { GraphBuilder } from '../builder.ts';
import type { Value } from '../ir.ts';
import { integers, normaliseAxis } from '../op-row.ts';
import { elementsAt, fromFront, gatherElements, stridesOf } from '../ops/movement.ts';

const wrapped = (index: number, size: number): number => (index < 0 ? index + size : index);

export const constantPlaces = (b: GraphBuilder, shape: Shape, places: readonly number[]): Value =>
  b.constant(ndarray('int64', shape, int64(places).data));

/** Places in memory of all elements that indices [..., k] name along the k axes of `x` after `batch` ones, [..., rest]. */
function placesNamed(b: GraphBuilder, { shape }: Value, indices: Value, batch: number): Value {
  const k = indices.shape.at(-1) as number;
  const outer = indices.shape.slice(0, -1);
  const named = shape.slice(batch, batch + k);
  const rest = elementCount(shape.slice(batch + k));
  const steps = stridesOf([...named, rest]).slice(0, k);
  const start = b.sum(b.mul(fromFront(b, indices, b.ints(named)), b.ints(steps)), [outer.length]);
  const size = elementCount(shape.slice(batch));
  const perBatch = elementCount(outer.slice(batch));
  const offsets = Array.from({ length: elementCount(outer) }, (_, i) => Math.floor(i / perBatch) * size);
  const first = batch === 0 ? start : b.add(start, constantPlaces(b, outer, offsets));
  const inner = b.ints(Array.from({ length: rest }, (_, i) => i));
  return b.add(b.reshape(first, [...outer, 1]), inner);
}

/** Slices of `x` at indices [..., k], each of which names a place along the k axes after `batch` ones. */
export function gatherNd(b: GraphBuilder, x: Value, indices: Value, batch: number): Value {
  const rest = x.shape.slice(batch + (indices.shape.at(-1) as number));
  return b.reshape(elementsAt(b, x, placesNamed(b, x, indices, batch)), [...indices.shape.slice(0, -1), ...rest]);
}

/**
 * Data of which elements are replaced at indices that are known, of several for one place by the last: a Gather from data
 * and updates in a row, so that gradients reach both.
 */
export function replaceKnown(b: GraphBuilder, data: Value, indices: NdArray, updates: Value): Value {
  const k = indices.shape.at(-1) as number;
  const numbers = integers(indices);
  const steps = stridesOf(data.shape);
  const block = elementCount(data.shape.slice(k));
  const places = Array.from({ length: numbers.length / k }, (_, i) =>
    numbers
      .slice(i * k, (i + 1) * k)
      .reduce((sum, index, axis) => sum + wrapped(index, data.shape[axis] as number) * (steps[axis] as number), 0),
  ).flatMap((start) => Array.from({ length: block }, (_, i) => start + i));
  const size = elementCount(data.shape);
  const sources = Array.from({ length: size }, (_, i) => i);
  for (const [i, place] of places.entries()) sources[place] = size + i;
  const both = b.op('Concat', [b.reshape(data, [size]), b.reshape(updates, [places.length])], { axis: 0 });
  return b.op('Gather', [both, constantPlaces(b, data.shape, sources)], { axis: 0 });
}

/** Data of which elements at these indices [..., k] are replaced by updates, or have them added. */
export function scatterNd(
  b: GraphBuilder,
  data: Value,
  indices: Value,
  updates: Value,
  reduction: 'none' | 'add',
): Value {
  const places = placesNamed(b, data, indices, 0);
  const count = [elementCount(places.shape)];
  const flat = [b.reshape(data, [elementCount(data.shape)]), b.reshape(places, count), b.reshape(updates, count)];
  return b.reshape(b.op('ScatterElements', flat, { axis: 0, reduction }), data.shape);
}

/** Values at the places in memory that their indices name, and zeros elsewhere, [N, C, ...]. */
export function maxUnpool(b: GraphBuilder, x: Value, indices: Value, shape: Shape): Value {
  const count = [elementCount(x.shape)];
  const zeros = b.op('ConstantOfShape', [b.ints([elementCount(shape)])]);
  const placed = [zeros, b.reshape(indices, count), b.reshape(x, count)];
  return b.reshape(b.op('ScatterElements', placed, { axis: 0, reduction: 'none' }), shape);
}

/** The k largest along an axis, the largest first, and where they are: again and again the largest of what is left. */
export function topK(b: GraphBuilder, x: Value, k: number, axis: number): readonly [values: Value, indices: Value] {
  const at = normaliseAxis(axis, x.shape.length, 'TopK');
  const line = x.shape.map((n, i) => (i === at ? n : 1));
  const numbers = constantPlaces(
    b,
    line,
    Array.from({ length: x.shape[at] as number }, (_, i) => i),
  );
  const found: Value[] = [];
  let left = x;
  for (let i = 0; i < k; i++) {
    const index = b.op('ArgMax', [left], { axis: at, keepdims: 1 });
    found.push(index);
    if (i < k - 1) left = b.op('Where', [b.op('Equal', [numbers, index]), b.scalar(-3.4e38, x.dtype), left]);
  }
  const indices = found.length === 1 ? (found[0] as Value) : b.op('Concat', found, { axis: at });
  return [gatherElements(b, x, indices, at), indices];
}
