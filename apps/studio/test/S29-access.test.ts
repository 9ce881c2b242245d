/**
 * S29: the guided tour, walked with a pointer and by keys alone, to the end. On the way every screen, dialog and theme is
 * looked at by axe, and drawn for the documentation where pictures are wanted.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { exampleNuclei } from '../src/example.ts';
import type { HelpTopic } from '../src/help-topics.ts';
import type { TourStep } from '../src/state/tour.ts';
import { en } from '../src/text/en.ts';
import { picturesFolder, writePicture } from './pictures.ts';
import {
  closeDialog,
  exampleOpened,
  inDialog,
  inWindow,
  isLong,
  paintedRuns,
  studioPages,
  whyNoPage,
} from './studio-page.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SIZE = 512;

/** What axe finds, one line each. */
async function faults(page: Page): Promise<readonly string[]> {
  const results = (await page.evaluate(`${AXE}\naxe.run()`)) as AxeResults;
  expect(results.passes.length, 'axe has looked').toBeGreaterThan(5);
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  );
}

/** A screen in both themes: without fault, and drawn where pictures are wanted. */
async function look(page: Page, name: string): Promise<void> {
  for (const theme of ['light', 'dark'] as const) {
    await page.evaluate(async (chosen) => {
      studio.settings.theme.value = chosen;
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    }, theme);
    // Colours that change slowly have reached their end.
    await page.waitForFunction(() => document.getAnimations().every(({ playState }) => playState !== 'running'));
    expect(await faults(page), `${name}, ${theme}`).toEqual([]);
    if (picturesFolder !== undefined) writePicture(`${name}-${theme}`, await page.screenshot());
  }
}

/** The same without the tour, which goes on where it was. */
async function lookBesideTour(page: Page, name: string): Promise<void> {
  const kept = await page.evaluate(() => {
    const { tour } = studio.settings;
    const now = tour.value;
    tour.value = 'over';
    return now;
  });
  await look(page, name);
  await page.evaluate((value) => {
    studio.settings.tour.value = value;
  }, kept);
}

/** Waits for a step; the step that it stayed on is in the message. */
const onStep = (page: Page, step: TourStep | undefined) =>
  expect.poll(() => page.evaluate(() => studio.tour.step.value)).toBe(step);

/** Clicks what the ring is around, once that is what is wanted. */
async function clickPointed(page: Page, wanted: string): Promise<void> {
  const ring = () =>
    page.evaluate(() => {
      const target = studio.tour.target.value ?? 'nothing';
      return { target, isThere: document.querySelector('[data-pointed]')?.matches(target) ?? false };
    });
  await expect.poll(ring).toEqual({ target: wanted, isThere: true });
  await page.locator('[data-pointed]').click();
}

/** Where strokes may go in the first image of the example: the middle of each nucleus, and what is far from any. */
function places() {
  const { label } = exampleNuclei(0, SIZE);
  const sums = new Map<number, { x: number; y: number; n: number }>();
  label.data.forEach((number, p) => {
    if (number === 0) return;
    const { x, y, n } = sums.get(number) ?? { x: 0, y: 0, n: 0 };
    sums.set(number, { x: x + (p % SIZE), y: y + Math.floor(p / SIZE), n: n + 1 });
  });
  const isFree = (x: number, y: number): boolean => {
    for (let dy = -10; dy <= 10; dy += 5)
      for (let dx = -22; dx <= 22; dx += 4) if (label.data[(y + dy) * SIZE + x + dx] !== 0) return false;
    return true;
  };
  const free: { x: number; y: number }[] = [];
  for (let y = 40; y < SIZE - 40; y += 72)
    for (let x = 40; x < SIZE - 40; x += 72) if (isFree(x, y)) free.push({ x, y });
  const nuclei = [...sums.values()]
    .map(({ x, y, n }) => ({ x: Math.round(x / n), y: Math.round(y / n), n }))
    .filter(({ x, y, n }) => n > 250 && x > 20 && y > 20 && x < SIZE - 20 && y < SIZE - 20);
  return { nuclei, free };
}

describe.skipIf(whyNoPage !== undefined)(`S29 access${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it('walks the tour with a pointer; every screen passes axe in light and dark', async () => {
    const { page, errors, close } = await pages.open({ live: true, dialogs: false });
    const stroke = async (x: number, y: number, reach: number): Promise<void> => {
      const [from, to] = [await inWindow(page, x - reach, y), await inWindow(page, x + reach, y)];
      await page.mouse.move(from.x, from.y);
      await page.mouse.down();
      await page.mouse.move(to.x, to.y, { steps: 3 });
      await page.mouse.up();
    };
    const { nuclei, free } = places();
    expect([nuclei.length > 20, free.length > 8]).toEqual([true, true]);

    await page.locator('.cards canvas[width="160"]').last().waitFor();
    await look(page, 'start');
    await page.getByRole('button', { name: /^Nuclei/ }).click();
    await exampleOpened(page);
    await page.waitForFunction(() => studio.project.images.value.length === 12);
    await onStep(page, 'background');
    await look(page, 'tour');

    await clickPointed(page, '[data-class="0"]');
    await stroke(free[0].x, free[0].y, 12);
    await onStep(page, 'objects');
    await clickPointed(page, '[data-class="1"]');
    await page.evaluate(() => {
      studio.painting.size.value = 11;
    });
    for (const { x, y } of nuclei.slice(0, 2)) await stroke(x, y, 4);
    await onStep(page, 'correct');
    for (const { x, y } of nuclei.slice(2, 14)) await stroke(x, y, 4);
    await page.keyboard.press('1');
    for (const { x, y } of free.slice(1, 9)) await stroke(x, y, 12);
    await onStep(page, 'train');
    const edits = await page.evaluate(() => studio.annotation.made.value);
    expect(edits).toBe(23);
    // The model has seen the last stroke.
    await page.waitForTimeout(picturesFolder === undefined ? 0 : 5000);
    await page.mouse.move(640, 20);
    await page.locator('.canvas').blur();
    await lookBesideTour(page, 'annotate');

    await clickPointed(page, '#tab-train');
    // Stopped by hand, it must not end by itself before.
    const minutes = picturesFolder === undefined ? '60 min' : '2 min';
    await page.getByText(minutes, { exact: true }).click();
    await clickPointed(page, '[data-tour="train"]');
    await onStep(page, 'training');
    const enough = picturesFolder === undefined && !isLong ? 2 : 40;
    await page.waitForFunction((n) => studio.training.losses.value.length >= n, enough);
    await lookBesideTour(page, 'train');
    if (picturesFolder === undefined) await clickPointed(page, '[data-tour="stop"]');
    else await page.waitForFunction(() => !studio.training.running.value, undefined, { timeout: 400_000 });
    await onStep(page, 'check');

    await clickPointed(page, '#tab-check');
    await clickPointed(page, '[data-tour="find"]');
    await onStep(page, 'judge');
    await page.waitForFunction(() => studio.live.tiles.value.length > 0);
    await lookBesideTour(page, 'check');
    await page.getByRole('button', { name: 'Skip', exact: true }).click();
    await onStep(page, 'measure');
    await clickPointed(page, '#tab-measure');
    await clickPointed(page, '[data-tour="segment"]');
    await onStep(page, 'export');
    if (picturesFolder !== undefined) {
      const found = await page.evaluate(() => studio.measuring.total.value);
      await page.getByLabel(en.measure.splitNecks).check();
      await page.waitForFunction((before) => studio.measuring.total.value > before, found);
    }
    await lookBesideTour(page, 'measure');
    // What is noted goes away after a while.
    const noted = page.getByText(/^That was the whole way/).waitFor();
    await clickPointed(page, '[data-command="export"]');
    await Promise.all([onStep(page, undefined), noted]);
    await look(page, 'export');
    await page.keyboard.press('Escape');

    expect(errors).toEqual([]);
    await close();
  });

  const end = isLong ? 'the exported files' : 'the training (to the files: npm run test:studio)';
  it(`walks the tour by keys alone, from the start to ${end}`, async () => {
    const { page, errors, close } = await pages.open({ live: true, dialogs: false });
    const { keyboard } = page;
    const press = async (selector: string): Promise<void> => {
      await page.locator(`${selector}:not(:disabled)`).first().waitFor();
      const isThere = () => page.evaluate((wanted) => document.activeElement?.matches(wanted), selector);
      for (let i = 0; i < 80 && !(await isThere()); i++) await keyboard.press('Tab');
      expect(await isThere(), selector).toBe(true);
      await keyboard.press('Enter');
    };
    /** Moves the crosshair to a pixel and draws a line from there to the right. */
    const stroke = async (x: number, y: number, length: number): Promise<void> => {
      for (const [axis, to, keys] of [
        ['x', x, ['ArrowRight', 'ArrowLeft']],
        ['y', y, ['ArrowDown', 'ArrowUp']],
      ] as const) {
        const from = await page.evaluate((which) => {
          const { at, fromKeys } = studio.pointer;
          return Math.floor(((fromKeys.value && at.value) || studio.display.transform.value)[which]);
        }, axis);
        const key = keys[to > from ? 0 : 1];
        for (let left = Math.abs(to - from); left > 0; left -= left >= 10 ? 10 : 1)
          await keyboard.press(left >= 10 ? `Shift+${key}` : key);
      }
      await keyboard.down('Enter');
      for (let i = 0; i < length; i++) await keyboard.press('ArrowRight');
      await keyboard.up('Enter');
    };
    // Those near the middle, where the crosshair begins.
    const fromMiddle = (a: { x: number; y: number }): number => Math.hypot(a.x - SIZE / 2, a.y - SIZE / 2);
    const [nuclei, free] = [places().nuclei, places().free].map((all) =>
      all.sort((a, b) => fromMiddle(a) - fromMiddle(b)),
    );
    const said = () => page.evaluate(() => document.querySelector('.tour [role=status]')?.textContent ?? '');

    await press('.cards button');
    await exampleOpened(page);
    await onStep(page, 'background');
    await page.waitForFunction(() => studio.project.images.value.length === 12);
    await expect.poll(said).toMatch(/background \(1\)/);
    await keyboard.press('F6');
    await keyboard.press('1');
    await stroke(free[0].x, free[0].y, 12);
    await onStep(page, 'objects');
    // A brush of 16 pixels, dragged by 12: an even one is centred on a corner.
    const [row] = (await paintedRuns(page)).filter(([y]) => y === free[0].y);
    expect(row).toEqual([free[0].y, free[0].x - 7, free[0].x + 21, 0]);
    await expect.poll(said).toMatch(/object \(2\)/);
    await keyboard.press('2');
    for (const { x, y } of nuclei.slice(0, 2)) await stroke(x - 3, y, 6);
    await onStep(page, 'correct');
    await stroke(nuclei[3].x - 3, nuclei[3].y, 6);
    await onStep(page, 'train');

    await keyboard.press('Alt+2');
    await page.evaluate(() => {
      studio.training.minutes.value = 60;
    });
    await press('[data-tour="train"]');
    await onStep(page, 'training');
    if (!isLong) {
      await close();
      return;
    }
    await page.waitForFunction(() => studio.training.losses.value.length >= 2);
    await press('[data-tour="stop"]');
    await onStep(page, 'check');
    await keyboard.press('Alt+3');
    await press('[data-tour="find"]');
    await onStep(page, 'judge');
    await keyboard.press('s');
    await onStep(page, 'measure');
    await keyboard.press('Alt+4');
    await press('[data-tour="segment"]');
    await onStep(page, 'export');
    await keyboard.press('Control+e');
    await onStep(page, undefined);
    const [download] = await Promise.all([page.waitForEvent('download'), press('dialog .primary')]);
    expect(download.suggestedFilename()).toMatch(/\.zip$/);
    expect(errors).toEqual([]);
    await close();
  });

  it('keeps the step of the tour, and ends and begins it as asked', async () => {
    const { page, errors, close } = await pages.open();
    await page.getByRole('button', { name: /^Nuclei/ }).click();
    await exampleOpened(page);
    await onStep(page, 'background');
    // The ring is around what the step points at, also when an element becomes another one.
    const [ring, first] = [page.locator('[data-pointed]'), page.locator('[data-class="0"]')];
    await expect.poll(() => ring.getAttribute('data-class')).toBe('0');
    await first.evaluate((row) => row.setAttribute('data-class', '9'));
    await expect.poll(() => ring.count()).toBe(0);
    await page.locator('[data-class="9"]').evaluate((row) => row.setAttribute('data-class', '0'));
    await expect.poll(() => ring.count()).toBe(1);
    await page.getByRole('button', { name: 'Next', exact: true }).click();
    await onStep(page, 'objects');
    await page.waitForFunction(() => studio.project.images.value.length === 12);
    await page.reload();
    await page.waitForFunction(() => studio.description.value !== undefined);
    await page.locator('.recent li button').first().click();
    await exampleOpened(page);
    await onStep(page, 'objects');
    await page.getByRole('button', { name: 'End the tour' }).click();
    await onStep(page, undefined);
    await page.keyboard.press('F1');
    await page.getByRole('dialog').getByRole('button', { name: 'Take the tour' }).click();
    await onStep(page, 'background');
    expect(errors).toEqual([]);
    await close();
  });

  it('has a page of help for what is under the pointer or has the focus, and all pages pass axe', async () => {
    const { page, errors, close } = await pages.open();
    await page.getByRole('button', { name: /^Nuclei/ }).click();
    await exampleOpened(page);
    const title = page.getByRole('dialog').locator('article h3');
    // The page is drawn once a frame.
    const titled = (name: string): Promise<void> => title.filter({ hasText: name }).waitFor();
    const helpIs = async (name: string): Promise<void> => {
      await page.keyboard.press('F1');
      await titled(name);
      await closeDialog(page);
    };
    await page.getByRole('button', { name: 'Wand', exact: true }).hover();
    await helpIs('Wand');
    await page.mouse.move(0, 0);
    await page.getByRole('button', { name: 'Split', exact: true }).focus();
    await helpIs('Split');
    await page.getByRole('button', { name: 'Help: Live preview' }).click();
    await titled('Live preview');
    await closeDialog(page);
    await page.mouse.move(0, 0);
    await page.locator('.canvas').focus();
    await helpIs('In five minutes');
    for (const dialog of ['settings', 'keys'] as const) await inDialog(page, dialog, () => look(page, dialog));
    await page.evaluate(() => studio.openHelp('wand'));
    await look(page, 'help');
    for (const topic of Object.keys(en.help.pages) as HelpTopic[]) {
      await page.evaluate((which) => studio.openHelp(which), topic);
      await titled(en.help.pages[topic].title);
      expect(await faults(page), topic).toEqual([]);
      expect(await page.locator('.help-picture > *').count(), topic).toBeGreaterThan(0);
    }
    expect(errors).toEqual([]);
    await close();
  });
});
