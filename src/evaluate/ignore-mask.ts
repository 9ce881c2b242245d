import { ndarray } from '../array/ndarray.ts';
import { IGNORE } from '../dataset/labels/labels.ts';
import type { IgnoreOption } from '../metrics/contingency.ts';

/** @param classes class of each pixel, `IGNORE` if it is ignored */
export function ignoreMask(classes: Uint8Array, shape: readonly number[]): IgnoreOption {
  if (!classes.includes(IGNORE)) return {};
  return { ignore: ndarray('uint8', shape, maskOf(classes, IGNORE)) };
}

/** 1 where a pixel has the class, else 0. */
export const maskOf = (classes: Uint8Array, index: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(classes, (value) => (value === index ? 1 : 0));
