/** What opening, filling and keeping cost a page; budgets.ts has the limits. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';
import { page as pageOf, writePng } from 'lamella';
import { phantom } from 'lamella/phantom';
import type { Browser, Page } from 'playwright-core';
import { openPage, ROOT } from '../../../test/browser/harness.ts';
import { BUILT } from './studio-page.ts';

declare global {
  /** Milliseconds of the longest time in which the page did not answer while something is done. */
  var longestBlock: (work: () => Promise<unknown>) => Promise<number>;
}

const watchBlocks = (page: Page): Promise<void> =>
  page.evaluate(() => {
    globalThis.longestBlock = async (work) => {
      let [longest, last] = [0, performance.now()];
      let isOver = false;
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        const now = performance.now();
        longest = Math.max(longest, now - last);
        last = now;
        if (!isOver) port2.postMessage(undefined);
      };
      port2.postMessage(undefined);
      await work();
      isOver = true;
      return Math.max(longest, performance.now() - last);
    };
  });

/** Fills the image on the screen, and takes that back. */
export async function fillTimes(page: Page): Promise<{ readonly ms: number; readonly blockMs: number }> {
  await watchBlocks(page);
  return page.evaluate(async () => {
    studio.painting.choose('fill');
    const filled = async (): Promise<void> => {
      const done = studio.annotation.edits.value + 1;
      studio.painting.down({ x: 5, y: 5 }, { alt: false, shift: false });
      studio.painting.up();
      while (studio.annotation.edits.value < done) await new Promise((next) => setTimeout(next));
    };
    const start = performance.now();
    await filled();
    const ms = performance.now() - start;
    await studio.annotation.undo();
    const blockMs = await longestBlock(filled);
    await studio.annotation.undo();
    return { ms, blockMs };
  });
}

/** What Chromium calls a task in a trace. */
const TASK = 'ThreadControllerImpl::RunTask';

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds: begin, duration, and what of it the thread was running on a processor. */
  readonly ts: number;
  readonly dur: number;
  /** Missing of a task that ended within a microsecond of it. */
  readonly tdur?: number;
}

/** A stroke of 16 pixels, 300 long. @returns milliseconds from its end until it is kept, and of the page for that */
export async function journalTimes(page: Page): Promise<{ readonly ms: number; readonly blockMs: number }> {
  const browser = page.context().browser();
  if (browser === null) throw new Error('Only a browser that was launched can be traced.');
  await browser.startTracing(page, { categories: ['toplevel', 'blink.user_timing'] });
  const ms = await page.evaluate(async () => {
    studio.painting.choose('brush');
    const held = { alt: false, shift: false };
    const y = 20 + ((studio.annotation.edits.value * 17) % 400);
    studio.painting.down({ x: 50, y }, held);
    for (let x = 60; x <= 350; x += 10) studio.painting.move([{ x, y }], held);
    // What the moves have left to draw is not of the journal.
    await new Promise(requestAnimationFrame);
    await new Promise((next) => setTimeout(next));
    performance.mark('ended');
    studio.painting.up();
    await new Promise<void>((kept) => {
      studio.annotation.unkept.subscribe((count) => count === 0 && kept());
    });
    performance.mark('kept');
    return performance.measure('keeping', 'ended', 'kept').duration;
  });
  return { ms, blockMs: longestTask(await browser.stopTracing()) };
}

/**
 * The longest task of a page between its marks `ended` and `kept`, in milliseconds of its thread's own processor time:
 * where two cores draw the graphics, too, the clock also counts how long the thread waited for a core.
 */
function longestTask(trace: Buffer): number {
  const { traceEvents }: { readonly traceEvents: readonly TraceEvent[] } = JSON.parse(trace.toString());
  const mark = (name: string): TraceEvent => {
    const found = traceEvents.find((event) => event.name === name);
    if (found === undefined) throw new Error(`The trace has no mark '${name}'.`);
    return found;
  };
  const [from, to] = [mark('ended'), mark('kept')];
  const times = traceEvents
    .filter(({ name, pid, tid }) => name === TASK && pid === from.pid && tid === from.tid)
    .filter(({ ts, dur }) => ts + dur > from.ts && ts < to.ts)
    .map(({ tdur = 0 }) => tdur / 1000);
  if (!(Math.max(...times) > 0)) throw new Error('The trace has no task with its processor time.');
  return Math.max(...times);
}

/** 100 images of 512 x 512, no two of which are equal: a copy would not be taken twice. */
export function hundredPngs(): readonly Uint8Array[] {
  const cells = pageOf(phantom({ width: 512, height: 512, depth: 1, seed: 1 }).image, 0);
  return Array.from({ length: 100 }, (_, i) => {
    cells.data[i] = 255 - Number(cells.data[i]);
    return writePng(cells);
  });
}

/** Drops images on a page. @returns milliseconds to the last thumbnail */
export const openTime = (page: Page, pngs: readonly Uint8Array[]): Promise<number> =>
  page.evaluate(
    async (texts) => {
      const files = texts.map((text, i) => ({
        path: `s${i}.png`,
        content: new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))]),
      }));
      const start = performance.now();
      await studio.takeIn(files);
      while (studio.project.thumbnails.value.size < files.length) {
        if (performance.now() - start > 60_000) {
          throw new Error(`After a minute there are ${studio.project.thumbnails.value.size} thumbnails.`);
        }
        await new Promise((next) => setTimeout(next, 5));
      }
      return performance.now() - start;
    },
    pngs.map((bytes) => Buffer.from(bytes).toString('base64')),
  );

/** Starts `lamella studio` on an empty folder. @returns milliseconds to the page that can be used */
export async function serverStartTime(browser: Browser): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'lamella-studio-'));
  const context = await browser.newContext();
  const page = await openPage(context);
  const start = performance.now();
  const server = spawn(process.execPath, [`${ROOT}dist/cli/main.js`, 'studio', folder, '--no-open'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await page.goto(await addressOf(server));
    await page.waitForFunction(() => globalThis.studio?.description.value !== undefined);
    return performance.now() - start;
  } finally {
    const ended = new Promise((exit) => server.once('exit', exit));
    server.kill();
    await ended;
    await context.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function addressOf({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('The server has no output.');
  for await (const line of createInterface({ input: stdout })) {
    const [address] = /http:\/\/\S+/.exec(line) ?? [];
    if (address !== undefined) return address;
  }
  throw new Error('The server did not say where it is.');
}

/** Loads a page again that its service worker keeps, without a network. @returns milliseconds until it can be used */
export async function offlineTime(page: Page): Promise<number> {
  await page.context().setOffline(true);
  const start = performance.now();
  await page.reload();
  await page.waitForFunction(() => globalThis.studio?.description.value !== undefined);
  const ms = performance.now() - start;
  await page.context().setOffline(false);
  return ms;
}

/**
 * Kilobytes of the built page, compressed: what the start screen loads; and all scripts but codecs, Zarr and HDF5, without
 * what is loaded when something is measured, and with it. Of ONNX Runtime's two a page loads one, and of the languages:
 * the larger counts.
 */
export function pageBytes(): Readonly<Record<'start' | 'work' | 'all', number>> {
  const html = readFileSync(`${BUILT}index.html`, 'utf8');
  const named = html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.(?:js|css))"/g);
  const start = [...new Set(Array.from(named, ([, file]) => file as string))];
  const scripts = readdirSync(`${BUILT}assets`).filter((name) => name.endsWith('.js'));
  const own = scripts.filter(
    (name) =>
      !/^(?:charls|openjpeg|libjpegturbo|lossless|blosc|lz4|zstd|zarr|hdf5|ort[.-]|web-assembly|(?:en|de)-)/.test(name),
  );
  const runtimes = [/^ort\.webgpu/, /^(?:ort-wasm|web-assembly)/].map((kind) =>
    scripts.filter((name) => kind.test(name)),
  );
  const languages = scripts.filter((name) => /^(?:en|de)-/.test(name));
  const work = own.filter((name) => !/^measuring/.test(name));
  const isAsBuilt =
    start.length >= 2 &&
    runtimes.map((files) => files.length).join() === '1,2' &&
    languages.length === 2 &&
    work.length < own.length &&
    ['zarr', 'hdf5'].every((kind) => scripts.some((name) => name.startsWith(kind)));
  if (!isAsBuilt) throw new Error('The page is not as it is built.');
  const kb = (names: readonly string[]): number => compressedKb(names.map((name) => `assets/${name}`));
  const largestOf = (sets: readonly (readonly string[])[]): number => Math.max(...sets.map(kb));
  const language = largestOf(languages.map((name) => [name]));
  const either = language + largestOf(runtimes);
  return { start: compressedKb(start) + language, work: kb(work) + either, all: kb(own) + either };
}

/** The script of the built page whose name matches, and all that it imports before it runs. */
export function loadedAtOnce(name: RegExp): readonly string[] {
  const found = readdirSync(`${BUILT}assets`).filter((script) => name.test(script) && script.endsWith('.js'));
  for (const script of found) {
    const imports = readFileSync(`${BUILT}assets/${script}`, 'utf8').matchAll(/(?:from|import) ?"\.\/([^"]+)"/g);
    for (const [, other] of imports) if (!found.includes(other as string)) found.push(other as string);
  }
  return found;
}

const compressedKb = (files: readonly string[]): number =>
  files.reduce((sum, file) => sum + gzipSync(readFileSync(`${BUILT}${file}`)).length, 0) / 1000;
