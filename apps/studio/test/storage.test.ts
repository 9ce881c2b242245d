/** A project is taken out of the browser's storage when that is full, or was cleared under the page. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { readImage } from 'lamella';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { greyPng, inWindow, type OpenOptions, studioPages, takeIn, whyNoPage } from './studio-page.ts';

const SIDE = 64;
const stroke = async (page: Page, y: number): Promise<void> => {
  const [a, b] = [await inWindow(page, 8, y), await inWindow(page, 50, y)];
  await page.mouse.move(a.x, a.y);
  await page.mouse.down();
  await page.mouse.move(b.x, b.y, { steps: 3 });
  await page.mouse.up();
};
/** The files of the zip that Ctrl+S gives. */
const saved = async (page: Page): Promise<Readonly<Record<string, Uint8Array>>> => {
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Control+s')]);
  return unzipSync(readFileSync(await download.path()));
};
const painted = async (labels: Uint8Array | undefined): Promise<number> => {
  const { data } = await readImage(labels as Uint8Array, 'labels.tif');
  return data.filter((value) => value === 0).length;
};
const paintedHere = (page: Page): Promise<number> =>
  page.evaluate(() => studio.annotation.layer.value?.annotatedPixels() ?? 0);
const messages = (page: Page): Promise<readonly string[]> =>
  page.evaluate(() => studio.messages.shown.value.map(({ text }) => text));
const isUnsaved = (page: Page): Promise<boolean> => page.evaluate(() => studio.saving.hasUnsaved.value);

describe.skipIf(whyNoPage !== undefined)(`storage${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();
  const open = async ({ dialogs = false, profile }: Pick<OpenOptions, 'dialogs' | 'profile'> = {}) => {
    const opened = await pages.open({
      dialogs,
      ...(profile !== undefined && { profile }),
      // A folder that can be chosen, and no dialog for a file.
      prepare: (context) =>
        context.addInitScript(() => {
          const choose = async () =>
            (await navigator.storage.getDirectory()).getDirectoryHandle('chosen', { create: true });
          if ('showDirectoryPicker' in globalThis) Object.assign(globalThis, { showDirectoryPicker: choose });
          Reflect.deleteProperty(globalThis, 'showSaveFilePicker');
        }),
    });
    const { page } = opened;
    page.setDefaultTimeout(20_000);
    await takeIn(page, { 'a.png': greyPng(SIDE, SIDE), 'b.png': greyPng(SIDE, SIDE + 1) });
    await page.waitForFunction(() => studio.annotation.layer.value !== undefined);
    await page.keyboard.press('1');
    await stroke(page, 10);
    await page.waitForFunction(() => studio.annotation.unkept.value === 0);
    const storage = await page.context().newCDPSession(page);
    return { ...opened, storage, origin: new URL(page.url()).origin };
  };

  it.each([
    ['where there is no picker for folders', false],
    ['where the browser cannot even note the folder that is chosen', true],
  ])('that is full: Ctrl+S saves a zip with all that is painted, %s', async (_, dialogs) => {
    const { page, storage, origin, close } = await open({ dialogs });
    await storage.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1 });
    for (const y of [20, 30, 40]) await stroke(page, y);
    await page.waitForFunction(() => studio.messages.shown.value.some(({ text }) => text.includes('no space is left')));
    expect(await page.evaluate(() => studio.messages.shown.value.map(({ remedy }) => remedy).join())).toMatch(
      /^Save the project to your disk, then forget projects/,
    );
    const zip = await saved(page);
    expect(Object.keys(zip).sort()).toEqual(
      ['images/a.png', 'images/b.png', 'labels/a.tif', 'lamella.json'].map((file) => `untitled/${file}`),
    );
    expect(await painted(zip['untitled/labels/a.tif'])).toBe(await paintedHere(page));
    await expect.poll(() => isUnsaved(page)).toBe(false);
    await close();
  });

  it('that was cleared: what is gone is named, and nothing counts as saved', async () => {
    // Storage of private windows is another: what was cleared there cannot even be written to.
    const profile = mkdtempSync(join(tmpdir(), 'lamella-storage-'));
    const { page, storage, origin, close } = await open({ profile });
    await page.keyboard.press('.');
    await page.waitForFunction((height) => studio.annotation.layer.value?.height === height, SIDE + 1);
    await stroke(page, 10);
    await page.waitForFunction(() => studio.annotation.unkept.value === 0);
    await page.evaluate(() => studio.engine.flush());
    await page.reload();
    await page.locator('.recent button.wide').click();
    await page.waitForFunction(() => studio.annotation.layer.value !== undefined);
    await page.locator('.canvas').waitFor();
    await storage.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' });
    await page.keyboard.press('1');
    await stroke(page, 20);
    await expect
      .poll(() => messages(page), { timeout: 15_000 })
      .toContainEqual(expect.stringContaining('the files of this project are gone'));
    const zip = await saved(page);
    expect(Object.keys(zip)).toEqual(
      expect.arrayContaining(['untitled/images/a.tif', 'untitled/labels/a.tif', 'untitled/lamella.json']),
    );
    expect(await painted(zip['untitled/labels/a.tif'])).toBe(await paintedHere(page));
    // What was painted on b was not looked at since the page was loaded.
    await expect
      .poll(() => messages(page))
      .toContain('labels/b.tif: the project lists this, but it is missing, and not in the copy.');
    expect(await isUnsaved(page)).toBe(true);
    await close();
    rmSync(profile, { recursive: true, force: true });
  });
});
