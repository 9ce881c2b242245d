/** S10, S11: an image of 8192 x 8192 pixels, and 70,000 objects: painting, undo and moving stay within their budgets. */

import { describe, expect, it } from 'vitest';
import { BUDGETS } from './budgets.ts';
import { frameTime, numberObjects, openingFrameTime, openLarge, SIDE, strokeTimes, undoTimes } from './large-image.ts';
import { isLong, studioPages, whyNoPage } from './studio-page.ts';

const why = whyNoPage ?? (isLong ? undefined : 'npm run test:studio');

describe.skipIf(why !== undefined)(`S10 S11 large${why === undefined ? '' : ` (${why})`}`, () => {
  const pages = studioPages();

  it.each(['classes', 'objects'])('S10: paints %s within its budget, whatever the size of the brush', async (kind) => {
    const { page, errors, close } = await pages.open();
    await openLarge(page);
    if (kind === 'objects') await numberObjects(page);
    for (const [diameter, { gate }] of [
      [16, BUDGETS.move],
      [128, BUDGETS.move],
      [512, BUDGETS.move],
      [4000, BUDGETS.largestMove],
    ] as const) {
      const { median, p95 } = await strokeTimes(page, diameter);
      console.log(
        `S10: ${kind}, brush of ${diameter} px: ${median.toFixed(2)} ms median, ${p95.toFixed(2)} ms 95th percentile`,
      );
      expect(median, `${diameter} px`).toBeLessThanOrEqual(gate);
    }
    const { undo, redo } = await undoTimes(page);
    console.log(`S10: undo of 4096 x 4096 ${kind}: ${undo.toFixed(0)} ms, redo: ${redo.toFixed(0)} ms`);
    expect(undo).toBeLessThanOrEqual(BUDGETS.undo.gate);
    expect(redo).toBeLessThanOrEqual(BUDGETS.redo.gate);
    expect(errors).toEqual([]);
    await close();
  });

  it('S10: moves two channels and labels within its budget', async () => {
    const { page, errors, close } = await pages.open();
    const openingMs = await openingFrameTime(page, { channels: 2 });
    expect(await page.evaluate(() => studio.display.channels.value.length)).toBe(2);
    await undoTimes(page);
    const frameMs = await frameTime(page);
    console.log(
      `S10: a frame in ${frameMs.toFixed(2)} ms, right after opening ${openingMs.toFixed(2)} ms, without the graphics driver`,
    );
    expect(openingMs).toBeLessThanOrEqual(BUDGETS.frame.gate);
    expect(frameMs).toBeLessThanOrEqual(BUDGETS.frame.gate);
    expect(errors).toEqual([]);
    await close();
  });

  it('S11: names 70,000 objects right, to the largest number', async () => {
    const { page, errors, close } = await pages.open();
    await openLarge(page);
    await numberObjects(page);
    const found = await page.evaluate(async (side) => {
      const { layer: current } = studio.annotation;
      const layer = current.value;
      if (layer === undefined) throw new Error('There is no layer.');
      const pitch = 30;
      const columns = Math.floor(side / pitch);
      const number = (i: number): number => (i === 0 ? 2 ** 31 - 2 : i);
      for (let i = 0; i < 70_000; i++) {
        const [x, y] = [(i % columns) * pitch, Math.floor(i / columns) * pitch];
        for (let row = 0; row < 20; row++) layer.fill(0, y + row, x, x + 20, number(i));
      }
      studio.annotation.commit('many');
      let wrong = 0;
      for (let i = 0; i < 70_000; i += 7) {
        const [x, y] = [(i % columns) * pitch + 9, Math.floor(i / columns) * pitch + 9];
        if (layer.get(x, y) !== number(i)) wrong++;
      }
      return { wrong, objects: layer.labels().length };
    }, SIDE);
    expect(found).toEqual({ wrong: 0, objects: 70_000 });
    const frameMs = await frameTime(page);
    console.log(`S11: a frame in ${frameMs.toFixed(2)} ms, without the graphics driver`);
    expect(frameMs).toBeLessThanOrEqual(BUDGETS.frame.gate);
    expect(errors).toEqual([]);
    await close();
  });
});
