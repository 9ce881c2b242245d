/** Save behind `lamella studio`: into the folder that it was started with, which the status line names. */

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { readImage } from 'lamella';
import { describe, expect, it } from 'vitest';
import { startProgram } from './program.ts';
import { openRecorded } from './recorded-page.ts';
import { greyPng, whyNoPage } from './studio-page.ts';

describe.skipIf(whyNoPage !== undefined)(`saving on disk${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  it('with lamella studio writes into its folder, and says so', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lamella-plate-'));
    await writeFile(join(folder, 'well.png'), greyPng(64, 48));
    const program = await startProgram(folder);
    const { page, errors, close } = await openRecorded(program.address);
    const downloads: string[] = [];
    page.on('download', (download) => downloads.push(download.suggestedFilename()));
    await page.waitForFunction(() => studio.annotation.layer.value !== undefined);
    const status = page.locator('footer.status');
    // Nothing was changed yet: all of it is there.
    await status.getByText(`Saved to ${basename(folder)}`).waitFor();
    expect(await status.getByTitle(folder, { exact: true }).count()).toBe(1);

    await page.evaluate(() => {
      studio.annotation.layer.value?.fill(0, 10, 5, 25, 1);
      studio.annotation.commit('brush');
    });
    await status.getByText('Changed since saved').waitFor();
    await page.keyboard.press('Control+s');
    await status.getByText(new RegExp(`^Saved to ${basename(folder)} \\S`)).waitFor();
    expect((await readdir(folder)).filter((name) => !name.startsWith('.')).sort()).toEqual([
      'labels',
      'lamella.json',
      'well.png',
    ]);
    const { data } = await readImage(await readFile(join(folder, 'labels/well.tif')), 'well.tif');
    expect([...data].filter((value) => value === 1).length).toBe(20);
    expect(downloads).toEqual([]);
    expect(errors).toEqual([]);
    await close();
    await program.end();
    await rm(folder, { recursive: true });
  });

  it('says why it does not, until it does; and what another program wrote meanwhile', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lamella-plate-'));
    await writeFile(join(folder, 'well.png'), greyPng(64, 48));
    const program = await startProgram(folder);
    const { page, errors, close } = await openRecorded(program.address);
    await page.waitForFunction(() => studio.annotation.layer.value !== undefined);
    const paint = (row: number): Promise<void> =>
      page.evaluate((y) => {
        studio.annotation.layer.value?.fill(0, y, 5, 25, 1);
        studio.annotation.commit('brush');
      }, row);
    const messages = page.locator('.messages');
    const why = messages.getByText('a folder exists where this file should be');
    const [labels, project] = [join(folder, 'labels'), join(folder, 'lamella.json')];
    await rm(project);
    await mkdir(project);
    await paint(10);
    // By itself, then by its key.
    await why.waitFor();
    await page.evaluate(() => studio.messages.dismissLast());
    await page.keyboard.press('Control+s');
    await why.waitFor();
    await rm(project, { recursive: true });
    await paint(12);
    await why.waitFor({ state: 'detached' });

    await writeFile(join(labels, 'well.tif'), 'of another');
    await paint(14);
    await messages.getByText('labels/well.tif: another program wrote this file').waitFor();
    await messages.getByText('copy it to "labels/well-2.tif"').waitFor();
    expect(await readFile(join(labels, 'well.tif'), 'utf8')).toBe('of another');
    // It is not over with the next save.
    await paint(16);
    await page.keyboard.press('Control+s');
    await messages.getByText(`Saved to ${folder}`).waitFor();
    expect(await messages.getByText('another program wrote this file').count()).toBe(1);
    expect(errors).toEqual([]);
    await close();
    await program.end();
    await rm(folder, { recursive: true });
  });
});
