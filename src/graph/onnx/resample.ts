/**
 * Forms of Resize that the table lacks, as a product with a matrix along each axis: cubic, antialiased, and other ways to
 * count and round places (https://onnx.ai/onnx/operators/onnx__Resize.html).
 */

import { ndarray } from '../../array/ndarray.ts';
import type { GraphBuilder } from '../builder.ts';
import type { Value } from '../ir.ts';

export interface Resampling {
  readonly mode: string;
  readonly transform: string;
  readonly nearest: string;
  /** `a` of the cubic. */
  readonly cubic: number;
  /** Whether samples outside are left out, and the others weighted up; otherwise that at the border is taken. */
  readonly excludesOutside: boolean;
  /** Whether the kernel grows where samples become fewer. */
  readonly antialias: boolean;
  /** For `tf_crop_and_resize`: where the part that is enlarged starts along each axis, then where it ends, from 0 to 1. */
  readonly crop?: readonly number[] | undefined;
  /** What is beyond the image there. */
  readonly outside: number;
}

interface Axis {
  readonly inputs: number;
  readonly outputs: number;
  readonly scale: number;
  /** The part that is enlarged, from 0 to 1. */
  readonly part: readonly [start: number, end: number] | undefined;
}

/** Places in the input of each sample of the output; undefined for a transformation that is not supported. */
function placesOf(transform: string, { inputs, outputs, scale, part }: Axis): readonly number[] | undefined {
  const half = (o: number): number => (o + 0.5) / scale - 0.5;
  const all = (place: (o: number) => number): readonly number[] => Array.from({ length: outputs }, (_, o) => place(o));
  switch (transform) {
    case 'half_pixel':
      return all(half);
    case 'pytorch_half_pixel':
      return all((o) => (outputs > 1 ? half(o) : 0));
    case 'asymmetric':
      return all((o) => o / scale);
    case 'align_corners':
      return all((o) => (outputs === 1 ? 0 : (o * (inputs - 1)) / (outputs - 1)));
    case 'half_pixel_symmetric':
      return all((o) => (inputs / 2) * (1 - outputs / (scale * inputs)) + half(o));
    case 'tf_crop_and_resize': {
      if (part === undefined) return undefined;
      const [start, end] = part.map((place) => place * (inputs - 1)) as [number, number];
      return all((o) => (outputs > 1 ? start + (o * (end - start)) / (outputs - 1) : (start + end) / 2));
    }
    default:
      return undefined;
  }
}

const ROUNDINGS: { readonly [mode: string]: (place: number) => number } = {
  round_prefer_floor: (place) => Math.ceil(place - 0.5),
  round_prefer_ceil: (place) => Math.floor(place + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** Weight at a distance: a triangle, or Keys' cubic. */
function kernelOf({ mode, cubic: a }: Resampling): {
  readonly radius: number;
  readonly weight: (distance: number) => number;
} {
  if (mode === 'linear') return { radius: 1, weight: (distance) => Math.max(0, 1 - Math.abs(distance)) };
  return {
    radius: 2,
    weight: (distance) => {
      const t = Math.abs(distance);
      if (t <= 1) return (a + 2) * t ** 3 - (a + 3) * t ** 2 + 1;
      return t < 2 ? a * t ** 3 - 5 * a * t ** 2 + 8 * a * t - 4 * a : 0;
    },
  };
}

/** Weights of the input's samples in each of the output's, [outputs, inputs]. */
function matrixOf(
  places: readonly number[],
  inputs: number,
  scale: number,
  how: Resampling,
): Float32Array<ArrayBuffer> {
  const matrix = new Float32Array(places.length * inputs);
  const shrink = how.antialias ? Math.min(1, scale) : 1;
  const { radius, weight } = kernelOf(how);
  for (const [o, place] of places.entries()) {
    const found: (readonly [index: number, weight: number])[] = [];
    for (let i = Math.ceil(place - radius / shrink); i <= Math.floor(place + radius / shrink); i++) {
      const isOutside = i < 0 || i >= inputs;
      if (isOutside && how.excludesOutside) continue;
      found.push([Math.min(inputs - 1, Math.max(0, i)), weight((i - place) * shrink)]);
    }
    const sum = found.reduce((total, [, each]) => total + each, 0);
    for (const [i, each] of found) matrix[o * inputs + i] = (matrix[o * inputs + i] as number) + each / sum;
  }
  return matrix;
}

/** The same but for samples of a crop that are beyond the image. */
function inside(
  b: GraphBuilder,
  x: Value,
  {
    axis,
    places,
    inputs,
    how,
  }: { readonly axis: number; readonly places: readonly number[]; readonly inputs: number; readonly how: Resampling },
): Value {
  const isInside = places.map((place) => place >= 0 && place <= inputs - 1);
  if (how.crop === undefined || isInside.every(Boolean)) return x;
  const mask = ndarray(
    'bool',
    x.shape.map((n, i) => (i === axis ? n : 1)),
    Uint8Array.from(isInside, Number),
  );
  return b.op('Where', [b.constant(mask), x, b.scalar(how.outside, x.dtype)]);
}

/**
 * @param outputs length of each axis
 * @param scales of each axis
 * @returns undefined for a form that is not supported
 */
export function resample(
  b: GraphBuilder,
  x: Value,
  outputs: readonly number[],
  scales: readonly number[],
  how: Resampling,
): Value | undefined {
  let made = x;
  for (const [axis, inputs] of x.shape.entries()) {
    const [count, scale] = [outputs[axis] as number, scales[axis] as number];
    if (count === inputs && scale === 1 && how.crop === undefined) continue;
    const part = how.crop && ([how.crop[axis], how.crop[axis + x.shape.length]] as [number, number]);
    const places = placesOf(how.transform, { inputs, outputs: count, scale, part });
    if (places === undefined) return undefined;
    if (how.mode === 'nearest') {
      const round = ROUNDINGS[how.nearest];
      if (round === undefined) return undefined;
      const indices = places.map((place) => Math.min(inputs - 1, Math.max(0, round(place))));
      made = inside(b, b.op('Gather', [made, b.ints(indices)], { axis }), { axis, places, inputs, how });
      continue;
    }
    const matrix = b.constant(ndarray('float32', [count, inputs], matrixOf(places, inputs, scale, how)));
    const order = made.shape.map((_, i) => i);
    const [last, before] = [order.length - 1, order.length - 2];
    // The matrix from the left acts on the axis before the last.
    const perm = axis === before ? order : order.map((i) => (i === axis ? before : i === before ? axis : i));
    const resampled =
      axis === last
        ? b.op('MatMul', [made, b.transpose(matrix, [1, 0])])
        : b.transpose(b.op('MatMul', [matrix, b.transpose(made, perm)]), perm);
    made = inside(b, resampled, { axis, places, inputs, how });
  }
  return made === x ? b.op('Identity', [x]) : made;
}
