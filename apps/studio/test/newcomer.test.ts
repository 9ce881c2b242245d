/** What somebody who opens Studio for the first time stumbles over. */

import { readFileSync } from 'node:fs';
import { readImage, writePng } from 'lamella';
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
    // What was answered stays in sight, and is settled.
    await page.getByText('Settled by the first edit').waitFor();
    expect(await page.getByRole('radio', { name: 'Areas' }).isChecked()).toBe(true);
    expect(await page.getByRole('radio', { name: 'Objects' }).isDisabled()).toBe(true);
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

  it('is not told after a reload that something changed since it was saved', async () => {
    const { page, errors, close } = await pages.open({ dialogs: false });
    await takeIn(page, { 'grey.png': greyPng(200, 100) });
    const status = page.locator('.status');
    const edit = (): Promise<void> =>
      page.evaluate(() => {
        studio.annotation.layer.value?.fill(0, 10, 5, 25, 1);
        studio.annotation.commit('brush');
      });
    await edit();
    await status.getByText('Not saved to disk').waitFor();
    await page.keyboard.press('Control+s');
    await status.getByText(/^Saved to your disk/).waitFor();
    await page.reload();
    await page.locator('.recent li button').first().click();
    await page.waitForFunction(() => studio.annotation.layer.value !== undefined);
    await page.waitForFunction(() => studio.annotation.canUndo.value);
    await status.getByText(/^Saved to your disk/).waitFor();
    await page.keyboard.press('Control+z');
    await status.getByText('Changed since saved').waitFor();
    expect(errors).toEqual([]);
    await close();
  });

  it('is told the shares of classes on the image that is shown, by their names', async () => {
    const { page, errors, close } = await pages.open({ live: true });
    const half = (value: number) => {
      const data = new Uint8Array(64 * 64).fill(20).fill(value, 0, 32 * 64);
      return writePng({ dtype: 'uint8', axes: 'yx', shape: [64, 64], data, spacing: {} });
    };
    await takeIn(page, { 'a.png': half(220), 'b.png': half(20) });
    await page.evaluate(() => {
      const layer = studio.annotation.layer.value;
      for (let y = 4; y < 28; y++) layer?.fill(0, y, 4, 60, 1);
      for (let y = 36; y < 60; y++) layer?.fill(0, y, 4, 60, 0);
      studio.annotation.commit('both');
    });
    const shares = () => page.locator('.shares li').allTextContents();
    await expect.poll(shares).toHaveLength(2);
    const [background, foreground] = await shares();
    expect([background, foreground].map((row) => row.replace(/[\d.%]/g, ''))).toEqual(['background', 'foreground']);
    for (const row of [background, foreground])
      expect(Math.abs(Number.parseFloat(row.replace(/\D+/, '')) - 50)).toBeLessThan(15);
    // Those of one image are not shown with another one.
    const atOnce = await page.evaluate(async () => {
      studio.project.goTo('b');
      while (studio.display.shown.value?.image.id !== 'b') await new Promise((done) => requestAnimationFrame(done));
      return studio.live.shares.value;
    });
    expect(atOnce).toBeUndefined();
    await expect.poll(async () => Number.parseFloat((await shares())[0]?.replace(/\D+/, '') ?? '')).toBeGreaterThan(90);
    expect(errors).toEqual([]);
    await close();
  });

  it('measures with any network of the project, and reads the end of a long name', async () => {
    const { page, errors, close } = await pages.open();
    await page.evaluate(() => {
      const run = { steps: 9, of: 9, isListed: true };
      const asked: unknown[] = [];
      Object.assign(globalThis, { asked });
      studio.engine.runs = async () => [
        { run: 'runs/1', ...run, score: { name: 'Dice', value: 0.912 } },
        { run: 'runs/2', ...run, doubt: { steps: 9, class: 'nucleus', found: 0.1 } },
      ];
      studio.engine.segment = async (options) => {
        asked.push(options?.run);
        throw new Error('asked');
      };
    });
    const name = 'a-plate-with-a-very-long-name-from-the-microscope-well-B07';
    await takeIn(page, { [`${name}.png`]: greyPng(200, 100) });
    await page.getByRole('tab', { name: 'Measure' }).click();
    const model = page.getByRole('combobox', { name: 'Model' });
    await expect.poll(() => model.locator('option').allTextContents()).toEqual(['runs/2', 'runs/1, 0.912']);
    expect(await model.inputValue()).toBe('runs/2');
    const doubted = page.getByText(/^The network was trained for only 9 steps/);
    await doubted.waitFor();
    await model.selectOption('runs/1');
    await doubted.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Segment all' }).click();
    await expect.poll(() => page.evaluate('asked')).toEqual(['runs/1']);
    // Before the choice is drawn, too.
    await page.evaluate(() => {
      const select = document.querySelector<HTMLSelectElement>('#tab-panel select');
      if (select === null) throw new Error('There is no choice.');
      select.value = 'runs/2';
      select.dispatchEvent(new Event('change', { bubbles: true }));
      document.querySelector<HTMLElement>('[data-tour="segment"]')?.click();
    });
    await expect.poll(() => page.evaluate('asked')).toEqual(['runs/1', 'runs/2']);
    await model.selectOption('runs/1');

    // In the list of places, beside a verdict, there is little room.
    await page.evaluate((image) => {
      const rect = { x: 0, y: 0, width: 64, height: 64 };
      const place = { image, page: 0, rect, uncertainty: 0.5, random: false };
      studio.checking.places.value = [place];
      studio.checking.verdicts.value = new Map([[place, 'corrected']]);
      studio.tab.value = 'check';
    }, name);
    const end = page.locator('.places .shortened > :last-child');
    await end.waitFor();
    const cut = await end.evaluate((element) => {
      const list = element.closest('.name') as HTMLElement;
      list.style.maxWidth = '40px';
      return [element.scrollWidth > element.clientWidth, getComputedStyle(element).textOverflow, list.scrollWidth];
    });
    expect(cut).toEqual([true, 'ellipsis', 40]);
    expect(errors).toEqual([]);
    await close();
  });

  it('accepts a place whose labels have not come yet', async () => {
    const { page, errors, close } = await pages.open();
    await takeIn(page, { 'a.png': greyPng(200, 100), 'b.png': greyPng(201, 100) });
    const regions = await page.evaluate(async () => {
      const rect = { x: 20, y: 20, width: 64, height: 64 };
      const view = { image: 'b', page: 0, rect };
      const classes = new Uint8Array(64 * 64).fill(1);
      const said = { classes, probability: classes, uncertainty: classes, model: 'quick', revision: 0 };
      if (studio.annotation.annotations.value?.isOpen('b')) throw new Error('They are there.');
      await studio.annotation.acceptPreview(view, [{ ...view, ...said } as never]);
      return studio.annotation.annotations.value?.regions('b');
    });
    expect(regions).toMatchObject([{ origin: 'proofread', complete: true }]);
    expect(errors).toEqual([]);
    await close();
  });

  it('has a place corrected once something in it was painted', async () => {
    const { page, errors, close } = await pages.open();
    await takeIn(page, { 'a.png': greyPng(200, 100), 'b.png': greyPng(201, 100) });
    await page.evaluate(() => {
      const rect = { x: 20, y: 20, width: 64, height: 64 };
      const common = { page: 0, rect, uncertainty: 0.5, random: true };
      studio.checking.places.value = ['a', 'b'].map((image) => ({ ...common, image }));
      studio.tab.value = 'check';
      studio.checking.show(0);
    });
    const verdicts = () => page.evaluate(() => [...studio.checking.verdicts.value.values()]);
    await page.keyboard.press('c');
    await page.getByText('Nothing was painted in this place.').waitFor();
    expect(await verdicts()).toEqual([]);
    const paint = (x: number): Promise<void> =>
      page.evaluate((from) => {
        studio.annotation.layer.value?.fill(0, 40, from, from + 6, 1);
        studio.annotation.commit('brush');
      }, x);
    // Beside it is not in it, and what was undone is not there.
    await paint(150);
    await page.keyboard.press('c');
    await paint(40);
    await page.evaluate(() => studio.annotation.undo());
    await page.keyboard.press('c');
    expect(await verdicts()).toEqual([]);
    await paint(40);
    await page.keyboard.press('c');
    expect(await verdicts()).toEqual(['corrected']);
    expect(errors).toEqual([]);
    await close();
  });

  it('goes between image and panel by F6, sees the crosshair at once, and closes messages by Escape', async () => {
    const { page, errors, close } = await openGrey();
    await page.keyboard.press('F6');
    const focus = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.className);
    expect(await focus()).toBe('canvas');
    expect(await page.evaluate(() => studio.pointer.at.value)).toEqual({ x: 100.5, y: 50.5 });
    await page.keyboard.press('F6');
    expect(await focus()).toBe('tab-annotate');
    await page.keyboard.press('F6');
    expect(await focus()).toBe('canvas');
    // It is where attention is drawn to.
    await page.evaluate(() => studio.display.lookAt('grey', { x: 10, y: 20, width: 40, height: 30 }));
    expect(await page.evaluate(() => studio.pointer.at.value)).toEqual({ x: 30.5, y: 35.5 });
    await page.evaluate(() => studio.messages.problem({ message: 'Something went wrong.' }));
    await page.getByText('Something went wrong.').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('Something went wrong.').waitFor({ state: 'detached' });
    // Nothing moves when the focus does, and the image stays where it is with every tool.
    expect(await page.evaluate(() => document.documentElement.scrollHeight)).toBe(800);
    await page.getByText('Objects', { exact: true }).click();
    await page.waitForFunction(() => studio.annotation.annotations.value?.kind === 'objects');
    const top = async (): Promise<number | undefined> => (await page.locator('.canvas').boundingBox())?.y;
    const was = await top();
    await page.keyboard.press('w');
    await page.getByRole('slider', { name: 'Tolerance' }).waitFor();
    expect(await top()).toBe(was);
    expect(errors).toEqual([]);
    await close();
  });

  it('is told that a network and a segmentation are not in the zip that was saved before; the dialog saves one too', async () => {
    const { page, errors, close } = await pages.open({ dialogs: false });
    await takeIn(page, { 'grey.png': greyPng(200, 100) });
    await page.evaluate(() => {
      const layer = studio.annotation.layer.value;
      for (const label of [0, 1]) for (let y = 0; y < 20; y++) layer?.fill(0, 10 + 40 * label + y, 5, 60, label);
      studio.annotation.commit('brush');
    });
    await page.waitForFunction(() => studio.annotation.unkept.value === 0);
    const status = page.locator('.status');
    await page.keyboard.press('Control+s');
    await status.getByText(/^Saved to your disk/).waitFor();
    await page.evaluate(async () => {
      const settings = { patch: [32, 32], depth: 1, baseChannels: 4, batch: 1 } as const;
      await studio.engine.train({ steps: 1, settings, from: 'scratch' });
      studio.training.forget(true);
    });
    await status.getByText('Changed since saved to disk').waitFor();

    const saveByDialog = async (): Promise<string> => {
      await page.keyboard.press('Control+e');
      const dialog = page.getByRole('dialog');
      await dialog.waitFor();
      for (const box of await dialog.getByRole('checkbox').all()) if (await box.isEnabled()) await box.uncheck();
      await dialog.getByLabel('Project, zip').check();
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        dialog.getByRole('button', { name: 'Export', exact: true }).click(),
      ]);
      expect(download.suggestedFilename()).toBe('grey.zip');
      return download.path();
    };
    await saveByDialog();
    await status.getByText(/^Saved to your disk/).waitFor();
    await page.getByRole('tab', { name: 'Measure' }).click();
    await page.getByRole('button', { name: 'Segment all' }).click();
    await status.getByText('Changed since saved to disk').waitFor();
    await page.waitForFunction(() => studio.measuring.columns.value.length > 0);
    const zip = await saveByDialog();
    await status.getByText(/^Saved to your disk/).waitFor();

    // So it is after a reload.
    await page.reload();
    await page.locator('.recent li button').first().click();
    await page.waitForFunction(() => studio.training.known.value !== undefined && studio.annotation.canUndo.value);
    await status.getByText(/^Saved to your disk/).waitFor();
    expect(await page.evaluate(() => studio.saving.hasUnsaved.value)).toBe(false);

    // Of a project that is forgotten nothing is known, if another one is called the same; one from a zip is on disk.
    await page.getByRole('button', { name: 'All projects' }).click();
    await page.getByRole('button', { name: /^Forget/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Forget' }).click();
    await page.getByRole('button', { name: 'Forget: grey' }).waitFor({ state: 'detached' });
    await takeIn(page, { 'grey.png': greyPng(200, 100) });
    await status.getByText('Not saved to disk').waitFor();
    await page.getByRole('button', { name: 'All projects' }).click();
    await takeIn(page, { 'grey.zip': readFileSync(zip) });
    await status.getByText(/^Saved to your disk/).waitFor();
    expect(await page.evaluate(() => studio.training.runs.value.length)).toBe(1);
    expect(errors).toEqual([]);
    await close();
  });

  it('sees another table from its top', async () => {
    const { page, errors, close } = await openGrey();
    await page.evaluate(() => {
      const columns = [{ name: 'image', header: 'image' }];
      const table = (total: number) => ({
        columns,
        total,
        images: 1,
        rows: Array.from({ length: total }, (_, i) => [`row ${i}`]),
        objects: Array.from({ length: total }, (_, i) => ({ image: 'grey', page: 0, object: i + 1 })),
      });
      let count = 0;
      studio.engine.segment = async () => ({ prediction: `predictions/${++count}`, images: [], failed: [] });
      studio.engine.measure = async () => {
        await new Promise((measured) => setTimeout(measured, 300));
        return table(90);
      };
      studio.engine.table = async () => table(90);
      studio.tab.value = 'measure';
      void studio.measuring.run('quick');
    });
    await page.getByText('row 0', { exact: true }).waitFor();
    await page.locator('.table-holder').evaluate((holder) => holder.scrollTo(0, 2000));
    await page.getByText('row 70', { exact: true }).waitFor();
    await page.evaluate(() => studio.measuring.run('quick'));
    await page.getByText('row 0', { exact: true }).waitFor();
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
