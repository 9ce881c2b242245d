/** S09: a page that ends in the middle of a stroke has kept the strokes before it, and their undo. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { greyPng, inWindow, paintedRuns, studioPages, takeIn, whyNoPage } from './studio-page.ts';

const STROKES = 12;

describe.skipIf(whyNoPage !== undefined)(`S09 crash${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it('keeps whole strokes, which can be undone after reopening', async () => {
    const profile = mkdtempSync(join(tmpdir(), 'lamella-studio-'));
    const first = await pages.open({ profile });
    await takeIn(first.page, { 'grey.png': greyPng(400, 400) });
    for (let i = 0; i < STROKES; i++) {
      const from = await inWindow(first.page, 20, 20 + 30 * i);
      const to = await inWindow(first.page, 380, 20 + 30 * i);
      await first.page.mouse.move(from.x, from.y);
      await first.page.mouse.down();
      await first.page.mouse.move(to.x, to.y, { steps: 3 });
      // The last one is not finished.
      if (i < STROKES - 1) await first.page.mouse.up();
    }
    await first.page.waitForFunction(() => studio.annotation.unkept.value === 0);
    await first.crash();

    const second = await pages.open({ profile });
    await second.page.getByRole('button', { name: /grey/ }).first().click();
    await second.page.waitForFunction(() => studio.annotation.layer.value !== undefined);
    const rows = new Set((await paintedRuns(second.page)).map(([row]) => Math.floor(row / 30)));
    expect([...rows].sort((a, b) => a - b)).toEqual(Array.from({ length: STROKES - 1 }, (_, i) => i));
    for (let i = STROKES - 1; i > 0; i--) {
      await second.page.evaluate(() => studio.annotation.undo());
      const left = new Set((await paintedRuns(second.page)).map(([row]) => Math.floor(row / 30)));
      expect(left.size).toBe(i - 1);
    }
    expect(await second.page.evaluate(() => studio.annotation.canUndo.value)).toBe(false);
    expect(second.errors).toEqual([]);
    await second.close();
    rmSync(profile, { recursive: true, force: true });
  });
});
