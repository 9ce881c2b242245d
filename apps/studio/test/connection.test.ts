/** A page whose `lamella studio` ends under it: what it has is handed over, or is said not to be kept. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readImage } from 'lamella';
import type { Page } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPage } from '../../../test/browser/harness.ts';
import { type Program, startProgram } from './program.ts';
import { openRecorded, type RecordedPage } from './recorded-page.ts';
import { greyPng, whyNoPage } from './studio-page.ts';

describe.skipIf(whyNoPage !== undefined)(`the server ends${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  let folder: string;
  let program: Program;
  let opened: RecordedPage;
  const paint = (page: Page, row: number): Promise<void> =>
    page.evaluate((y) => {
      studio.annotation.layer.value?.fill(0, y, 5, 25, 1);
      studio.annotation.commit('brush');
    }, row);
  const whenOpened = (page: Page) =>
    page.waitForFunction(() => globalThis.studio?.annotation.layer.value !== undefined);
  const whenKept = (page: Page) => page.waitForFunction(() => studio.annotation.unkept.value === 0);
  const painted = async (): Promise<number> => {
    const { data } = await readImage(await readFile(join(folder, 'labels/well.tif')), 'well.tif');
    return [...data].filter((value) => value === 1).length;
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lamella-plate-'));
    await writeFile(join(folder, 'well.png'), greyPng(64, 48));
    program = await startProgram(folder);
    opened = await openRecorded(program.address);
    await whenOpened(opened.page);
  });
  afterEach(async () => {
    await opened.close();
    await program.end();
    await rm(folder, { recursive: true });
  });

  it('as in a crash: what is not kept is said, and handed over to the next server, before other tabs', async () => {
    const { page } = opened;
    await paint(page, 10);
    await whenKept(page);
    await program.end('SIGKILL');
    await paint(page, 20);
    await paint(page, 30);
    const { port } = new URL(program.address);
    await page.getByText('2 changes are not kept yet: do not close this tab.').waitFor();
    await page
      .getByText(`with --port ${port}, and open its address in this browser; this page then goes on by itself.`)
      .waitFor();
    expect(await page.getByText('All changes kept').count()).toBe(0);
    // Saving waits for it, as all else does.
    await page.keyboard.press('Control+s');

    // The browser opens another tab for it, which is looked at.
    const before = new URL(program.address);
    program = await startProgram(folder);
    const { host, hash } = new URL(program.address);
    expect(host).toBe(before.host);
    expect(hash).not.toBe(before.hash);
    const other = await openPage(page.context());
    await other.goto(program.address);
    await other.getByText('Read only').waitFor();
    await whenKept(page);
    await page.getByText('Lamella Studio answers again.').waitFor();
    expect(await page.getByText('not kept yet').count()).toBe(0);
    await whenOpened(other);
    expect(await other.evaluate(() => studio.annotation.layer.value?.pixels(1))).toBe(60);
    await page.getByText('All changes kept').waitFor();
    await page.waitForFunction(() => studio.project.busy.value === undefined && !studio.saving.hasUnsaved.value);
    expect(await painted()).toBe(60);
  }, 60_000);

  it('by Ctrl-C: takes the stroke that was just made', async () => {
    await paint(opened.page, 10);
    await whenKept(opened.page);
    await opened.page.evaluate(async () => {
      // Packing takes a while on a slow machine.
      const { record } = studio.engine;
      const engine = studio.engine as { record: typeof record };
      engine.record = async (entry) => {
        await new Promise((next) => setTimeout(next, 300));
        return record(entry);
      };
    });
    await paint(opened.page, 20);
    await program.end();
    expect(await painted()).toBe(40);
  });

  it('and is started again: says that it is saved once the files have all', async () => {
    const { page } = opened;
    await paint(page, 10);
    await whenKept(page);
    await program.end('SIGKILL');
    program = await startProgram(folder);
    await opened.close();
    opened = await openRecorded(program.address);
    await whenOpened(opened.page);
    const status = opened.page.locator('footer.status');
    await status.getByText('All changes kept').waitFor();
    await status.getByText('Changed since saved to disk').waitFor();
    await status.getByText(/^Saved to /).waitFor();
    expect(await painted()).toBe(20);
  });
});
