/** What is wider than its place: names of files, and the command line; and what the bars of Check measure. */

import type { Locator } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { greyPng, studioPages, takeIn, whyNoPage } from './studio-page.ts';

const NAME = 'plate-3_control_20x_dapi_2026-11-30_well-B07_site-04';

/** Whether all of an element lies within another one, in the window. */
const isWithin = (element: Locator, other: Locator): Promise<boolean> =>
  Promise.all([element.boundingBox(), other.boundingBox()]).then(
    ([inner, outer]) =>
      inner !== null && outer !== null && inner.x >= outer.x && inner.x + inner.width <= outer.x + outer.width + 0.5,
  );

describe.skipIf(whyNoPage !== undefined)(`a narrow place${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it('shows both ends of a name, whole words of the command, and how unsure a model is', async () => {
    const { page, errors, close } = await pages.open();
    await takeIn(page, { [`${NAME}.png`]: greyPng(64, 48), 's02.png': greyPng(48, 64) });
    const rows = page.locator('.images li');
    const end = rows.first().locator('.shortened > :last-child');
    expect(await end.textContent()).toBe(NAME.slice(-12));
    expect(await isWithin(end, rows.first().locator('.names'))).toBe(true);
    // Its beginning is cut, and the whole of it is there for those who hear or point at it.
    const beginning = rows.first().locator('.shortened > :first-child');
    expect(await beginning.evaluate((part) => part.scrollWidth > part.clientWidth)).toBe(true);
    await page.getByRole('button', { name: new RegExp(`^${NAME} `) }).waitFor();
    expect(await rows.nth(1).locator('.name').textContent()).toBe('s02');
    expect(await rows.nth(1).locator('.shortened').count()).toBe(0);

    await page.getByRole('tab', { name: 'Train' }).click();
    const code = page.locator('code');
    await code.waitFor();
    const words = code.locator('span');
    const command = `lamella train '${await page.evaluate(() => studio.project.state.value?.id ?? '')}' --minutes 2`;
    expect((await words.allTextContents()).join('').replaceAll("'", '')).toBe(command.replaceAll("'", ''));
    // A line of text is as high as the shortest word.
    const heights = await words.evaluateAll((all) => all.map((one) => Math.round(one.getBoundingClientRect().height)));
    const option = (await words.allTextContents()).findIndex((word) => word.startsWith('--minutes'));
    expect(heights[option]).toBe(Math.min(...heights));
    const copied = await code.evaluate((element) => {
      getSelection()?.selectAllChildren(element);
      return String(getSelection());
    });
    expect(copied.replaceAll("'", '')).toBe(command.replaceAll("'", ''));

    await page.evaluate(() => {
      const rect = { x: 0, y: 0, width: 32, height: 32 };
      const place = { image: studio.project.images.value[0].id, page: 0, rect, random: false };
      studio.checking.places.value = [0.5, 0.25].map((uncertainty, x) => ({
        ...place,
        rect: { ...rect, x },
        uncertainty,
      }));
    });
    await page.getByRole('tab', { name: 'Check' }).click();
    const bars = page.locator('.places meter');
    await bars.nth(1).waitFor();
    // Of the largest that there can be, not of the largest in the list.
    expect(await bars.evaluateAll((all) => (all as HTMLMeterElement[]).map(({ value, max }) => value / max))).toEqual([
      0.5, 0.25,
    ]);
    expect(await page.locator('.places li').allTextContents()).toEqual([
      expect.stringMatching(/0\.50$/),
      expect.stringMatching(/0\.25$/),
    ]);
    expect(errors).toEqual([]);
    await close();
  });
});
