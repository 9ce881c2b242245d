/** Which pixels are not scored. */

import { ndarray } from '../array/ndarray.ts';
import { IGNORE } from '../dataset/labels/labels.ts';
import type { IgnoreOption } from '../metrics/contingency.ts';
import type { IntegerArray } from '../objects/grid.ts';

/** @param classes class of each pixel, `IGNORE` if it is ignored */
export function ignoreMask(classes: Uint8Array, shape: readonly number[]): IgnoreOption {
  if (!classes.includes(IGNORE)) return {};
  return { ignore: ndarray('uint8', shape, maskOf(classes, IGNORE)) };
}

/** The pixels of label maps, in the values of their file, that have one of these values. */
export function maskOfValues({ data, shape }: IntegerArray, values: readonly number[]): IgnoreOption {
  if (values.length === 0) return {};
  return {
    ignore: ndarray(
      'uint8',
      shape,
      Uint8Array.from(data, (value) => (values.includes(value) ? 1 : 0)),
    ),
  };
}

/** 1 where a pixel has the class, else 0. */
export const maskOf = (classes: Uint8Array, index: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(classes, (value) => (value === index ? 1 : 0));
