/** GridSample: an image at places that a tensor names (https://onnx.ai/onnx/operators/onnx__GridSample.html). */

import { elementCount } from '../../array/ndarray.ts';
import type { GraphBuilder } from '../builder.ts';
import type { Value } from '../ir.ts';
import { constantPlaces } from './indexing.ts';

export interface GridSampling {
  readonly mode: 'nearest' | 'linear' | 'cubic';
  /** What lies outside: zeros, what is at the border, or the image mirrored. */
  readonly padding: 'zeros' | 'border' | 'reflection';
  /** Whether -1 and 1 are the centres of the pixels in the corners; otherwise their outer edges. */
  readonly alignCorners: boolean;
}

/** A sample along one axis: its whole place, and its weight, 1 if left out. */
interface Tap {
  readonly place: Value;
  readonly weight?: Value;
}

/** Keys' cubic as ONNX Runtime and PyTorch have it. */
const CUBIC = -0.75;

/**
 * Elements of x [N, C, ...] at the places of a grid [N, ..., k] in -1..1, of which the first is along the last of the k
 * axes; [N, C, ...] in the shape of the grid.
 */
export function gridSample(b: GraphBuilder, x: Value, grid: Value, how: GridSampling): Value {
  const [images, channels, ...sizes] = x.shape as readonly [number, number, ...number[]];
  const shape = grid.shape.slice(0, -1);
  const { mode, padding, alignCorners } = how;
  const number = (value: number): Value => b.scalar(value, x.dtype);
  const places = grid.dtype === x.dtype ? grid : b.op('Cast', [grid], { to: x.dtype });
  const clamped = (place: Value, size: number): Value => b.op('Clip', [place, number(0), number(size - 1)]);
  /** A place within the image, unless what is outside is zero. */
  const bounded = (place: Value, size: number): Value => {
    if (padding === 'zeros') return place;
    if (padding === 'border') return clamped(place, size);
    const [low, range] = alignCorners ? [0, size - 1] : [-0.5, size];
    return clamped(mirrored(b, place, low, Math.max(range, 0.5)), size);
  };
  const coordinate = (size: number, axis: number): Value => {
    const k = sizes.length - 1 - axis;
    const raised = b.add(b.reshape(b.slice(places, [k], [k + 1], [shape.length]), shape), number(1));
    return alignCorners ? b.mul(raised, number((size - 1) / 2)) : b.sub(b.mul(raised, number(size / 2)), number(0.5));
  };
  const taps = sizes.map((size, axis): readonly Tap[] => {
    // Of a cubic only the samples are bounded, so that it goes on smoothly.
    const place = mode === 'cubic' ? coordinate(size, axis) : bounded(coordinate(size, axis), size);
    if (mode === 'nearest') return [{ place: roundToEven(b, place) }];
    const first = b.op('Floor', [place]);
    const part = b.sub(place, first);
    const weights = mode === 'linear' ? [b.sub(number(1), part), part] : cubicWeights(b, part);
    const start = mode === 'linear' ? 0 : -1;
    return weights.map((weight, i) => ({ place: start + i === 0 ? first : b.add(first, number(start + i)), weight }));
  });
  // Rows of channels, one for each pixel of all images.
  const area = elementCount(sizes);
  const order = [0, ...sizes.map((_, i) => i + 2), 1];
  const pixels = b.reshape(b.transpose(x, order), [images * area, channels]);
  const ofImage = constantPlaces(
    b,
    [images, ...shape.slice(1).map(() => 1)],
    Array.from({ length: images }, (_, n) => n * area),
  );
  const columns = [...shape, 1];
  /** Pixels at whole places, [N, ..., C]. */
  const at = (wanted: readonly Value[]): Value => {
    const inside = wanted.map((place, axis) => clamped(bounded(place, sizes[axis] as number), sizes[axis] as number));
    const [first, ...others] = inside.map((place) => b.op('Cast', [place], { to: 'int64' })) as [Value, ...Value[]];
    const place = others.reduce(
      (sofar, index, i) => b.add(b.mul(sofar, b.scalar(sizes[i + 1] as number, 'int64')), index),
      first,
    );
    const found = b.op('Gather', [pixels, b.add(place, ofImage)], { axis: 0 });
    if (padding !== 'zeros') return found;
    const unmoved = inside.map((each, axis) => b.op('Equal', [each, wanted[axis] as Value]));
    const isInside = unmoved.reduce((sofar, each) => b.op('And', [sofar, each]));
    return b.op('Where', [b.reshape(isInside, columns), found, number(0)]);
  };
  const parts = combinations(taps).map((each) => {
    const found = at(each.map(({ place }) => place));
    const weights = each.flatMap(({ weight }) => weight ?? []);
    if (weights.length === 0) return found;
    return b.mul(
      b.reshape(
        weights.reduce((sofar, weight) => b.mul(sofar, weight)),
        columns,
      ),
      found,
    );
  });
  const sum = parts.reduce((sofar, part) => b.add(sofar, part));
  const last = shape.length;
  return b.transpose(sum, [0, last, ...sizes.map((_, i) => i + 1)]);
}

/** One tap of each axis, in every way. */
const combinations = (taps: readonly (readonly Tap[])[]): readonly (readonly Tap[])[] =>
  taps.reduce<readonly (readonly Tap[])[]>(
    (sofar, own) => sofar.flatMap((some) => own.map((tap) => [...some, tap])),
    [[]],
  );

/** Weights of the two samples before a place, and of the two after it, at this part of the way between the inner ones. */
function cubicWeights(b: GraphBuilder, part: Value): readonly Value[] {
  const number = (value: number): Value => b.scalar(value, part.dtype);
  const polynomial = (t: Value, ...coefficients: readonly number[]): Value =>
    coefficients.slice(1).reduce((sofar, c) => b.add(b.mul(sofar, t), number(c)), number(coefficients[0] as number));
  const near = (t: Value): Value => polynomial(t, CUBIC + 2, -(CUBIC + 3), 0, 1);
  const far = (t: Value): Value => polynomial(t, CUBIC, -5 * CUBIC, 8 * CUBIC, -4 * CUBIC);
  const rest = b.sub(number(1), part);
  return [far(b.add(part, number(1))), near(part), near(rest), far(b.add(rest, number(1)))];
}

/** A place mirrored at `low` and `low + range`, as often as it takes. */
function mirrored(b: GraphBuilder, place: Value, low: number, range: number): Value {
  const number = (value: number): Value => b.scalar(value, place.dtype);
  const distance = b.op('Abs', [b.sub(place, number(low))]);
  const period = number(2 * range);
  const within = b.sub(distance, b.mul(period, b.op('Floor', [b.div(distance, period)])));
  // Forth, and back again
  return b.add(b.sub(number(range), b.op('Abs', [b.sub(within, number(range))])), number(low));
}

/** The nearest whole number, of two the even one. */
function roundToEven(b: GraphBuilder, x: Value): Value {
  const half = b.scalar(0.5, x.dtype);
  const up = b.op('Floor', [b.add(x, half)]);
  const isTie = b.op('Equal', [b.sub(x, b.op('Floor', [x])), half]);
  const even = b.mul(b.scalar(2, x.dtype), b.op('Floor', [b.add(b.mul(x, half), half)]));
  return b.op('Where', [isTie, even, up]);
}
