/** What is wider than its place: names of files, and the command line; and what the bars of Check measure. */

import { decode } from 'fast-png';
import { writePng } from 'lamella';
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

  it.each(['en', 'de'].flatMap((locale) => [640, 360].map((width) => [locale, width] as const)))(
    'has room for all of the tools and the panel, in %s, %d wide',
    async (locale, width) => {
      const { page, errors, close } = await pages.open({ locale, width, height: 400 });
      await takeIn(page, { 's02.png': greyPng(48, 64) });
      const bar = page.locator('.toolbar');
      const buttons = bar.locator('button, input');
      const header = page.locator('header.bar');
      for (const [inner, outer] of [
        [buttons, bar],
        [header.locator('button, input'), header],
      ] as const) {
        for (const one of await inner.all())
          expect([await one.getAttribute('aria-label'), await isWithin(one, outer)]).toEqual([
            await one.getAttribute('aria-label'),
            true,
          ]);
      }
      const window = page.locator('.work');
      for (const tab of ['annotate', 'train', 'check', 'measure'] as const) {
        await page.evaluate((name) => {
          studio.tab.value = name;
        }, tab);
        const panel = page.locator('.panel.side');
        expect(await isWithin(panel, window)).toBe(true);
        expect(await panel.evaluate((one) => one.scrollWidth - one.clientWidth)).toBe(0);
        const scrolled = panel.locator('.scroll');
        expect(await scrolled.evaluate((one) => one.scrollWidth - one.clientWidth)).toBe(0);
      }
      // In one line, as one word.
      const { height } = (await page.locator('label[for="pixel-size"]').boundingBox()) ?? { height: 0 };
      expect(height).toBeLessThan(30);
      expect(height).toBeGreaterThan(0);
      expect(await window.evaluate((one) => one.scrollWidth - one.clientWidth)).toBe(0);
      // One beside or below the other.
      const places = await page
        .locator('.images, .stage, .side')
        .evaluateAll((all) =>
          all
            .map((one) => one.getBoundingClientRect())
            .map(({ top, bottom, left, right }) => ({ top, bottom, left, right })),
        );
      for (const [i, next] of places.slice(1).entries()) {
        const { bottom = 0, right = 0 } = places[i] ?? {};
        expect(next.left >= right || next.top >= bottom).toBe(true);
      }
      expect(errors).toEqual([]);
      await close();
    },
  );

  it.each([
    [5000, 1],
    [1, 5000],
  ])('shows an image of %d x %d pixels at least one pixel thick', async (width, height) => {
    const { page, errors, close } = await pages.open();
    const data = Uint8Array.from({ length: 5000 }, (_, p) => p % 256);
    await takeIn(page, {
      'a.png': writePng({ dtype: 'uint8', axes: 'yx', shape: [height, width], data, spacing: {} }),
    });
    await page.evaluate(() => studio.display.fit());
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const { width: columns, height: rows, channels, data: seen } = decode(await page.locator('.canvas').screenshot());
    // Lighter than what is around it, in nearly all of the length, but for what is black.
    const lit = new Set<number>();
    for (let p = 0; p < columns * rows; p++) {
      if ((seen[p * channels] as number) > 60) lit.add(width > height ? p % columns : Math.floor(p / columns));
    }
    const length = 0.96 * (width > height ? columns : rows);
    expect(lit.size).toBeGreaterThan(0.6 * length);
    expect(errors).toEqual([]);
    await close();
  });
});
