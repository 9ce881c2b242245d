import { mirrorIndex } from '../array/gaussian.ts';
import { type Image, sizes } from '../image/image.ts';

/** Row and column offsets of the pixels nearer than `radiusPx`, including the centre. */
function disc(radiusPx: number): readonly (readonly [number, number])[] {
  const reach = Math.floor(radiusPx);
  const offsets: (readonly [number, number])[] = [];
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) if (y * y + x * x <= radiusPx * radiusPx) offsets.push([y, x]);
  }
  return offsets;
}

/**
 * The median over the pixels nearer than `radiusPx` to each pixel of a plane [height, width], mirrored at the borders.
 * The disc is symmetric, so their number is odd: 13 for a radius of 2. A radius below 1 changes nothing.
 */
export function medianFilter(
  plane: Float32Array,
  [height, width]: readonly [number, number],
  radiusPx: number,
): Float32Array {
  const offsets = disc(radiusPx);
  const sorted = new Float32Array(offsets.length);
  const out = new Float32Array(plane.length);
  const middle = offsets.length >> 1;
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      let count = 0;
      for (const [dy, dx] of offsets) {
        const value = plane[mirrorIndex(y + dy, height) * width + mirrorIndex(x + dx, width)];
        let at = count++;
        for (; at > 0 && sorted[at - 1] > value; at--) sorted[at] = sorted[at - 1];
        sorted[at] = value;
      }
      out[p] = sorted[middle];
    }
  }
  return out;
}

/**
 * Smooths the probabilities of a prediction (`predictImage`) by a median filter, slice by slice, as Ciresan et al. 2012
 * did with a radius of 2 for pixel classifiers. With two classes the first is set to 1 minus the second; with more, all
 * are filtered and divided by their sum.
 */
export function smoothed(prediction: Image<'float32'>, radiusPx: number): Image<'float32'> {
  const { times, channels: classes, slices: depth, height, width } = sizes(prediction);
  const pixels = height * width;
  const data = new Float32Array(prediction.data.length);
  for (let t = 0; t < times; t++) {
    for (let z = 0; z < depth; z++) {
      // Axes are ordered t, c, z, y, x.
      const at = (c: number): number => ((t * classes + c) * depth + z) * pixels;
      for (let c = classes === 2 ? 1 : 0; c < classes; c++) {
        data.set(medianFilter(prediction.data.subarray(at(c), at(c) + pixels), [height, width], radiusPx), at(c));
      }
      for (let p = 0; p < pixels; p++) {
        if (classes === 2) data[at(0) + p] = 1 - data[at(1) + p];
        else {
          let sum = 0;
          for (let c = 0; c < classes; c++) sum += data[at(c) + p];
          if (sum > 0) for (let c = 0; c < classes; c++) data[at(c) + p] = data[at(c) + p] / sum;
        }
      }
    }
  }
  return { ...prediction, data };
}
