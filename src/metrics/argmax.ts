import { type NdArray, ndarray } from '../array/ndarray.ts';

/** The class with the highest probability at each pixel [height, width]; the first in case of a tie. */
export function argmaxClasses({ shape, data }: NdArray<'float32'>): NdArray<'uint8'> {
  const [classes, height, width] = shape as readonly [number, number, number];
  const pixels = height * width;
  const out = new Uint8Array(pixels);
  for (let p = 0; p < pixels; p++) {
    let best = data[p];
    for (let c = 1; c < classes; c++) {
      const value = data[c * pixels + p];
      if (value > best) {
        best = value;
        out[p] = c;
      }
    }
  }
  return ndarray('uint8', [height, width], out);
}
