/** S09: a page that ends in the middle of a stroke has kept the strokes before it, and their undo. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { BUDGETS } from './budgets.ts';
import { greyPng, inWindow, isLong, paintedRuns, studioPages, takeIn, whyNoPage } from './studio-page.ts';

const STROKES = 12;

/** A line across the image, without its end. */
async function draw(page: Page, row: number): Promise<void> {
  const [from, to] = [await inWindow(page, 20, 20 + 30 * row), await inWindow(page, 380, 20 + 30 * row)];
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(to.x, to.y, { steps: 3 });
}

/** The lines that are there. */
const linesOf = async (page: Page): Promise<readonly number[]> =>
  [...new Set((await paintedRuns(page)).map(([row]) => Math.floor(row / 30)))].sort((a, b) => a - b);

async function reopen(page: Page): Promise<void> {
  await page.getByRole('button', { name: /grey/ }).first().click();
  await page.waitForFunction(() => studio.annotation.layer.value !== undefined);
}

describe.skipIf(whyNoPage !== undefined)(`S09 crash${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it('keeps whole strokes, which can be undone after reopening', async () => {
    const profile = mkdtempSync(join(tmpdir(), 'lamella-studio-'));
    const first = await pages.open({ profile });
    await takeIn(first.page, { 'grey.png': greyPng(400, 400) });
    for (let i = 0; i < STROKES; i++) {
      await draw(first.page, i);
      // The last one is not finished.
      if (i < STROKES - 1) await first.page.mouse.up();
    }
    await first.page.waitForFunction(() => studio.annotation.unkept.value === 0);
    await first.crash();

    const second = await pages.open({ profile });
    await reopen(second.page);
    expect(await linesOf(second.page)).toEqual(Array.from({ length: STROKES - 1 }, (_, i) => i));
    for (let i = STROKES - 1; i > 0; i--) {
      await second.page.evaluate(() => studio.annotation.undo());
      expect(await linesOf(second.page)).toHaveLength(i - 1);
    }
    expect(await second.page.evaluate(() => studio.annotation.canUndo.value)).toBe(false);
    expect(second.errors).toEqual([]);
    await second.close();
    rmSync(profile, { recursive: true, force: true });
  });

  it('keeps strokes while the engine computes and answers nothing', async () => {
    const profile = mkdtempSync(join(tmpdir(), 'lamella-studio-'));
    const first = await pages.open({ profile });
    await takeIn(first.page, { 'grey.png': greyPng(400, 400) });
    const engine = first.page.workers().find((worker) => worker.url().includes('studio-worker'));
    // As when a network is compiled, only that it never ends.
    engine
      ?.evaluate(() => {
        while (true);
      })
      .catch(() => undefined);
    const times: number[] = [];
    for (let i = 0; i < 6; i++) {
      await draw(first.page, i);
      await first.page.mouse.up();
      times.push(
        await first.page.evaluate(async () => {
          const start = performance.now();
          while (studio.annotation.unkept.value > 0) await new Promise((next) => setTimeout(next));
          return performance.now() - start;
        }),
      );
    }
    console.log(`S09: kept after ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`);
    if (isLong) expect(Math.max(...times)).toBeLessThanOrEqual(BUDGETS.journal.gate);
    const answer = await first.page.evaluate(() =>
      Promise.race([studio.engine.projects(), new Promise((later) => setTimeout(() => later('none'), 100))]),
    );
    expect(answer).toBe('none');
    await first.crash();

    const second = await pages.open({ profile });
    await reopen(second.page);
    expect(await linesOf(second.page)).toEqual([0, 1, 2, 3, 4, 5]);
    await second.page.evaluate(() => studio.annotation.undo());
    expect(await linesOf(second.page)).toEqual([0, 1, 2, 3, 4]);
    expect(second.errors).toEqual([]);
    await second.close();
    rmSync(profile, { recursive: true, force: true });
  });
});
