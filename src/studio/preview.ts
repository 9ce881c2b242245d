/** Previews: the visible part of a page in tiles, and what a model says of one. */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { objectsImage } from '../predict/objects.ts';
import type { PreviewResult, Rect, View } from './engine.ts';
import type { LiveClass } from './live-data.ts';

/** Side of a tile that is wanted, and how many are shown at most; tiles of a large view are larger. */
const TILE_PX = 256;
const MOST_TILES = 48;

/**
 * Tiles that cover the visible part, on a grid that does not move with it, those next to its centre first.
 * @param size of the page
 */
export function tilesOf(
  { rect }: Pick<View, 'rect'>,
  size: { readonly width: number; readonly height: number },
): readonly Rect[] {
  const [left, top] = [Math.max(0, Math.floor(rect.x)), Math.max(0, Math.floor(rect.y))];
  const right = Math.min(size.width, Math.ceil(rect.x + rect.width));
  const bottom = Math.min(size.height, Math.ceil(rect.y + rect.height));
  if (right <= left || bottom <= top) return [];
  let side = TILE_PX;
  const along = (from: number, to: number): number => Math.floor((to - 1) / side) - Math.floor(from / side) + 1;
  while (along(left, right) * along(top, bottom) > MOST_TILES) side *= 2;
  const tiles: Rect[] = [];
  for (let y = Math.floor(top / side) * side; y < bottom; y += side) {
    for (let x = Math.floor(left / side) * side; x < right; x += side) {
      tiles.push({ x, y, width: Math.min(side, size.width - x), height: Math.min(side, size.height - y) });
    }
  }
  const [cx, cy] = [(left + right) / 2, (top + bottom) / 2];
  const distance = (tile: Rect): number => Math.hypot(tile.x + tile.width / 2 - cx, tile.y + tile.height / 2 - cy);
  return tiles.sort((a, b) => distance(a) - distance(b));
}

/**
 * Probabilities as a preview.
 * @param probabilities [classes, height, width]
 * @param classes what is painted for each; one that is missing, such as the border between objects, counts as the first
 */
export function previewOf({ data, shape }: NdArray<'float32'>, classes: readonly LiveClass[]): PreviewResult {
  const [count, height, width] = shape as readonly [number, number, number];
  const pixels = height * width;
  const result = {
    classes: new Uint8Array(pixels),
    probability: new Uint8Array(pixels),
    uncertainty: new Uint8Array(pixels),
  };
  for (let p = 0; p < pixels; p++) {
    let [first, second, most] = [-1, -1, 0];
    for (let c = 0; c < count; c++) {
      const value = data[c * pixels + p] as number;
      if (value > first) [first, second, most] = [value, first, c];
      else if (value > second) second = value;
    }
    result.classes[p] = (classes[most] ?? classes[0])?.label ?? 0;
    result.probability[p] = Math.round(255 * Math.min(1, Math.max(0, first)));
    result.uncertainty[p] = Math.round(255 * Math.min(1, Math.max(0, 1 - (first - second))));
  }
  return result;
}

/** Of a window whose objects are wanted, on each side. */
const MARGIN_PX = 64;

/** A window with what lies around it, in whole pixels within the page. */
export function withMargin(rect: Rect, size: { readonly width: number; readonly height: number }): Rect {
  const x = Math.max(0, Math.floor(rect.x) - MARGIN_PX);
  const y = Math.max(0, Math.floor(rect.y) - MARGIN_PX);
  const width = Math.min(size.width, Math.ceil(rect.x + rect.width) + MARGIN_PX) - x;
  const height = Math.min(size.height, Math.ceil(rect.y + rect.height) + MARGIN_PX) - y;
  return { x, y, width, height };
}

/**
 * Objects in probabilities [classes, height, width], separated as a model's prediction is that says no more about it: by
 * the border, if that is a class beside those that are painted, otherwise by shape.
 */
export function objectsOf({ data, shape }: NdArray<'float32'>, classes: readonly LiveClass[]): NdArray<'uint32'> {
  const channels = Array.from({ length: shape[0] as number }, (_, i) => (i < classes.length ? 'class' : 'border'));
  const { labels } = objectsImage({ dtype: 'float32', axes: 'cyx', shape, data, spacing: {}, channels });
  return ndarray('uint32', shape.slice(1), Uint32Array.from(labels.data));
}
