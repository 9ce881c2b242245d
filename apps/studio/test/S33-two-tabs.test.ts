/** S33: of two tabs with one project, the second can look at it and says so. */

import { describe, expect, it } from 'vitest';
import { openPage } from '../../../test/browser/harness.ts';
import { greyPng, inWindow, paintedRuns, studioPages, takeIn, whyNoPage } from './studio-page.ts';

describe.skipIf(whyNoPage !== undefined)(`S33 two tabs${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it('lets only the first change the project', async () => {
    const { page, errors, close } = await pages.open();
    await takeIn(page, { 'grey.png': greyPng(200, 200) });
    const at = await inWindow(page, 100, 100);
    await page.mouse.click(at.x, at.y);
    await page.waitForFunction(() => studio.annotation.canUndo.value && studio.annotation.unkept.value === 0);

    const second = await openPage(page.context());
    await second.goto(page.url());
    await second.getByRole('button', { name: /^grey/ }).click();
    await second.getByText('Read only').waitFor();
    await second.waitForFunction(() => studio.annotation.layer.value !== undefined);
    const painted = await paintedRuns(page);
    expect(painted.length).toBeGreaterThan(10);
    expect(await paintedRuns(second)).toEqual(painted);
    const there = await inWindow(second, 50, 50);
    await second.mouse.click(there.x, there.y);
    await second.keyboard.press('Control+z');
    expect(await paintedRuns(second)).toEqual(painted);

    // The first is closed: the second, loaded again once the browser has taken notice, has it.
    await page.close();
    const isReadOnly = async (): Promise<boolean> => {
      await second.reload();
      await second.getByRole('button', { name: /^grey/ }).click();
      await second.waitForFunction(() => studio.annotation.layer.value !== undefined);
      return second.evaluate(() => studio.annotation.readOnly.value);
    };
    await expect.poll(isReadOnly).toBe(false);
    expect(errors).toEqual([]);
    await close();
  });
});
