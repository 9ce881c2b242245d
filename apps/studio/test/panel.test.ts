/** The panel beside the image: it stays where it is while one works, and takes what is chosen at once. */

import { describe, expect, it } from 'vitest';
import { greyPng, studioPages, takeIn, whyNoPage } from './studio-page.ts';

describe.skipIf(whyNoPage !== undefined)(`the panel${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it.each(['en', 'de'])('keeps its classes in their place at the first stroke, in %s', async (locale) => {
    const { page, errors, close } = await pages.open({ locale });
    await takeIn(page, { 'a.png': greyPng(200, 100) });
    const row = page.locator('[data-class="1"]');
    const before = await row.boundingBox();
    await page.evaluate(() => {
      studio.annotation.layer.value?.fill(0, 5, 5, 20, 1);
      studio.annotation.commit('a stroke');
    });
    await expect.poll(() => page.locator('input[name="task"]').first().isDisabled()).toBe(true);
    expect(await row.boundingBox()).toEqual(before);
    // The heading of the preview is in one line, beside the name of the model.
    const heading = page.locator('#live');
    const { height } = (await heading.boundingBox()) ?? {};
    await page.evaluate(() => {
      studio.live.model.value = 'quick';
    });
    await page.locator('.tag.quick').waitFor();
    expect((await heading.boundingBox())?.height).toBe(height);
    expect(errors).toEqual([]);
    await close();
  });

  it('sets the size of pixels with the unit that is chosen before the size is set', async () => {
    const { page, errors, close } = await pages.open();
    await takeIn(page, { 'a.png': greyPng(200, 100) });
    await page.getByRole('tab', { name: 'Measure' }).click();
    await page.locator('#pixel-size').waitFor();
    await page.evaluate(() => {
      const { change } = studio.engine;
      studio.engine.change = async (project) => {
        await new Promise((done) => setTimeout(done, 200));
        return change.call(studio.engine, project);
      };
      const choose = (selector: string, value: string): void => {
        const field = document.querySelector<HTMLInputElement | HTMLSelectElement>(selector);
        if (field === null) throw new Error(`There is no ${selector}.`);
        field.value = value;
        field.dispatchEvent(new Event('change', { bubbles: true }));
      };
      choose('#pixel-size', '0.78');
      choose('#pixel-size + select', 'mm');
    });
    const spacing = () => page.evaluate(() => studio.project.state.value?.project.spacing);
    await expect.poll(spacing).toEqual({ x: 0.78, y: 0.78, unit: 'mm' });
    expect(await page.locator('#pixel-size + select').inputValue()).toBe('mm');
    expect(errors).toEqual([]);
    await close();
  });

  it('shows all of an image for an object that fills most of it, and a small one larger', async () => {
    const { page, errors, close } = await pages.open();
    await takeIn(page, { 'a.png': greyPng(200, 100) });
    const looked = (box: object) =>
      page.evaluate((part) => {
        const { display } = studio;
        display.fit();
        const fitted = display.transform.value;
        display.lookAt('a', part as Parameters<typeof display.lookAt>[1]);
        return { fitted, now: display.transform.value };
      }, box);
    const large = await looked({ x: 10, y: 5, width: 180, height: 90 });
    expect(large.now).toEqual(large.fitted);
    const small = await looked({ x: 20, y: 40, width: 60, height: 20 });
    expect(small.now).toMatchObject({ x: 50, y: 50 });
    expect(small.now.scale).toBeGreaterThan(small.fitted.scale);
    expect(errors).toEqual([]);
    await close();
  });

  it('says of a network that is not used only why it is not', async () => {
    const { page, errors, close } = await pages.open();
    await page.evaluate(() => {
      const doubt = { steps: 9, class: 'nucleus', found: 0.1 };
      const behindQuick = { network: 0.2, quick: 0.9 };
      studio.engine.runs = async () => [{ run: 'runs/1', steps: 9, of: 9, isListed: true, doubt, behindQuick }];
      studio.live.hasQuick.value = true;
    });
    await takeIn(page, { 'a.png': greyPng(200, 100) });
    await page.evaluate(() => {
      studio.live.hasQuick.value = true;
      studio.tab.value = 'measure';
    });
    const model = page.getByRole('combobox', { name: 'Model' });
    await expect.poll(() => model.inputValue()).toBe('quick');
    await page.getByText(/^The quick model agrees better/).waitFor();
    await model.selectOption('runs/1');
    await page.getByText(/^The network was trained for only 9 steps/).waitFor();
    expect(errors).toEqual([]);
    await close();
  });
});
