import type { NdArray } from '../../src/array/ndarray.ts';

/** The values of [N, C, H, W] that lie at least `margin` from the edges. */
export function middleOf({ shape, data }: NdArray, margin: number): number[] {
  const [n, c, height, width] = shape as readonly [number, number, number, number];
  const middle: number[] = [];
  for (let plane = 0; plane < n * c; plane++)
    for (let y = margin; y < height - margin; y++)
      for (let x = margin; x < width - margin; x++) middle.push(Number(data[(plane * height + y) * width + x]));
  return middle;
}
