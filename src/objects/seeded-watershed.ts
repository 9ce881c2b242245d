/**
 * Watershed from seeds (Beucher and Meyer 1993; in the flooding order of `skimage.segmentation.watershed`), 2D and 3D.
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
  /** Nonzero pixels may be flooded. Default: all. Seeds outside are dropped. */
  readonly mask?: IntegerArray;
  /** 4 (default) or 8 in 2D, 6 (default) or 26 in 3D. */
  readonly connectivity?: Connectivity;
}

/**
 * Grows the seeds over the image, lowest pixels first, until they meet. There are no lines between basins; pixels of
 * the mask that no seed reaches stay 0.
 *
 * Among pixels of the same value, the one reached first is flooded first; seed pixels come first, in raster order, and
 * neighbours in the order up, left, right, down, then diagonals in raster order (3D: by distance, then raster order).
 * scikit-image does the same, but leaves the order of seed pixels of the same value unspecified, so results on plateaus
 * may differ in the pixels halfway between seeds.
 * @param image [h, w] or [d, h, w]: flooded from low to high; to split objects, pass the negative depth
 * @param seeds same shape; 0 = none, positive = label
 * @returns labels of the seeds, same shape
 * @throws UsageError if shapes differ, a seed is out of range, or the mask contains a NaN.
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
  const { order, starts } = levelsOf(image, mask, extents, frame);
  const levels = starts.length - 1;
  // One array for the three states of a pixel, so that inspecting a neighbour is one memory access: 0 = not to be
  // flooded, positive = the label that reached it, negative = waiting, ~level.
  const state = new Int32Array(frame.size);
  for (let level = 0; level < levels; level++) {
    const end = starts[level + 1];
    for (let k = starts[level]; k < end; k++) state[order[k]] = ~level;
  }
  // Reached pixels queue up in their level's own part of `order`, which is no longer needed.
  const free = starts.slice();
  const { neighbours } = frame;
  const near = neighbours.length;
  const { depth, height, width } = extents;
  for (let z = 0, i = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0, p = frame.rowStart(z, y); x < width; x++, i++, p++) {
        const seed = seeds.data[i];
        if (seed < 0 || seed > 0x7fffffff) {
          throw new UsageError(`The seeds hold the value ${seed}.`, {
            remedy: 'Seeds are 0 for none and 1 to 2147483647; exclude regions with a mask.',
          });
        }
        const found = state[p];
        if (seed === 0 || found >= 0) continue;
        state[p] = seed;
        const place = free[~found];
        free[~found] = place + 1;
        order[place] = p;
      }
    }
  }

  // The water level never falls: one pass up the levels empties all queues. The current level's queue is moved down
  // over what is already flooded, as it also receives lower pixels that are only reached now; it ends before the next
  // level's part, because no pixel is reached twice.
  let tail = 0;
  for (let water = 0; water < levels; water++) {
    let head = tail;
    const end = free[water];
    for (let k = starts[water]; k < end; k++) order[tail++] = order[k];
    for (; head < tail; head++) {
      const p = order[head];
      const label = state[p];
      for (let n = 0; n < near; n++) {
        const q = p + neighbours[n];
        const found = state[q];
        if (found >= 0) continue;
        state[q] = label;
        const level = ~found;
        if (level <= water) {
          order[tail++] = q;
          continue;
        }
        const place = free[level];
        free[level] = place + 1;
        order[place] = q;
      }
    }
  }
  return ndarray('int32', image.shape, unframed(state, extents, frame));
}
