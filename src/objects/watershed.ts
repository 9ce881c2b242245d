/**
 * Watershed by immersion (Vincent and Soille 1991), 2D, 4-connected, in the variant and order used for scoring in the
 * ISBI 2012 challenge: the order of flooding the plateau between two basins determines the exact position of the line,
 * so it is part of the definition.
 */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import { extentsOf, type IntegerArray } from './grid.ts';

export interface Watershed {
  /** 1..count = basins, 0 = watershed lines. */
  readonly labels: NdArray<'int32'>;
  readonly count: number;
}

const WATERSHED = 0;
const UNSEEN = -1;
/** At the current level, not reached yet. */
const WAITING = -2;
const QUEUED = -3;
const OUTSIDE = -4;

/**
 * Floods an image from its minima, level by level. Basins meet in lines one pixel wide (label 0).
 *
 * The order, which decides ties: columns from left to right, within a column from top to bottom, stably sorted by
 * value; neighbours left, up, right, down; first in, first out. Basins are numbered in the order in which they are
 * found.
 *
 * A constant image is one basin; an empty image has none.
 * @param image [h, w], any numbers
 * @throws UsageError for another rank or a NaN.
 */
export function vincentSoilleWatershed(image: IntegerArray | NdArray<'float32' | 'float64'>): Watershed {
  const { height, width, size, rank } = extentsOf(image.shape);
  if (rank !== 2) {
    throw new UsageError('This watershed is for 2D images.', { remedy: 'Call it slice by slice.' });
  }
  // Column-major with a border, so that the scan order is memory order and no bounds are checked.
  const stride = height + 2;
  const labels = new Int32Array((width + 2) * stride).fill(OUTSIDE);
  const { order, levelEnds } = sortByLevel(image.data, height, width, stride);
  for (let k = 0; k < size; k++) labels[order[k]] = UNSEEN;

  const neighbours = [-stride, -1, stride, 1] as const;
  const queue = new Int32Array(size);
  let count = 0;
  let begin = 0;
  for (const end of levelEnds) {
    let tail = 0;
    for (let k = begin; k < end; k++) labels[order[k]] = WAITING;
    for (let k = begin; k < end; k++) {
      const p = order[k];
      // Lines and basins of lower levels; pixels queued by this loop are negative and do not count.
      if (
        labels[p - stride] >= WATERSHED ||
        labels[p - 1] >= WATERSHED ||
        labels[p + stride] >= WATERSHED ||
        labels[p + 1] >= WATERSHED
      ) {
        labels[p] = QUEUED;
        queue[tail++] = p;
      }
    }
    for (let head = 0; head < tail; head++) {
      const p = queue[head];
      // A pixel that is a line only because it touches one may still join a basin.
      let lineByTouch = false;
      let own = QUEUED;
      for (let k = 0; k < 4; k++) {
        const q = p + neighbours[k];
        const other = labels[q];
        if (other > 0) {
          if (own === QUEUED || (own === WATERSHED && lineByTouch)) own = other;
          else if (own > 0 && own !== other) {
            own = WATERSHED;
            lineByTouch = false;
          }
        } else if (other === WATERSHED) {
          if (own === QUEUED) {
            own = WATERSHED;
            lineByTouch = true;
          }
        } else if (other === WAITING) {
          labels[q] = QUEUED;
          queue[tail++] = q;
        }
      }
      labels[p] = own;
    }
    for (let k = begin; k < end; k++) {
      const seed = order[k];
      if (labels[seed] !== WAITING) continue;
      labels[seed] = ++count;
      queue[0] = seed;
      for (let head = 0, last = 1; head < last; head++) {
        const p = queue[head];
        for (let m = 0; m < 4; m++) {
          const q = p + neighbours[m];
          if (labels[q] !== WAITING) continue;
          labels[q] = count;
          queue[last++] = q;
        }
      }
    }
    begin = end;
  }

  const result = new Int32Array(size);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) result[i] = labels[(x + 1) * stride + y + 1];
  }
  return { labels: ndarray('int32', image.shape, result), count };
}

/** Framed column-major indices, stably sorted by value, and where each level ends. */
function sortByLevel(
  data: ArrayLike<number>,
  height: number,
  width: number,
  stride: number,
): { order: Int32Array; levelEnds: readonly number[] } {
  const counts = new Map<number, number>();
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  if (counts.has(Number.NaN)) {
    throw new UsageError('The image to flood contains NaN.', { remedy: 'Replace NaN first.' });
  }
  const levels = [...counts.keys()].sort((a, b) => a - b);
  const levelEnds: number[] = [];
  const next = new Int32Array(levels.length);
  const rankOf = new Map<number, number>();
  let total = 0;
  for (const [rank, level] of levels.entries()) {
    next[rank] = total;
    rankOf.set(level, rank);
    total += counts.get(level) ?? 0;
    levelEnds.push(total);
  }
  const order = new Int32Array(data.length);
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      const rank = rankOf.get(data[y * width + x]) as number;
      const place = next[rank];
      order[place] = (x + 1) * stride + y + 1;
      next[rank] = place + 1;
    }
  }
  return { order, levelEnds };
}
