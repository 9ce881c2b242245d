import type { NdArray } from '../array/ndarray.ts';

/**
 * Fraction of images whose true class is among the k most probable, 0..1; NaN without images. Classes with the
 * same probability rank before the true one, so that an uninformed network is not rewarded.
 * @param probabilities [images, classes]
 * @param labels class of each image
 */
export function topKAccuracy({ shape, data }: NdArray<'float32'>, labels: ArrayLike<number>, k: number): number {
  const [images, classes] = shape as readonly [number, number];
  let right = 0;
  for (let n = 0; n < images; n++) {
    const label = labels[n];
    const own = data[n * classes + label];
    let before = 0;
    for (let c = 0; c < classes; c++) if (c !== label && !(data[n * classes + c] < own)) before++;
    if (before < k) right++;
  }
  return right / images;
}
