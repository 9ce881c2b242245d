/** The walk of a first project, from a drop of images to exported numbers, as an oracle user takes it. */

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { unzipSync } from 'fflate';
import { readImage } from 'lamella';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { OracleUser, type Truth } from './oracle-user.ts';
import type { RecordedPage } from './recorded-page.ts';

type Box = readonly [number, number, number, number];

export interface Walk {
  /** Files that are dropped. */
  readonly files: readonly string[];
  /** By the names of images. */
  readonly truth: ReadonlyMap<string, Truth>;
  /** Boxes that are annotated completely, by the names of images. No other image is annotated. */
  readonly boxes: { readonly [image: string]: Box };
  /** Steps of the live network that are waited for before its places are checked. */
  readonly liveSteps: number;
  /** Strokes at most, and of each place of Check. */
  readonly mostStrokes: number;
  readonly strokesAtPlace: number;
  /** Time of Train. */
  readonly minutes: number;
}

interface Walked {
  /** What was done, and how many seconds after the drop it was done. */
  readonly timeline: readonly (readonly [what: string, seconds: number])[];
  readonly seconds: number;
  readonly strokes: number;
  /** Of the images that nobody annotated. */
  readonly judged: readonly {
    readonly image: string;
    readonly count: number;
    readonly truth: number;
    readonly dice: number;
  }[];
}

/** Drops files from the disk onto the page, as a file manager does. */
async function dropFiles(page: Page, selector: string, files: readonly string[]): Promise<void> {
  const box = await page.locator(selector).boundingBox();
  if (box === null) throw new Error(`${selector} is not there`);
  const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const devtools = await page.context().newCDPSession(page);
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await devtools.send('Input.dispatchDragEvent', {
      type,
      ...at,
      data: { items: [], files: [...files], dragOperationsMask: 1 },
    });
  }
  await devtools.detach();
}

/** @param page on its start screen, that gives files as downloads */
async function walkFiveMinutes(page: Page, walk: Walk): Promise<Walked> {
  const user = new OracleUser(page, walk.truth);
  const began = performance.now();
  const timeline: [string, number][] = [];
  const seconds = (): number => (performance.now() - began) / 1000;
  const done = (what: string): void => void timeline.push([what, seconds()]);

  await dropFiles(page, '.drop', walk.files);
  await page.waitForFunction((n) => studio.project.images.value.length === n, walk.files.length);
  await page.waitForFunction(() => studio.annotation.layer.value !== undefined);
  await page.getByText('Objects', { exact: true }).click();
  await page.waitForFunction(() => studio.annotation.layer.value?.kind === 'objects');
  done(`${walk.files.length} images dropped`);

  for (const [image, box] of Object.entries(walk.boxes)) {
    await user.open(image);
    const isFirst = user.strokes === 0;
    await user.background(box);
    await user.completeRegion(box);
    done(`${image} annotated, ${user.strokes} strokes so far`);
    if (!isFirst) continue;
    await page.waitForFunction(() => studio.live.tiles.value.length > 0);
    done('first preview');
  }
  await page.waitForFunction((steps) => studio.live.networkStep.value >= steps, walk.liveSteps);
  done(`the live network has taken ${await page.evaluate(() => studio.live.networkStep.value)} steps`);

  await page.getByRole('tab', { name: 'Check' }).click();
  for (const button of ['Find uncertain places', 'Search again']) {
    await page.getByRole('button', { name: button }).click();
    await page.waitForFunction(() => !studio.checking.searching.value);
    const verdicts = await checkPlaces(page, user, walk);
    done(`checked: ${verdicts}`);
  }

  await page.getByRole('tab', { name: 'Train' }).click();
  await page.evaluate((minutes) => {
    studio.training.minutes.value = minutes;
  }, walk.minutes);
  await page.getByLabel('Start from').selectOption('live');
  await page.getByRole('button', { name: 'Train', exact: true }).click();
  await page.waitForFunction(() => studio.training.runs.value.length > 0 && !studio.training.running.value);
  const trained = await page.evaluate(() => ({
    step: studio.training.step.value,
    score: studio.training.best.value?.value,
  }));
  done(`trained ${trained.step} steps, score ${trained.score}`);

  await page.getByRole('tab', { name: 'Measure' }).click();
  await page.getByRole('button', { name: 'Segment all' }).click();
  await page.waitForFunction(() => studio.measuring.total.value > 0 && !studio.measuring.running.value);
  done(`segmented, ${await page.evaluate(() => studio.measuring.total.value)} objects`);

  await page.keyboard.press('Control+e');
  for (const name of [/ImageJ ROIs/, /Model, ONNX/]) await page.getByLabel(name).uncheck();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('dialog').getByRole('button', { name: 'Export', exact: true }).click(),
  ]);
  const exported = unzipSync(await readFile(await download.path()));
  done(`exported ${Object.keys(exported).length} files`);
  expect(await page.evaluate(() => studio.messages.shown.value.filter(({ kind }) => kind === 'problem'))).toEqual([]);
  return { timeline, seconds: seconds(), strokes: user.strokes, judged: await judge(exported, walk) };
}

/** Goes through the places of the images that are annotated; those of others are skipped. */
async function checkPlaces(
  page: Page,
  user: OracleUser,
  { boxes, mostStrokes, strokesAtPlace }: Walk,
): Promise<string> {
  const counts = { accepted: 0, corrected: 0, skipped: 0 };
  const places = await page.evaluate(() =>
    studio.checking.places.value.map(({ image, rect }) => ({
      name: studio.project.images.value.find(({ id }) => id === image)?.name ?? '',
      box: [rect.x, rect.y, rect.width, rect.height] as const,
    })),
  );
  for (const [i, { name, box }] of places.entries()) {
    if (!(name in boxes)) continue;
    await page.locator('.places button').nth(i).click();
    await page.waitForFunction(
      ([wanted, at]) => studio.checking.at.value === at && studio.display.shown.value?.image.name === wanted,
      [name, i] as const,
    );
    const predicted = await predictedIn(page, box);
    user.lookAt(name);
    const left = Math.min(strokesAtPlace, mostStrokes - user.strokes);
    counts[await user.judge(box, predicted, left)]++;
  }
  return Object.entries(counts)
    .map(([verdict, n]) => `${n} ${verdict}`)
    .join(', ');
}

/** What the preview shows in a place, once it is all there. */
async function predictedIn(page: Page, box: Box): Promise<Uint8Array> {
  const shown = await page.waitForFunction(([x, y, width, height]) => {
    const out = new Array<number>(width * height).fill(-1);
    for (const { rect, classes } of studio.live.tiles.value) {
      for (let row = Math.max(y, rect.y); row < Math.min(y + height, rect.y + rect.height); row++) {
        for (let column = Math.max(x, rect.x); column < Math.min(x + width, rect.x + rect.width); column++) {
          out[(row - y) * width + column - x] = classes[(row - rect.y) * rect.width + column - rect.x];
        }
      }
    }
    return out.includes(-1) ? undefined : out;
  }, box);
  return Uint8Array.from((await shown.jsonValue()) as number[]);
}

/** How the exported label images compare with the truth, and the table with them. */
async function judge(
  exported: Readonly<Record<string, Uint8Array>>,
  { boxes, truth }: Walk,
): Promise<Walked['judged']> {
  const judged: Walked['judged'][number][] = [];
  for (const [image, { data }] of truth) {
    if (image in boxes) continue;
    const file = Object.keys(exported).find((name) => basename(name).startsWith(`${image}.`) && /\.tiff?$/.test(name));
    expect(file, `labels of ${image} among ${Object.keys(exported)}`).toBeDefined();
    const labels = await readImage(exported[file as string], file as string);
    expect(labels.data.length).toBe(data.length);
    let [both, sum] = [0, 0];
    for (let p = 0; p < data.length; p++) {
      const [is, found] = [data[p] > 0, Number(labels.data[p]) > 0];
      both += Number(is && found);
      sum += Number(is) + Number(found);
    }
    const countOf = (values: ArrayLike<number>): number =>
      new Set(Array.from(values).filter((value) => value > 0)).size;
    judged.push({
      image,
      count: countOf(labels.data as ArrayLike<number>),
      truth: countOf(data),
      dice: (2 * both) / sum,
    });
  }
  return judged;
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
};

const medianCountError = (judged: Walked['judged']): number =>
  median(judged.map(({ count, truth }) => Math.abs(count - truth) / truth));

const meanDice = (judged: Walked['judged']): number => judged.reduce((sum, { dice }) => sum + dice, 0) / judged.length;

export interface Gates {
  readonly seconds: number;
  /** Of the images that nobody annotated: the median of |found - true| / true, and the mean Dice of all objects. */
  readonly countError: number;
  readonly dice: number;
}

/** Walks, prints how it went, and holds it to the gates; the page may have talked to its own host alone. */
export async function walkWithin({ page, errors, asked }: RecordedPage, walk: Walk, gates: Gates): Promise<void> {
  const { host } = new URL(page.url());
  const walked = await walkFiveMinutes(page, walk);
  const { seconds, strokes, judged } = walked;
  const [countError, dice] = [medianCountError(judged), meanDice(judged)];
  console.log(
    [
      ...walked.timeline.map(([what, at]) => `  ${at.toFixed(1).padStart(6)} s  ${what}`),
      ...judged.map(
        ({ image, count, truth, dice: own }) => `  ${image}: ${count} of ${truth} objects, Dice ${own.toFixed(3)}`,
      ),
      `  ${strokes} strokes, ${seconds.toFixed(0)} s, median count error ${(100 * countError).toFixed(1)} %, mean Dice ${dice.toFixed(3)}`,
    ].join('\n'),
  );
  expect(strokes).toBeLessThanOrEqual(walk.mostStrokes);
  expect(judged).toHaveLength(walk.files.length - Object.keys(walk.boxes).length);
  expect(countError).toBeLessThanOrEqual(gates.countError);
  expect(dice).toBeGreaterThanOrEqual(gates.dice);
  expect(seconds).toBeLessThanOrEqual(gates.seconds);
  expect([...asked]).toEqual([host]);
  expect(errors).toEqual([]);
}
