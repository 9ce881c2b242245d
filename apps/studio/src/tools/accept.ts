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

/** Paints classes where nothing is annotated. */
export function acceptClasses(layer: LabelLayer, slice: number, rect: Rect, classes: Uint8Array): void {
  const isFree = (label: number): boolean => label === layer.notAnnotated;
  for (let row = 0; row < rect.height; row++) {
    for (let x = 0, to = 0; x < rect.width; x = to) {
      const label = classes[row * rect.width + x];
      to = x + 1;
      while (to < rect.width && classes[row * rect.width + to] === label) to++;
      layer.fill(slice, rect.y + row, rect.x + x, rect.x + to, label, isFree);
    }
  }
}
