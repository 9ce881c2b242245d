/** S29: every screen, in light and dark, has no fault that axe finds. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { studioPages, whyNoPage } from './studio-page.ts';

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
    await page.locator('.thumbnail').nth(3).waitFor();
    await page.waitForFunction(() => studio.display.shown.value !== undefined);
    expect(await faults(page), 'work').toEqual([]);
    for (const dialog of ['settings', 'keys'] as const) {
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
});
