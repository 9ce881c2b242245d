/**
 * S36: strokes, previews, trainings, segmentations and openings leave nothing behind: nothing is there more of after each
 * round. The long form measures bytes as well.
 */

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { countInEngine, engineOf, grownEachTime, type Held, openHeld } from './held.ts';
import { greyPng, isLong, studioPages, takeIn, whyNoPage } from './studio-page.ts';

declare global {
  var left: { readonly One: new () => object; readonly all: object[] };
}

const SIZE = 256;
/** Rounds until code is loaded, caches are filled and WebAssembly has the memory that it needs; and rounds after them. */
const [WARM_UP, ROUNDS] = isLong ? [4, 6] : [1, 3];
/** Of each round; it trains once and opens the project twice. */
const STROKES = isLong ? 30 : 6;
/** Of the bytes that are held, from the end of the warm-up to the last round. */
const MOST_GROWTH = 0.01;

/** Strokes all over the image, alternately of two classes. */
const paint = (page: Page, count: number, seed: number): Promise<void> =>
  page.evaluate(
    async ([many, from, size]) => {
      const held = { alt: false, shift: false };
      for (let i = 0; i < many; i++) {
        const at = (k: number): number => 20 + ((from + 37 * i + 91 * k) % (size - 40));
        studio.painting.classAt.value = i % 2;
        studio.painting.down({ x: at(1), y: at(2) }, held);
        for (let k = 3; k < 9; k++) studio.painting.move([{ x: at(k), y: at(k + 7) }], held);
        studio.painting.up();
        await new Promise((next) => setTimeout(next));
      }
    },
    [count, seed, SIZE],
  );

/** What is seen by the count if one is left in each round. */
const ON_PURPOSE = ['page: LeftOnPurpose', 'engine: LeftOnPurpose'];

function leaveOne(): void {
  globalThis.left ??= { One: class LeftOnPurpose {}, all: [] };
  left.all.push(new left.One());
}

async function openProject(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^grey/ }).click();
  await page.waitForFunction(() => studio.annotation.layer.value !== undefined);
}

async function leaveProject(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'All projects' }).click();
  await page.waitForFunction(() => studio.project.state.value === undefined);
  await page.getByRole('button', { name: /^grey/ }).waitFor();
}

/** What a user does with an open project, which is left at the end. */
async function work(page: Page, seed: number): Promise<void> {
  await paint(page, STROKES, seed);
  await page.waitForFunction(() => studio.annotation.unkept.value === 0);
  await page.evaluate(() => studio.live.set({ on: true, model: 'auto' }));
  await page.waitForFunction(() => studio.live.tiles.value.length > 0);
  if (isLong) await page.waitForFunction(() => studio.live.networkStep.value > 0);
  await page.evaluate(async () => {
    studio.live.set({ on: false, model: 'auto' });
    const settings = { patch: [64, 64], depth: 2, baseChannels: 4, batch: 1 } as const;
    await studio.engine.train({ steps: 3, settings, from: 'scratch' });
    await studio.measuring.run();
  });
  expect(await page.evaluate(() => studio.measuring.images.value)).toBe(1);
  await leaveProject(page);
  await openProject(page);
  await leaveProject(page);
}

/** From the first value to the last, by the median slope over all pairs, as a share of their median. */
function growthOf(values: readonly number[]): number {
  const middle = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1];
  const slopes = values.flatMap((value, i) => values.slice(i + 1).map((other, k) => (other - value) / (k + 1)));
  return (middle(slopes) * (values.length - 1)) / middle(values);
}

function expectSteady(found: readonly Held[]): void {
  for (const what of ['page', 'engine', 'wasm'] as const) {
    const values = found.map(({ bytes }) => bytes[what]);
    const growth = growthOf(values.slice(WARM_UP - 1));
    const inMb = values.map((bytes) => (bytes / 1e6).toFixed(3)).join(', ');
    console.log(`S36: ${what}: ${inMb} MB; growth ${(100 * growth).toFixed(2)} %`);
    expect(growth, what).toBeLessThanOrEqual(MOST_GROWTH);
  }
}

describe.skipIf(whyNoPage !== undefined)(`S36 soak${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();
  const all = WARM_UP + ROUNDS;

  it(`${all * STROKES} strokes, ${all} trainings and ${2 * all} openings`, async () => {
    const { page, errors, close } = await pages.open({ prepare: countInEngine });
    await takeIn(page, { 'grey.png': greyPng(SIZE, SIZE) });
    const held = await openHeld(page);
    const found: Held[] = [];
    for (let round = 0; round < all; round++) {
      if (round > 0) await openProject(page);
      await work(page, 131 * round);
      await page.evaluate(leaveOne);
      await engineOf(page).evaluate(leaveOne);
      found.push(await held());
    }
    const before = found.slice(WARM_UP - 1, -1);
    // What only a timer holds is gone in the end.
    await expect.poll(async () => grownEachTime([...before, await held()])).toEqual(ON_PURPOSE);
    if (isLong) expectSteady(found);
    expect(errors).toEqual([]);
    await close();
  });
});
