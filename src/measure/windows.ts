/** Measures from 2x2 (2x2x2) windows of pixels: boundary length, Euler number, neighbours of each object. */

import { crossingsOf, perimeterWeights, surfaceWeights } from './crofton.ts';
import type { LabelBlock } from './label-block.ts';
import { LabelPairs } from './label-pairs.ts';

/** Whole numbers by object 0..count (0 is unused), which add over the blocks of a map. */
export interface WindowCounts {
  /** Crossings of the boundary of object k by kind: from `k * kinds` on. */
  readonly crossings: Float64Array;
  /** 3 in 2D, 7 in 3D. */
  readonly kinds: number;
  /** Parts minus holes (2D), parts minus tunnels plus cavities (3D), where pixels that share a corner are connected. */
  readonly euler: Int32Array;
  /** Objects that touch, at least at a corner. */
  readonly pairs: LabelPairs;
}

/** Room for `count` objects, with those of `from` as far as there are. */
export function emptyWindows(rank: 2 | 3, count: number, from?: WindowCounts): WindowCounts {
  const kinds = 2 ** rank - 1;
  const counts = {
    crossings: new Float64Array((count + 1) * kinds),
    kinds,
    euler: new Int32Array(count + 1),
    pairs: from?.pairs ?? new LabelPairs(),
  };
  if (from !== undefined) {
    counts.crossings.set(from.crossings);
    counts.euler.set(from.euler);
  }
  return counts;
}

/** Counts over all windows whose first pixel belongs to the block, and those before the first pixels of the map. */
export function windowsOf(block: LabelBlock): WindowCounts {
  const { rank } = block.own;
  const counts = emptyWindows(rank, block.count);
  if (rank === 2) windows2d(block, counts);
  else windows3d(block, counts);
  return counts;
}

/** Adds the counts of a block. @param indices by object of the block: its index in the total */
export function addWindows(total: WindowCounts, part: WindowCounts, indices: Int32Array): void {
  const { kinds } = total;
  for (let label = 1; label < indices.length; label++) {
    const index = indices[label];
    for (let k = 0; k < kinds; k++) {
      total.crossings[index * kinds + k] += part.crossings[label * kinds + k];
    }
    total.euler[index] += part.euler[label];
  }
  for (const [a, b] of part.pairs) total.pairs.add(indices[a], indices[b]);
}

/** Perimeter in 2D, surface in 3D, by object. @param spacing of each axis of the grid */
export function boundaries({ crossings, kinds }: WindowCounts, spacing: readonly number[]): Float64Array {
  const weights =
    spacing.length === 2
      ? perimeterWeights(spacing as [number, number])
      : surfaceWeights(spacing as [number, number, number]);
  return Float64Array.from({ length: crossings.length / kinds }, (_, index) =>
    weights.reduce((sum, weight, k) => sum + weight * crossings[index * kinds + k], 0),
  );
}

/**
 * Pixels as closed squares: corners - edges + faces, each counted at the window whose centre is its first corner. Bits
 * as in `crossingsOf`.
 */
const EULER_2D = Int8Array.from({ length: 16 }, (_, window) => {
  const any = (bits: number): number => ((window & bits) === 0 ? 0 : 1);
  return any(0b1111) - any(0b1010) - any(0b1100) + any(0b1000);
});

/** Voxels as closed cubes: corners - edges + faces - cubes. */
const EULER_3D = Int8Array.from({ length: 256 }, (_, window) => {
  const any = (bits: number): number => ((window & bits) === 0 ? 0 : 1);
  const x = 0b10101010;
  const y = 0b11001100;
  const z = 0b11110000;
  return any(255) - any(x) - any(y) - any(z) + any(x & y) + any(x & z) + any(y & z) - any(x & y & z);
});

const CROSSINGS_2D = crossingsOf(2);
const CROSSINGS_3D = crossingsOf(3);

function windows2d(block: LabelBlock, { crossings, euler, pairs }: WindowCounts): void {
  const { labels, own, start, stride, beyond } = block;
  const { height, width } = own;
  const add = (label: number, window: number): void => {
    const [to, from] = [label * 3, window * 3];
    crossings[to] += CROSSINGS_2D[from];
    crossings[to + 1] += CROSSINGS_2D[from + 1];
    crossings[to + 2] += CROSSINGS_2D[from + 2];
    euler[label] += EULER_2D[window];
  };
  // Rows with what is beyond at their end, and zeros outside of the map.
  let above = new Int32Array(width + 2);
  let below = new Int32Array(width + 2);
  const rows = height + (beyond.y ? 1 : 0);
  const columns = width + (beyond.x ? 1 : 0);
  for (let y = 0; y <= height; y++) {
    [above, below] = [below, above];
    if (y < rows) below.set(labels.subarray(y * stride.y, y * stride.y + columns), 1);
    else below.fill(0);
    // The windows above and to the left of a block belong to others, but for those outside of the map.
    if (y === 0 && start.y > 0) continue;
    const first = start.x > 0 ? 1 : 0;
    let a = above[first];
    let c = below[first];
    for (let x = first + 1; x < width + 2; x++) {
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

function windows3d(block: LabelBlock, { crossings, euler, pairs }: WindowCounts): void {
  const { labels, own, start, stride, beyond } = block;
  const { depth, height, width } = own;
  const row = width + 2;
  const planes = depth + (beyond.z ? 1 : 0);
  const rows = height + (beyond.y ? 1 : 0);
  const columns = width + (beyond.x ? 1 : 0);
  const framedPlane = (z: number, into: Int32Array): void => {
    if (z >= planes) {
      into.fill(0);
      return;
    }
    for (let y = 0; y < rows; y++) {
      const at = z * stride.z + y * stride.y;
      into.set(labels.subarray(at, at + columns), (y + 1) * row + 1);
    }
  };
  let before = new Int32Array(row * (height + 2));
  let behind = new Int32Array(row * (height + 2));
  const corners = new Int32Array(8);
  for (let z = 0; z <= depth; z++) {
    [before, behind] = [behind, before];
    framedPlane(z, behind);
    if (z === 0 && start.z > 0) continue;
    for (let y = start.y > 0 ? 1 : 0; y <= height; y++) {
      for (let x = start.x > 0 ? 1 : 0, i = y * row + x; x <= width; x++, i++) {
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
          let window = 0;
          for (let other = k; other < 8; other++) {
            const there = corners[other];
            if (there === label) window |= 1 << other;
            else if (there !== 0) pairs.add(label, there);
          }
          done |= window;
          for (let kind = 0; kind < 7; kind++) crossings[label * 7 + kind] += CROSSINGS_3D[window * 7 + kind];
          euler[label] += EULER_3D[window];
        }
      }
    }
  }
}
