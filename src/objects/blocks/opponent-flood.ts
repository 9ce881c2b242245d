/**
 * The watershed of `seeded-watershed.ts` in a window of a larger image, against an opponent that stands for everything
 * outside: what a seed wins against it, the seed has in the whole image.
 *
 * Why: give each pixel the time at which it is flooded, its water level and its generation in that level's queue. The
 * opponent starts wherever something outside could enter, at the earliest time at which that is possible, and is the
 * first of each generation. A pixel is then never flooded later in the window than in the whole image: by induction over
 * the order of the whole, for it is flooded from a neighbour, which is not flooded later in the window either. So, by
 * induction over the order of the window, where a seed floods a pixel, no neighbour of it is earlier in the whole image:
 * one that the opponent has would be later already in the window, and those of seeds keep their order among themselves.
 */

import { connectivityOf, extentsOf, framed, type IntegerArray, unframed } from '../grid.ts';
import { levelsOf, type ScalarArray } from '../level-order.ts';

/** What the opponent has. */
export const OUTSIDE = 0x7fffffff;

/**
 * @param image flooded from low to high, with the least value that each pixel may have
 * @param seeds same shape; 0 = none, 1.. = label, OUTSIDE = where the opponent starts
 * @param mask nonzero pixels are flooded, along faces
 * @returns labels; 0 where neither a seed nor the opponent comes
 */
export function floodAgainstOutside(image: ScalarArray, seeds: Int32Array, mask: IntegerArray): Int32Array {
  const extents = extentsOf(image.shape);
  const frame = framed(extents, connectivityOf(undefined, extents.rank));
  const { order, starts } = levelsOf(image, mask, extents, frame);
  const levels = starts.length - 1;
  // As in `watershed`: 0 = not to be flooded, positive = the label that reached it, negative = waiting, ~level.
  const state = new Int32Array(frame.size);
  for (let level = 0; level < levels; level++) {
    for (let k = starts[level]; k < starts[level + 1]; k++) state[order[k]] = ~level;
  }
  // Reached pixels wait in their level's part of `order`: those of seeds from its start, those of the opponent from its end.
  const last = starts.slice();
  const first = starts.slice(1);
  const { neighbours } = frame;
  const near = neighbours.length;
  const queue = new Int32Array(order.length);
  const rivals = new Int32Array(order.length);
  let tail = 0;
  let rivalTail = 0;
  let water = -1;
  const reach = (p: number, label: number): void => {
    const level = ~state[p];
    state[p] = label;
    if (label === OUTSIDE) {
      if (level <= water) rivals[rivalTail++] = p;
      else {
        first[level] -= 1;
        order[first[level]] = p;
      }
    } else if (level <= water) queue[tail++] = p;
    else order[last[level]++] = p;
  };
  const spread = (p: number): void => {
    const label = state[p];
    for (let n = 0; n < near; n++) if (state[p + neighbours[n]] < 0) reach(p + neighbours[n], label);
  };
  const { depth, height, width } = extents;
  for (let z = 0, i = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0, p = frame.rowStart(z, y); x < width; x++, i++, p++) {
        if (seeds[i] !== 0 && state[p] < 0) reach(p, seeds[i]);
      }
    }
  }
  for (water = 0; water < levels; water++) {
    tail = 0;
    rivalTail = 0;
    for (let k = starts[water]; k < last[water]; k++) queue[tail++] = order[k];
    for (let k = starts[water + 1] - 1; k >= first[water]; k--) rivals[rivalTail++] = order[k];
    for (let head = 0, rivalHead = 0; head < tail || rivalHead < rivalTail; ) {
      // One generation.
      const [end, rivalEnd] = [tail, rivalTail];
      while (rivalHead < rivalEnd) spread(rivals[rivalHead++]);
      while (head < end) spread(queue[head++]);
    }
  }
  return unframed(state, extents, frame);
}
