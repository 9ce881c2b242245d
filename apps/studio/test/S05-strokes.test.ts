/** S05: a fast stroke has no gap, whatever few events it is given: it is the capsule between them. */

import { describe, expect, it } from 'vitest';
import { greyPng, inWindow, paintedRuns, studioPages, takeIn, whyNoPage } from './studio-page.ts';

const SIZE = 2200;
const DIAMETER = 25;
const CORNERS = [
  [120.5, 300.5],
  [600.5, 900.5],
  [1100.5, 200.5],
  [1600.5, 1000.5],
  [2100.5, 400.5],
] as const;

/** Whether a pixel's centre is within a radius of the line between two points. */
function isNear(
  x: number,
  y: number,
  [ax, ay]: readonly number[],
  [bx, by]: readonly number[],
  radius: number,
): boolean {
  const [dx, dy] = [bx - ax, by - ay];
  const along = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
  return (x - ax - along * dx) ** 2 + (y - ay - along * dy) ** 2 <= radius * radius;
}

describe.skipIf(whyNoPage !== undefined)(`S05 strokes${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it('paints the capsules between five events', async () => {
    const { page, errors, close } = await pages.open();
    await takeIn(page, { 'grey.png': greyPng(SIZE, 1300) });
    await page.evaluate((size) => {
      studio.painting.size.value = size;
    }, DIAMETER);
    const track: [number, number][] = [];
    for (const [i, [x, y]] of CORNERS.entries()) {
      const at = await inWindow(page, x, y);
      await page.mouse.move(at.x, at.y);
      if (i === 0) await page.mouse.down();
      const point = await page.evaluate(() => studio.pointer.at.value as { x: number; y: number });
      // As the brush, which is of odd size: the centre of the pixel.
      track.push([Math.floor(point.x) + 0.5, Math.floor(point.y) + 0.5]);
    }
    await page.mouse.up();
    const painted = new Set<number>();
    for (const [row, from, to] of await paintedRuns(page)) for (let x = from; x < to; x++) painted.add(row * SIZE + x);
    const differing: string[] = [];
    for (let row = 0; row < 1300; row++) {
      for (let x = 0; x < SIZE; x++) {
        const inside = track.slice(1).some((corner, i) => isNear(x + 0.5, row + 0.5, track[i], corner, DIAMETER / 2));
        if (inside !== painted.has(row * SIZE + x)) differing.push(`${x}, ${row}: painted ${!inside}`);
      }
    }
    expect(painted.size).toBeGreaterThan(2000 * DIAMETER);
    expect(differing).toEqual([]);
    expect(errors).toEqual([]);
    await close();
  });

  it('are as whole when an undo is asked for in the middle, which does nothing', async () => {
    const { page, errors, close } = await pages.open();
    await takeIn(page, { 'cell.png': greyPng(128, 128) });
    await page.evaluate(() => {
      studio.painting.size.value = 8;
    });
    const thick = (y: number): readonly number[] => Array.from({ length: 8 }, (_, i) => y - 4 + i);
    const rows = async (): Promise<readonly number[]> => [...new Set((await paintedRuns(page)).map(([row]) => row))];
    for (const y of [40, 80]) {
      const [from, to] = [await inWindow(page, 20, y), await inWindow(page, 60, y)];
      await page.mouse.move(from.x, from.y);
      await page.mouse.down();
      await page.keyboard.press('Control+z');
      await page.mouse.move(to.x, to.y, { steps: 3 });
      await page.keyboard.press('Control+z');
      await page.mouse.up();
    }
    expect(await rows()).toEqual([...thick(40), ...thick(80)]);
    await page.keyboard.press('Control+z');
    await page.waitForFunction(() => studio.annotation.canRedo.value);
    expect(await rows()).toEqual(thick(40));
    expect(errors).toEqual([]);
    await close();
  });
});
