import type { DType, Storage } from './ndarray.ts';
import type { Rectangle } from './window-sums.ts';

/** A box of values [planes, height, width]. */
export function cutBox<A extends Exclude<Storage[DType], BigInt64Array | BigUint64Array>>(
  from: A,
  planes: number,
  size: Pick<Rectangle, 'height' | 'width'>,
  { y, x, height, width }: Rectangle,
): A {
  const out = from.slice(0, planes * height * width) as A;
  for (let row = 0; row < planes * height; row++) {
    const start = (Math.floor(row / height) * size.height + y + (row % height)) * size.width + x;
    out.set(from.subarray(start, start + width), row * width);
  }
  return out;
}
