/** Accepting a predicted place in a project of objects: a number for each, and those that were painted keep theirs. */

import { writePng } from 'lamella';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { studioPages, takeIn, whyNoPage } from './studio-page.ts';

const SIDE = 128;
const RADIUS = 11;
/** Bright discs of which those of a row touch, with a neck between them. */
const CENTRES = [24, 44, 84, 104].flatMap((x) => [24, 64, 104].map((y) => [x, y] as const));

function discsPng(): Uint8Array {
  const data = new Uint8Array(SIDE * SIDE).fill(30);
  for (let p = 0; p < data.length; p++) {
    const [x, y] = [p % SIDE, Math.floor(p / SIDE)];
    if (CENTRES.some(([cx, cy]) => Math.hypot(x - cx, y - cy) <= RADIUS)) data[p] = 200;
  }
  return writePng({ dtype: 'uint8', axes: 'yx', shape: [SIDE, SIDE], data, spacing: {} });
}

const labelsOf = (page: Page): Promise<number[]> =>
  page.evaluate(() => {
    const layer = studio.annotation.layer.value;
    if (layer === undefined) throw new Error('There is no layer.');
    return [...layer.read([0, 0, layer.width, layer.height])];
  });

describe.skipIf(whyNoPage !== undefined)(`accepted objects${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it('that touch get a number each, in one step that can be undone', async () => {
    const { page, errors, close } = await pages.open();
    await takeIn(page, { 'discs.png': discsPng() });
    await page.getByText('Objects', { exact: true }).click();
    await page.waitForFunction(() => studio.annotation.annotations.value?.kind === 'objects');
    // A whole object with a number of its own, and some background.
    await page.evaluate(
      ([centre, radius]) => {
        const layer = studio.annotation.layer.value;
        for (let y = -radius; y <= radius; y++) {
          const half = Math.floor(Math.sqrt(radius * radius - y * y));
          layer?.fill(0, centre + y, centre - half, centre + half + 1, 7);
          layer?.fill(0, 64 + y, 62, 66, 0);
        }
        studio.annotation.commit('painted');
      },
      [24, RADIUS] as const,
    );
    await page.evaluate(() => {
      studio.live.wanted.value = 'quick';
    });
    await page.keyboard.press('l');
    await page.waitForFunction(() => studio.live.tiles.value.length > 0);
    const before = await labelsOf(page);
    await page.keyboard.press('Alt+3');
    await page.evaluate((side) => {
      const rect = { x: 0, y: 0, width: side, height: side };
      studio.checking.places.value = [{ image: 'discs', page: 0, rect, uncertainty: 0.5, random: false }];
    }, SIDE);
    await page.keyboard.press('a');
    await page.waitForFunction(() => studio.checking.verdicts.value.size === 1);

    const labels = await labelsOf(page);
    const numbers = CENTRES.map(([x, y]) => labels[y * SIDE + x]);
    expect(numbers[0]).toBe(7);
    expect(new Set(numbers).size).toBe(CENTRES.length);
    expect(numbers.every((number) => number > 0 && number < 2147483647)).toBe(true);
    expect(labels).not.toContain(2147483647);
    expect(await page.evaluate(() => studio.annotation.regions.value)).toMatchObject([
      { origin: 'proofread', complete: true, held: false },
    ]);

    await page.keyboard.press('Control+z');
    await page.waitForFunction(() => studio.annotation.canRedo.value);
    expect(await labelsOf(page)).toEqual(before);
    expect(await page.evaluate(() => studio.annotation.regions.value)).toEqual([]);
    expect(errors).toEqual([]);
    await close();
  });
});
