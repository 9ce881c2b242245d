/** Splits the objects of a label map at the necks of their outlines. */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { extentsOf, type IntegerArray } from './grid.ts';
import { separateObjects } from './instances.ts';
import { relabelConsecutive } from './relabel.ts';

export interface SplitObjects {
  /** Objects that were split keep their label for one part; the others are numbered after all that were there. */
  readonly labels: NdArray<'int32'>;
  /** Number of objects. */
  readonly count: number;
  /** How many objects were split. */
  readonly split: number;
}

/** First and last pixel along z, y and x. */
type Bounds = [z0: number, z1: number, y0: number, y1: number, x0: number, x1: number];

/**
 * Splits each object where its outline has a neck, as `separateObjects` separates by `shape`: two that touch are two peaks
 * of the distance to the outline. An object of which a part would be smaller than the minimum stays whole. Other objects
 * do not matter, nor does whether an object is connected.
 * @param array [h, w] or [d, h, w]; 0 = background
 * @param minSize of a part, in pixels; default 0
 * @throws UsageError if a label is negative
 */
export function splitAtNecks(array: IntegerArray, { minSize = 0 }: { readonly minSize?: number } = {}): SplitObjects {
  const { height, width } = extentsOf(array.shape);
  const { labels, count: before } = relabelConsecutive(array);
  let count = before;
  let split = 0;
  for (const [i, bounds] of boundsOf(labels, before).entries()) {
    const [z0, z1, y0, y1, x0, x1] = padded(bounds, array.shape);
    const [rows, columns] = [y1 - y0 + 1, x1 - x0 + 1];
    const foreground = new Uint8Array((z1 - z0 + 1) * rows * columns);
    const pixelOf = (p: number): number => {
      const row = Math.floor(p / columns);
      return ((z0 + Math.floor(row / rows)) * height + y0 + (row % rows)) * width + x0 + (p % columns);
    };
    for (const p of foreground.keys()) if (labels.data[pixelOf(p)] === i + 1) foreground[p] = 255;
    const shape = array.shape.length === 3 ? [z1 - z0 + 1, rows, columns] : [rows, columns];
    const parts = separateObjects(
      { foreground: ndarray('uint8', shape, foreground) },
      { by: 'shape', fillHoles: false },
    );
    if (parts.count < 2) continue;
    const sizes = new Float64Array(parts.count + 1);
    for (const part of parts.labels.data) sizes[part]++;
    if (sizes.subarray(1).some((size) => size < minSize)) continue;
    for (const [p, part] of parts.labels.data.entries()) if (part > 1) labels.data[pixelOf(p)] = count + part - 1;
    count += parts.count - 1;
    split++;
  }
  return { labels, count, split };
}

function boundsOf({ data, shape }: NdArray<'int32'>, count: number): readonly Bounds[] {
  const { height, width } = extentsOf(shape);
  const none: Bounds = [Infinity, 0, Infinity, 0, Infinity, 0];
  const all = Array.from({ length: count }, (): Bounds => [...none]);
  for (let p = 0, row = 0; p < data.length; row++) {
    const [z, y] = [Math.floor(row / height), row % height];
    for (let x = 0; x < width; x++, p++) {
      if (data[p] === 0) continue;
      const bounds = all[data[p] - 1];
      // Pixels come in the order of z.
      bounds[0] = Math.min(bounds[0], z);
      bounds[1] = z;
      bounds[2] = Math.min(bounds[2], y);
      bounds[3] = Math.max(bounds[3], y);
      bounds[4] = Math.min(bounds[4], x);
      bounds[5] = Math.max(bounds[5], x);
    }
  }
  return all;
}

/** With the background around the object, where that is not the border of the image, which is no outline. */
function padded([z0, z1, y0, y1, x0, x1]: Bounds, shape: readonly number[]): Bounds {
  const { depth, height, width } = extentsOf(shape);
  const [before, after] = [
    (at: number): number => Math.max(0, at - 1),
    (at: number, extent: number): number => Math.min(extent - 1, at + 1),
  ];
  return [before(z0), after(z1, depth), before(y0), after(y1, height), before(x0), after(x1, width)];
}
