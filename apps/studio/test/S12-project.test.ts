/** S12: a project saved as a zip, forgotten and opened again is the same: labels, regions, classes and runs. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { greyPng, inWindow, studioPages, takeIn, whyNoPage } from './studio-page.ts';

const hasUnzip = spawnSync('unzip', ['-v'], { stdio: 'ignore' }).status === 0;

/** All of a project that a user has made. */
const everything = (page: Page) =>
  page.evaluate(async () => {
    const annotations = studio.annotation.annotations.value;
    if (annotations === undefined) throw new Error('No project is open.');
    const images: unknown[] = [];
    for (const id of annotations.images) {
      const layer = await annotations.open(id);
      const labels = layer.read([0, 0, layer.width, layer.height]);
      let sum = 2166136261;
      for (const label of labels) sum = Math.imul(sum ^ label, 16777619) >>> 0;
      images.push({ id, sum, painted: layer.annotatedPixels(), regions: annotations.regions(id) });
    }
    return { kind: annotations.kind, classes: annotations.classes, images };
  });

describe.skipIf(whyNoPage !== undefined)(`S12 project${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it('is the same after saving, forgetting and opening', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lamella-studio-'));
    const zip = join(folder, 'project.zip');
    const { page, errors, close } = await pages.open({ dialogs: false });
    await takeIn(page, { 'a.png': greyPng(300, 200), 'b.png': greyPng(120, 90) });
    const drag = async (key: string, from: [number, number], to: [number, number]): Promise<void> => {
      await page.keyboard.press(key);
      const [a, b] = [await inWindow(page, ...from), await inWindow(page, ...to)];
      await page.mouse.move(a.x, a.y);
      await page.mouse.down();
      await page.mouse.move(b.x, b.y, { steps: 3 });
      await page.mouse.up();
    };
    await drag('b', [40, 40], [200, 120]);
    await page.keyboard.press('1');
    await drag('b', [40, 150], [200, 180]);
    await drag('r', [20, 20], [260, 190]);
    await page.evaluate(() => {
      studio.annotation.addClass();
      studio.annotation.changeClass(1, { name: 'nerve', colour: '#123456' });
    });
    await page.keyboard.press('.');
    await page.waitForFunction(() => studio.annotation.layer.value?.width === 120);
    await drag('b', [10, 10], [60, 60]);
    await page.waitForFunction(() => studio.annotation.unkept.value === 0);
    const before = await everything(page);

    // What is noted goes away after a while.
    const noted = page
      .getByText(/^Saved to disk/)
      .first()
      .waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Control+s')]);
    await download.saveAs(zip);
    await noted;
    if (hasUnzip) expect(execFileSync('unzip', ['-t', zip], { encoding: 'utf8' })).toContain('No errors detected');

    await page.getByRole('button', { name: 'All projects' }).click();
    await page.getByRole('button', { name: /^Forget/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Forget' }).click();
    await page.waitForFunction(() => studio.project.recent.value.length === 0);

    await takeIn(page, { 'project.zip': readFileSync(zip) });
    await page.waitForFunction(() => studio.annotation.layer.value !== undefined);
    expect(await everything(page)).toEqual(before);
    expect(await page.evaluate(() => studio.annotation.canUndo.value)).toBe(false);
    expect(errors).toEqual([]);
    await close();
    rmSync(folder, { recursive: true });
  });
});
