/** S30: with pen, palm and fingers, only the pen draws; fingers move and zoom. */

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { greyPng, inWindow, paintedRuns, studioPages, takeIn, whyNoPage } from './studio-page.ts';

type Kind = 'pen' | 'touch' | 'mouse';
type Held = { readonly button?: number; readonly buttons?: number };

/** A pointer of some kind, on the image. */
const pointer =
  (page: Page, kind: Kind, id: number) =>
  async (
    event: 'down' | 'move' | 'up',
    x: number,
    y: number,
    { button = 0, buttons = 1 }: Held = {},
  ): Promise<void> => {
    const at = await inWindow(page, x, y);
    await page.evaluate(
      ([type, pointerType, pointerId, clientX, clientY, pressed, held]) => {
        const canvas = document.querySelector('.canvas') as HTMLElement;
        // A pointer that no device has cannot be captured.
        canvas.setPointerCapture = () => undefined;
        canvas.dispatchEvent(
          new PointerEvent(`pointer${type}`, {
            pointerType: pointerType as string,
            pointerId: pointerId as number,
            clientX: clientX as number,
            clientY: clientY as number,
            button: type === 'move' ? -1 : (pressed as number),
            buttons: type === 'up' ? 0 : (held as number),
            bubbles: true,
            cancelable: true,
          }),
        );
      },
      [event, kind, id, at.x, at.y, button, buttons] as const,
    );
  };

const paintedPixels = async (page: Page): Promise<number> =>
  (await paintedRuns(page)).reduce((sum, [, from, to]) => sum + to - from, 0);

const transform = (page: Page) => page.evaluate(() => studio.display.transform.value);

describe.skipIf(whyNoPage !== undefined)(`S30 pen and touch${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it('drops the palm beside the pen', async () => {
    const { page, errors, close } = await pages.open();
    await takeIn(page, { 'grey.png': greyPng(400, 400) });
    const [pen, palm] = [pointer(page, 'pen', 11), pointer(page, 'touch', 12)];
    const before = await transform(page);
    await pen('down', 100, 100);
    await palm('down', 300, 300);
    await palm('move', 200, 300);
    await pen('move', 200, 100);
    await palm('up', 200, 300);
    await pen('up', 200, 100);
    expect(await transform(page)).toEqual(before);
    const rows = (await paintedRuns(page)).map(([row]) => row);
    expect(Math.min(...rows)).toBe(92);
    expect(Math.max(...rows)).toBe(107);
    expect(errors).toEqual([]);
    await close();
  });

  it('moves with one finger and zooms with two, and a setting lets a finger draw', async () => {
    const { page, errors, close } = await pages.open();
    await takeIn(page, { 'grey.png': greyPng(400, 400) });
    const [first, second] = [pointer(page, 'touch', 21), pointer(page, 'touch', 22)];
    const before = await transform(page);
    await first('down', 200, 200);
    await first('move', 150, 200);
    const moved = await transform(page);
    expect(moved.x).toBeCloseTo(before.x + 50, 0);
    expect(moved.scale).toBe(before.scale);
    await second('down', 250, 200);
    await second('move', 300, 200);
    expect((await transform(page)).scale).toBeGreaterThan(1.2 * before.scale);
    await second('up', 300, 200);
    await first('up', 150, 200);
    expect(await paintedPixels(page)).toBe(0);

    await page.evaluate(() => {
      studio.settings.fingerDraws.value = true;
    });
    await first('down', 200, 200);
    await first('up', 200, 200);
    expect(await paintedPixels(page)).toBeGreaterThan(100);
    expect(errors).toEqual([]);
    await close();
  });

  it('undoes with a tap of three fingers, which do not move', async () => {
    const { page, errors, close } = await pages.open();
    await takeIn(page, { 'grey.png': greyPng(400, 400) });
    const pen = pointer(page, 'pen', 11);
    await pen('down', 100, 100);
    await pen('up', 100, 100);
    await page.waitForFunction(() => studio.annotation.canUndo.value);
    const fingers = [31, 32, 33].map((id) => pointer(page, 'touch', id));
    /** All down at once, moved sideways, and up again. */
    const tap = async (byPx: number): Promise<void> => {
      for (const [i, finger] of fingers.entries()) await finger('down', 150 + 40 * i, 200);
      if (byPx > 0) for (const [i, finger] of fingers.entries()) await finger('move', 150 + 40 * i + byPx, 200);
      for (const [i, finger] of fingers.entries()) await finger('up', 150 + 40 * i + byPx, 200);
    };
    await tap(60);
    expect(await paintedPixels(page)).toBeGreaterThan(100);
    // What the browser says of the time is by its clock; a slow machine takes longer over the taps.
    await page.evaluate(() => Object.defineProperty(Event.prototype, 'timeStamp', { value: 0 }));
    await tap(0);
    await page.waitForFunction(() => studio.annotation.canRedo.value);
    expect(await paintedPixels(page)).toBe(0);
    expect(errors).toEqual([]);
    await close();
  });

  it('erases with the eraser end of the pen and picks with its barrel', async () => {
    const { page, errors, close } = await pages.open();
    await takeIn(page, { 'grey.png': greyPng(400, 400) });
    const pen = pointer(page, 'pen', 31);
    await pen('down', 200, 200);
    await pen('up', 200, 200);
    await page.keyboard.press('1');
    expect(await page.evaluate(() => studio.painting.classAt.value)).toBe(0);
    await pen('down', 200, 200, { button: 2, buttons: 2 });
    await pen('up', 200, 200, { button: 2 });
    expect(await page.evaluate(() => studio.painting.classAt.value)).toBe(1);
    await pen('down', 200, 200, { button: 5, buttons: 32 });
    await pen('up', 200, 200, { button: 5 });
    expect(await paintedPixels(page)).toBe(0);
    expect(errors).toEqual([]);
    await close();
  });
});
