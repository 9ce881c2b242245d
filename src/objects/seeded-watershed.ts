/**
 * Watershed from seeds (Beucher and Meyer 1993; the order of flooding is that of
 * `skimage.segmentation.watershed`), 2D and 3D.
 */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import {
  type Connectivity,
  connectivityOf,
  extentsOf,
  framed,
  type IntegerArray,
  requireSameShape,
  unframed,
} from './grid.ts';
import { levelsOf, type ScalarArray } from './level-order.ts';

export interface WatershedOptions {
  /** Pixels that may be flooded: not zero. Default: all. Seeds outside of it are dropped. */
  readonly mask?: IntegerArray;
  /** 4 (default) or 8 in 2D, 6 (default) or 26 in 3D. */
  readonly connectivity?: Connectivity;
}

const BLOCKED = -1;
const NONE = -1;

/**
 * Grows the seeds over the image, lowest pixels first, until they meet. There are no lines between basins; pixels
 * of the mask that no seed reaches stay 0.
 *
 * Where pixels have the same value, the one reached first is flooded first; the pixels of the seeds come first of
 * all, in raster order, and neighbours in the order up, left, right, down, then diagonals in raster order (3D:
 * in raster order, by distance). scikit-image does the same, but takes seed pixels of the same value in an order that
 * it leaves open, so that results on plateaus may differ there by the pixels in the middle.
 * @param image [h, w] or [d, h, w]: flooded from low to high; to divide objects, give the negative depth
 * @param seeds same shape; 0 = none, positive = label
 * @returns labels of the seeds, same shape
 * @throws UsageError for shapes that differ, a seed out of range, or a NaN inside the mask.
 */
export function watershed(
  image: ScalarArray,
  seeds: IntegerArray,
  { mask, connectivity }: WatershedOptions = {},
): NdArray<'int32'> {
  requireSameShape(image, seeds, ['image', 'seeds']);
  if (mask !== undefined) requireSameShape(image, mask, ['image', 'mask']);
  const extents = extentsOf(image.shape);
  const frame = framed(extents, connectivityOf(connectivity, extents.rank));
  const { where, level, values } = levelsOf(image, mask, extents, frame);
  const { neighbours } = frame;
  const near = neighbours.length;
  const labels = new Int32Array(frame.size).fill(BLOCKED);
  const levelAt = new Int32Array(frame.size);
  for (let k = 0; k < where.length; k++) {
    const p = where[k] as number;
    labels[p] = 0;
    levelAt[p] = level[k] as number;
  }
  // One queue for each level. Water never sinks, so that a walk up the levels empties them all.
  const first = new Int32Array(values.length).fill(NONE);
  const last = new Int32Array(values.length);
  const next = new Int32Array(frame.size);
  const push = (pixel: number, to: number): void => {
    if (first[to] === NONE) first[to] = pixel;
    else next[last[to] as number] = pixel;
    last[to] = pixel;
    next[pixel] = NONE;
  };
  const { depth, height, width } = extents;
  for (let z = 0, i = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0, p = frame.rowStart(z, y); x < width; x++, i++, p++) {
        const seed = seeds.data[i] as number;
        if (seed < 0 || seed > 0x7fffffff) {
          throw new UsageError(`The seeds hold the value ${seed}.`, {
            remedy: 'Seeds are 0 for none and 1 to 2147483647; pass what is not to be flooded as a mask.',
          });
        }
        if (seed === 0 || labels[p] === BLOCKED) continue;
        labels[p] = seed;
        push(p, levelAt[p] as number);
      }
    }
  }

  for (let water = 0; water < values.length; water++) {
    // The queue grows at its end while it is walked.
    for (let p = first[water] as number; p !== NONE; p = next[p] as number) {
      const label = labels[p] as number;
      for (let n = 0; n < near; n++) {
        const q = p + (neighbours[n] as number);
        if (labels[q] !== 0) continue;
        labels[q] = label;
        push(q, Math.max(water, levelAt[q] as number));
      }
    }
  }
  return ndarray('int32', image.shape, unframed(labels, extents, frame));
}
