/** Labels that come with images or after them: what they say of the project is what the page shows and paints with. */

import { type Image, writePng } from 'lamella';
import { phantom } from 'lamella/phantom';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { page as pageOf } from '../../../src/image/convert.ts';
import { connectedComponents } from '../../../src/objects/connected-components.ts';
import { inWindow, studioPages, takeIn, whyNoPage } from './studio-page.ts';

const { image, label } = phantom({ width: 128, height: 128, depth: 2, cellPx: 24, seed: 3 });
const [picture, other] = [writePng(pageOf(image, 0)), writePng(pageOf(image, 1))];
/** The cells of a page, each with a number of its own. */
const numbered = (z: number): Uint8Array => {
  const one = pageOf(label, z) as Image & { readonly data: Uint8Array };
  const mask = Uint8Array.from(one.data, (value) => Number(value > 0));
  const { labels } = connectedComponents({ dtype: 'uint8', shape: [128, 128], data: mask });
  const data = Uint8Array.from(labels.data);
  return writePng({ dtype: 'uint8', axes: 'yx', shape: [128, 128], data, spacing: {} });
};
const cells = numbered(0);
/** Stripes of 16 pixels. */
const stripes = writePng({
  dtype: 'uint8',
  axes: 'yx',
  shape: [128, 128],
  data: Uint8Array.from({ length: 128 * 128 }, (_, p) => (p % 128) >> 4),
  spacing: {},
});

/** What the page knows of the project and what it shows of it. */
async function shown(page: Page) {
  const known = await page.evaluate(() => ({
    task: studio.project.state.value?.project.task,
    kind: studio.annotation.layer.value?.kind,
    classes: studio.annotation.classes.value,
    problems: studio.messages.shown.value.filter(({ kind }) => kind === 'problem').length,
  }));
  const objects = await page.getByRole('radio', { name: 'Objects' }).isChecked();
  return { ...known, objects, rows: await page.locator('[data-class]').count() };
}

const labelAt = (page: Page, x: number, y: number): Promise<number | undefined> =>
  page.evaluate(([px, py]) => studio.annotation.layer.value?.get(px, py, 0), [x, y]);

const labels = (page: Page): Promise<readonly number[]> =>
  page.evaluate(() => Array.from(studio.annotation.layer.value?.read([0, 0, 128, 128], 0) ?? []));

async function stroke(page: Page, from: [number, number], to: [number, number]): Promise<void> {
  const [a, b] = [await inWindow(page, ...from), await inWindow(page, ...to)];
  await page.mouse.move(a.x, a.y);
  await page.mouse.down();
  await page.mouse.move(b.x, b.y, { steps: 3 });
  await page.mouse.up();
  await page.waitForFunction(() => studio.annotation.canUndo.value && studio.annotation.unkept.value === 0);
}

/** Loads the page anew, and opens the project again. */
async function reopen(page: Page): Promise<void> {
  const id = await page.evaluate(() => studio.project.state.value?.id ?? '');
  await page.reload();
  await page.waitForFunction(() => globalThis.studio?.project.recent.value.length > 0);
  await page.evaluate((name) => studio.openProject(name), id);
  await page.waitForFunction(() => studio.annotation.layer.value !== undefined);
}

describe.skipIf(whyNoPage !== undefined)(`added labels${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it.each(['en-GB', 'de-DE'])('of objects make it a project of objects at once (%s)', async (locale) => {
    const { page, errors, close } = await pages.open({ locale });
    await takeIn(page, { 'd/images/a.png': picture, 'd/labels/a.png': cells });
    const known = () =>
      page.evaluate(() => [
        studio.project.state.value?.project.task,
        studio.annotation.layer.value?.kind,
        studio.annotation.classes.value.map(({ value }) => value),
      ]);
    expect(await known()).toEqual(['objects', 'objects', [0, 'rest']]);
    expect(await page.getByRole('radio', { name: /Objects|Objekte/ }).isChecked()).toBe(true);
    const before = await labels(page);
    const objects = Math.max(...before);
    expect(objects).toBeGreaterThan(3);
    // A stroke that begins on background is an object of its own.
    const free = before.findIndex((value, p) => p > 128 * 20 && value === 0 && before[p + 1] === 0);
    await page.keyboard.press('2');
    await stroke(page, [(free % 128) + 0.5, (free >> 7) + 0.5], [(free % 128) + 1.5, (free >> 7) + 0.5]);
    const painted = await labels(page);
    expect(painted).not.toEqual(before);
    expect(painted).not.toContain(255);
    await reopen(page);
    expect([await known(), await labels(page)]).toEqual([['objects', 'objects', [0, 'rest']], painted]);
    expect(await page.evaluate(() => studio.messages.shown.value)).toEqual([]);
    expect(errors).toEqual([]);
    await close();
  });

  it('of eight classes are listed, painted with, and stay', async () => {
    const { page, errors, close } = await pages.open();
    await takeIn(page, { 'd/images/a.png': picture, 'd/labels/a.png': stripes, 'd/images/b.png': other });
    const values = [0, 1, 2, 3, 4, 5, 6, 7];
    const { classes } = await shown(page);
    expect(await shown(page)).toMatchObject({ task: 'classes', kind: 'classes', objects: false, rows: 8, problems: 0 });
    expect(classes.map(({ value }) => value)).toEqual(values);
    await page.evaluate(() => studio.annotation.addClass());
    await page.locator('[data-class="6"]').click();
    await stroke(page, [20, 20], [30, 20]);
    expect([await labelAt(page, 25, 20), await labelAt(page, 120, 120)]).toEqual([6, 7]);
    await page.evaluate(async () => {
      await studio.annotation.undo();
      await studio.annotation.redo();
    });
    const painted = await labels(page);
    await reopen(page);
    expect((await shown(page)).classes.map(({ value }) => value)).toEqual([...values, 8]);
    expect(await labels(page)).toEqual(painted);
    expect(await page.evaluate(() => studio.messages.shown.value)).toEqual([]);
    expect(errors).toEqual([]);
    await close();
  });

  it('that come later are given to their image, on the screen as well', async () => {
    const { page, errors, close } = await pages.open();
    await takeIn(page, { 'a.png': picture, 'b.png': other });
    expect(await shown(page)).toMatchObject({ task: 'classes', kind: 'classes', rows: 2 });
    await takeIn(page, { 'labels/a.png': cells });
    await page.waitForFunction(() => studio.annotation.layer.value?.largestLabel);
    expect(await shown(page)).toMatchObject({ task: 'objects', kind: 'objects', objects: true, problems: 0 });
    expect(await page.evaluate(() => studio.project.images.value.map(({ id }) => id))).toEqual(['a', 'b']);
    const before = await labels(page);
    await page.evaluate(() => studio.project.goTo('b'));
    await page.waitForFunction(() => studio.annotation.layer.value?.annotatedSlices().length === 0);
    await takeIn(page, { 'b_mask.png': numbered(1) });
    await page.waitForFunction(() => studio.annotation.layer.value?.largestLabel);
    await reopen(page);
    expect(await labels(page)).toEqual(before);
    expect(errors).toEqual([]);
    await close();
  });
});
