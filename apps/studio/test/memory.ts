/** The memory of a page with an image of 8192 x 8192 pixels. */

import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { openLarge, SIDE } from './large-image.ts';

/**
 * Annotates 20 regions of an image of 8192 x 8192 while the live models learn: the quick one, and the network once it can
 * learn from so many pixels while somebody paints, which it says it cannot.
 * @returns megabytes of the page and its workers
 */
export async function memoryMb(page: Page): Promise<number> {
  await openLarge(page);
  await page.evaluate(async (side) => {
    const { annotations, image } = {
      annotations: studio.annotation.annotations.value,
      image: studio.project.image.value,
    };
    if (annotations === undefined || image === undefined) throw new Error('There is no image.');
    const regions = Array.from({ length: 20 }, (_, i) => {
      const [x, y] = [200 + (i % 5) * 1600, 200 + Math.floor(i / 5) * 1900];
      for (let row = 0; row < 128; row++) annotations.layer(image.id).fill(0, y + row, x, x + 128, 1);
      const box = [x - 64, y - 64, 256, 256] as const;
      return { id: i + 1, shape: { box }, slice: 0, complete: true, origin: 'painted' as const, held: false };
    });
    annotations.setRegions(image.id, regions);
    studio.annotation.commit('regions');
    studio.display.transform.value = { x: side / 2, y: side / 2, scale: 1 };
  }, SIDE);
  await page.waitForFunction(() => studio.live.tiles.value.length > 0);
  // Until the network learns, or says why it does not.
  await page.waitForFunction(() => studio.live.networkStep.value > 20 || studio.messages.shown.value.length > 0);
  return pageMemoryMb(page);
}

/**
 * Megabytes that the processes of a browser's pages hold, of shared memory their share; Linux only. A headless Chromium
 * never answers `performance.measureUserAgentSpecificMemory`.
 */
async function pageMemoryMb(page: Page): Promise<number> {
  const own = await page.context().newCDPSession(page);
  await own.send('HeapProfiler.collectGarbage');
  await own.detach();
  const session = await (page.context().browser() as Browser).newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const renderers = processInfo.filter(({ type }) => type === 'renderer');
  if (renderers.length === 0) throw new Error('The page has no process.');
  const kibibytes = renderers.map(({ id }) => {
    const [, held] = /^Pss: +(\d+) kB/m.exec(readFileSync(`/proc/${id}/smaps_rollup`, 'utf8')) ?? [];
    return Number(held);
  });
  return (1024 * kibibytes.reduce((sum, held) => sum + held, 0)) / 1e6;
}
