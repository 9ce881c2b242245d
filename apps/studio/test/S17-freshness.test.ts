/**
 * S17: how long after a stroke the preview has learned from it, and that no preview is older than the one before. The times
 * are held to their budgets in the long form only, which has the machine to itself.
 */

import { page as pageOf, writePng } from 'lamella';
import { phantom } from 'lamella/phantom';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { BUDGETS } from './budgets.ts';
import { median } from './five-minutes.ts';
import { inWindow, isLong, studioPages, takeIn, whyNoPage } from './studio-page.ts';

const SIDE = 512;
/** Of 256 pixels squared each. */
const TILES = 4;
const STROKES = isLong ? 10 : 4;

/** A tile that came: from which model, and the last edit that it had learned. */
interface Came {
  readonly model: 'quick' | 'network';
  readonly tile: string;
  readonly sequence: number;
  readonly atMs: number;
}

declare global {
  var came: Came[];
  var releasedMs: number;
}

/** A stroke with the pointer; it ends when the page has heard of it. */
async function stroke(page: Page, label: string, y: number): Promise<void> {
  await page.keyboard.press(label);
  const [from, to] = [await inWindow(page, 40, y), await inWindow(page, 90, y)];
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(to.x, to.y);
  await page.mouse.up();
}

/** Milliseconds from the end of the last stroke to the last tile of the first preview that knows the edit. */
async function waited(page: Page, sequence: number, model: Came['model']): Promise<number> {
  const at = await page.waitForFunction(
    ([edit, kind, tiles]) => {
      const fresh = came.filter((one) => one.model === kind && one.sequence >= edit && one.atMs > releasedMs);
      const places = [...new Set(fresh.map(({ tile }) => tile))];
      if (places.length < tiles) return undefined;
      return Math.max(...places.map((tile) => (fresh.find((one) => one.tile === tile) as Came).atMs)) - releasedMs;
    },
    [sequence, model, TILES] as const,
    { timeout: 60_000 },
  );
  return (await at.jsonValue()) as number;
}

const lastSequence = (page: Page): Promise<number> => page.evaluate(() => came.at(-1)?.sequence ?? 0);

describe.skipIf(whyNoPage !== undefined)(`S17 freshness${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it('shows a stroke within its budget, and never goes back', { timeout: 180_000 }, async () => {
    const { page, errors, close } = await pages.open({ live: true });
    const { image } = phantom({ width: SIDE, height: SIDE, depth: 1, seed: 5 });
    await takeIn(page, { 'cells.png': writePng(pageOf(image, 0)) });
    await page.evaluate(() => {
      globalThis.came = [];
      studio.engine.subscribe((event) => {
        if (event.kind !== 'preview') return;
        const { model, sequence, view } = event;
        came.push({ model, sequence, tile: `${view.rect.x},${view.rect.y}`, atMs: performance.now() });
      });
      addEventListener('pointerup', () => {
        globalThis.releasedMs = performance.now();
      });
    });
    await stroke(page, '2', 40);
    await stroke(page, '1', 80);
    const first = await waited(page, 1, 'quick');
    await page.evaluate(() => studio.live.set({ on: true, model: 'quick' }));
    const quick: number[] = [];
    for (let i = 0; i < STROKES; i++) {
      const next = (await lastSequence(page)) + 1;
      await stroke(page, i % 2 === 0 ? '2' : '1', 120 + 30 * i);
      quick.push(await waited(page, next, 'quick'));
    }
    console.log(
      `first preview after ${first.toFixed(0)} ms; then after ${quick.map((ms) => ms.toFixed(0)).join(', ')} ms`,
    );
    if (isLong) {
      expect(first).toBeLessThan(BUDGETS.firstPreview.gate);
      expect(median(quick)).toBeLessThan(BUDGETS.quickPreview.gate);
    }

    await page.evaluate(() => studio.live.set({ on: true, model: 'network' }));
    await page.waitForFunction(() => came.at(-1)?.model === 'network', undefined, { timeout: 60_000 });
    const network: number[] = [];
    for (let i = 0; i < STROKES; i++) {
      const next = (await lastSequence(page)) + 1;
      await stroke(page, i % 2 === 0 ? '2' : '1', 135 + 30 * i);
      network.push(await waited(page, next, 'network'));
    }
    console.log(`the network after ${network.map((ms) => ms.toFixed(0)).join(', ')} ms`);
    if (isLong) expect(median(network)).toBeLessThan(BUDGETS.networkPreview.gate);

    const sequences = await page.evaluate(() => came.map(({ sequence }) => sequence));
    expect(sequences.length).toBeGreaterThan(TILES * (2 * STROKES + 1));
    expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
    expect(errors).toEqual([]);
    await close();
  });
});
