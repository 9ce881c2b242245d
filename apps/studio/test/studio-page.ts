/** The built page in a browser, as a user has it; for tests and benchmarks. */

import { existsSync } from 'node:fs';
import { writePng } from 'lamella';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { preview } from 'vite';
import { afterAll, beforeAll, expect } from 'vitest';
import {
  type BrowserOptions,
  launchChromium,
  launchOptions,
  openPage,
  ROOT,
  whyNoBrowser,
} from '../../../test/browser/harness.ts';
import type { Studio } from '../src/state/studio.ts';

const APP = `${ROOT}apps/studio/`;
/** The folder of the built page. */
export const BUILT = `${ROOT}dist/studio/page/`;

declare global {
  var studio: Studio;
}

/** Why scenarios cannot run here, to be put into their names; undefined when they can. */
export const whyNoPage = whyNoBrowser();

/** Whether the long form of a scenario is wanted: `npm run test:studio`; `npm test` runs the short one. */
export const isLong = process.env.npm_lifecycle_event === 'test:studio';

/** Behind the name of what only the long form tests. */
export const LONG_ONLY = isLong ? '' : ' (SKIPPED: npm run test:studio)';

export interface OpenOptions {
  readonly width?: number;
  readonly height?: number;
  /** Device pixels per CSS pixel. */
  readonly density?: number;
  readonly dark?: boolean;
  /** The language that the browser asks for; default: English. */
  readonly locale?: string;
  /** A folder that keeps the storage for another page; default: the page has a storage of its own, which is gone with it. */
  readonly profile?: string;
  /** Whether the live preview begins by itself; default false. */
  readonly live?: boolean;
  /** Whether the browser has dialogs for files, which no test can answer; without them files are downloaded. Default true. */
  readonly dialogs?: boolean;
  /** Done before the page is loaded. */
  readonly prepare?: (context: BrowserContext) => Promise<unknown>;
}

export interface OpenedPage {
  readonly page: Page;
  /** What the page has written as errors so far. */
  readonly errors: readonly string[];
  close(): Promise<void>;
  /** Ends the browser at once, as a crash does; for a page with a profile. */
  crash(): Promise<void>;
}

/** Serves the built page as `lamella studio` does, with the headers that give it threads. */
export async function servePage(): Promise<{ readonly url: string; close(): Promise<void> }> {
  if (!existsSync(`${BUILT}index.html`)) throw new Error('The page is not built: npm run build');
  const server = await preview({
    root: APP,
    configFile: `${APP}vite.config.ts`,
    logLevel: 'error',
    preview: { port: 0, host: '127.0.0.1' },
  });
  return { url: server.resolvedUrls?.local[0] as string, close: () => server.close() };
}

/** The built page on a server, and a browser; each page has a storage of its own unless it has a profile. */
export interface StudioBrowser {
  open(options?: OpenOptions): Promise<OpenedPage>;
  close(): Promise<void>;
}

/** Serves the page and starts the browser. @throws Error if the page is not built */
export async function openStudioBrowser(options: Omit<BrowserOptions, 'webgl'> = {}): Promise<StudioBrowser> {
  const server = await servePage();
  const browser: Browser = await launchChromium({ ...options, webgl: true });
  return {
    async open({
      width = 1280,
      height = 800,
      density = 1,
      dark = false,
      locale = 'en-GB',
      profile,
      dialogs = true,
      live = false,
      prepare,
    }: OpenOptions = {}): Promise<OpenedPage> {
      const screen = {
        viewport: { width, height },
        deviceScaleFactor: density,
        locale,
        colorScheme: dark ? ('dark' as const) : ('light' as const),
      };
      const context =
        profile === undefined
          ? await browser.newContext(screen)
          : await chromium.launchPersistentContext(profile, { ...launchOptions({ webgl: true }), ...screen });
      await context.addInitScript((liveStarts) => {
        const name = 'lamella-studio';
        localStorage.setItem(name, JSON.stringify({ ...JSON.parse(localStorage.getItem(name) ?? '{}'), liveStarts }));
      }, live);
      if (!dialogs) {
        await context.addInitScript(() => {
          for (const name of ['showSaveFilePicker', 'showDirectoryPicker']) Reflect.deleteProperty(globalThis, name);
        });
      }
      await prepare?.(context);
      const page = await openPage(context);
      const errors: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text());
      });
      page.on('pageerror', (error) => errors.push(String(error)));
      await page.goto(server.url);
      await page.waitForFunction(() => globalThis.studio?.description.value !== undefined);
      return {
        page,
        errors,
        close: () => context.close(),
        async crash() {
          const gone = new Promise((closed) => context.once('close', closed));
          const devtools = await context.newCDPSession(page);
          void devtools.send('Browser.crash').catch(() => undefined);
          await gone;
        },
      };
    },
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/** A server of the built page and a browser for the tests of a file; each page has a storage of its own. */
export function studioPages(options: Omit<BrowserOptions, 'webgl'> = {}) {
  let browser: StudioBrowser | undefined;
  beforeAll(async () => {
    if (whyNoPage === undefined) browser = await openStudioBrowser(options);
  });
  afterAll(() => browser?.close());
  return { open: (opened?: OpenOptions): Promise<OpenedPage> => (browser as StudioBrowser).open(opened) };
}

/** An image of one grey. */
export const greyPng = (width: number, height: number): Uint8Array =>
  writePng({
    dtype: 'uint8',
    axes: 'yx',
    shape: [height, width],
    data: new Uint8Array(width * height).fill(90),
    spacing: {},
  });

/** Hands files in as a drop does, and waits until the first image is on the screen. */
export async function takeIn(page: Page, files: Readonly<Record<string, Uint8Array>>): Promise<void> {
  const given = Object.entries(files).map(([path, bytes]) => [path, Buffer.from(bytes).toString('base64')] as const);
  await page.evaluate(async (list) => {
    const decoded = list.map(([path, text]) => ({
      path,
      content: Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)),
    }));
    await studio.takeIn(decoded);
  }, given);
  await page.waitForFunction(() => studio.display.shown.value !== undefined);
  // What is drawn before the labels have come is drawn on nothing.
  await page.waitForFunction(() => studio.annotation.layer.value !== undefined);
  await page.locator('.canvas').waitFor();
  // The canvas has its size, and has been drawn in it.
  await page.waitForFunction(() => studio.display.canvas.value.width > 1);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

/** Waits for the images of the example; what is told instead ends the test. */
export async function exampleOpened(page: Page): Promise<void> {
  await page.waitForFunction(
    () =>
      studio.display.shown.value !== undefined || studio.messages.shown.value.some(({ kind }) => kind === 'problem'),
  );
  expect(await page.evaluate(() => studio.messages.shown.value)).toEqual([]);
  await page.waitForFunction(() => studio.annotation.layer.value !== undefined);
}

/** Opens one of the dialogs, has it looked at, and closes it. */
export async function inDialog(
  page: Page,
  name: NonNullable<Studio['dialog']['value']>,
  look: () => Promise<void>,
): Promise<void> {
  await page.evaluate((dialog) => {
    studio.dialog.value = dialog;
  }, name);
  await page.locator('dialog[open]').waitFor();
  await look();
  await closeDialog(page);
}

export async function closeDialog(page: Page): Promise<void> {
  await page.keyboard.press('Escape');
  await page.locator('dialog[open]').waitFor({ state: 'detached' });
}

/** Where an image point is in the window, in CSS pixels. */
export const inWindow = (page: Page, x: number, y: number): Promise<{ x: number; y: number }> =>
  page.evaluate(
    ([px, py]) => {
      const { x: cx, y: cy, scale } = studio.display.transform.value;
      const box = (document.querySelector('.canvas canvas') as HTMLElement).getBoundingClientRect();
      return {
        x: box.left + box.width / 2 + ((px - cx) * scale) / devicePixelRatio,
        y: box.top + box.height / 2 + ((py - cy) * scale) / devicePixelRatio,
      };
    },
    [x, y],
  );

/** Runs of the page's label layer that have a label: [row, from, to, label]. */
export const paintedRuns = (page: Page, slice = 0): Promise<[number, number, number, number][]> =>
  page.evaluate((at) => {
    const layer = studio.annotation.layer.value;
    if (layer === undefined) throw new Error('There is no layer.');
    const runs: [number, number, number, number][] = [];
    for (let y = 0; y < layer.height; y++) {
      const row = layer.read([0, y, layer.width, 1], at);
      for (let x = 0, to = 0; x < layer.width; x = to) {
        to = x + 1;
        while (to < layer.width && row[to] === row[x]) to++;
        if (row[x] !== layer.notAnnotated) runs.push([y, x, to, row[x]]);
      }
    }
    return runs;
  }, slice);
