/** Where pixels end that follow flows. */

import type { NdArray } from '../../array/ndarray.ts';

/**
 * Euler's method: each pixel takes `steps` steps along the flow where it is, interpolated bilinearly, and stays within
 * the image. Positions are of single precision, as Cellpose's.
 * @param flows [2, h, w] along y and x, in pixels per step; 0 where none are to be followed
 * @param pixels indices in the image
 * @returns y of each pixel, then x of each, cut to whole pixels
 */
export function followFlows(
  { shape, data }: NdArray<'float32'>,
  pixels: Int32Array,
  steps: number,
): Readonly<Record<'y' | 'x', Int32Array>> {
  const [, height, width] = shape as readonly [number, number, number];
  const plane = height * width;
  const [maxY, maxX] = [height - 1, width - 1];
  const found = { y: new Int32Array(pixels.length), x: new Int32Array(pixels.length) };
  for (let i = 0; i < pixels.length; i++) {
    const pixel = pixels[i];
    let x = pixel % width;
    let y = (pixel - x) / width;
    let lastY = -1;
    let lastX = -1;
    for (let left = steps; left > 0; left--) {
      const row = Math.trunc(y);
      const column = Math.trunc(x);
      const right = column < maxX ? 1 : 0;
      const down = row < maxY ? width : 0;
      const v = y - row;
      const u = x - column;
      const at = row * width + column;
      const other = at + plane;
      const topY = data[at] * (1 - u) + data[at + right] * u;
      const bottomY = data[at + down] * (1 - u) + data[at + down + right] * u;
      const topX = data[other] * (1 - u) + data[other + right] * u;
      const bottomX = data[other + down] * (1 - u) + data[other + down + right] * u;
      const nextY = clamped(Math.fround(y + Math.fround(topY * (1 - v) + bottomY * v)), maxY);
      const nextX = clamped(Math.fround(x + Math.fround(topX * (1 - v) + bottomX * v)), maxX);
      // One that stays or swings between two places does so for good: an even number of steps changes nothing.
      if ((nextY === y && nextX === x) || (nextY === lastY && nextX === lastX)) left = 2 - (left % 2);
      lastY = y;
      lastX = x;
      y = nextY;
      x = nextX;
    }
    found.y[i] = y;
    found.x[i] = x;
  }
  return found;
}

const clamped = (value: number, last: number): number => Math.min(last, Math.max(0, value));
