/** Measures from 2x2 (2x2x2) blocks of pixels: boundary length, Euler number, neighbours of each object. */

import type { Extents } from '../objects/grid.ts';
import { perimeterWeights, surfaceWeights } from './crofton.ts';

export interface BlockMeasures {
  /** By label: perimeter in 2D, surface in 3D. */
  readonly boundary: Float64Array;
  /** Parts minus holes (2D), parts minus tunnels plus cavities (3D), where pixels that share a corner are connected. */
  readonly euler: Int32Array;
  /** Number of other objects with a pixel that touches one of this object, at least at a corner. */
  readonly neighbours: Int32Array;
}

/**
 * @param labels values 0..count
 * @param spacing of each axis of the grid
 */
export function blockMeasures(
  labels: Int32Array,
  extents: Extents,
  count: number,
  spacing: readonly number[],
): BlockMeasures {
  const sums: Sums = {
    boundary: new Float64Array(count + 1),
    euler: new Int32Array(count + 1),
    pairs: new Pairs(count),
  };
  if (extents.rank === 2) blocks2d(labels, extents, spacing, sums);
  else blocks3d(labels, extents, spacing, sums);
  return { boundary: sums.boundary, euler: sums.euler, neighbours: sums.pairs.counts() };
}

interface Sums extends Omit<BlockMeasures, 'neighbours'> {
  readonly pairs: Pairs;
}

/** Pairs of adjacent labels, each once. */
class Pairs {
  readonly #count: number;
  readonly #seen = new Set<number>();
  #last = 0;

  constructor(count: number) {
    this.#count = count;
  }

  add(a: number, b: number): void {
    const key = a < b ? a * (this.#count + 1) + b : b * (this.#count + 1) + a;
    if (key === this.#last) return;
    this.#last = key;
    this.#seen.add(key);
  }

  counts(): Int32Array {
    const counts = new Int32Array(this.#count + 1);
    for (const key of this.#seen) {
      const a = Math.floor(key / (this.#count + 1));
      const b = key % (this.#count + 1);
      counts[a] = counts[a] + 1;
      counts[b] = counts[b] + 1;
    }
    return counts;
  }
}

/**
 * Pixels as closed squares: corners - edges + faces, each counted at the block whose centre is its first corner. Bits
 * as in `BlockWeights`.
 */
const EULER_2D = Int8Array.from({ length: 16 }, (_, block) => {
  const any = (bits: number): number => ((block & bits) === 0 ? 0 : 1);
  return any(0b1111) - any(0b1010) - any(0b1100) + any(0b1000);
});

/** Voxels as closed cubes: corners - edges + faces - cubes. */
const EULER_3D = Int8Array.from({ length: 256 }, (_, block) => {
  const any = (bits: number): number => ((block & bits) === 0 ? 0 : 1);
  const x = 0b10101010;
  const y = 0b11001100;
  const z = 0b11110000;
  return any(255) - any(x) - any(y) - any(z) + any(x & y) + any(x & z) + any(y & z) - any(x & y & z);
});

function blocks2d(labels: Int32Array, { height, width }: Extents, spacing: readonly number[], sums: Sums): void {
  const { boundary, euler, pairs } = sums;
  const weights = perimeterWeights(spacing as readonly [number, number]);
  const add = (label: number, block: number): void => {
    boundary[label] = boundary[label] + weights[block];
    euler[label] = euler[label] + EULER_2D[block];
  };
  // Rows with a zero at either end, and a row of zeros above and below.
  let above = new Int32Array(width + 2);
  let below = new Int32Array(width + 2);
  for (let y = 0; y <= height; y++) {
    [above, below] = [below, above];
    if (y < height) below.set(labels.subarray(y * width, (y + 1) * width), 1);
    else below.fill(0);
    let a = 0;
    let c = 0;
    for (let x = 1; x < width + 2; x++) {
      const b = above[x];
      const d = below[x];
      if (a !== b || c !== d || a !== c) {
        if (a !== 0) {
          add(a, 1 | (b === a ? 2 : 0) | (c === a ? 4 : 0) | (d === a ? 8 : 0));
          if (b !== 0 && b !== a) pairs.add(a, b);
          if (c !== 0 && c !== a) pairs.add(a, c);
          if (d !== 0 && d !== a) pairs.add(a, d);
        }
        if (b !== 0 && b !== a) {
          add(b, 2 | (c === b ? 4 : 0) | (d === b ? 8 : 0));
          if (c !== 0 && c !== b) pairs.add(b, c);
          if (d !== 0 && d !== b) pairs.add(b, d);
        }
        if (c !== 0 && c !== a && c !== b) {
          add(c, 4 | (d === c ? 8 : 0));
          if (d !== 0 && d !== c) pairs.add(c, d);
        }
        if (d !== 0 && d !== a && d !== b && d !== c) add(d, 8);
      }
      a = b;
      c = d;
    }
  }
}

function blocks3d(labels: Int32Array, extents: Extents, spacing: readonly number[], sums: Sums): void {
  const { depth, height, width } = extents;
  const { boundary, euler, pairs } = sums;
  const weights = surfaceWeights(spacing as readonly [number, number, number]);
  const row = width + 2;
  const framedPlane = (z: number, into: Int32Array): void => {
    if (z < 0 || z >= depth) {
      into.fill(0);
      return;
    }
    for (let y = 0; y < height; y++) {
      const start = (z * height + y) * width;
      into.set(labels.subarray(start, start + width), (y + 1) * row + 1);
    }
  };
  let before = new Int32Array(row * (height + 2));
  let behind = new Int32Array(row * (height + 2));
  const corners = new Int32Array(8);
  for (let z = 0; z <= depth; z++) {
    [before, behind] = [behind, before];
    framedPlane(z, behind);
    for (let y = 0; y <= height; y++) {
      for (let x = 0, i = y * row; x <= width; x++, i++) {
        const first = before[i];
        corners[0] = first;
        corners[1] = before[i + 1];
        corners[2] = before[i + row];
        corners[3] = before[i + row + 1];
        corners[4] = behind[i];
        corners[5] = behind[i + 1];
        corners[6] = behind[i + row];
        corners[7] = behind[i + row + 1];
        let mixed = false;
        for (let k = 1; k < 8; k++) if (corners[k] !== first) mixed = true;
        if (!mixed) continue;
        let done = 0;
        for (let k = 0; k < 8; k++) {
          const label = corners[k];
          if (label === 0 || ((done >> k) & 1) === 1) continue;
          let block = 0;
          for (let other = k; other < 8; other++) {
            const there = corners[other];
            if (there === label) block |= 1 << other;
            else if (there !== 0) pairs.add(label, there);
          }
          done |= block;
          boundary[label] = boundary[label] + weights[block];
          euler[label] = euler[label] + EULER_3D[block];
        }
      }
    }
  }
}
