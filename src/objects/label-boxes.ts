/** Where the objects of a label map lie. */

import type { NdArray } from '../array/ndarray.ts';

/** Rows and columns of an object: the first, and the one after the last. */
export interface LabelBox {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/**
 * The boxes of the labels 1..count; of those without a pixel, `bottom` and `right` are 0.
 * @param labels [h, w]
 */
export function boxesOf({ shape, data }: NdArray<'int32'>, count: number): readonly LabelBox[] {
  const [height, width] = shape as readonly [number, number];
  const boxes = Array.from({ length: count }, () => ({ top: height, left: width, bottom: 0, right: 0 }));
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const label = data[i];
      if (label === 0) continue;
      const box = boxes[label - 1];
      if (y < box.top) box.top = y;
      if (x < box.left) box.left = x;
      if (x >= box.right) box.right = x + 1;
      box.bottom = y + 1;
    }
  }
  return boxes;
}
