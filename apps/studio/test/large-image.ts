/** An image of 8192 x 8192 pixels on the page, and what painting and moving it costs. */

import type { Page } from 'playwright-core';

export const SIDE = 8192;

/** Opens an uncompressed TIFF of uint16, as ImageJ writes it, which is made in the page. */
export async function openLarge(page: Page, { channels = 1 }: { readonly channels?: number } = {}): Promise<void> {
  await page.evaluate(
    async ([side, count]) => {
      const bytesOfChannel = 2 * side * side;
      const text = new TextEncoder().encode(`ImageJ=1.54f\nimages=${count}\nchannels=${count}\n\0\0`);
      const header = new DataView(new ArrayBuffer(8));
      header.setUint16(0, 0x4949);
      header.setUint16(2, 42, true);
      const textAt = 8 + count * bytesOfChannel;
      const directoriesAt = textAt + text.length + (text.length % 2);
      header.setUint32(4, directoriesAt, true);
      const pixels = new Uint16Array(side * side);
      for (let i = 0; i < pixels.length; i++) pixels[i] = (i % side) + (i >> 13);
      const directories: DataView<ArrayBuffer>[] = [];
      for (let channel = 0; channel < count; channel++) {
        const entries: [tag: number, type: number, count: number, value: number][] = [
          [256, 4, 1, side],
          [257, 4, 1, side],
          [258, 3, 1, 16],
          [259, 3, 1, 1],
          [262, 3, 1, 1],
          [270, 2, text.length, textAt],
          [273, 4, 1, 8 + channel * bytesOfChannel],
          [277, 3, 1, 1],
          [278, 4, 1, side],
          [279, 4, 1, bytesOfChannel],
        ];
        const directory = new DataView(new ArrayBuffer(2 + 12 * entries.length + 4));
        directory.setUint16(0, entries.length, true);
        entries.forEach(([tag, type, many, value], i) => {
          directory.setUint16(2 + 12 * i, tag, true);
          directory.setUint16(4 + 12 * i, type, true);
          directory.setUint32(6 + 12 * i, many, true);
          directory.setUint32(10 + 12 * i, value, true);
        });
        const next = channel + 1 < count ? directoriesAt + (channel + 1) * directory.byteLength : 0;
        directory.setUint32(2 + 12 * entries.length, next, true);
        directories.push(directory);
      }
      const content = new Blob([
        header,
        ...directories.map(() => pixels),
        text,
        new Uint8Array(text.length % 2),
        ...directories,
      ]);
      await studio.takeIn([{ path: 'large.tif', content }]);
    },
    [SIDE, channels],
  );
  await page.waitForFunction(() => studio.annotation.layer.value !== undefined);
  await page.waitForFunction(() => studio.display.shown.value !== undefined);
}

/** Makes the project one of numbered objects. */
export const numberObjects = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    await studio.annotation.changeTask('objects');
    while (studio.annotation.layer.value?.kind !== 'objects') await new Promise((next) => setTimeout(next, 20));
  });

export interface MoveTimes {
  readonly median: number;
  readonly p95: number;
}

/** Software graphics take long for a screen that a brush fills. */
const MOVES_OF_LARGEST = 40;

/**
 * Milliseconds of a move in a stroke: the handler, and what of it goes to the graphics card; drawing itself is left out.
 * @param diameter of the brush, in image pixels
 */
export const strokeTimes = (page: Page, diameter: number, moves = 200): Promise<MoveTimes> =>
  page.evaluate(
    async ([size, count, side]) => {
      let uploading = 0;
      const { texSubImage3D } = WebGL2RenderingContext.prototype;
      WebGL2RenderingContext.prototype.texSubImage3D = function (this: WebGL2RenderingContext, ...args: never[]) {
        const start = performance.now();
        (texSubImage3D as (...all: never[]) => void).apply(this, args);
        uploading += performance.now() - start;
      } as typeof texSubImage3D;
      const held = { alt: false, shift: false };
      const nextFrame = (): Promise<unknown> => new Promise((done) => requestAnimationFrame(done));
      studio.painting.size.value = size;
      studio.display.transform.value = { x: side / 2, y: side / 2, scale: 0.5 };
      await nextFrame();
      studio.painting.down({ x: side / 2 - 400, y: side / 2 }, held);
      const times: number[] = [];
      for (let i = 0; i < count; i++) {
        uploading = 0;
        const start = performance.now();
        studio.painting.move([{ x: side / 2 - 400 + 4 * i, y: side / 2 + 60 * Math.sin(i / 9) }], held);
        const handled = performance.now() - start;
        await nextFrame();
        times.push(handled + uploading);
      }
      studio.painting.up();
      WebGL2RenderingContext.prototype.texSubImage3D = texSubImage3D;
      times.sort((a, b) => a - b);
      return { median: times[count >> 1], p95: times[Math.floor(count * 0.95)] };
    },
    [diameter, diameter > 1000 ? Math.min(moves, MOVES_OF_LARGEST) : moves, SIDE] as const,
  );

/** Paints 4096 x 4096 pixels in one stroke. @returns milliseconds to undo it, and to redo it */
export const undoTimes = (page: Page): Promise<{ readonly undo: number; readonly redo: number }> =>
  page.evaluate(async (side) => {
    const held = { alt: false, shift: false };
    studio.painting.size.value = 2048;
    const [near, far] = [side / 2 - 1024, side / 2 + 1024];
    studio.painting.down({ x: near, y: near }, held);
    for (const [x, y] of [
      [far, near],
      [far, side / 2],
      [near, side / 2],
      [near, far],
      [far, far],
    ]) {
      studio.painting.move([{ x, y }], held);
    }
    studio.painting.up();
    const timed = async (work: () => Promise<void>): Promise<number> => {
      const start = performance.now();
      await work();
      return performance.now() - start;
    };
    return { undo: await timed(studio.annotation.undo), redo: await timed(studio.annotation.redo) };
  }, SIDE);

/** Moves and magnifies what is on the screen. @returns median milliseconds of scripts in a frame, without the graphics driver */
export const frameTime = async (page: Page): Promise<number> => medianOf((await framesOf(page)).map(({ ms }) => ms));

/** Opens an image, and moves it at once. @returns as `frameTime`, of the frames until all that is smaller is made */
export async function openingFrameTime(page: Page, { channels }: { readonly channels: number }): Promise<number> {
  const [frames] = await Promise.all([framesOf(page), openLarge(page, { channels })]);
  return medianOf(frames.filter(({ isComplete }) => !isComplete).map(({ ms }) => ms));
}

function medianOf(times: readonly number[]): number {
  const median = [...times].sort((a, b) => a - b)[times.length >> 1];
  if (median === undefined) throw new Error('No frame was drawn.');
  return median;
}

/** Waits for an image, and moves it for some frames. `isComplete`: whether its smaller copies were there before. */
const framesOf = (page: Page): Promise<readonly { readonly ms: number; readonly isComplete: boolean }[]> =>
  page.evaluate(async () => {
    const frames: { ms: number; isComplete: boolean }[] = [];
    const request = globalThis.requestAnimationFrame;
    while (studio.display.shown.value === undefined) await new Promise((done) => request(done));
    // What the viewer does in a frame; the graphics driver works apart from it.
    globalThis.requestAnimationFrame = (callback) =>
      request((at) => {
        const isComplete = studio.display.channels.value.every(({ pyramid }) => pyramid.complete);
        const start = performance.now();
        callback(at);
        frames.push({ ms: performance.now() - start, isComplete });
      });
    for (let i = 0; i < 40; i++) {
      if (i % 4 === 3) studio.display.zoomBy(i < 20 ? 1.1 : 1 / 1.1);
      else studio.display.pan(3, 2);
      await new Promise((done) => request(done));
    }
    globalThis.requestAnimationFrame = request;
    return frames;
  });
