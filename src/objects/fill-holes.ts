/** Holes in masks and in the objects of label maps. */

import { ndarray } from '../array/ndarray.ts';
import { connectedComponents } from './connected-components.ts';
import { type Connectivity, extentsOf, type IntegerArray } from './grid.ts';

export interface FillHolesOptions {
  /** Of the background: 4 (default) or 8 in 2D, 6 (default) or 26 in 3D. */
  readonly connectivity?: Connectivity;
  /** Larger holes stay, in pixels. Default: all are filled. */
  readonly maxSize?: number;
}

/**
 * Fills background that is enclosed by one value with that value: for masks what `scipy.ndimage.binary_fill_holes`
 * does, for label maps the holes of each object. Background that touches the border of the grid, or two
 * objects, stays.
 * @param array [h, w] or [d, h, w]; 0 = background
 * @returns a copy, same dtype
 */
export function fillHoles<A extends IntegerArray>(
  array: A,
  { connectivity, maxSize = Number.POSITIVE_INFINITY }: FillHolesOptions = {},
): A {
  const { depth, height, width, size } = extentsOf(array.shape);
  const data = array.data;
  const background = new Uint8Array(size);
  for (let i = 0; i < size; i++) if (data[i] === 0) background[i] = 1;
  const { labels, count } = connectedComponents(ndarray('uint8', array.shape, background), {
    ...(connectivity === undefined ? {} : { connectivity }),
  });
  const part = labels.data;
  const OPEN = -1;
  /** What encloses each part: 0 = not known yet. */
  const around = new Float64Array(count + 1);
  const sizes = new Float64Array(count + 1);
  const meet = (hole: number, value: number): void => {
    if (value === 0 || around[hole] === value) return;
    around[hole] = around[hole] === 0 ? value : OPEN;
  };
  const row = width;
  const plane = width * height;
  const flat = array.shape.length === 2;
  for (let z = 0, i = 0; z < depth; z++) {
    const atEnd = !flat && (z === 0 || z === depth - 1);
    for (let y = 0; y < height; y++) {
      const atEdge = atEnd || y === 0 || y === height - 1;
      for (let x = 0; x < width; x++, i++) {
        const hole = part[i] as number;
        if (hole === 0) continue;
        sizes[hole] = (sizes[hole] as number) + 1;
        if (around[hole] === OPEN) continue;
        if (atEdge || x === 0 || x === width - 1) {
          around[hole] = OPEN;
          continue;
        }
        meet(hole, data[i - 1] as number);
        meet(hole, data[i + 1] as number);
        meet(hole, data[i - row] as number);
        meet(hole, data[i + row] as number);
        if (flat) continue;
        meet(hole, data[i - plane] as number);
        meet(hole, data[i + plane] as number);
      }
    }
  }
  const filled = data.slice();
  for (let i = 0; i < size; i++) {
    const hole = part[i] as number;
    if (hole === 0) continue;
    const value = around[hole] as number;
    if (value > 0 && (sizes[hole] as number) <= maxSize) filled[i] = value;
  }
  return { ...array, data: filled };
}
