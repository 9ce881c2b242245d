/** What the tiles of a preview say of a window. */

import type { Rect } from 'lamella/studio';
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
