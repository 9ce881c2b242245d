/** What a model says, taken over as annotation. */

import type { LabelLayer, Rect } from 'lamella/studio';
import type { PreviewTile } from '../viewer/preview-layer.ts';

/** Class numbers of a window, row by row; undefined unless the tiles cover it. Of two that do, the later counts. */
export function classesIn(rect: Rect, tiles: readonly PreviewTile[]): Uint8Array | undefined {
  const out = new Uint8Array(rect.width * rect.height);
  const known = new Uint8Array(out.length);
  for (const { rect: own, classes } of tiles) {
    const left = Math.max(rect.x, own.x);
    const right = Math.min(rect.x + rect.width, own.x + own.width);
    if (right <= left) continue;
    for (let y = Math.max(rect.y, own.y); y < Math.min(rect.y + rect.height, own.y + own.height); y++) {
      const from = (y - own.y) * own.width + left - own.x;
      const to = (y - rect.y) * rect.width + left - rect.x;
      out.set(classes.subarray(from, from + right - left), to);
      known.fill(1, to, to + right - left);
    }
  }
  return known.includes(0) ? undefined : out;
}

/**
 * Paints classes where nothing is annotated. In a layer of objects, connected pixels of a class other than background
 * become an object, or go on with the one that they touch.
 */
export function acceptClasses(layer: LabelLayer, slice: number, rect: Rect, classes: Uint8Array): void {
  const labels = layer.kind === 'classes' ? classes : objectsOf(layer, slice, rect, classes);
  const isFree = (label: number): boolean => label === layer.notAnnotated;
  for (let row = 0; row < rect.height; row++) {
    for (let x = 0, to = 0; x < rect.width; x = to) {
      const label = labels[row * rect.width + x];
      to = x + 1;
      while (to < rect.width && labels[row * rect.width + to] === label) to++;
      layer.fill(slice, rect.y + row, rect.x + x, rect.x + to, label, isFree);
    }
  }
}

/** Numbers of the objects of a window, 0 outside of them. */
function objectsOf(layer: LabelLayer, slice: number, { x, y, width, height }: Rect, classes: Uint8Array): Uint32Array {
  const before = layer.read([x, y, width, height], slice);
  const numbers = new Uint32Array(classes.length);
  let fresh = layer.largestLabel;
  for (let start = 0; start < classes.length; start++) {
    if (classes[start] === 0 || numbers[start] > 0) continue;
    const pixels = [start];
    const found = new Set(pixels);
    let number: number | undefined;
    for (let i = 0; i < pixels.length; i++) {
      const p = pixels[i];
      if (before[p] !== layer.notAnnotated && before[p] > 0) number ??= before[p];
      const column = p % width;
      for (const next of [column > 0 ? p - 1 : -1, column + 1 < width ? p + 1 : -1, p - width, p + width]) {
        if (next < 0 || next >= classes.length || classes[next] === 0 || found.has(next)) continue;
        found.add(next);
        pixels.push(next);
      }
    }
    number ??= ++fresh;
    for (const p of pixels) numbers[p] = number;
  }
  return numbers;
}
