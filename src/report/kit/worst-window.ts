/** The part of an image with the most errors. */

import { ERROR_CLASSES } from '../../metrics/error-map.ts';
import type { Window } from './pictures.ts';

/** Side of the window in pixels. */
const CASE_PX = 160;

/** The window with the most wrong pixels, on a grid with a quarter of its side as step. */
export function worstWindow(errors: Uint8Array, height: number, width: number): Window {
  const [rows, columns] = [Math.min(CASE_PX, height), Math.min(CASE_PX, width)];
  // Summed-area table.
  const stride = width + 1;
  const sums = new Float64Array((height + 1) * stride);
  for (let y = 0; y < height; y++) {
    let row = 0;
    for (let x = 0; x < width; x++) {
      row += errors[y * width + x] === ERROR_CLASSES.correct ? 0 : 1;
      sums[(y + 1) * stride + x + 1] = (sums[y * stride + x + 1] as number) + row;
    }
  }
  let most = -1;
  let best: Window = { x: 0, y: 0, width: columns, height: rows };
  const starts = (length: number, side: number): number[] => {
    const step = Math.max(1, Math.floor(side / 4));
    const list: number[] = [];
    for (let at = 0; at < length - side; at += step) list.push(at);
    return [...list, length - side];
  };
  for (const y of starts(height, rows)) {
    for (const x of starts(width, columns)) {
      const count =
        (sums[(y + rows) * stride + x + columns] as number) -
        (sums[y * stride + x + columns] as number) -
        (sums[(y + rows) * stride + x] as number) +
        (sums[y * stride + x] as number);
      if (count > most) {
        most = count;
        best = { x, y, width: columns, height: rows };
      }
    }
  }
  return best;
}
