/** Operations that read or write elements at places that a tensor names, by Gather from all elements in a row. */

import { elementCount, int64, type NdArray, ndarray, type Shape } from '../../array/ndarray.ts';
import type { GraphBuilder } from '../builder.ts';
import type { Value } from '../ir.ts';
import { integers, normaliseAxis } from '../op-row.ts';

const strides = (shape: Shape): number[] => shape.map((_, i) => elementCount(shape.slice(i + 1)));

const wrapped = (index: number, size: number): number => (index < 0 ? index + size : index);

/** Elements of `x` at these places in memory, an int64 tensor of any shape. */
function elementsAt(b: GraphBuilder, x: Value, places: Value): Value {
  return b.op('Gather', [b.reshape(x, [elementCount(x.shape)]), places], { axis: 0 });
}

const constantPlaces = (b: GraphBuilder, shape: Shape, places: readonly number[]): Value =>
  b.constant(ndarray('int64', shape, int64(places).data));

/** Indices that may be negative, counted from the front. */
const fromFront = (b: GraphBuilder, indices: Value, size: Value): Value =>
  b.op('Where', [b.op('Less', [indices, b.scalar(0, 'int64')]), b.add(indices, size), indices]);

/** `out[i] = x[indices[i]]` along an axis, for indices of the rank of x. */
export function gatherElements(b: GraphBuilder, x: Value, indices: Value, axis: number): Value {
  const at = normaliseAxis(axis, x.shape.length, 'GatherElements');
  const steps = strides(x.shape);
  const own = strides(indices.shape);
  // The place of the first element along the axis.
  const base = Array.from({ length: elementCount(indices.shape) }, (_, i) =>
    own.reduce((sum, step, k) => {
      const index = Math.floor(i / step) % (indices.shape[k] as number);
      return k === at ? sum : sum + index * (steps[k] as number);
    }, 0),
  );
  const whole = fromFront(b, b.op('Cast', [indices], { to: 'int64' }), b.scalar(x.shape[at] as number, 'int64'));
  const places = b.add(b.mul(whole, b.scalar(steps[at] as number, 'int64')), constantPlaces(b, indices.shape, base));
  return elementsAt(b, x, places);
}

/** Slices of `x` at indices [..., k], each of which names a place along the k axes after `batch` ones. */
export function gatherNd(b: GraphBuilder, x: Value, indices: Value, batch: number): Value {
  const k = indices.shape.at(-1) as number;
  const outer = indices.shape.slice(0, -1);
  const named = x.shape.slice(batch, batch + k);
  const rest = x.shape.slice(batch + k);
  const steps = strides([...named, elementCount(rest)]).slice(0, k);
  const whole = fromFront(b, b.op('Cast', [indices], { to: 'int64' }), b.ints(named));
  const start = b.sum(b.mul(whole, b.ints(steps)), [outer.length]);
  const size = elementCount(x.shape.slice(batch));
  const perBatch = elementCount(outer.slice(batch));
  const offsets = Array.from({ length: elementCount(outer) }, (_, i) => Math.floor(i / perBatch) * size);
  const first = b.add(start, constantPlaces(b, outer, offsets));
  const inner = b.ints(Array.from({ length: elementCount(rest) }, (_, i) => i));
  const places = b.add(b.reshape(first, [...outer, 1]), inner);
  return b.reshape(elementsAt(b, x, places), [...outer, ...rest]);
}

/**
 * Data of which elements are replaced at indices that are known, of several for one place by the last: a Gather from data
 * and updates in a row, so that gradients reach both.
 */
export function scatterNd(b: GraphBuilder, data: Value, indices: NdArray, updates: Value): Value {
  const k = indices.shape.at(-1) as number;
  const numbers = integers(indices);
  const steps = strides(data.shape);
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

/**
 * Pixels of x [N, C, H, W] at the places of a grid [N, H', W', 2] of x and y in -1..1.
 * @param options zeros: pixels outside are 0; otherwise those at the border
 */
export function gridSample(
  b: GraphBuilder,
  x: Value,
  grid: Value,
  {
    nearest,
    zeros,
    alignCorners,
  }: { readonly nearest: boolean; readonly zeros: boolean; readonly alignCorners: boolean },
): Value {
  const [images, channels, height, width] = x.shape as readonly [number, number, number, number];
  const [, rows, columns] = grid.shape as readonly [number, number, number];
  const number = (value: number): Value => b.scalar(value, x.dtype);
  const coordinate = (k: number, size: number): Value => {
    const one = b.reshape(b.slice(grid, [k], [k + 1], [3]), [images, rows, columns]);
    const raised = b.add(one, number(1));
    const place = alignCorners
      ? b.mul(raised, number((size - 1) / 2))
      : b.sub(b.mul(raised, number(size / 2)), number(0.5));
    return zeros ? place : b.op('Clip', [place, number(0), number(size - 1)]);
  };
  const [px, py] = [coordinate(0, width), coordinate(1, height)];
  // Rows of channels, one for each pixel of all images.
  const pixels = b.reshape(b.transpose(x, [0, 2, 3, 1]), [images * height * width, channels]);
  const first = constantPlaces(
    b,
    [images, 1, 1],
    Array.from({ length: images }, (_, n) => n * height * width),
  );
  const clamped = (v: Value, size: number): Value => b.op('Clip', [v, number(0), number(size - 1)]);
  /** Pixels at whole places, [N, H', W', C]. */
  const at = (wholeX: Value, wholeY: Value): Value => {
    const [cx, cy] = [clamped(wholeX, width), clamped(wholeY, height)];
    const place = b.op('Cast', [b.add(b.mul(cy, number(width)), cx)], { to: 'int64' });
    const found = b.op('Gather', [pixels, b.add(place, first)], { axis: 0 });
    if (!zeros) return found;
    const inside = b.op('And', [b.op('Equal', [cx, wholeX]), b.op('Equal', [cy, wholeY])]);
    return b.op('Where', [b.reshape(inside, [images, rows, columns, 1]), found, number(0)]);
  };
  const toFront = (v: Value): Value => b.transpose(v, [0, 3, 1, 2]);
  if (nearest) return toFront(at(roundToEven(b, px), roundToEven(b, py)));
  const [x0, y0] = [b.op('Floor', [px]), b.op('Floor', [py])];
  const [fx, fy] = [b.sub(px, x0), b.sub(py, y0)];
  const [x1, y1] = [b.add(x0, number(1)), b.add(y0, number(1))];
  const rest = (f: Value): Value => b.sub(number(1), f);
  const part = (wx: Value, wy: Value, v: Value): Value =>
    b.mul(b.reshape(b.mul(wx, wy), [images, rows, columns, 1]), v);
  return toFront(
    [
      part(rest(fx), rest(fy), at(x0, y0)),
      part(fx, rest(fy), at(x1, y0)),
      part(rest(fx), fy, at(x0, y1)),
      part(fx, fy, at(x1, y1)),
    ].reduce((sum, value) => b.add(sum, value)),
  );
}

/** The nearest whole number, of two the even one. */
function roundToEven(b: GraphBuilder, x: Value): Value {
  const half = b.scalar(0.5, x.dtype);
  const up = b.op('Floor', [b.add(x, half)]);
  const isTie = b.op('Equal', [b.sub(x, b.op('Floor', [x])), half]);
  const even = b.mul(b.scalar(2, x.dtype), b.op('Floor', [b.add(b.mul(x, half), half)]));
  return b.op('Where', [isTie, even, up]);
}
