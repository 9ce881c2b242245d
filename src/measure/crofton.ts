/**
 * Perimeters and surface areas from counted crossings (Crofton's formula; Legland, Kieu and Devaux 2007): the number of
 * times that lines in a few directions enter an object determines the size of its boundary.
 */

import { portableAtan2 } from '../array/portable.ts';

/**
 * Number of pairs of pixels in a 2x2 (2x2x2) window of which one is inside, by the step from one to the other. Row: the
 * pattern of the window, with bit dz*4 + dy*2 + dx set if that pixel is inside; column: the axes of the step as bits z,
 * y, x, less 1.
 */
export function crossingsOf(rank: 2 | 3): Uint8Array {
  const corners = 1 << rank;
  const kinds = corners - 1;
  const crossings = new Uint8Array((1 << corners) * kinds);
  for (let window = 0; window < 1 << corners; window++) {
    for (let a = 0; a < corners; a++) {
      for (let b = a + 1; b < corners; b++) {
        if (((window >> a) ^ (window >> b)) & 1) crossings[window * kinds + (a ^ b) - 1]++;
      }
    }
  }
  return crossings;
}

/**
 * What a crossing along x, along y and along a diagonal (`crossingsOf`) adds to the perimeter: P = pi sum_k f_k d_k N_k,
 * with N_k the number of entries, d_k the distance between lines, f_k the fraction of all directions nearest to
 * direction k. With square pixels it is `skimage.measure.perimeter_crofton`.
 */
export function perimeterWeights([sy, sx]: readonly [number, number]): readonly number[] {
  const diagonal = Math.hypot(sy, sx);
  const tilt = portableAtan2(sy, sx);
  // Half, as a line crosses at two ends; half again where two windows share a pair of neighbours.
  const across = (tilt * sy) / 4;
  const down = ((Math.PI / 2 - tilt) * sx) / 4;
  const slanted = ((Math.PI / 4) * ((sy * sx) / diagonal)) / 2;
  return [across, down, slanted];
}

/**
 * What a crossing of each kind (`crossingsOf`) adds to the surface, for lines in 13 directions: S = 4 sum_k f_k (V / s_k)
 * N_k, with V the volume of a voxel and s_k the step from one to the next along the line.
 */
export function surfaceWeights(spacing: readonly [number, number, number]): readonly number[] {
  const [sz, sy, sx] = spacing;
  const shares = directionWeights(spacing);
  const volume = sz * sy * sx;
  return [1, 2, 3, 4, 5, 6, 7].map((kind) => {
    const axes = (kind & 1) + ((kind >> 1) & 1) + (kind >> 2);
    const step = Math.hypot((kind >> 2) * sz, ((kind >> 1) & 1) * sy, (kind & 1) * sx);
    // A pair is shared by 4, 2 or 1 windows; two crossings are one entry.
    const shared = axes === 1 ? 4 : axes === 2 ? 2 : 1;
    return (4 * shares[kind] * (volume / step)) / (2 * shared);
  });
}

const SAMPLES = 400;

/**
 * The fraction of all directions in space that is nearest to one direction of the grid, by the axes it steps along
 * (bits z, y, x); per direction if there are several of a kind. Summed over a fine grid of one octant: the others are
 * its mirror images.
 */
function directionWeights([sz, sy, sx]: readonly [number, number, number]): Float64Array {
  const units = Array.from({ length: 8 }, (_, kind) => {
    const [z, y, x] = [(kind >> 2) * sz, ((kind >> 1) & 1) * sy, (kind & 1) * sx];
    const length = Math.hypot(z, y, x);
    return [z / length, y / length, x / length] as const;
  });
  const hits = new Float64Array(8);
  for (let i = 0; i < SAMPLES; i++) {
    // Equal steps in height are equal areas on the sphere.
    const z = (i + 0.5) / SAMPLES;
    const radius = Math.sqrt(1 - z * z);
    for (let j = 0; j < SAMPLES; j++) {
      const angle = ((j + 0.5) / SAMPLES) * (Math.PI / 2);
      const y = radius * Math.sin(angle);
      const x = radius * Math.cos(angle);
      let nearest = 1;
      let greatest = -1;
      for (let kind = 1; kind < 8; kind++) {
        const unit = units[kind];
        const cosine = unit[0] * z + unit[1] * y + unit[2] * x;
        if (cosine > greatest) {
          greatest = cosine;
          nearest = kind;
        }
      }
      hits[nearest] = hits[nearest] + 1;
    }
  }
  // One direction along an axis, two in a plane, four through the corners.
  return hits.map((hit, kind) => {
    const axes = (kind & 1) + ((kind >> 1) & 1) + (kind >> 2);
    return hit / (SAMPLES * SAMPLES) / (axes === 3 ? 4 : axes === 2 ? 2 : 1);
  });
}
