/** S04: what the brush paints is its definition, pixel by pixel, at every zoom and density and at the image's edges. */

import { describe, expect, it } from 'vitest';
import { greyPng, inWindow, isLong, paintedRuns, studioPages, takeIn, whyNoPage } from './studio-page.ts';

const SIZE = 600;
const DIAMETERS = isLong ? [1, 2, 3, 24, 255] : [1, 24];
const ZOOMS = isLong ? [1 / 8, 1, 8] : [1, 8];
const DENSITIES = isLong ? [1, 2] : [1.5];
const POINTS = [
  [300.3, 300.8],
  [0.5, 0.5],
  [SIZE - 0.5, SIZE - 0.5],
] as const;

/** Pixels whose centres are within half a diameter of the disc's centre: that of a pixel, or a corner. */
function disc(x: number, y: number, diameter: number): [number, number, number, number][] {
  const centre = (at: number): number => (diameter % 2 === 1 ? Math.floor(at) + 0.5 : Math.round(at));
  const [cx, cy] = [centre(x), centre(y)];
  const runs: [number, number, number, number][] = [];
  for (let row = 0; row < SIZE; row++) {
    const inside = Array.from({ length: SIZE }, (_, column) => column).filter(
      (column) => (column + 0.5 - cx) ** 2 + (row + 0.5 - cy) ** 2 <= (diameter / 2) ** 2,
    );
    if (inside.length > 0) runs.push([row, inside[0], (inside.at(-1) as number) + 1, 1]);
  }
  return runs;
}

describe.skipIf(whyNoPage !== undefined)(`S04 brush${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it.each(DENSITIES)('paints discs exactly at a density of %s', async (density) => {
    const { page, errors, close } = await pages.open({ density });
    await takeIn(page, { 'grey.png': greyPng(SIZE, SIZE) });
    for (const zoom of ZOOMS) {
      for (const diameter of DIAMETERS) {
        for (const [x, y] of POINTS) {
          await page.evaluate(
            ([scale, size, px, py]) => {
              studio.display.transform.value = { x: px, y: py, scale };
              studio.painting.size.value = size;
              studio.painting.classAt.value = 1;
            },
            [zoom, diameter, x, y],
          );
          const at = await inWindow(page, x, y);
          await page.mouse.move(at.x, at.y);
          // Where the pointer really is: the window has whole pixels, and a fine one of the image may be less.
          const point = await page.evaluate(() => studio.pointer.at.value as { x: number; y: number });
          const away = Math.max(Math.abs(point.x - x), Math.abs(point.y - y)) * zoom;
          expect(away, 'the pointer is where it was sent').toBeLessThanOrEqual(density);
          await page.mouse.down();
          await page.mouse.up();
          expect(await paintedRuns(page), `zoom ${zoom}, diameter ${diameter}, at ${x}, ${y}`).toEqual(
            disc(point.x, point.y, diameter),
          );
          await page.keyboard.press('Control+z');
          await page.waitForFunction(() => !studio.annotation.canUndo.value);
        }
      }
    }
    expect(await paintedRuns(page)).toEqual([]);
    expect(errors).toEqual([]);
    await close();
  });
});
