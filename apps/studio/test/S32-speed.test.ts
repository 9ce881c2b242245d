/** S32: starting, opening, filling, keeping and training stay within their budgets. */

import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { browserTask } from '../../../bench/tasks/browser.ts';
import { liveStepTask, plainStepTask } from '../../../bench/tasks/live.ts';
import { browserPreviewTask, networkPreviewTask } from '../../../bench/tasks/network-preview.ts';
import { stepTask } from '../../../bench/tasks/step.ts';
import type { Task } from '../../../bench/tasks/task.ts';
import { wasmStepTask } from '../../../bench/tasks/wasm-step.ts';
import { launchChromium, openPage } from '../../../test/browser/harness.ts';
import { BUDGETS } from './budgets.ts';
import { hostStatic } from './hosted-page.ts';
import { memoryMb } from './memory.ts';
import { fillTimes, hundredPngs, journalTimes, offlineTime, openTime, serverStartTime } from './speed.ts';
import { greyPng, isLong, LONG_ONLY, studioPages, takeIn, whyNoPage } from './studio-page.ts';

const STEP = { base: 32, size: 128, batch: 1 };

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] as number;

/** Both by turns. @returns the median time of the first as a multiple of the second's */
async function ratio(first: Task, second: Task, rounds = 5): Promise<number> {
  const [ours, others]: [number[], number[]] = [[], []];
  const timed = async (task: Task): Promise<number> => {
    const start = performance.now();
    return (await task.run()) ?? performance.now() - start;
  };
  for (let round = -2; round < rounds; round++) {
    const [mine, other] = [await timed(first), await timed(second)];
    if (round < 0) continue;
    ours.push(mine);
    others.push(other);
  }
  await first.close?.();
  await second.close?.();
  console.log(`S32: ${median(ours).toFixed(0)} ms against ${median(others).toFixed(0)} ms`);
  return median(ours) / median(others);
}

describe.skipIf(whyNoPage !== undefined)(`S32 speed${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it('opens 100 images within its budget', async () => {
    const { page, errors, close } = await pages.open();
    const ms = await openTime(page, hundredPngs());
    console.log(`S32: 100 images after ${ms.toFixed(0)} ms`);
    expect(ms).toBeLessThanOrEqual(BUDGETS.open100.gate);
    expect(errors).toEqual([]);
    await close();
  });

  it('keeps a stroke within a second, which the page does not notice', async () => {
    const { page, errors, close } = await pages.open();
    await takeIn(page, { 'grey.png': greyPng(512, 512) });
    const times: { readonly ms: number; readonly blockMs: number }[] = [];
    for (let i = 0; i < 11; i++) times.push(await journalTimes(page));
    const [longest, block] = [Math.max(...times.map(({ ms }) => ms)), median(times.map(({ blockMs }) => blockMs))];
    console.log(`S32: a stroke is kept after ${longest.toFixed(0)} ms, with a task of ${block.toFixed(1)} ms`);
    expect(longest).toBeLessThanOrEqual(BUDGETS.journal.gate);
    expect(block).toBeLessThanOrEqual(BUDGETS.journalBlocks.gate);
    expect(errors).toEqual([]);
    await close();
  });

  it('lamella studio starts within its budget', async () => {
    const browser = await launchChromium({ webgl: true });
    const ms = await serverStartTime(browser);
    await browser.close();
    console.log(`S32: lamella studio after ${ms.toFixed(0)} ms`);
    expect(ms).toBeLessThanOrEqual(BUDGETS.serverStart.gate);
  });

  it('answers while it fills 4 Mpx', async () => {
    const { page, errors, close } = await pages.open();
    await takeIn(page, { 'grey.png': greyPng(2048, 2048) });
    const { ms, blockMs } = await fillTimes(page);
    console.log(`S32: filled after ${ms.toFixed(0)} ms, without an answer for ${blockMs.toFixed(0)} ms`);
    expect(blockMs).toBeLessThanOrEqual(BUDGETS.floodBlocks.gate);
    expect(errors).toEqual([]);
    await close();
  });

  it('loads again without a network', async () => {
    const hosted = await hostStatic();
    const browser = await launchChromium({ webgl: true });
    const page = await openPage(browser);
    await page.goto(hosted.url);
    await page.waitForFunction(() => globalThis.studio?.description.value !== undefined);
    const ms = await offlineTime(page);
    await browser.close();
    await hosted.close();
    console.log(`S32: loaded without a network after ${ms.toFixed(0)} ms`);
    expect(ms).toBeLessThanOrEqual(BUDGETS.offline.gate);
  });

  it('has a large image in its memory', async () => {
    const { page, errors, close } = await pages.open({ live: true });
    const mb = await memoryMb(page);
    console.log(`S32: ${mb.toFixed(0)} MB with an image of 8192 x 8192`);
    expect(mb).toBeLessThanOrEqual(BUDGETS.memory.gate);
    expect(errors).toEqual([]);
    await close();
  });

  it('trains in the tab as fast as the same WebAssembly in Node', async () => {
    const found = await ratio(await browserTask(STEP), await wasmStepTask(STEP));
    console.log(`S32: a step takes ${found.toFixed(2)} times as long as the same WebAssembly in Node`);
    expect(found).toBeLessThanOrEqual(BUDGETS.tabStep.gate);
  });

  // Vectors of WebAssembly have four numbers, those of Node's CPU as many as the processor has: its figure is the machine's.
  it.skipIf(!isLong)(`trains in the tab about as fast as Node's CPU${LONG_ONLY}`, async () => {
    const found = await ratio(await browserTask(STEP), await stepTask({ net: 'unet', ...STEP }));
    console.log(`S32: a step takes ${found.toFixed(2)} times as long as Node's CPU, ${availableParallelism()} threads`);
    expect(found).toBeLessThanOrEqual(BUDGETS.tabStepOfCpu.gate);
  });

  it('loses little time between the steps of the live loop', async () => {
    const found = await ratio(await liveStepTask(), await plainStepTask());
    console.log(`S32: a live step takes ${found.toFixed(2)} times as long as a plain one`);
    expect(found).toBeLessThanOrEqual(BUDGETS.liveStep.gate);
  });

  it('has previews sooner by the server', async () => {
    const preview = { base: 16, size: 512 };
    const found = await ratio(await networkPreviewTask(preview), await browserPreviewTask(preview));
    console.log(`S32: a preview by the server takes ${found.toFixed(2)} times as long as in the tab`);
    expect(found).toBeLessThanOrEqual(BUDGETS.serverPreview.gate);
  });
});
