/** Save behind `lamella studio`: into the folder that it was started with, which the status line names. */

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
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
});
