/**
 * The pixels that ImageJ 1.53t fills: its rules were compared with its own masks (scripts/golden/imagej-rois.rhino).
 */

import type { FoundRun, Line, Size } from '../../objects/fill-polygon.ts';

/** Added to crossings, so that a crossing at the centre of a pixel counts as right of it in spite of rounding. */
const RIGHT_BIAS = 1e-8;

/**
 * Polygon with holes under the even-odd rule. Edges run between rounded rows; a crossing moves by the edge's slope from
 * row to row.
 * @param lines relative to the left upper corner of the box
 * @param box left, top, width and height: integers; nothing is filled outside it
 */
export function fillImagejPolygon(
  lines: readonly Line[],
  [left, top, width, height]: readonly [number, number, number, number],
  size: Size,
  found: FoundRun,
): void {
  const rows = Array.from({ length: height }, (): number[] => []);
  for (const line of lines) {
    for (let i = 0; i < line.length; i += 2) {
      const j = (i + 2) % line.length;
      const a = [line[i] as number, line[i + 1] as number] as const;
      const b = [line[j] as number, line[j + 1] as number] as const;
      const [[x1, y1], [x2, y2]] = Math.round(a[1]) > Math.round(b[1]) ? [b, a] : [a, b];
      const [first, end] = [Math.round(y1), Math.round(y2)];
      if (first === end) continue;
      const slope = (x2 - x1) / (y2 - y1);
      let x = x1 + (first - y1 + 0.5) * slope + RIGHT_BIAS;
      let y = first;
      if (first < 0) {
        x += slope * -first;
        y = 0;
      }
      for (; y < Math.min(end, height); y++, x += slope) (rows[y] as number[]).push(x);
    }
  }
  for (const [y, crossings] of rows.entries()) {
    crossings.sort((p, q) => p - q);
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      const from = column(crossings[k] as number, width);
      const to = column(crossings[k + 1] as number, width);
      within(size, top + y, left + from, left + to, found);
    }
  }
}

const column = (crossing: number, width: number): number => Math.min(width, Math.max(0, Math.trunc(crossing + 0.5)));

/** Pixels whose centres lie in the ellipse of a box, its line included. */
export function fillImagejOval(
  [left, top, width, height]: readonly [number, number, number, number],
  size: Size,
  found: FoundRun,
): void {
  const [rx, ry] = [width / 2, height / 2];
  for (let y = 0; y < height; y++) {
    const dy = y - (ry - 0.5);
    const isInside = (x: number): boolean => {
      const dx = x - (rx - 0.5);
      return (dx * dx) / (rx * rx) + (dy * dy) / (ry * ry) <= 1;
    };
    let from = 0;
    while (from < width && !isInside(from)) from++;
    let to = width;
    while (to > from && !isInside(to - 1)) to--;
    within(size, top + y, left + from, left + to, found);
  }
}

export function fillBox(
  [left, top, width, height]: readonly [number, number, number, number],
  size: Size,
  found: FoundRun,
): void {
  for (let y = top; y < top + height; y++) within(size, y, left, left + width, found);
}

function within([height, width]: Size, row: number, from: number, to: number, found: FoundRun): void {
  if (row < 0 || row >= height) return;
  const [a, b] = [Math.max(0, from), Math.min(width, to)];
  if (b > a) found(row, a, b);
}
