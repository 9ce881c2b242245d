/** Weights that let small objects count: a loss over pixels hardly sees them, a score over objects counts each alike. */

import { IGNORE } from '../labels/labels.ts';

/** Smaller ones weigh no more than this times as much. */
const MOST = 4;

/** Pixels of each object of label maps; 0 is background. */
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

/** Numbers of the objects that lie in or touch ignored pixels, by an edge or a corner: their size is not known. */
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

/** Pixels of the median object over all pages, those of unknown size left out; 0 where there is none. */
export function medianObjectSize(pages: readonly Objects[]): number {
  const sizes = pages
    .flatMap((page) => {
      const cut = cutOffObjects(page);
      return [...sizesOf(page.objects)].flatMap(([object, size]) => (cut.has(object) ? [] : [size]));
    })
    .sort((a, b) => a - b);
  return sizes[sizes.length >> 1] ?? 0;
}

/**
 * Adds to the weight of each pixel of an object smaller than `typicalSize` what it lacks: an object of n pixels weighs
 * sqrt(typicalSize / n) times as much a pixel, at most 4 times. Others stay as they are.
 * Objects of unknown size stay as they are too.
 * @param term weights beyond 1 of each pixel, changed in place
 */
export function addSmallObjects(term: Float32Array, page: Objects, typicalSize: number): void {
  const { objects } = page;
  const cut = cutOffObjects(page);
  const extra = new Map(
    [...sizesOf(objects)].map(([object, size]) => [
      object,
      cut.has(object) ? 0 : Math.min(MOST, Math.sqrt(typicalSize / size)) - 1,
    ]),
  );
  for (let p = 0; p < term.length; p++) {
    const more = extra.get(objects[p]) ?? 0;
    if (more > 0) term[p] = term[p] + more;
  }
}
