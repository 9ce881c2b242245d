/** Weights for small objects: a loss over pixels hardly sees them, while a score over objects counts each equally. */

import { median } from '../../array/quantile.ts';
import { IGNORE } from '../labels/labels.ts';

/** Maximum factor for small objects. */
const MOST = 4;

/** Pixels per object of label maps; 0 is background. */
function sizesOf(objects: Int32Array | Uint32Array): Map<number, number> {
  const sizes = new Map<number, number>();
  for (const object of objects) if (object !== 0) sizes.set(object, (sizes.get(object) ?? 0) + 1);
  return sizes;
}

interface Objects {
  /** Number of the object at each pixel [height, width], 0 for background. */
  readonly objects: Int32Array | Uint32Array;
  /** Class of each pixel. */
  readonly label: Uint8Array;
  readonly width: number;
}

/** Numbers of the objects in or adjacent to ignored pixels, by an edge or a corner: their size is unknown. */
export function cutOffObjects({ objects, label, width }: Objects): ReadonlySet<number> {
  const found = new Set<number>();
  if (!label.includes(IGNORE)) return found;
  let last = 0;
  for (let p = 0; p < label.length; p++) {
    const object = objects[p];
    if (object === 0 || object === last) continue;
    if (label[p] !== IGNORE && !isBeside(label, width, p)) continue;
    found.add(object);
    last = object;
  }
  return found;
}

/** Whether one of the eight neighbours of a pixel is ignored. */
function isBeside(label: Uint8Array, width: number, p: number): boolean {
  const x = p % width;
  for (let dy = -width; dy <= width; dy += width) {
    for (let dx = x > 0 ? -1 : 0; dx <= (x + 1 < width ? 1 : 0); dx++) {
      if (label[p + dy + dx] === IGNORE) return true;
    }
  }
  return false;
}

/** Median object size in pixels over all slices, excluding those of unknown size; 0 without objects. */
export function medianObjectSize(pages: readonly Objects[]): number {
  const sizes = pages.flatMap((page) => {
    const cut = cutOffObjects(page);
    return [...sizesOf(page.objects)].flatMap(([object, size]) => (cut.has(object) ? [] : [size]));
  });
  return sizes.length === 0 ? 0 : median(sizes);
}

/** What is added to the weight of each pixel of an object of `size` pixels, if it is above 0. */
export const moreForSmall = (size: number, typicalSize: number): number =>
  Math.min(MOST, Math.sqrt(typicalSize / size)) - 1;

/**
 * Raises the weight of each pixel of an object smaller than `typicalSize`: pixels of an object of n pixels get
 * sqrt(typicalSize / n) times the weight, at most 4 times. Others, and objects of unknown size, are unchanged.
 * @param term weights beyond 1 of each pixel, changed in place
 */
export function addSmallObjects(term: Float32Array, page: Objects, typicalSize: number): void {
  const { objects } = page;
  const cut = cutOffObjects(page);
  const extra = new Map(
    [...sizesOf(objects)].map(([object, size]) => [object, cut.has(object) ? 0 : moreForSmall(size, typicalSize)]),
  );
  for (let p = 0; p < term.length; p++) {
    const more = extra.get(objects[p]) ?? 0;
    if (more > 0) term[p] = term[p] + more;
  }
}
