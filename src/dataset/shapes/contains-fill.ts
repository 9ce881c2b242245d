import { addTo } from '../../array/lists.ts';
import { type FoundRun, type Line, rowCrossings, type Size } from '../../objects/fill-polygon.ts';

/**
 * Pixels whose centres are inside the lines under the even-odd rule and not on them, as `contains` of GEOS and shapely
 * with the lines as exterior and holes.
 */
export function fillContained(lines: readonly Line[], [height, width]: Size, found: FoundRun): void {
  const onLine = new Map<number, [number, number][]>();
  for (const line of lines) {
    for (let i = 0; i < line.length; i += 2) {
      const j = (i + 2) % line.length;
      const [ax, ay, bx, by] = [line[i], line[i + 1], line[j], line[j + 1]];
      // A corner, or a whole edge, in a row of centres is no crossing of its own.
      if ((ay - 0.5) % 1 !== 0) continue;
      const row = ay - 0.5;
      const [low, high] = ay === by ? [Math.min(ax, bx), Math.max(ax, bx)] : [ax, ax];
      addTo(onLine, row, [Math.ceil(low - 0.5), Math.floor(high - 0.5) + 1]);
    }
  }
  const inside = new Uint8Array(width);
  for (const [y, crossings] of rowCrossings(lines, height)) {
    inside.fill(0);
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      const [a, b] = [crossings[k], crossings[k + 1]];
      const [from, to] = [Math.max(0, a.right), Math.min(width, b.right - (b.touches ? 1 : 0))];
      if (to > from) inside.fill(1, from, to);
    }
    for (const [from, to] of onLine.get(y) ?? []) if (to > from) inside.fill(0, Math.max(0, from), Math.max(0, to));
    for (let x = 0; x < width; x++) {
      if (inside[x] === 0) continue;
      const from = x;
      while (x < width && inside[x] === 1) x++;
      found(y, from, x);
    }
  }
}
