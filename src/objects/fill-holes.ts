/** Holes in masks and in the objects of label maps. */

import { ndarray } from '../array/ndarray.ts';
import { connectedComponents } from './connected-components.ts';
import { type Connectivity, eachBorderPixel, extentsOf, type IntegerArray } from './grid.ts';

export interface FillHolesOptions {
  /** Connectivity of the background: 4 (default) or 8 in 2D, 6 (default) or 26 in 3D. */
  readonly connectivity?: Connectivity;
  /** Maximum size of a hole to fill, in pixels. Default: no limit. */
  readonly maxSize?: number;
}

/**
 * Fills background enclosed by a single value with that value: for masks as `scipy.ndimage.binary_fill_holes`, for
 * label maps the holes of each object. Background that touches the border of the grid, or two objects, is kept.
 * @param array [h, w] or [d, h, w]; 0 = background
 * @returns a copy, same dtype
 */
export function fillHoles<A extends IntegerArray>(
  array: A,
  { connectivity, maxSize = Number.POSITIVE_INFINITY }: FillHolesOptions = {},
): A {
  const extents = extentsOf(array.shape);
  const { height, width, size } = extents;
  const data = array.data;
  const background = new Uint8Array(size);
  for (let i = 0; i < size; i++) if (data[i] === 0) background[i] = 1;
  const { labels, count } = connectedComponents(ndarray('uint8', array.shape, background), {
    connectivity,
  });
  const part = labels.data;
  const OPEN = -1;
  /** The value enclosing each part: 0 = not known yet. Index 0 is for pixels that are not background. */
  const around = new Float64Array(count + 1);
  around[0] = OPEN;
  eachBorderPixel(extents, (pixel) => {
    around[part[pixel]] = OPEN;
  });
  const sizes = new Float64Array(count + 1);
  const plane = width * height;
  const steps = extents.rank === 2 ? [-1, 1, -width, width] : [-1, 1, -width, width, -plane, plane];
  for (let i = 0; i < size; i++) {
    const hole = part[i];
    if (around[hole] === OPEN) continue;
    sizes[hole] = sizes[hole] + 1;
    for (let k = 0; k < steps.length; k++) {
      const value = data[i + steps[k]];
      if (value === 0 || around[hole] === value) continue;
      around[hole] = around[hole] === 0 ? value : OPEN;
    }
  }
  const filled = data.slice();
  for (let i = 0; i < size; i++) {
    const hole = part[i];
    const value = around[hole];
    if (value > 0 && sizes[hole] <= maxSize) filled[i] = value;
  }
  return { ...array, data: filled };
}
