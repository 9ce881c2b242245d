/**
 * S22: a worker that ends, too little memory and a GPU that is lost are one sentence each: work goes on with a new worker,
 * a smaller network or another device, and nothing that was painted is lost.
 */

import type { BrowserContext, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { engineOf } from './held.ts';
import { greyPng, inWindow, type OpenOptions, paintedRuns, studioPages, takeIn, whyNoPage } from './studio-page.ts';

declare global {
  /** What the page has told its user. */
  var noted: string[];
}

const SIZE = 256;
const ENDED = 'What computes had ended and was started again; all that was painted is kept.';

/** Ends the worker of the engine from inside, as the browser does when memory is short. */
async function endWorker(page: Page): Promise<void> {
  const engine = engineOf(page);
  const gone = new Promise((closed) => engine.once('close', closed));
  await engine.evaluate(() => self.close());
  await gone;
}

/** Ends the process of the GPU, as a driver that crashes does. */
async function endGpu(page: Page): Promise<void> {
  const devtools = await page.context().browser()?.newBrowserCDPSession();
  if (devtools === undefined) throw new Error('The browser cannot be asked for its processes.');
  const { processInfo } = await devtools.send('SystemInfo.getProcessInfo');
  const ofGpu = processInfo.filter(({ type }) => type === 'GPU');
  expect(ofGpu).toHaveLength(1);
  for (const { id } of ofGpu) process.kill(id, 'SIGKILL');
  await devtools.detach();
}

/** The most that ONNX Runtime may take, in pages of 64 KiB: 60 MB instead of 4 GB. */
const FEW_PAGES = 960;

/** Memory is as short as it says above, by ONNX Runtime's own script, before anything was computed. */
async function littleMemory(context: BrowserContext): Promise<void> {
  await context.route('**/ort/*.mjs', async (route) => {
    const response = await route.fetch();
    const script = await response.text();
    const limited = script.replace('maximum:65536', `maximum:${FEW_PAGES}`);
    expect(limited).not.toBe(script);
    await route.fulfill({ response, body: limited });
  });
}

/** Keeps all that the page says from now on. */
const noteMessages = (page: Page): Promise<void> =>
  page.evaluate(() => {
    globalThis.noted = [];
    studio.messages.shown.subscribe((shown) => noted.push(...shown.map(({ text }) => text)));
  });

/** The software adapter, which is not used otherwise, passes for a GPU, before the worker has looked for one. */
async function softwarePassesForGpu(context: BrowserContext): Promise<void> {
  await context.route(/studio-worker[^/]*\.js/, async (route) => {
    const response = await route.fetch();
    const asGpu = `Object.defineProperty(GPUAdapterInfo.prototype, 'isFallbackAdapter', { get: () => false });`;
    await route.fulfill({ response, body: `${asGpu}\n${await response.text()}` });
  });
}

const problems = (page: Page): Promise<readonly string[]> =>
  page.evaluate(() => studio.messages.shown.value.filter(({ kind }) => kind === 'problem').map(({ text }) => text));

async function stroke(page: Page, key: string, y: number): Promise<void> {
  await page.keyboard.press(key);
  const [from, to] = [await inWindow(page, 20, y), await inWindow(page, SIZE - 20, y)];
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(to.x, to.y, { steps: 3 });
  await page.mouse.up();
}
const kept = (page: Page) => page.waitForFunction(() => studio.annotation.unkept.value === 0);

/** A small network on two strokes. */
const train = (page: Page, steps: number, settings: object) =>
  page.evaluate(([count, more]) => studio.engine.train({ steps: count, settings: more, from: 'scratch' }), [
    steps,
    { patch: [32, 32], depth: 1, baseChannels: 4, batch: 1, ...settings },
  ] as const);

/** A step of training, from now on. */
const firstStep = (page: Page): Promise<void> =>
  page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        studio.engine.subscribe(({ kind }) => kind === 'step' && resolve());
      }),
  );

describe.skipIf(whyNoPage !== undefined)(`S22 failures${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();
  const gpuPages = studioPages({ webgpu: true });

  async function openPainted(browser = pages, options: OpenOptions = {}) {
    const opened = await browser.open(options);
    await takeIn(opened.page, { 'grey.png': greyPng(SIZE, SIZE) });
    await stroke(opened.page, '2', 40);
    await stroke(opened.page, '1', 120);
    await kept(opened.page);
    return opened;
  }

  it('a worker that is killed between strokes and while it trains', async () => {
    const { page, errors, close } = await openPainted();
    await endWorker(page);
    await stroke(page, '2', 200);
    await kept(page);
    await expect.poll(() => problems(page)).toEqual([ENDED]);

    const step = firstStep(page);
    const training = train(page, 100_000, {}).catch(String);
    await step;
    await endWorker(page);
    expect(await training).toContain('was started again');
    await expect.poll(() => problems(page)).toEqual([ENDED]);
    expect(await train(page, 3, {})).toMatchObject({ steps: 3 });

    // What is there after all of it is there in another page, too, and can be undone.
    const painted = await paintedRuns(page);
    await page.reload();
    await page.getByRole('button', { name: /grey/ }).first().click();
    await page.waitForFunction(() => studio.annotation.layer.value !== undefined);
    expect(await paintedRuns(page)).toEqual(painted);
    for (let i = 0; i < 3; i++) await page.evaluate(() => studio.annotation.undo());
    expect(await paintedRuns(page)).toEqual([]);
    expect(errors).toEqual([]);
    await close();
  });

  it('too little memory for a network', async () => {
    const { page, errors, close } = await openPainted(pages, { prepare: littleMemory });
    await noteMessages(page);
    const first = engineOf(page);
    const painted = await paintedRuns(page);
    const run = await train(page, 2, { patch: [128, 128], batch: 8, baseChannels: 16, depth: 3 });
    expect(run).toMatchObject({ run: 'runs/1', steps: 2, stopped: false });
    const told = await page.evaluate(() => [...new Set(noted)]);
    console.log(`S22: ${told.join('\n')}`);
    expect(told).toContainEqual(
      expect.stringMatching(
        /^There is too little memory for this network, so one with .* is trained\. Studio goes on with WASM, \d+ threads?; nothing of your annotation is lost\.$/,
      ),
    );
    expect(engineOf(page)).not.toBe(first);
    expect(await problems(page)).toEqual([]);
    expect(await paintedRuns(page)).toEqual(painted);

    await stroke(page, '2', 200);
    await kept(page);
    expect(await train(page, 2, {})).toMatchObject({ run: 'runs/2', steps: 2 });
    expect(errors).toEqual([]);
    await close();
  });

  it('a GPU that is lost while it trains', async () => {
    const { page, errors, close } = await openPainted(gpuPages, { prepare: softwarePassesForGpu });
    expect(await page.evaluate(() => studio.description.value?.devices[0]?.name)).toBe('webgpu');
    await noteMessages(page);
    const step = firstStep(page);
    const training = train(page, 40, {});
    await step;
    await endGpu(page);
    expect(await training).toMatchObject({ run: 'runs/1', steps: 40, stopped: false });
    const told = await page.evaluate(() => [...new Set(noted)]);
    expect(told).toContainEqual(
      expect.stringMatching(
        /^The GPU was lost: .*\. Studio goes on with WASM, \d+ threads?; nothing of your annotation is lost\.$/,
      ),
    );
    expect(told.filter((words) => words.startsWith('The GPU was lost'))).toHaveLength(1);
    expect(await page.evaluate(() => studio.description.value?.devices[0]?.label)).toMatch(/^WASM/);
    await stroke(page, '2', 200);
    await kept(page);
    expect(await problems(page)).toEqual([]);
    const painted = await paintedRuns(page);
    await page.reload();
    await page.getByRole('button', { name: /grey/ }).first().click();
    await page.waitForFunction(() => studio.annotation.layer.value !== undefined);
    expect(await paintedRuns(page)).toEqual(painted);
    expect(errors).toEqual([]);
    await close();
  });
});
