/** S07: edits of objects, each undone and redone, leave the labels as they were, byte for byte. */

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { greyPng, inWindow, isLong, studioPages, takeIn, whyNoPage } from './studio-page.ts';

const SIZE = 640;
/** Objects stand in a grid of this pitch. */
const PITCH = 20;
const COLUMNS = SIZE / PITCH;

/** A fingerprint of all labels on the page, and the numbers that occur. */
const labels = (page: Page): Promise<{ sum: number; objects: number }> =>
  page.evaluate(() => {
    const layer = studio.annotation.layer.value;
    if (layer === undefined) throw new Error('There is no layer.');
    let sum = 2166136261;
    for (const label of layer.read([0, 0, layer.width, layer.height])) sum = Math.imul(sum ^ label, 16777619) >>> 0;
    return { sum, objects: layer.labels().filter((label) => label > 0).length };
  });

describe.skipIf(whyNoPage !== undefined)(`S07 objects${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  async function openObjects() {
    const opened = await pages.open();
    await takeIn(opened.page, { 'grey.png': greyPng(SIZE, SIZE) });
    await opened.page.getByText('Objects', { exact: true }).click();
    await opened.page.waitForFunction(() => studio.annotation.annotations.value?.kind === 'objects');
    await opened.page.evaluate(
      ([pitch, columns]) => {
        const layer = studio.annotation.layer.value;
        for (let i = 0; i < columns * columns; i++) {
          const [x, y] = [(i % columns) * pitch, Math.floor(i / columns) * pitch];
          for (let row = 2; row < pitch - 2; row++) layer?.fill(0, y + row, x + 2, x + pitch - 2, i + 1);
        }
        // A hole in the first.
        for (let row = 8; row < 12; row++) layer?.fill(0, row, 8, 12, 0);
        studio.annotation.commit('grid');
      },
      [PITCH, COLUMNS],
    );
    return opened;
  }

  /** Does something, undoes it and does it again; nothing else changes. @returns the labels afterwards */
  async function thereAndBack(page: Page, edit: () => Promise<void>) {
    const before = await labels(page);
    await edit();
    const after = await labels(page);
    expect(after.sum).not.toBe(before.sum);
    await page.keyboard.press('Control+z');
    await page.waitForFunction(() => studio.annotation.canRedo.value);
    expect(await labels(page)).toEqual(before);
    await page.keyboard.press('Control+Shift+z');
    await page.waitForFunction(() => !studio.annotation.canRedo.value);
    expect(await labels(page)).toEqual(after);
    return after;
  }

  const click = async (page: Page, column: number, row: number): Promise<void> => {
    const at = await inWindow(page, (column + 0.5) * PITCH, (row + 0.5) * PITCH);
    await page.mouse.click(at.x, at.y);
  };

  it('fills, merges, splits and deletes', async () => {
    const { page, errors, close } = await openObjects();
    const all = COLUMNS * COLUMNS;
    expect(await labels(page)).toMatchObject({ objects: all });

    await page.keyboard.press('v');
    await page.evaluate(() => studio.objects.select([1], false));
    await thereAndBack(page, () => page.keyboard.press('j'));

    const merged = await thereAndBack(page, async () => {
      await click(page, 4, 4);
      await page.keyboard.down('Shift');
      await click(page, 5, 4);
      await page.keyboard.up('Shift');
      await page.keyboard.press('m');
    });
    expect(merged.objects).toBe(all - 1);

    const split = await thereAndBack(page, async () => {
      await page.keyboard.press('x');
      const from = await inWindow(page, 10.5 * PITCH, 8 * PITCH);
      const to = await inWindow(page, 10.5 * PITCH, 9 * PITCH);
      await page.mouse.move(from.x, from.y);
      await page.mouse.down();
      await page.mouse.move(to.x, to.y, { steps: 4 });
      await page.mouse.up();
    });
    expect(split.objects).toBe(all);
    expect(errors).toEqual([]);
    await close();
  });

  it('deletes hundreds that a rectangle chooses', async () => {
    const { page, errors, close } = await openObjects();
    await page.keyboard.press('v');
    const from = await inWindow(page, 1, 1);
    const to = await inWindow(page, 25 * PITCH, 20 * PITCH);
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    await page.mouse.move(to.x, to.y, { steps: 5 });
    await page.mouse.up();
    expect(await page.evaluate(() => studio.objects.selected.value.length)).toBe(500);
    const ms = await page.evaluate(() => {
      const start = performance.now();
      studio.objects.remove();
      return performance.now() - start;
    });
    expect(await labels(page)).toMatchObject({ objects: COLUMNS * COLUMNS - 500 });
    console.log(`S07: 500 objects deleted in ${ms.toFixed(0)} ms`);
    if (isLong) expect(ms).toBeLessThan(200);
    expect(errors).toEqual([]);
    await close();
  });
});
