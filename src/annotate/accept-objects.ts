/** Objects that a model has found, taken over as annotation. */

import { UsageError } from '../errors.ts';
import type { LabelLayer } from './label-layer.ts';
import { freeNumbers } from './object-edits.ts';
import type { Box } from './region.ts';
import { spread } from './spread.ts';

/** Objects in a part of a slice. */
export interface FoundObjects {
  readonly box: Box;
  /** [height, width] of the box: 0 background, 1.. objects, of which each is one connected part or several. */
  readonly numbers: Uint32Array;
}

/**
 * Paints found objects and the background between them, where nothing is annotated. A painted object and a found one
 * are the same if more than half of either lies in the other, within the box: the found one then goes on with the painted
 * number; where several were painted, each pixel with that of the nearest along the object. Every other found object
 * gets a new number, each of its parts if what is painted divides it.
 * @param window what is painted, within the box: objects at its edges are recognised by what lies around it
 * @throws UsageError for a window that extends beyond the box
 */
export function acceptObjects(layer: LabelLayer, slice: number, found: FoundObjects, window: Box): void {
  const { box, numbers } = found;
  const [left, top, width, height] = box;
  const [x, y, wide, high] = [window[0] - left, window[1] - top, window[2], window[3]];
  if (x < 0 || y < 0 || x + wide > width || y + high > height) {
    throw new UsageError('The window lies outside of what was found.');
  }
  const before = layer.read(box, slice);
  const isFree = (label: number): boolean => label === layer.notAnnotated;
  const own = numbersOfPainted(before, numbers, layer.notAnnotated);
  const passes = (p: number, next: number): boolean => isFree(before[next]) && numbers[next] === numbers[p];
  spread(own, width, passes);
  const fresh = freeNumbers(layer);
  for (let row = y; row < y + high; row++) {
    for (let p = row * width + x; p < row * width + x + wide; p++) {
      if (numbers[p] === 0 || own[p] > 0 || !isFree(before[p])) continue;
      own[p] = fresh.next().value as number;
      spread(own, width, passes, [p]);
    }
    for (let from = x, to = x; from < x + wide; from = to) {
      const label = own[row * width + from];
      to = from + 1;
      while (to < x + wide && own[row * width + to] === label) to++;
      layer.fill(slice, top + row, left + from, left + to, label, isFree);
    }
  }
}

/** Painted numbers at the pixels of found objects that are the same; 0 elsewhere. */
function numbersOfPainted(before: ArrayLike<number>, found: Uint32Array, notAnnotated: number): Uint32Array {
  const sizes = { painted: new Map<number, number>(), found: new Map<number, number>() };
  const overlaps = new Map<string, number>();
  const isObject = (label: number): boolean => label > 0 && label !== notAnnotated;
  for (let p = 0; p < found.length; p++) {
    const [painted, number] = [before[p], found[p]];
    if (isObject(painted)) add(sizes.painted, painted);
    if (number > 0) add(sizes.found, number);
    if (isObject(painted) && number > 0) add(overlaps, `${painted}/${number}`);
  }
  const isSame = (painted: number, number: number): boolean => {
    const smaller = Math.min(sizes.painted.get(painted) ?? 0, sizes.found.get(number) ?? 0);
    return 2 * (overlaps.get(`${painted}/${number}`) ?? 0) > smaller;
  };
  return found.map((number, p) => (number > 0 && isObject(before[p]) && isSame(before[p], number) ? before[p] : 0));
}

function add<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
