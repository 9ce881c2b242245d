/** S29: every screen, in light and dark, has no fault that axe finds. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { exampleOpened, paintedRuns, studioPages, whyNoPage } from './studio-page.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds, one line each. */
async function faults(page: Page): Promise<readonly string[]> {
  const results = (await page.evaluate(`${AXE}\naxe.run()`)) as AxeResults;
  expect(results.passes.length, 'axe has looked').toBeGreaterThan(5);
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  );
}

describe.skipIf(whyNoPage !== undefined)(`S29 access${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it.each([false, true])('every screen passes axe, dark: %s', async (dark) => {
    const { page, errors, close } = await pages.open({ dark });
    expect(await faults(page), 'start').toEqual([]);
    await page.getByRole('button', { name: 'Try an example' }).click();
    await exampleOpened(page);
    expect(await faults(page), 'work').toEqual([]);
    for (const tab of ['train', 'check', 'measure', 'annotate'] as const) {
      await page.evaluate((name) => {
        studio.tab.value = name;
      }, tab);
      expect(await faults(page), tab).toEqual([]);
    }
    for (const dialog of ['settings', 'keys', 'help', 'export'] as const) {
      await page.evaluate((name) => {
        studio.dialog.value = name;
      }, dialog);
      await page.locator('dialog[open]').waitFor();
      expect(await faults(page), dialog).toEqual([]);
      await page.keyboard.press('Escape');
      await page.locator('dialog[open]').waitFor({ state: 'detached' });
    }
    expect(errors).toEqual([]);
    await close();
  });

  it('needs no pointer: from the start to a saved project, painting with the arrow keys', async () => {
    const { page, errors, close } = await pages.open({ dialogs: false });
    const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim());
    const tabTo = async (name: string): Promise<void> => {
      for (let i = 0; i < 40 && (await focused()) !== name; i++) await page.keyboard.press('Tab');
      expect(await focused()).toBe(name);
    };
    await tabTo('Try an example');
    await page.keyboard.press('Enter');
    await exampleOpened(page);

    await page.keyboard.press('F6');
    await page.keyboard.press('2');
    for (const key of ['ArrowRight', 'Shift+ArrowDown']) await page.keyboard.press(key);
    const at = await page.evaluate(() => studio.pointer.at.value as { x: number; y: number });
    await page.keyboard.down('Enter');
    for (let i = 0; i < 20; i++) await page.keyboard.press('ArrowRight');
    await page.keyboard.up('Enter');
    const runs = await paintedRuns(page);
    const [row] = runs.filter(([y]) => y === Math.floor(at.y));
    // A brush of 16 pixels, dragged by 20: an even one is centred on a corner.
    expect(row).toEqual([Math.floor(at.y), Math.round(at.x) - 8, Math.round(at.x) + 28, 1]);
    await page.keyboard.press('1');
    for (let i = 0; i < 5; i++) await page.keyboard.press('Shift+ArrowUp');
    await page.keyboard.press('Enter');
    expect((await paintedRuns(page)).some(([, , , label]) => label === 0)).toBe(true);

    await page.keyboard.press('Control+e');
    await page.getByRole('dialog', { name: 'Export' }).waitFor();
    await page.keyboard.press('Escape');
    const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Control+s')]);
    expect(download.suggestedFilename()).toMatch(/\.zip$/);
    expect(errors).toEqual([]);
    await close();
  });
});
