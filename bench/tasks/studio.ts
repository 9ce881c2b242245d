/** What Studio's budgets limit, on the built page in a headless Chromium. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import type { BUDGETS } from '../../apps/studio/test/budgets.ts';
import { hostStatic } from '../../apps/studio/test/hosted-page.ts';
import { frameTime, numberObjects, openLarge, strokeTimes, undoTimes } from '../../apps/studio/test/large-image.ts';
import { memoryMb } from '../../apps/studio/test/memory.ts';
import {
  firstPreview,
  nextPreview,
  openCells,
  showNetwork,
  stroke,
  waited,
  watchPreviews,
} from '../../apps/studio/test/previews.ts';
import {
  fillTimes,
  hundredPngs,
  journalTimes,
  offlineTime,
  openTime,
  pageBytes,
  serverStartTime,
} from '../../apps/studio/test/speed.ts';
import { greyPng, type OpenOptions, openStudioBrowser, takeIn } from '../../apps/studio/test/studio-page.ts';
import { launchChromium } from '../../test/browser/harness.ts';
import type { Task } from './task.ts';

export interface StudioTask {
  readonly what: Measured;
  readonly radius?: number;
  readonly kind?: 'classes' | 'objects';
  /** A PNG of 512 x 512. */
  readonly image?: string;
}

/** The others are ratios of tasks of their own. */
type Measured = Exclude<keyof typeof BUDGETS, 'tabStep' | 'tabStepOfCpu' | 'liveStep' | 'serverPreview'>;
type Make = (options: StudioTask) => Promise<Task>;

export const studioTask = (options: StudioTask): Promise<Task> => TASKS[options.what](options);

/**
 * A task on one page.
 * @param prepare opens what is measured
 * @param run returns milliseconds, or what else is limited
 */
const onPage =
  (
    prepare: (page: Page, options: StudioTask) => Promise<void>,
    run: (page: Page, options: StudioTask, round: number) => Promise<number>,
    open: OpenOptions = {},
  ): Make =>
  async (options) => {
    const browser = await openStudioBrowser();
    const { page } = await browser.open(open);
    await prepare(page, options);
    let round = 0;
    return { run: () => run(page, options, round++), close: () => browser.close() };
  };

const openToPaint = async (page: Page, { kind }: StudioTask): Promise<void> => {
  await openLarge(page);
  if (kind === 'objects') await numberObjects(page);
};

const move = onPage(openToPaint, async (page, { radius = 8 }) => (await strokeTimes(page, 2 * radius)).median);

const openToFill = (page: Page): Promise<void> => takeIn(page, { 'grey.png': greyPng(2048, 2048) });
const openToJournal = (page: Page): Promise<void> => takeIn(page, { 'grey.png': greyPng(512, 512) });

const openToPreview = async (page: Page, { image }: StudioTask): Promise<void> => {
  await watchPreviews(page);
  // Once, so that the engine is warm.
  await firstPreview(page, image === undefined ? undefined : readFileSync(image));
};

const TASKS: { readonly [what in Measured]: Make } = {
  move,
  largestMove: move,
  moveTail: onPage(openToPaint, async (page, { radius = 8 }) => (await strokeTimes(page, 2 * radius)).p95),
  undo: onPage(openToPaint, async (page) => (await undoTimes(page)).undo),
  redo: onPage(openToPaint, async (page) => (await undoTimes(page)).redo),
  undoStroke: onPage(openToPaint, async (page, { radius = 8 }) => {
    await strokeTimes(page, 2 * radius);
    return page.evaluate(async () => {
      const start = performance.now();
      await studio.annotation.undo();
      return performance.now() - start;
    });
  }),
  flood: onPage(openToFill, async (page) => (await fillTimes(page)).ms),
  floodBlocks: onPage(openToFill, async (page) => (await fillTimes(page)).blockMs),
  frame: onPage(async (page) => {
    await openLarge(page, { channels: 2 });
    await undoTimes(page);
  }, frameTime),
  startBytes: async () => ({ run: async () => pageBytes().start }),
  workBytes: async () => ({ run: async () => pageBytes().work }),
  allBytes: async () => ({ run: async () => pageBytes().all }),
  offline: async () => {
    const hosted = await hostStatic();
    const browser = await launchChromium({ webgl: true });
    const page = await browser.newPage();
    await page.goto(hosted.url);
    await page.waitForFunction(() => globalThis.studio?.description.value !== undefined);
    return {
      run: () => offlineTime(page),
      async close() {
        await browser.close();
        await hosted.close();
      },
    };
  },
  open100: async () => {
    const browser = await openStudioBrowser();
    const files = hundredPngs();
    return {
      async run() {
        const { page, close } = await browser.open();
        const ms = await openTime(page, files);
        await close();
        return ms;
      },
      close: () => browser.close(),
    };
  },
  firstPreview: onPage(
    openToPreview,
    (page, { image }) => firstPreview(page, image === undefined ? undefined : readFileSync(image)),
    { live: true },
  ),
  quickPreview: onPage(
    async (page, options) => {
      await openToPreview(page, options);
      // The network, once it is better, would be shown instead.
      await page.evaluate(() => studio.live.set({ on: true, model: 'quick' }));
    },
    (page, _, round) => nextPreview(page, round, 'quick'),
    { live: true },
  ),
  networkPreview: onPage(
    async (page) => {
      await watchPreviews(page);
      await openCells(page);
      await stroke(page, '2', 40);
      await stroke(page, '1', 80);
      await waited(page, 1, 'quick');
      await showNetwork(page);
    },
    (page, _, round) => nextPreview(page, round, 'network'),
    { live: true },
  ),
  memory: async () => {
    const browser = await openStudioBrowser();
    return {
      async run() {
        const { page, close } = await browser.open({ live: true });
        const mb = await memoryMb(page);
        await close();
        return mb;
      },
      close: () => browser.close(),
    };
  },
  journal: onPage(openToJournal, async (page) => (await journalTimes(page)).ms),
  journalBlocks: onPage(openToJournal, async (page) => (await journalTimes(page)).blockMs),
  serverStart: async () => {
    const browser = await launchChromium({ webgl: true });
    return { run: () => serverStartTime(browser), close: () => browser.close() };
  },
};
