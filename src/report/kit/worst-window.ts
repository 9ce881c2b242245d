/** The part of an image with the most errors. */

import { integral, type Rectangle, sumWithin, windowsOf } from '../../array/window-sums.ts';
import { ERROR_CLASSES } from '../../metrics/error-map.ts';

/** Side of the window in pixels. */
const CASE_PX = 160;

/** The window with the most wrong pixels, on a grid with a quarter of its side as step. */
export function worstWindow(errors: Uint8Array, height: number, width: number): Rectangle {
  const sums = integral(
    errors.map((kind) => (kind === ERROR_CLASSES.correct ? 0 : 1)),
    height,
    width,
  );
  const countOf = (window: Rectangle): number => sumWithin(sums, width + 1, window);
  const windows = windowsOf([height, width], [Math.min(CASE_PX, height), Math.min(CASE_PX, width)]);
  return windows.reduce((worst, window) => (countOf(window) > countOf(worst) ? window : worst));
}
