/** How long after a stroke the preview has learned from it. */

import { page as pageOf, writePng } from 'lamella';
import { phantom } from 'lamella/phantom';
import type { Page } from 'playwright-core';
import { inWindow, takeIn } from './studio-page.ts';

const SIDE = 512;
/** Of 256 pixels squared, in the image. */
export const TILES = 4;

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

/** Notes previews as they come, and when the pointer was released. */
export const watchPreviews = (page: Page): Promise<void> =>
  page.evaluate(() => {
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

const cells = (): Uint8Array => writePng(pageOf(phantom({ width: SIDE, height: SIDE, depth: 1, seed: 5 }).image, 0));

/** Opens an image of 512 x 512, in a new project. */
export const openCells = (page: Page, png = cells()): Promise<void> => takeIn(page, { 'cells.png': png });

/** A stroke with the pointer, by the key of its class. */
export async function stroke(page: Page, key: string, y: number): Promise<void> {
  await page.keyboard.press(key);
  const [from, to] = [await inWindow(page, 40, y), await inWindow(page, 90, y)];
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(to.x, to.y);
  await page.mouse.up();
}

/** Milliseconds from the end of the last stroke to the last tile of the first preview that knows the edit. */
export async function waited(page: Page, sequence: number, model: Came['model']): Promise<number> {
  const at = await page.waitForFunction(
    ([edit, kind, tiles]) => {
      const fresh = came.filter((one) => one.model === kind && one.sequence >= edit && one.atMs > releasedMs);
      const places = [...new Set(fresh.map(({ tile }) => tile))];
      if (places.length < tiles) return undefined;
      return Math.max(...places.map((tile) => (fresh.find((one) => one.tile === tile) as Came).atMs)) - releasedMs;
    },
    [sequence, model, TILES] as const,
  );
  return (await at.jsonValue()) as number;
}

const lastSequence = (page: Page): Promise<number> => page.evaluate(() => came.at(-1)?.sequence ?? 0);

/** A new project with the first strokes of two classes. @returns milliseconds to the first preview */
export async function firstPreview(page: Page, png?: Uint8Array): Promise<number> {
  await page.evaluate(async () => {
    await studio.leave();
    globalThis.came = [];
  });
  await page.waitForFunction(() => studio.display.shown.value === undefined);
  await openCells(page, png);
  await stroke(page, '2', 40);
  await stroke(page, '1', 80);
  return waited(page, 1, 'quick');
}

/** One more stroke. @param i counts them @returns milliseconds to the preview of a model that has learned it */
export async function nextPreview(page: Page, i: number, model: Came['model']): Promise<number> {
  const next = (await lastSequence(page)) + 1;
  await stroke(page, i % 2 === 0 ? '2' : '1', 110 + ((13 * i) % 380));
  return waited(page, next, model);
}

/** Has the network shown instead of the quick model, and waits until it has learned something. */
export async function showNetwork(page: Page): Promise<void> {
  await page.evaluate(() => studio.live.set({ on: true, model: 'network' }));
  await page.waitForFunction(() => came.at(-1)?.model === 'network');
}
