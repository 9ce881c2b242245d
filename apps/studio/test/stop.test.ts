/** What takes long can be stopped where it runs, and where it keeps something else from beginning. */

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { greyPng, studioPages, takeIn, whyNoPage } from './studio-page.ts';

/** A search through this by the network below takes many seconds, however fast the machine. */
const SIZE = 1024;
const IMAGES = 12;

/** Two strokes, and a network that has hardly learned from them. */
async function trainBriefly(page: Page): Promise<void> {
  await page.evaluate(() => {
    for (const label of [0, 1]) {
      studio.painting.classAt.value = label;
      studio.painting.down({ x: 40, y: 40 + 40 * label }, { alt: false, shift: false });
      studio.painting.move([{ x: 200, y: 40 + 40 * label }], { alt: false, shift: false });
      studio.painting.up();
    }
  });
  await page.waitForFunction(() => studio.annotation.unkept.value === 0);
  await page.evaluate(async () => {
    const settings = { patch: [64, 64], depth: 2, baseChannels: 8, batch: 1 } as const;
    await studio.engine.train({ steps: 1, settings, from: 'scratch' });
    studio.training.forget(true);
  });
}

async function beginSearch(page: Page): Promise<void> {
  await page.getByRole('tab', { name: 'Check' }).click();
  await page.getByRole('button', { name: 'Find uncertain places' }).click();
  await page.getByRole('button', { name: 'Searching…' }).waitFor();
}
const searchEnded = (page: Page) => page.waitForFunction(() => !studio.checking.searching.value);
const places = (page: Page): Promise<number> => page.evaluate(() => studio.checking.places.value.length);

describe.skipIf(whyNoPage !== undefined)(`stopping${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it('a search for places: on its tab, by Escape, and from where Segment all had to wait for it', async () => {
    const { page, errors, close } = await pages.open();
    // Each is another one.
    const images = Array.from({ length: IMAGES }, (_, i) => [`grey${i}.png`, greyPng(SIZE + i, SIZE)]);
    await takeIn(page, Object.fromEntries(images));
    await trainBriefly(page);

    await beginSearch(page);
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await searchEnded(page);
    expect(await places(page)).toBe(0);

    await beginSearch(page);
    await page.keyboard.press('Escape');
    await page.getByRole('log').getByRole('button', { name: 'Stop', exact: true }).click();
    await searchEnded(page);
    expect(await places(page)).toBe(0);

    await beginSearch(page);
    await page.getByRole('tab', { name: 'Measure' }).click();
    await page.getByRole('button', { name: 'Segment all' }).click();
    const busy = page
      .getByRole('log')
      .locator('.problem', { hasText: 'The engine is busy with the search for places.' });
    await busy.getByRole('button', { name: 'Stop', exact: true }).click();
    await searchEnded(page);
    await busy.waitFor({ state: 'detached' });
    expect(await places(page)).toBe(0);

    await page.getByRole('button', { name: 'Segment all' }).click();
    await page.waitForFunction(() => studio.measuring.progress.value !== undefined);
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.waitForFunction(() => !studio.measuring.running.value);
    expect(errors).toEqual([]);
    await close();
  });
});
