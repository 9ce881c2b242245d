/** What somebody who opens Studio for the first time stumbles over. */

import { readImage } from 'lamella';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { greyPng, inWindow, studioPages, takeIn, whyNoPage } from './studio-page.ts';

const classNames = (page: Page): Promise<readonly string[] | undefined> =>
  page.evaluate(() => studio.annotation.annotations.value?.classes.map(({ name }) => name));

describe.skipIf(whyNoPage !== undefined)(`a newcomer${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  async function openGrey() {
    const opened = await pages.open();
    await takeIn(opened.page, { 'grey.png': greyPng(200, 100) });
    return opened;
  }

  it('names classes first, and may still say what is looked for; an undone stroke leaves the names', async () => {
    const { page, errors, close } = await openGrey();
    const name = page.getByRole('textbox', { name: 'Name of the class' }).last();
    await name.fill('nucleus');
    await name.press('Enter');
    await page.waitForFunction(() => studio.project.state.value?.project.classes?.[1]?.name === 'nucleus');
    expect(await page.evaluate(() => studio.annotation.canUndo.value)).toBe(false);
    await page.getByText('Objects', { exact: true }).click();
    await page.waitForFunction(() => studio.annotation.annotations.value?.kind === 'objects');
    expect(await classNames(page)).toEqual(['background', 'nucleus']);
    // Objects have no holes as a rule; areas, such as membranes, do.
    expect(await page.evaluate(() => studio.measuring.fillHoles.value)).toBe(true);
    await page.getByText('Areas', { exact: true }).click();
    await page.waitForFunction(() => studio.annotation.annotations.value?.kind === 'classes');
    expect(await page.evaluate(() => studio.measuring.fillHoles.value)).toBe(false);
    expect(await classNames(page)).toEqual(['background', 'nucleus']);

    await page.waitForFunction(() => studio.annotation.layer.value !== undefined);
    const [from, to] = [await inWindow(page, 20, 50), await inWindow(page, 60, 50)];
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    await page.mouse.move(to.x, to.y);
    await page.mouse.up();
    await page.waitForFunction(() => studio.annotation.annotatedClasses.value === 1);
    await page.keyboard.press('Control+z');
    await page.waitForFunction(() => studio.annotation.annotatedClasses.value === 0);
    expect(await classNames(page)).toEqual(['background', 'nucleus']);
    expect(errors).toEqual([]);
    await close();
  });

  it('drops files that are no images, and is where they were, told why', async () => {
    const { page, errors, close } = await pages.open();
    await page.evaluate(() => studio.takeIn([{ path: 'report.docx', content: new Uint8Array([80, 75, 3, 4]) }]));
    await page.getByText(/^report\.docx: /).waitFor();
    expect(await page.evaluate(() => studio.project.state.value)).toBeUndefined();
    await page.getByRole('heading', { name: 'Drop images or a folder here' }).waitFor();
    expect(await page.evaluate(() => studio.project.recent.value)).toEqual([]);
    expect(errors).toEqual([]);
    await close();
  });

  it('reads values inside of the image only, and closes the contrast by Escape', async () => {
    const { page, errors, close } = await openGrey();
    const status = page.locator('.status');
    const [inside, below] = [await inWindow(page, 30.5, 40.5), await inWindow(page, 30.5, 105.5)];
    await page.mouse.move(inside.x, inside.y);
    await status.getByText('x 30 y 40 value 90').waitFor();
    await page.mouse.move(below.x, below.y);
    await status.getByText('%').waitFor();
    expect(await status.textContent()).not.toContain('value');

    await page.getByRole('button', { name: 'Contrast' }).click();
    await page.locator('#contrast:popover-open').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('#contrast:popover-open').waitFor({ state: 'detached' });
    expect(errors).toEqual([]);
    await close();
  });

  it('sees where one object ends and the next begins', async () => {
    const { page, errors, close } = await openGrey();
    await page.getByText('Objects', { exact: true }).click();
    await page.waitForFunction(() => studio.annotation.layer.value?.kind === 'objects');
    await page.evaluate(() => {
      const layer = studio.annotation.layer.value;
      for (let y = 20; y < 80; y++) {
        layer?.fill(0, y, 40, 100, 1);
        layer?.fill(0, y, 100, 160, 2);
      }
      studio.annotation.commit('two');
    });
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const picture = await readImage(await page.screenshot(), 'page.png');
    const [channels, height, width] = picture.shape;
    expect([picture.axes, channels, width]).toEqual(['cyx', 3, 1280]);
    const brightest = async (x: number, y: number): Promise<number> => {
      const at = await inWindow(page, x, y);
      const pixel = Math.round(at.y) * width + Math.round(at.x);
      return Math.max(...[0, 1, 2].map((c) => Number(picture.data[c * height * width + pixel])));
    };
    // Between the two, in one of them, and at its outline to what is not annotated.
    expect(await brightest(100, 50)).toBeLessThan(20);
    expect(await brightest(70, 50)).toBeGreaterThan(60);
    expect(await brightest(40, 50)).toBeGreaterThan(60);
    expect(errors).toEqual([]);
    await close();
  });
});
