/** An image that is removed with what was just painted on it, and another one of its name, as a user has them. */

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { greyPng, inWindow, paintedRuns, studioPages, takeIn, whyNoPage } from './studio-page.ts';

/** A line, as far as there is an image. */
async function draw(page: Page, y: number): Promise<void> {
  const [from, to] = [await inWindow(page, 20, y), await inWindow(page, 60, y)];
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(to.x, to.y, { steps: 3 });
  await page.mouse.up();
  await page.waitForFunction(() => studio.annotation.unkept.value === 0);
}

async function goTo(page: Page, id: string): Promise<void> {
  await page.evaluate((image) => studio.project.goTo(image), id);
  await page.waitForFunction(
    (image) => studio.annotation.layer.value !== undefined && studio.display.shown.value?.image.id === image,
    id,
  );
}

/** Rows that are painted on the image on the screen. */
const rows = async (page: Page): Promise<readonly number[]> => [
  ...new Set((await paintedRuns(page)).map(([row]) => row)),
];
const around = (y: number): readonly number[] => Array.from({ length: 8 }, (_, i) => y - 4 + i);

describe.skipIf(whyNoPage !== undefined)(`a removed image${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it.each([
    ['the same size', [128, 128]],
    ['another size', [96, 80]],
  ] as const)('leaves nothing on another one of its name and of %s', async (_, [width, height]) => {
    const { page, errors, close } = await pages.open();
    await takeIn(page, { 'cell.png': greyPng(128, 128), 'other.png': greyPng(128, 127) });
    await page.evaluate(() => {
      studio.painting.size.value = 8;
    });
    await goTo(page, 'other');
    await draw(page, 100);
    expect(await rows(page)).toEqual(around(100));
    await page.evaluate(() => studio.engine.flush());
    await goTo(page, 'cell');
    await draw(page, 40);
    await page.getByRole('button', { name: 'Remove from project: cell', exact: true }).click({ force: true });
    await page.getByRole('dialog').getByRole('button', { name: 'Remove from project' }).click();
    await page.waitForFunction(() => studio.project.images.value.length === 1);
    await takeIn(page, { 'cell.png': new Uint8Array([...greyPng(width, height), 0]) });
    const fresh = await page.evaluate(() => studio.project.images.value[1].id);
    await goTo(page, fresh);
    expect(await rows(page)).toEqual([]);

    // What is undone is the stroke on the other image.
    await page.keyboard.press('Control+z');
    await page.waitForFunction(() => studio.display.shown.value?.image.id === 'other');
    expect(await rows(page)).toEqual([]);
    await page.waitForFunction(() => !studio.annotation.canUndo.value);
    expect(await page.evaluate(() => studio.annotation.undoText.value)).toBe('Nothing to undo');
    await page.keyboard.press('Control+Shift+z');
    await page.waitForFunction(() => !studio.annotation.canRedo.value);
    expect(await rows(page)).toEqual(around(100));
    await goTo(page, fresh);
    expect(await rows(page)).toEqual([]);

    await page.waitForFunction(() => studio.annotation.unkept.value === 0);
    const again = await page.context().newPage();
    const url = page.url();
    await page.close();
    again.on('pageerror', (error) => expect.soft(String(error)).toBe(''));
    await again.goto(url);
    await again.getByRole('region', { name: 'Recent projects' }).getByRole('button').first().click();
    await again.waitForFunction(() => studio.annotation.layer.value !== undefined);
    expect(await again.evaluate(() => studio.messages.shown.value.map(({ text }) => text))).toEqual([]);
    await goTo(again, 'other');
    expect(await rows(again)).toEqual(around(100));
    await goTo(again, fresh);
    expect(await rows(again)).toEqual([]);
    expect(errors).toEqual([]);
    await close();
  });
});
