/** S23: the table of the page is what `lamella measure` makes of the exported labels, in the units that were typed. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import { readImage, writePng } from 'lamella';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { labelledFiles } from './labelled-files.ts';
import { studioPages, takeIn, whyNoPage } from './studio-page.ts';

const columnOf = (csv: string, name: string): readonly number[] => {
  const [head = '', ...rows] = csv.trim().split('\n');
  const at = head.split(',').indexOf(name);
  return rows.map((row) => Number(row.split(',')[at]));
};

describe.skipIf(whyNoPage !== undefined)(`S23 measure${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  async function segmentAll(page: Page): Promise<void> {
    await page.getByRole('button', { name: 'Segment all' }).click();
    await page.waitForFunction(() => studio.measuring.total.value > 0 && !studio.measuring.running.value);
  }

  it('is what the command line measures', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lamella-measure-'));
    const { page, errors, close } = await pages.open({ dialogs: false });
    /** @returns what the page wrote, and what the command line makes of its labels */
    const tables = async (name: string): Promise<readonly [page: string, commandLine: string]> => {
      const base64 = await page.evaluate(async () => {
        const prediction = studio.measuring.result.value?.prediction;
        const { content } = await studio.engine.export({ formats: ['csv', 'labels'], prediction });
        const bytes = content instanceof Uint8Array ? content : new Uint8Array(await content.arrayBuffer());
        return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
      });
      for (const [path, bytes] of Object.entries(unzipSync(Buffer.from(base64, 'base64')))) {
        mkdirSync(dirname(join(folder, name, path)), { recursive: true });
        writeFileSync(join(folder, name, path), bytes);
      }
      const out = join(folder, `${name}-measured`);
      const args = ['measure', join(folder, name, 'labels'), '--images', join(folder, 'images'), '--out', out];
      execFileSync(process.execPath, ['dist/cli/main.js', ...args, '--as', 'objects', '--no-report']);
      return [readFileSync(join(folder, name, 'objects.csv'), 'utf8'), readFileSync(join(out, 'objects.csv'), 'utf8')];
    };

    const files: Record<string, Uint8Array> = {};
    for (const [path, bytes] of Object.entries(labelledFiles({ seed: 3 }))) {
      const stated = await readImage(bytes, path, { palette: 'index' });
      files[path] = writePng({ ...stated, spacing: {} });
    }
    mkdirSync(join(folder, 'images'));
    for (const [path, bytes] of Object.entries(files)) {
      if (path.startsWith('images/')) writeFileSync(join(folder, path), bytes);
    }
    await takeIn(page, files);
    const settings = { seed: 3, patch: [32, 32], depth: 1, baseChannels: 8, batch: 2 };
    await page.evaluate((options) => studio.engine.train(options), { steps: 60, settings, from: 'scratch' as const });
    await page.evaluate(() => studio.training.forget(true));
    await page.waitForFunction(() => studio.training.runs.value.length === 1);
    await page.getByRole('tab', { name: 'Measure' }).click();
    await page.getByText('The file does not state it.').waitFor();
    await segmentAll(page);
    const [inPixels, again] = await tables('pixels');
    expect(inPixels).toBe(again);

    // Of areas what counts comes first: how much of each image they are, as `lamella measure` has it.
    const images = readFileSync(join(folder, 'pixels', 'images.csv'), 'utf8');
    expect(images).toBe(readFileSync(join(folder, 'pixels-measured', 'images.csv'), 'utf8'));
    const rows = page.getByRole('region', { name: 'Measurements' }).getByRole('row');
    await expect.poll(() => rows.first().textContent()).toBe('imageobjectscovered %');
    const shares = columnOf(images, 'covered_percent');
    expect(shares.length).toBeGreaterThan(1);
    expect(Math.max(...shares)).toBeGreaterThan(0);
    const shown = async (): Promise<readonly number[]> => {
      const texts = await rows.locator('td:nth-child(3)').allTextContents();
      return texts.map(Number);
    };
    await expect.poll(shown).toEqual(shares.map((share) => Number(share.toPrecision(4))));
    // A row leads to its image, and one of areas to where it is.
    const last = images.trim().split('\n').at(-1)?.split(',')[0] as string;
    await page.getByRole('region', { name: 'Measurements' }).getByRole('button', { name: last, exact: true }).click();
    expect(await page.evaluate(() => studio.project.image.value?.id)).toBe(last);
    await page.getByRole('group', { name: 'Measurements' }).getByRole('radio', { name: 'Areas' }).check();
    await expect.poll(() => rows.first().textContent()).toMatch(/^imagelabelpixels/);
    const areas = columnOf(inPixels, 'area_px2');
    expect(areas.length).toBeGreaterThan(1);

    // Filters act at once, and back.
    const smallest = page.getByLabel('Smallest object');
    const middle = [...areas].sort((a, b) => a - b)[Math.floor(areas.length / 2)] as number;
    const kept = areas.filter((area) => area >= middle);
    expect(kept.length).toBeLessThan(areas.length);
    const wasPx = await smallest.inputValue();
    await smallest.fill(String(middle));
    await smallest.press('Tab');
    await page.waitForFunction((count) => studio.measuring.found.value === count, kept.length);
    const [filtered, filteredAgain] = await tables('filtered');
    expect(filtered).toBe(filteredAgain);
    expect(columnOf(filtered, 'area_px2')).toEqual(kept);
    await smallest.fill(wasPx);
    await smallest.press('Tab');
    await page.waitForFunction((count) => studio.measuring.found.value === count, areas.length);
    // They are filled without segmenting, which would be another prediction.
    await page.getByLabel('Fill holes').check();
    await page.waitForFunction(() => !studio.measuring.isPending.value);
    expect(
      await page.evaluate(() => [studio.measuring.isOutdated.value, studio.measuring.result.value?.prediction]),
    ).toEqual([false, 'predictions/1']);
    const [filled, filledAgain] = await tables('filled');
    expect(filled).toBe(filledAgain);
    const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
    expect(sum(columnOf(filled, 'area_px2'))).toBeGreaterThan(sum(areas));
    await page.getByLabel('Fill holes').uncheck();
    await page.waitForFunction(() => !studio.measuring.isPending.value);
    expect((await tables('open'))[0]).toBe(inPixels);

    await page.getByLabel('Pixel size', { exact: true }).fill('0.5');
    await page.getByLabel('Pixel size', { exact: true }).press('Tab');
    // Measured again, not segmented.
    await page.waitForFunction(() => studio.measuring.columns.value.some(({ header }) => header === 'area_um2'));
    const [inMicrons, byCommand] = await tables('microns');
    expect(inMicrons).toBe(byCommand);
    expect(columnOf(inMicrons, 'area_um2')).toEqual(areas.map((area) => area / 4));
    expect(await page.locator('th', { hasText: /^area/ }).textContent()).toBe('area µm²');

    await page.getByLabel('Unit of the pixel size').selectOption('nm');
    await page.waitForFunction(() => studio.project.image.value?.spacing.x?.unit === 'nm');
    expect(await page.evaluate(() => studio.project.state.value?.project.spacing)).toEqual({
      x: 0.5,
      y: 0.5,
      unit: 'nm',
    });

    await page.waitForFunction(() => studio.measuring.columns.value.some(({ header }) => header === 'area_nm2'));
    await page.waitForFunction(() => studio.project.busy.value === undefined);

    // What was measured before is there when the project is opened again.
    const found = page.getByText(/^\d+ areas? in \d+ images?$/);
    const [table, summary] = [page.getByRole('region', { name: 'Measurements' }), await found.textContent()];
    const first = await table.getByRole('row').nth(1).textContent();
    await page.getByRole('button', { name: 'All projects' }).click();
    await page.getByRole('region', { name: 'Recent projects' }).getByRole('button').first().click();
    await page.waitForFunction(() => studio.annotation.layer.value !== undefined);
    await page.getByRole('tab', { name: 'Measure' }).click();
    await page.getByRole('group', { name: 'Measurements' }).getByRole('radio', { name: 'Areas' }).check();
    await expect.poll(() => rows.first().textContent()).toMatch(/^imagelabelpixels/);
    await table.getByRole('row').nth(1).waitFor();
    expect([await table.getByRole('row').nth(1).textContent(), await found.textContent()]).toEqual([first, summary]);
    await page.waitForFunction(() => studio.measuring.shown.value !== undefined);

    // Of an image that is gone nothing is left, and one that came is not in it yet.
    const count = shares.length;
    const names = async (): Promise<ReadonlySet<string | null>> =>
      new Set(await rows.locator('td:first-child').allTextContents());
    const [gone] = inPixels.split('\n')[1]?.split(',') ?? [];
    expect(await names()).toContain(gone);
    await page.evaluate((id) => studio.project.remove(id), gone as string);
    await expect.poll(() => found.textContent()).toMatch(new RegExp(`in ${count - 1} images?$`));
    await expect.poll(names).not.toContain(gone);
    expect((await tables('fewer'))[0]).not.toContain(`\n${gone},`);
    const isNew = page.getByText('1 image is new: segment again.');
    expect(await isNew.count()).toBe(0);
    await takeIn(page, { 'late.png': files[`images/${gone}.png`] as Uint8Array });
    await isNew.waitFor();
    await segmentAll(page);
    await expect.poll(() => found.textContent()).toMatch(new RegExp(`in ${count} images$`));
    expect(await isNew.count()).toBe(0);
    expect(errors).toEqual([]);
    await close();
    rmSync(folder, { recursive: true });
  });
});
