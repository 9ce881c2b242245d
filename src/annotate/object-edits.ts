/** Edits of whole objects. None of them renumbers the others. */

import { ndarray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import { fillHoles } from '../objects/fill-holes.ts';
import { CHUNK_SIZE } from './chunk.ts';
import type { LabelLayer } from './label-layer.ts';
import { replaceable } from './label-values.ts';

/** Numbers that no object has: those after the largest so far, then smaller free ones. */
export function* freeNumbers(layer: LabelLayer): Generator<number> {
  requireObjects(layer);
  const largest = layer.largestLabel;
  for (let number = largest + 1; number < layer.notAnnotated; number++) yield number;
  const used = new Set(layer.labels());
  for (let number = 1; number < largest; number++) if (!used.has(number)) yield number;
}

/** A number for a new object: the one after the largest so far, or the smallest free one once those are used up. */
export const nextObject = (layer: LabelLayer): number => freeNumbers(layer).next().value as number;

/**
 * Gives all pixels that have one of some labels another one: merges or deletes objects, or empties a class.
 * @param slice default: every slice
 * @throws UsageError for a value that is no label of the layer
 */
export function replaceLabels(layer: LabelLayer, labels: Iterable<number>, value: number, slice?: number): void {
  layer.requireLabel(value);
  const replaced = new Set(labels);
  replaced.delete(value);
  for (const { place, from, to } of reachOf(layer, replaced, slice)) {
    const [left, top] = [place.column * CHUNK_SIZE, place.row * CHUNK_SIZE];
    for (let y = 0; y < CHUNK_SIZE; y++) {
      if (to[y] <= from[y]) continue;
      layer.fill(place.slice, top + y, left + from[y], left + to[y], value, (label) => replaced.has(label));
    }
  }
}

/** By chunk, the columns of each row that boxes of the labels reach: no pixel is visited for each of many objects. */
function reachOf(layer: LabelLayer, labels: Iterable<number>, slice: number | undefined) {
  const reach = new Map<number, { readonly from: Uint16Array; readonly to: Uint16Array }>();
  for (const label of labels) {
    for (const { key, extent } of layer.extentsOf(label, slice)) {
      let own = reach.get(key);
      if (own === undefined) {
        own = { from: new Uint16Array(CHUNK_SIZE).fill(CHUNK_SIZE), to: new Uint16Array(CHUNK_SIZE) };
        reach.set(key, own);
      }
      for (let y = extent.top; y < extent.bottom; y++) {
        own.from[y] = Math.min(own.from[y], extent.left);
        own.to[y] = Math.max(own.to[y], extent.right);
      }
    }
  }
  return Array.from(reach, ([key, rows]) => ({ place: layer.placeOf(key), ...rows }));
}

/** Joins objects under the number of the first. @throws UsageError for a number that no object has */
export function mergeObjects(layer: LabelLayer, objects: readonly number[]): void {
  requireObjects(layer, ...objects);
  if (objects.length > 0) replaceLabels(layer, objects, objects[0]);
}

/**
 * Deletes objects.
 * @param left what is there afterwards: background (0, the default), or the layer's `notAnnotated`
 * @throws UsageError for a number that no object has
 */
export function deleteObjects(layer: LabelLayer, objects: readonly number[], left = 0): void {
  requireObjects(layer, ...objects);
  replaceLabels(layer, objects, left);
}

/** Gives an object a free number. @throws UsageError for one that no object has, and if the new one is in use */
export function renumberObject(layer: LabelLayer, object: number, number: number): void {
  requireObjects(layer, object);
  if (number !== object && (number === 0 || number === layer.notAnnotated || layer.pixels(number) > 0)) {
    throw new UsageError(`The number ${number} is not free.`, {
      remedy: 'Use another one, or merge the two objects.',
    });
  }
  replaceLabels(layer, [object], number);
}

/**
 * Fills the holes of an object: background, and what is not annotated, that it alone encloses within its slice.
 * @param slice default: every slice that the object is in
 * @throws UsageError for a number that no object has
 */
export function fillObjectHoles(layer: LabelLayer, object: number, slice?: number): void {
  requireObjects(layer, object);
  const isFree = replaceable('unlabelled', layer.kind);
  for (const [z, [x, y, width, height]] of layer.boxes(object)) {
    if (slice !== undefined && z !== slice) continue;
    const labels = layer.read([x, y, width, height], z);
    const [FREE, OWN, OTHER] = [0, 1, 2];
    const map = Uint8Array.from(labels, (label) => (label === object ? OWN : isFree(label) ? FREE : OTHER));
    const { data } = fillHoles(ndarray('uint8', [height, width], map));
    for (let p = 0; p < data.length; p++) {
      if (map[p] !== FREE || data[p] !== OWN) continue;
      const column = p % width;
      layer.fill(z, y + (p - column) / width, x + column, x + column + 1, object);
    }
  }
}

/** @throws UsageError for a layer of classes, and for numbers that no object has */
export function requireObjects(layer: LabelLayer, ...objects: readonly number[]): void {
  if (layer.kind !== 'objects') {
    throw new UsageError('This is a layer of classes, which has no objects.', { remedy: 'Use a layer of objects.' });
  }
  const missing = objects.find((object) => object === 0 || layer.pixels(object) === 0);
  if (missing !== undefined) {
    throw new UsageError(`There is no object ${missing}.`, { remedy: 'Use the number of an object of this image.' });
  }
}
