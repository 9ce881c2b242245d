/** S06: what polygon, lasso, fill and wand paint through the page is what the library's own functions paint. */

import { createHash } from 'node:crypto';
import { writePng } from 'lamella';
import { flood, forEachRun, LabelLayer, painter, paintShape, sameLabel, similar, wand } from 'lamella/studio';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { greyPng, inWindow, studioPages, takeIn, whyNoPage } from './studio-page.ts';

const SIZE = 300;

/** Two slopes and a bright blob. */
const values = Uint8Array.from({ length: SIZE * SIZE }, (_, i) => {
  const [x, y] = [i % SIZE, Math.floor(i / SIZE)];
  return Math.hypot(x - 180, y - 120) < 30 ? 200 + ((x * 7 + y * 3) % 9) : 40 + Math.floor((x + y) / 8);
});

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const pixels = (layer: LabelLayer): Uint8Array => layer.read([0, 0, SIZE, SIZE]) as Uint8Array;

const pagePixels = async (page: Page): Promise<Uint8Array> =>
  Uint8Array.from(
    await page.evaluate((size) => [...(studio.annotation.layer.value?.read([0, 0, size, size]) ?? [])], SIZE),
  );

const pointerAt = (page: Page) => page.evaluate(() => studio.pointer.at.value as { x: number; y: number });

describe.skipIf(whyNoPage !== undefined)(`S06 shapes${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  async function open() {
    const opened = await pages.open();
    const image = { dtype: 'uint8', axes: 'yx', shape: [SIZE, SIZE], data: values, spacing: {} } as const;
    await takeIn(opened.page, { 'blob.png': writePng(image) });
    return opened;
  }

  it('paints a polygon of clicks, and a lasso', async () => {
    const { page, errors, close } = await open();
    const expected = new LabelLayer('classes', { width: SIZE, height: SIZE });
    await page.keyboard.press('p');
    const polygon: number[] = [];
    for (const [x, y] of [
      [40, 40],
      [140, 60],
      [90, 90],
      [130, 150],
      [30, 120],
    ]) {
      const at = await inWindow(page, x, y);
      await page.mouse.click(at.x, at.y);
      const { x: px, y: py } = await pointerAt(page);
      polygon.push(px, py);
    }
    await page.keyboard.press('Enter');
    paintShape(expected, { polygon: [polygon] }, { value: 1 });
    expect(hash(await pagePixels(page)), 'polygon').toBe(hash(pixels(expected)));

    const lasso: number[] = [];
    for (const [i, [x, y]] of [
      [200, 200],
      [280, 220],
      [260, 280],
      [190, 260],
    ].entries()) {
      const at = await inWindow(page, x, y);
      await page.mouse.move(at.x, at.y);
      const { x: px, y: py } = await pointerAt(page);
      lasso.push(px, py);
      if (i === 0) await page.mouse.down();
    }
    await page.mouse.up();
    paintShape(expected, { polygon: [lasso] }, { value: 1 });
    expect(hash(await pagePixels(page)), 'lasso').toBe(hash(pixels(expected)));
    expect(errors).toEqual([]);
    await close();
  });

  it('fills what is alike, and grows with the wand', async () => {
    const { page, errors, close } = await open();
    const expected = new LabelLayer('classes', { width: SIZE, height: SIZE });
    const value = (x: number, y: number): number => values[y * SIZE + x];
    const run = <T>(task: Generator<number, T>): T => {
      let state = task.next();
      while (!state.done) state = task.next();
      return state.value;
    };

    await page.keyboard.press('g');
    const tolerance = await page.evaluate(() => {
      const [{ window }] = studio.display.contrast.value;
      return studio.painting.tolerance.value * (window[1] - window[0]);
    });
    const inside = await inWindow(page, 180, 120);
    await page.mouse.click(inside.x, inside.y);
    await page.waitForFunction(() => studio.annotation.canUndo.value);
    const seed = await pointerAt(page).then(({ x, y }) => [Math.floor(x), Math.floor(y)] as const);
    const [isLike, isSame] = [similar(value, seed, tolerance), sameLabel(expected, seed)];
    const area = run(flood((x, y) => isLike(x, y) && isSame(x, y), seed, { size: [SIZE, SIZE] }));
    expect(area.pixels).toBeGreaterThan(2500);
    forEachRun(area, painter(expected, { value: 1 }));
    expect(hash(await pagePixels(page)), 'fill').toBe(hash(pixels(expected)));

    await page.keyboard.press('w');
    await page.evaluate(() => {
      studio.painting.size.value = 41;
    });
    const corner = await inWindow(page, 60, 220);
    await page.mouse.click(corner.x, corner.y);
    const { x, y } = await pointerAt(page);
    forEachRun(run(wand(value, [x, y], { size: [SIZE, SIZE], diameter: 41 })), painter(expected, { value: 1 }));
    expect(hash(await pagePixels(page)), 'wand').toBe(hash(pixels(expected)));
    expect(errors).toEqual([]);
    await close();
  });

  it('fills a large area in slices of time: presses wait for it, and Esc leaves nothing of it', async () => {
    const { page, errors, close } = await pages.open();
    await takeIn(page, { 'grey.png': greyPng(512, 512) });
    const found = await page.evaluate(async () => {
      const held = { alt: false, shift: false };
      const painted = (): number => studio.annotation.layer.value?.annotatedPixels() ?? 0;
      const press = (): void => {
        studio.painting.down({ x: 5, y: 5 }, held);
        studio.painting.up();
      };
      // By turns with the fill: messages are handled in their order.
      const { port1, port2 } = new MessageChannel();
      const nextTask = (): Promise<unknown> =>
        new Promise((next) => {
          port1.onmessage = next;
          port2.postMessage(undefined);
        });
      // A clock by which every step takes its whole slice.
      let clock = 0;
      performance.now = () => {
        clock += 100;
        return clock;
      };
      studio.painting.choose('fill');
      press();
      while (painted() === 0) await nextTask();
      const atEsc = painted();
      studio.painting.cancel();
      const left = { pixels: painted(), canUndo: studio.annotation.canUndo.value };
      press();
      press();
      studio.painting.finish();
      while (studio.painting.busy) await nextTask();
      const filled = { pixels: painted(), edits: studio.annotation.made.value };
      await studio.annotation.undo();
      return { atEsc, left, filled, undone: painted() };
    });
    expect(found.atEsc).toBeLessThan(512 * 512);
    expect(found.left).toEqual({ pixels: 0, canUndo: false });
    expect(found.filled).toEqual({ pixels: 512 * 512, edits: 1 });
    expect(found.undone).toBe(0);
    expect(errors).toEqual([]);
    await close();
  });
});
