/** Boxes of n-dimensional arrays. */

import { allocate, type DType, elementCount, type NdArray, type Shape, type Storage } from './ndarray.ts';

/** Elements from one to the next along each axis, in C order. */
export function stridesOf(shape: readonly number[]): readonly number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

/** The index of the element at a place. */
export const offsetIn = (place: readonly number[], strides: readonly number[]): number =>
  place.reduce((sum, at, i) => sum + at * strides[i], 0);

/** The places from `first` to before `end`, the last axis fastest. */
export function* placesIn(first: readonly number[], end: readonly number[]): Generator<readonly number[]> {
  const place = [...first];
  for (;;) {
    yield [...place];
    let axis = place.length - 1;
    while (axis >= 0 && place[axis] === end[axis] - 1) {
      place[axis] = first[axis];
      axis--;
    }
    if (axis < 0) return;
    place[axis]++;
  }
}

/** Copies a box between arrays of any strides. */
export function copyBox(
  source: Storage[DType],
  from: number,
  sourceStrides: readonly number[],
  target: Storage[DType],
  to: number,
  targetStrides: readonly number[],
  shape: readonly number[],
  axis = 0,
): void {
  const length = shape[axis];
  const [step, stride] = [sourceStrides[axis], targetStrides[axis]];
  if (axis < shape.length - 1) {
    for (let i = 0; i < length; i++) {
      copyBox(source, from + i * step, sourceStrides, target, to + i * stride, targetStrides, shape, axis + 1);
    }
  } else if (step === 1 && stride === 1) target.set(source.subarray(from, from + length) as never, to);
  else for (let i = 0; i < length; i++) target[to + i * stride] = source[from + i * step];
}

/** Fills a box of an array. */
export function fillBox(
  target: Storage[DType],
  to: number,
  strides: readonly number[],
  shape: readonly number[],
  value: number | bigint,
  axis = 0,
): void {
  if (axis === shape.length - 1) target.fill(value as never, to, to + shape[axis]);
  else for (let i = 0; i < shape[axis]; i++) fillBox(target, to + i * strides[axis], strides, shape, value, axis + 1);
}

/** Part of an array. @param start its first element, within the array along with all of `shape` */
export function cropped<D extends DType>(array: NdArray<D>, start: Shape, shape: Shape): NdArray<D> {
  const strides = stridesOf(array.shape);
  const data = allocate(array.dtype, elementCount(shape));
  copyBox(array.data, offsetIn(start, strides), strides, data, 0, stridesOf(shape), shape);
  return { dtype: array.dtype, shape, data };
}
