/** The pixels that closed lines enclose. */

import { addTo } from '../array/lists.ts';

/** A closed line: corners x0, y0, x1, y1, ...; the first is not repeated. Pixel (x, y) covers x..x+1 and y..y+1. */
export type Line = ArrayLike<number>;

/** Left, top, right and bottom edge in pixels. */
export type Bounds = readonly [left: number, top: number, right: number, bottom: number];
export function boundsOfLines(lines: readonly Line[]): Bounds {
  const bounds: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const line of lines) {
    for (let i = 0; i < line.length; i++) {
      const value = line[i] as number;
      const axis = i % 2;
      bounds[axis] = Math.min(bounds[axis] as number, value);
      bounds[axis + 2] = Math.max(bounds[axis + 2] as number, value);
    }
  }
  return bounds;
}

export type Size = readonly [height: number, width: number];

/** Receives a run of a row's pixels: first column and the one after the last, inside the image. */
export type FoundRun = (row: number, from: number, to: number) => void;

/** Where an edge crosses a row of pixel centres. */
export interface Crossing {
  /** First column whose centre is right of the edge. */
  readonly right: number;
  /** Whether the centre of the column before it is on the edge. */
  readonly touches: boolean;
}

/**
 * The crossings of each row that has any, from left to right. An edge includes its upper end and not its lower one.
 * Comparisons with the lines are exact for coordinates with up to 26 significant bits, such as multiples of 1/256 up to
 * 262,144.
 */
export function rowCrossings(lines: readonly Line[], height: number): Map<number, Crossing[]> {
  const rows = new Map<number, Crossing[]>();
  for (const line of lines) {
    for (let i = 0; i < line.length; i += 2) {
      const j = (i + 2) % line.length;
      const [ax, ay, bx, by] = [line[i], line[i + 1], line[j], line[j + 1]];
      // The same arithmetic for an edge in both directions: neighbours that share it share no pixel.
      const [x1, y1, x2, y2] = ay < by ? [ax, ay, bx, by] : [bx, by, ax, ay];
      for (let y = Math.max(0, Math.ceil(y1 - 0.5)); y < Math.min(height, Math.ceil(y2 - 0.5)); y++) {
        const middle = y + 0.5;
        /** Positive for a centre right of the edge. */
        const side = (column: number): number => (column + 0.5 - x1) * (y2 - y1) - (middle - y1) * (x2 - x1);
        let right = Math.floor(x1 + ((middle - y1) * (x2 - x1)) / (y2 - y1) + 0.5);
        while (side(right) <= 0) right++;
        while (side(right - 1) > 0) right--;
        addTo(rows, y, { right, touches: side(right - 1) === 0 });
      }
    }
  }
  for (const own of rows.values()) own.sort((a, b) => a.right - b.right || Number(b.touches) - Number(a.touches));
  return rows;
}

/**
 * Fills the pixels whose centres the lines enclose under the even-odd rule, so that an inner line is a hole: the
 * inverse of `toPolygons`. A centre on a left edge is inside, one on a right edge is not, so areas that share an edge
 * share no pixel and leave none out.
 */
export function fillPolygon(lines: readonly Line[], [height, width]: Size, found: FoundRun): void {
  const first = ({ right, touches }: Crossing): number => right - (touches ? 1 : 0);
  for (const [y, crossings] of rowCrossings(lines, height)) {
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      const [from, to] = [Math.max(0, first(crossings[k])), Math.min(width, first(crossings[k + 1]))];
      if (to > from) found(y, from, to);
    }
  }
}
