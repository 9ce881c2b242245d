/** Splits a lung mask into left and right lung. */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { connectedComponents } from '../objects/connected-components.ts';
import { type Extents, extentsOf, type IntegerArray } from '../objects/grid.ts';
import { separateObjects } from '../objects/instances.ts';

/** Values in a map of sides. */
export const LUNG_SIDE = { left: 1, right: 2 } as const;

export interface LungSidesOptions {
  /** The left-right axis of the patient in the grid. Default `x`. */
  readonly axis?: 'z' | 'y' | 'x';
  /** Whether the axis increases towards the patient's left, as on axial slices seen from the feet. Default true. */
  readonly growsLeft?: boolean;
}

/** A part with at least this fraction on one side of the middle is assigned to it as a whole. */
const ONE_SIDED = 0.9;

/**
 * Splits a lung mask into left (1) and right (2).
 *
 * The middle is the position along the axis with the least lung in the central part of its extent (the mediastinum).
 * Connected parts with at least nine tenths on one side of it are assigned to it; others are examined slice by slice,
 * and lungs that touch within a slice are cut at the neck by a watershed. Without a dip in the middle there is only one
 * lung, assigned to its side of the grid.
 * @param mask [h, w] or [d, h, w], nonzero = lung
 */
export function lungSides(
  mask: IntegerArray,
  { axis = 'x', growsLeft = true }: LungSidesOptions = {},
): NdArray<'uint8'> {
  const extents = extentsOf(mask.shape);
  const along = coordinate(extents, axis);
  const middle = middleOf(mask, extents, axis);
  const sides = ndarray('uint8', mask.shape);
  const [before, after] = growsLeft ? [LUNG_SIDE.right, LUNG_SIDE.left] : [LUNG_SIDE.left, LUNG_SIDE.right];

  /** Assigns whole parts to a side; parts that are not one-sided stay 0, or are finally assigned by majority. */
  const assign = (labels: Int32Array, count: number, start: number, decide: boolean): boolean => {
    const sizes = new Float64Array(count + 1);
    const beyond = new Float64Array(count + 1);
    for (let i = 0; i < labels.length; i++) {
      const label = labels[i];
      if (label === 0) continue;
      sizes[label] = sizes[label] + 1;
      if (along(start + i) > middle) beyond[label] = beyond[label] + 1;
    }
    let undecided = false;
    for (let i = 0; i < labels.length; i++) {
      const label = labels[i];
      if (label === 0) continue;
      const share = beyond[label] / sizes[label];
      const limit = decide ? 0.5 : ONE_SIDED;
      if (share >= limit) sides.data[start + i] = after;
      else if (share <= 1 - limit) sides.data[start + i] = before;
      else undecided = true;
    }
    return undecided;
  };

  const whole = connectedComponents(mask);
  if (!assign(whole.labels.data, whole.count, 0, false)) return sides;
  const { depth, height, width } = extents;
  for (let z = 0; z < depth; z++) {
    const start = z * height * width;
    const rest = new Uint8Array(height * width);
    for (let i = 0; i < rest.length; i++) {
      if (mask.data[start + i] !== 0 && sides.data[start + i] === 0) rest[i] = 1;
    }
    const plane = ndarray('uint8', [height, width], rest);
    const parts = connectedComponents(plane);
    if (!assign(parts.labels.data, parts.count, start, false)) continue;
    for (let i = 0; i < rest.length; i++) if (sides.data[start + i] !== 0) rest[i] = 0;
    // Depth peaks at least a few pixels high: lobes, none of which extends far across the middle.
    const foreground = ndarray('float32', [height, width], Float32Array.from(rest));
    const lobes = separateObjects({ foreground }, { by: 'shape', peakHeight: 2, fillHoles: false });
    assign(lobes.labels.data, lobes.count, start, true);
  }
  return sides;
}

function coordinate({ height, width }: Extents, axis: 'z' | 'y' | 'x'): (i: number) => number {
  if (axis === 'x') return (i) => i % width;
  if (axis === 'y') return (i) => ((i / width) | 0) % height;
  return (i) => Math.floor(i / (width * height));
}

/** Position on the axis that separates left and right. */
function middleOf(mask: IntegerArray, extents: Extents, axis: 'z' | 'y' | 'x'): number {
  const length = { z: extents.depth, y: extents.height, x: extents.width }[axis];
  const along = coordinate(extents, axis);
  const profile = new Float64Array(length);
  for (let i = 0; i < mask.data.length; i++) {
    if (mask.data[i] === 0) continue;
    const at = along(i);
    profile[at] = profile[at] + 1;
  }
  const first = profile.findIndex((count) => count > 0);
  const last = profile.findLastIndex((count) => count > 0);
  const from = Math.ceil(first + 0.3 * (last - first));
  const to = Math.floor(first + 0.7 * (last - first));
  let least = Number.POSITIVE_INFINITY;
  for (let at = from; at <= to; at++) least = Math.min(least, profile[at]);
  // The centre of the widest gap, if several positions have the minimum.
  let best = (first + last) / 2;
  let widest = 0;
  for (let at = from; at <= to; at++) {
    if (profile[at] !== least) continue;
    const start = at;
    while (at < to && profile[at + 1] === least) at++;
    if (at - start + 1 <= widest) continue;
    widest = at - start + 1;
    best = (start + at) / 2;
  }
  const most = profile.reduce((a, b) => Math.max(a, b), 0);
  return least > most / 2 ? (length - 1) / 2 : best;
}
