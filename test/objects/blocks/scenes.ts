/** Images with objects that touch, for objects by blocks. */

import { cropped } from '../../../src/array/boxes.ts';
import { allocate, elementCount, type NdArray, ndarray } from '../../../src/array/ndarray.ts';
import { type Random, stream } from '../../../src/array/random.ts';
import type { Box } from '../../../src/objects/blocks/block-grid.ts';
import type { MapsByBox, StoredMaps } from '../../../src/objects/blocks/separate-block.ts';

/** Pixels that are 1 at random: ragged components of all sizes. */
export function noise(shape: readonly number[], share: number, seed: number): NdArray<'uint8'> {
  const random = stream(seed, 'noise');
  return ndarray(
    'uint8',
    shape,
    Uint8Array.from({ length: elementCount(shape) }, () => (random.uniform() < share ? 1 : 0)),
  );
}

/** Ellipsoids at random places until this share of the pixels is covered; each pixel has how deep it is in the deepest. */
function ellipsoids(shape: readonly number[], share: number, random: Random): Float64Array {
  const [depth, height, width] = shape.length === 3 ? shape : [1, ...shape];
  const inside = new Float64Array(elementCount(shape));
  let covered = 0;
  while (covered < share * inside.length) {
    const centre = [depth, height, width].map((length) => random.uniform() * length);
    const radii = [0, 1, 2].map(() => 2 + 7 * random.uniform());
    const [z0, z1] = shape.length === 3 ? [centre[0] - radii[0], centre[0] + radii[0]] : [0, 0];
    for (let z = Math.max(0, Math.ceil(z0)); z <= Math.min(depth - 1, z1); z++) {
      for (let y = Math.max(0, Math.ceil(centre[1] - radii[1])); y <= Math.min(height - 1, centre[1] + radii[1]); y++) {
        for (
          let x = Math.max(0, Math.ceil(centre[2] - radii[2]));
          x <= Math.min(width - 1, centre[2] + radii[2]);
          x++
        ) {
          const dz = shape.length === 3 ? (z - centre[0]) / radii[0] : 0;
          const d = 1 - Math.hypot(dz, (y - centre[1]) / radii[1], (x - centre[2]) / radii[2]);
          const i = (z * height + y) * width + x;
          if (d <= 0) continue;
          if (inside[i] === 0) covered++;
          inside[i] = Math.max(inside[i], d);
        }
      }
    }
  }
  return inside;
}

/** What a network would say of ellipsoids: with borders where they end, and some noise in steps. */
export function scene(
  shape: readonly number[],
  share: number,
  seed: number,
  dtype: 'uint8' | 'uint16' = 'uint16',
): StoredMaps & { readonly distance: NdArray<'float32'> } {
  const random = stream(seed, 'scene');
  const inside = ellipsoids(shape, share, random);
  const most = dtype === 'uint8' ? 255 : 65_535;
  const steps = (p: number): number => Math.round(most * Math.min(1, Math.max(0, p)));
  const map = (value: (depth: number) => number): NdArray<'uint8' | 'uint16'> => {
    const data = allocate(dtype, inside.length);
    for (let i = 0; i < data.length; i++) data[i] = steps(value(inside[i]));
    return ndarray(dtype, shape, data);
  };
  return {
    foreground: map((depth) => (depth > 0 ? 0.6 + 0.4 * random.uniform() : 0.4 * random.uniform())),
    border: map((depth) => (depth > 0 && depth < 0.3 ? 0.4 + 0.5 * random.uniform() : 0.1 * random.uniform())),
    distance: ndarray('float32', shape, Float32Array.from(inside)),
  };
}

/** Maps in memory, read by box. */
export function byBox(maps: StoredMaps): MapsByBox & { readonly read: (box: Box) => Promise<StoredMaps> } {
  const { foreground, border, distance } = maps;
  return {
    shape: foreground.shape,
    dtype: foreground.dtype,
    read: async ({ start, shape }) => ({
      foreground: cropped(foreground, start, shape),
      ...(border && { border: cropped(border, start, shape) }),
      ...(distance && { distance: cropped(distance, start, shape) }),
    }),
  };
}

/** Boxes that are written, as an array. */
export function collected(shape: readonly number[]) {
  const labels = new Uint32Array(elementCount(shape));
  return {
    labels,
    async write({ start, shape: extent }: Box, data: Uint32Array): Promise<void> {
      const [z0, y0, x0] = start.length === 3 ? start : [0, ...start];
      const [depth, height, width] = extent.length === 3 ? extent : [1, ...extent];
      const [rows, columns] = shape.slice(-2);
      for (let z = 0; z < depth; z++) {
        for (let y = 0; y < height; y++) {
          const row = data.subarray((z * height + y) * width, (z * height + y + 1) * width);
          labels.set(row, ((z0 + z) * rows + y0 + y) * columns + x0);
        }
      }
    },
  };
}

/** How many pixels differ. */
export const differing = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((count, value, i) => count + (value === b[i] ? 0 : 1), 0);
