/**
 * S34: Firefox, and Chromium with the storage of older Safaris, open an image, paint, undo, save and train. WebKit as Debian
 * has it lets no page write to its storage: it opens the page, which says so.
 */

import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BrowserPage, openFirefox, openWebKit, whyNoFirefox, whyNoWebKit } from './other-browsers.ts';
import { greyPng, inWindow, paintedRuns, servePage, studioPages, takeIn, whyNoPage } from './studio-page.ts';

const SIZE = 128;
const TINY = { patch: [32, 32], depth: 1, baseChannels: 4, batch: 1 };
const SAVED = ['lamella.json', 'images/grey.png', 'labels/grey.tif', 'runs/1/last.onnx'].map((file) => `grey/${file}`);

const named = (name: string, why: string | undefined): string =>
  why === undefined ? `S34 ${name}` : `S34 ${name} (SKIPPED: ${why})`;

/** Asks the page until it says yes. */
async function until(tab: BrowserPage, condition: () => boolean): Promise<void> {
  await expect.poll(() => tab.evaluate(condition), { interval: 100 }).toBe(true);
}

/** A server of the page, and a browser, in which it is opened when asked for. */
function openedIn<P extends BrowserPage>(open: () => Promise<P>, why: string | undefined): () => Promise<P> {
  let server: Awaited<ReturnType<typeof servePage>>;
  let tab: P;
  beforeAll(async () => {
    if (why !== undefined) return;
    server = await servePage();
    tab = await open();
  });
  afterAll(async () => {
    await tab?.close();
    await server?.close();
  });
  return async () => {
    await tab.goto(server.url);
    await until(tab, () => globalThis.studio?.description.value !== undefined);
    return tab;
  };
}

/** As a drop does. */
const takeInGrey = (tab: BrowserPage): Promise<void> =>
  tab.evaluate(
    (bytes) => studio.takeIn([{ path: 'grey.png', content: new File([Uint8Array.from(bytes)], 'grey.png') }]),
    [...greyPng(SIZE, SIZE)],
  );

describe.skipIf(whyNoFirefox !== undefined)(named('Firefox', whyNoFirefox), () => {
  const opened = openedIn(openFirefox, whyNoFirefox);

  it('opens a PNG, paints, undoes, trains five steps and saves a zip', async () => {
    const tab = await opened();
    const painted = (): Promise<readonly number[]> =>
      tab.evaluate(() => {
        const layer = studio.annotation.layer.value;
        if (layer === undefined) throw new Error('There is no layer.');
        return [0, 1].map((label) => layer.pixels(label));
      });
    /** Drags along image points. */
    const drag = async (...points: readonly (readonly [number, number])[]): Promise<void> => {
      const window = await tab.evaluate((list) => {
        const { x: cx, y: cy, scale } = studio.display.transform.value;
        const box = (document.querySelector('.canvas canvas') as HTMLElement).getBoundingClientRect();
        return list.map(([x, y]) => ({
          x: box.left + box.width / 2 + ((x - cx) * scale) / devicePixelRatio,
          y: box.top + box.height / 2 + ((y - cy) * scale) / devicePixelRatio,
        }));
      }, points);
      await tab.drag(window);
    };
    await tab.evaluate(() => {
      studio.settings.liveStarts.value = false;
    });
    await takeInGrey(tab);
    await until(tab, () => studio.annotation.layer.value !== undefined && studio.display.canvas.value.width > 1);

    await drag([20, 20], [90, 30], [100, 60]);
    await until(tab, () => studio.annotation.canUndo.value && studio.annotation.unkept.value === 0);
    const [none, first] = await painted();
    expect([none, first > 500]).toEqual([0, true]);
    await tab.press('Control', 'z');
    await until(tab, () => !studio.annotation.canUndo.value);
    expect(await painted()).toEqual([0, 0]);
    await tab.press('Control', 'Shift', 'z');
    await until(tab, () => studio.annotation.canUndo.value);
    expect(await painted()).toEqual([0, first]);
    await tab.press('1');
    await drag([20, 100], [90, 110]);
    await until(tab, () => studio.annotation.unkept.value === 0 && studio.annotation.annotatedClasses.value === 2);

    const { run, steps } = await tab.evaluate(
      (settings) => studio.engine.train({ steps: 5, settings, from: 'scratch' }),
      TINY,
    );
    expect([run, steps]).toEqual(['runs/1', 5]);
    const zip = await tab.evaluate(async () => {
      const { content } = await studio.engine.export({ formats: ['project'] });
      return [...new Uint8Array(await new Response(content as Blob).arrayBuffer())];
    });
    expect(Object.keys(unzipSync(Uint8Array.from(zip)))).toEqual(expect.arrayContaining(SAVED));
    expect(await tab.evaluate(() => studio.messages.shown.value.filter(({ kind }) => kind === 'problem'))).toEqual([]);
    console.log(`S34: Firefox: ${await tab.evaluate(() => studio.description.value?.devices[0]?.label ?? '')}`);
  });
});

describe.skipIf(whyNoWebKit !== undefined)(named('WebKit', whyNoWebKit), () => {
  const opened = openedIn(openWebKit, whyNoWebKit);

  it('opens the page, which says in one sentence that there is no storage', async () => {
    const tab = await opened();
    expect(await tab.evaluate(() => studio.description.value)).toMatchObject({
      place: 'tab',
      devices: [{ name: 'wasm' }],
    });
    await takeInGrey(tab);
    const shown = await tab.evaluate(() => studio.messages.shown.value.map(({ text }) => text));
    expect(shown).toEqual(['this page has no private storage (OPFS).']);
  });
});

describe.skipIf(whyNoPage !== undefined)(named('Chromium without createWritable', whyNoPage), () => {
  const pages = studioPages();

  it('keeps what is painted and trained, as in Safari before 26', async () => {
    const { page, errors, close } = await pages.open({
      prepare: (context) =>
        context.route('**/*worker*.js', async (route) => {
          const response = await route.fetch();
          const without = 'delete FileSystemFileHandle.prototype.createWritable;';
          await route.fulfill({ response, body: `${without}${await response.text()}` });
        }),
    });
    await takeIn(page, { 'grey.png': greyPng(SIZE, SIZE) });
    for (const [key, y] of [
      ['2', 30],
      ['1', 90],
    ] as const) {
      await page.keyboard.press(key);
      const at = await inWindow(page, 40, y);
      await page.mouse.click(at.x, at.y);
    }
    await page.waitForFunction(() => studio.annotation.unkept.value === 0);
    const engine = page.workers().find((worker) => worker.url().includes('studio-worker'));
    expect(await engine?.evaluate(() => 'createWritable' in FileSystemFileHandle.prototype)).toBe(false);
    const { steps } = await page.evaluate(
      (settings) => studio.engine.train({ steps: 5, settings, from: 'scratch' }),
      TINY,
    );
    expect(steps).toBe(5);
    const painted = await paintedRuns(page);
    expect(painted.length).toBeGreaterThan(20);
    await page.reload();
    await page.getByRole('button', { name: /grey/ }).first().click();
    await page.waitForFunction(() => studio.annotation.layer.value !== undefined);
    expect(await paintedRuns(page)).toEqual(painted);
    const zip = await page.evaluate(async () => {
      const { content } = await studio.engine.export({ formats: ['project'] });
      return [...new Uint8Array(await new Response(content as Blob).arrayBuffer())];
    });
    const files = unzipSync(Uint8Array.from(zip));
    expect(Object.keys(files)).toEqual(expect.arrayContaining(SAVED));
    expect(Buffer.from(files['grey/runs/1/log.jsonl']).toString().trim().split('\n').length).toBeGreaterThan(5);
    expect(errors).toEqual([]);
    await close();
  });
});
