/** Where the annotated pixels of a page are. */

import { ndarray } from '../array/ndarray.ts';
import { connectedComponents } from '../objects/connected-components.ts';
import { IGNORE } from './labels/labels.ts';

/** First row and column, and those after the last. */
export interface Rectangle {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/** The labels of a page: class indices [height, width], 255 = ignored. */
export interface Labelled {
  readonly label: Uint8Array;
  readonly height: number;
  readonly width: number;
}

/** How many pixels of a page are annotated above each row, and in all: [height + 1]. */
export type AnnotatedRows = Int32Array | Float64Array;

/**
 * The annotated pixels above each row.
 * @returns undefined if every pixel is annotated
 */
export function annotatedRows({ label, height, width }: Labelled): Int32Array | undefined {
  if (!label.includes(IGNORE)) return undefined;
  const rows = new Int32Array(height + 1);
  for (let y = 0, p = 0; y < height; y++) {
    let count = 0;
    for (let x = 0; x < width; x++, p++) if (label[p] !== IGNORE) count++;
    rows[y + 1] = (rows[y] as number) + count;
  }
  return rows;
}

/** The row of the annotated pixel `nth` from 0, row by row, and how many of the row come before it. */
export function annotatedRow(rows: AnnotatedRows, nth: number): readonly [row: number, before: number] {
  let low = 0;
  for (let high = rows.length - 1; high - low > 1; ) {
    const middle = (low + high) >> 1;
    if ((rows[middle] as number) <= nth) low = middle;
    else high = middle;
  }
  return [low, nth - (rows[low] as number)];
}

/** Index of the annotated pixel `nth` from 0, row by row. @param rows of `annotatedRows` */
export function annotatedPixel({ label, width }: Labelled, rows: AnnotatedRows, nth: number): number {
  const [row, before] = annotatedRow(rows, nth);
  let left = before;
  for (let p = row * width; ; p++) if (label[p] !== IGNORE && left-- === 0) return p;
}

/** Annotated pixels in one square of this side, or in adjacent squares, are grouped. */
export const SQUARE_PX = 64;

/** The smallest boxes around annotated areas; areas closer than about 64 pixels share one, so that only a few remain. */
export function annotatedBoxes({ label, height, width }: Labelled): readonly Rectangle[] {
  const [rows, columns] = [Math.ceil(height / SQUARE_PX), Math.ceil(width / SQUARE_PX)];
  const squares = new Uint8Array(rows * columns);
  const squareOf = (y: number, x: number): number => Math.floor(y / SQUARE_PX) * columns + Math.floor(x / SQUARE_PX);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) if (label[p] !== IGNORE) squares[squareOf(y, x)] = 1;
  }
  const { labels, count } = connectedComponents(ndarray('uint8', [rows, columns], squares), { connectivity: 8 });
  const boxes = Array.from({ length: count }, () => ({ top: height, left: width, bottom: 0, right: 0 }));
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      if (label[p] === IGNORE) continue;
      const box = boxes[(labels.data[squareOf(y, x)] as number) - 1] as (typeof boxes)[number];
      box.top = Math.min(box.top, y);
      box.left = Math.min(box.left, x);
      box.bottom = Math.max(box.bottom, y + 1);
      box.right = Math.max(box.right, x + 1);
    }
  }
  return boxes;
}
