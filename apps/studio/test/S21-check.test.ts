/** S21: a place that Check suggests holds more pixels to be corrected than one at random. */

import { expect, it } from 'vitest';
import { stream } from '../../../src/array/random.ts';
import { describeWithData } from '../../../test/support/data.ts';
import { nuclei, phantoms } from './known-images.ts';
import { type KnownImage, knownProject, wrongPixels } from './oracle.ts';
import { isLong, LONG_ONLY } from './studio-page.ts';

const LEAST_RATIO = 1.5;
/** Of nuclei: 3.2 was measured. */
const LEAST_OF_NUCLEI = 2.5;
/** Choices of windows at random that are averaged. */
const DRAWS = 50;

interface Window {
  readonly image: string;
  readonly rect: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}

/** Wrong pixels within windows, each counted once. */
function mended(windows: readonly Window[], images: readonly KnownImage[], wrong: readonly Uint8Array[]): number {
  let sum = 0;
  for (const [i, { name, width }] of images.entries()) {
    const left = Uint8Array.from(wrong[i] as Uint8Array);
    for (const { image, rect } of windows) {
      if (image !== name) continue;
      for (let y = rect.y; y < rect.y + rect.height; y++) {
        for (let p = y * width + rect.x; p < y * width + rect.x + rect.width; p++) {
          sum += left[p] as number;
          left[p] = 0;
        }
      }
    }
  }
  return sum;
}

/**
 * How many times as many wrong pixels lie in suggested places as in as many at random, with the same model.
 * @param start images that it learns from; all of them are labelled
 */
async function ratioOf(start: readonly KnownImage[], pool: readonly KnownImage[], places: number): Promise<number> {
  const { engine, close } = await knownProject(start, pool);
  try {
    await engine.train({ settings: { network: 'filter-bank', seed: 0 }, from: 'scratch' });
    const { prediction } = await engine.segment({ images: pool.map(({ name }) => name) });
    const wrong = await Promise.all(pool.map((image) => wrongPixels(engine, prediction, image)));
    const suggested = await engine.places(places);
    expect(suggested.length).toBe(places);
    const random = stream(0, 'S21');
    const atRandom = (): Window => {
      const { name, width, height } = pool[random.integer(pool.length)] as KnownImage;
      const [wide, high] = [128, 128];
      const [x, y] = [random.integer(width - wide + 1), random.integer(height - high + 1)];
      return { image: name, rect: { x, y, width: wide, height: high } };
    };
    let chance = 0;
    for (let draw = 0; draw < DRAWS; draw++) {
      chance += mended(Array.from({ length: places }, atRandom), pool, wrong) / DRAWS;
    }
    const found = mended(suggested, pool, wrong);
    console.log(
      `S21: ${Math.round(found / places)} wrong pixels in a suggested place, ${Math.round(chance / places)} at random`,
    );
    return found / chance;
  } finally {
    await close();
  }
}

it('S21 check: phantoms, of which some have organelles that the model has not seen', async () => {
  const plain = { cellPx: 40, organelles: 0 };
  const pool = [
    ...phantoms('plain', 8, { ...plain, seed: 2 }),
    ...phantoms('organelles', 4, { ...plain, organelles: 1, seed: 3 }),
  ];
  const ratio = await ratioOf(phantoms('start', 2, { ...plain, seed: 1 }), pool, 10);
  expect(ratio).toBeGreaterThanOrEqual(LEAST_RATIO);
});

describeWithData('S21 check, real images', () => {
  it.runIf(isLong)(`nuclei${LONG_ONLY}`, async () => {
    const ratios: number[] = [];
    for (const from of [0, 100, 200]) {
      const [start, pool] = [[from, from + 2] as const, [from + 2, from + 26] as const];
      const size = [256, 256] as const;
      ratios.push(await ratioOf(await nuclei('gray_dark', size, start), await nuclei('gray_dark', size, pool), 20));
    }
    const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
    console.log(
      `S21: ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')} times as many, ${mean.toFixed(2)} in the mean`,
    );
    expect(mean).toBeGreaterThanOrEqual(LEAST_OF_NUCLEI);
  });
});
