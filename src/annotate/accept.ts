/**
 * What a model has found, taken over as annotation where there is none: pixels that are not painted, outside of regions that
 * are complete or held out.
 */

import { ndarray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import { toPolygons } from '../objects/polygons.ts';
import type { LabelLayer } from './label-layer.ts';
import { freeNumbers } from './object-edits.ts';
import { type Box, fillRegion, isInSlice, type Region, type RegionShape } from './region.ts';
import { spread } from './spread.ts';

/** Objects in a part of a slice. */
export interface FoundObjects {
  readonly box: Box;
  /** [height, width] of the box: 0 background, 1.. objects, of which each is one connected part or several. */
  readonly numbers: Uint32Array;
}

/** Where in an image something is taken over. */
export interface AcceptedWindow {
  readonly slice: number;
  readonly box: Box;
  /** Of the image. */
  readonly regions: readonly Region[];
}

/** Paints found classes, [height, width] of the window. */
export function acceptClasses(layer: LabelLayer, window: AcceptedWindow, classes: Uint8Array): void {
  const isFree = freePixels(layer, window, window.box);
  const [x, y, width, height] = window.box;
  for (let row = 0; row < height; row++) {
    for (let from = 0, to = 0; from < width; from = to) {
      const at = row * width;
      to = from + 1;
      while (to < width && classes[at + to] === classes[at + from] && isFree[at + to] === isFree[at + from]) to++;
      if (isFree[at + from] === 1) layer.fill(window.slice, y + row, x + from, x + to, classes[at + from]);
    }
  }
}

/**
 * Paints found objects and the background between them. A painted object and a found one are the same if more than half of
 * either lies in the other, within the box of what was found: the found one then goes on with the painted number; where
 * several were painted, each pixel with that of the nearest along the object. Every other found object gets a new
 * number, each of its parts if what is painted divides it.
 * @param window within the box: objects at its edges are recognised by what lies around it
 * @throws UsageError for a window that extends beyond the box
 */
export function acceptObjects(layer: LabelLayer, window: AcceptedWindow, { box, numbers }: FoundObjects): void {
  const [left, top, width, height] = box;
  const [x, y, wide, high] = [window.box[0] - left, window.box[1] - top, window.box[2], window.box[3]];
  if (x < 0 || y < 0 || x + wide > width || y + high > height) {
    throw new UsageError('The window lies outside of what was found.');
  }
  const isFree = freePixels(layer, window, box);
  const own = numbersOfPainted(layer.read(box, window.slice), numbers, layer.notAnnotated);
  const passes = (p: number, next: number): boolean => isFree[next] === 1 && numbers[next] === numbers[p];
  spread(own, width, passes);
  const fresh = freeNumbers(layer);
  for (let row = y; row < y + high; row++) {
    for (let p = row * width + x; p < row * width + x + wide; p++) {
      if (numbers[p] === 0 || own[p] > 0 || isFree[p] === 0) continue;
      own[p] = fresh.next().value as number;
      spread(own, width, passes, [p]);
    }
    for (let from = x, to = x; from < x + wide; from = to) {
      const at = row * width;
      to = from + 1;
      while (to < x + wide && own[at + to] === own[at + from] && isFree[at + to] === isFree[at + from]) to++;
      if (isFree[at + from] === 1) layer.fill(window.slice, top + row, left + from, left + to, own[at + from]);
    }
  }
}

/**
 * The part of a window that is trained on once it was taken over: without regions that are held out.
 * @returns undefined if nothing is left of it
 */
export function acceptedShape(layer: LabelLayer, window: AcceptedWindow): RegionShape | undefined {
  const { box, regions, slice } = window;
  const held = regions.filter((region) => region.held && isInSlice(region, slice));
  const kept = new Uint8Array(box[2] * box[3]).fill(1);
  for (const { shape } of held) {
    eachWithin(shape, layer, box, (p) => {
      kept[p] = 0;
    });
  }
  if (!kept.includes(0)) return { box };
  const [outline] = toPolygons(ndarray('uint8', [box[3], box[2]], kept));
  if (outline === undefined) return undefined;
  const lines = outline.polygons.flatMap(({ exterior, holes }) => [exterior, ...holes]);
  return { polygon: lines.map((line) => Array.from(line, (value, i) => value + box[i % 2 === 0 ? 0 : 1])) };
}

/** 1 where nothing is annotated, [height, width] of a box. */
function freePixels(layer: LabelLayer, { slice, regions }: AcceptedWindow, box: Box): Uint8Array {
  const free = Uint8Array.from(layer.read(box, slice), (label) => (label === layer.notAnnotated ? 1 : 0));
  for (const region of regions) {
    if (!isInSlice(region, slice) || (!region.complete && !region.held)) continue;
    eachWithin(region.shape, layer, box, (p) => {
      free[p] = 0;
    });
  }
  return free;
}

/** Calls back with the index within a box of each pixel of a region. */
function eachWithin(shape: RegionShape, { height, width }: LabelLayer, box: Box, found: (p: number) => void): void {
  const [x, y, wide, high] = box;
  fillRegion(shape, [height, width], (row, from, to) => {
    if (row < y || row >= y + high) return;
    const at = (row - y) * wide - x;
    for (let column = Math.max(from, x); column < Math.min(to, x + wide); column++) found(at + column);
  });
}

/** Painted numbers at the pixels of found objects that are the same; 0 elsewhere. */
function numbersOfPainted(painted: ArrayLike<number>, found: Uint32Array, notAnnotated: number): Uint32Array {
  const sizes = { painted: new Map<number, number>(), found: new Map<number, number>() };
  const overlaps = new Map<string, number>();
  const isObject = (label: number): boolean => label > 0 && label !== notAnnotated;
  for (let p = 0; p < found.length; p++) {
    const [label, number] = [painted[p], found[p]];
    if (isObject(label)) add(sizes.painted, label);
    if (number > 0) add(sizes.found, number);
    if (isObject(label) && number > 0) add(overlaps, `${label}/${number}`);
  }
  const isSame = (label: number, number: number): boolean => {
    const smaller = Math.min(sizes.painted.get(label) ?? 0, sizes.found.get(number) ?? 0);
    return 2 * (overlaps.get(`${label}/${number}`) ?? 0) > smaller;
  };
  return found.map((number, p) => (number > 0 && isObject(painted[p]) && isSame(painted[p], number) ? painted[p] : 0));
}

function add<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
