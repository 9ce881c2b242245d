/** Sixteen channels, each with its contrast and its colour, which can be changed; and the usual windows of CT. */

import { writeTiff } from 'lamella';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { studioPages, takeIn, whyNoPage } from './studio-page.ts';

const COUNT = 16;
const SIDE = 40;

const sixteen = (): Uint8Array =>
  writeTiff({
    dtype: 'uint16',
    axes: 'cyx',
    shape: [COUNT, SIDE, SIDE],
    data: Uint16Array.from({ length: COUNT * SIDE * SIDE }, (_, i) => (i % SIDE) * (1 + Math.floor(i / SIDE ** 2))),
    channels: Array.from({ length: COUNT }, (_, c) => `stain ${c + 1}`),
    spacing: {},
  });

const shown = (page: Page) =>
  page.evaluate(() => studio.display.channels.value.map(({ window, gamma, colour }) => ({ window, gamma, colour })));

describe.skipIf(whyNoPage !== undefined)(`channels${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it('are sixteen, each with black, white, gamma and colour', async () => {
    const { page, errors, close } = await pages.open();
    await takeIn(page, { 'many.tif': sixteen() });
    expect((await shown(page)).length).toBe(COUNT);
    await page.getByRole('button', { name: 'Contrast' }).click();
    const last = page.locator('#contrast fieldset').nth(COUNT - 1);
    await last.getByLabel(/^Colour of/).fill('#ff8000');
    await last.getByLabel('White').fill('200');
    const channels = await shown(page);
    expect(channels[COUNT - 1]).toMatchObject({ colour: [1, 128 / 255, 0], window: [expect.any(Number), 200] });
    expect(channels[0]?.colour).toEqual([0, 1, 0]);
    await page.locator('#contrast fieldset').first().getByRole('checkbox').uncheck();
    expect((await shown(page)).length).toBe(COUNT - 1);
    // All of them can be reached in a window of this height.
    const box = await page.locator('#contrast').boundingBox();
    expect(box?.y).toBeGreaterThanOrEqual(0);
    expect(errors).toEqual([]);
    await close();
  });

  it('in Hounsfield units have the windows of CT', async () => {
    const { page, errors, close } = await pages.open();
    const data = Int16Array.from({ length: SIDE * SIDE }, (_, i) => i - 1000);
    const ct = { dtype: 'int16', axes: 'yx', shape: [SIDE, SIDE], data, spacing: {}, valueUnit: 'HU' } as const;
    await takeIn(page, { 'ct.tif': writeTiff(ct) });
    await page.getByRole('button', { name: 'Contrast' }).click();
    for (const [name, window] of [
      ['Lung', [-1350, 150]],
      ['Bone', [-500, 1300]],
    ] as const) {
      await page.locator('#contrast').getByRole('button', { name }).click();
      expect((await shown(page))[0]?.window).toEqual(window);
    }
    expect(errors).toEqual([]);
    await close();
  });
});
