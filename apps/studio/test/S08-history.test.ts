/**
 * S08: random edits through the page over three images of five slices, all undone and redone, also after the page was
 * loaded again, give the labels byte for byte. `test/annotate/journal.test.ts` has a thousand of them, and their memory.
 */

import fc from 'fast-check';
import { writeTiff } from 'lamella';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { PATIENCE_MS } from '../../../test/browser/harness.ts';
import { isLong, studioPages, takeIn, whyNoPage } from './studio-page.ts';

const EDITS = isLong ? 1000 : 24;
const SIZES = { a: [300, 200], b: [257, 130], c: [40, 30] } as const;
const IMAGES = Object.keys(SIZES);
const SLICES = 5;
const TOOLS = ['brush', 'brush', 'eraser', 'polygon', 'fill', 'wand', 'region'] as const;

const stack = ([width, height]: readonly [number, number]): Uint8Array =>
  writeTiff({
    dtype: 'uint8',
    axes: 'zyx',
    shape: [SLICES, height, width],
    data: Uint8Array.from({ length: SLICES * height * width }, (_, i) => (i * 7919) % 13),
    spacing: {},
  });

const share = fc.integer({ min: -50, max: 1050 }).map((thousandth) => thousandth / 1000);
const anEdit = fc.record({
  image: fc.constantFrom(...IMAGES),
  slice: fc.nat(SLICES - 1),
  tool: fc.constantFrom(...TOOLS),
  classAt: fc.nat(1),
  size: fc.integer({ min: 1, max: 60 }),
  points: fc.array(fc.tuple(share, share), { minLength: 3, maxLength: 5 }),
});

/** Everything that can be undone: a fingerprint of each image's labels, its regions, and how much is painted. */
const everything = (page: Page) =>
  page.evaluate(async () => {
    const annotations = studio.annotation.annotations.value;
    if (annotations === undefined) throw new Error('No project is open.');
    const images: unknown[] = [];
    for (const id of annotations.images) {
      const layer = await annotations.open(id);
      const sums = Array.from({ length: layer.slices }, (_, slice) => {
        let sum = 2166136261;
        for (const label of layer.read([0, 0, layer.width, layer.height], slice)) {
          sum = Math.imul(sum ^ label, 16777619) >>> 0;
        }
        return sum;
      });
      images.push([id, sums, layer.annotatedPixels(), JSON.stringify(annotations.regions(id))]);
    }
    return images;
  });

/** Undoes or redoes all that can be. @returns how many edits that were */
const all = (page: Page, what: 'undo' | 'redo'): Promise<number> =>
  page.evaluate(async (which) => {
    const { annotation } = studio;
    const can = which === 'undo' ? annotation.canUndo : annotation.canRedo;
    let count = 0;
    for (; can.value; count++) await annotation[which]();
    return count;
  }, what);

describe.skipIf(whyNoPage !== undefined)(`S08 history${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it(`${EDITS} random edits are undone and redone`, async () => {
    const { page, errors, close } = await pages.open();
    await takeIn(page, Object.fromEntries(Object.entries(SIZES).map(([id, size]) => [`${id}.tif`, stack(size)])));
    const before = await everything(page);
    const edits = fc.sample(fc.noBias(anEdit), { numRuns: EDITS, seed: 8 });
    const made = await page.evaluate(
      async ([list, patience]) => {
        const { project, display, painting, annotation } = studio;
        const until = async (condition: () => boolean): Promise<void> => {
          const start = performance.now();
          while (!condition()) {
            if (performance.now() - start > patience) throw new Error(`Nothing happens: ${condition}`);
            await new Promise((next) => setTimeout(next, 2));
          }
        };
        let count = 0;
        for (const { image, slice, tool, classAt, size, points } of list) {
          project.goTo(image, slice);
          await until(() => display.shown.value?.image.id === image && display.shown.value.page === slice);
          await until(() => annotation.layer.value?.width === display.shown.value?.image.width);
          const { width, height } = project.image.value ?? { width: 0, height: 0 };
          const [first, ...rest] = points.map(([x, y]) => ({ x: x * width, y: y * height }));
          painting.choose(tool);
          painting.classAt.value = classAt;
          painting.size.value = size;
          const edit = annotation.edits.value;
          painting.down(first, { alt: false, shift: false });
          painting.move(rest, { alt: false, shift: false });
          painting.up();
          await until(() => !painting.busy);
          if (annotation.edits.value > edit) count++;
        }
        await until(() => annotation.unkept.value === 0);
        return count;
      },
      [edits, PATIENCE_MS] as const,
    );
    expect(made).toBeGreaterThan(EDITS / 2);
    const after = await everything(page);
    expect(after).not.toEqual(before);
    for (const again of [false, true]) {
      if (again) {
        await page.waitForFunction(() => studio.annotation.unkept.value === 0);
        await page.reload();
        await page
          .getByRole('button', { name: /3 images/ })
          .first()
          .click();
        await page.waitForFunction(() => studio.annotation.layer.value !== undefined);
        expect(await everything(page)).toEqual(after);
      }
      expect(await all(page, 'undo')).toBe(made);
      expect(await everything(page)).toEqual(before);
      expect(await all(page, 'redo')).toBe(made);
      expect(await everything(page)).toEqual(after);
    }
    console.log(`S08: ${made} edits undone and redone, twice`);
    expect(errors).toEqual([]);
    await close();
  });
});
