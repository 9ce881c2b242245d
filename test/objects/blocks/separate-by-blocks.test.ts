import { describe, expect, test } from 'vitest';
import { cropped } from '../../../src/array/boxes.ts';
import { type DType, type NdArray, ndarray } from '../../../src/array/ndarray.ts';
import { blockGrid, boxOf, enlarged } from '../../../src/objects/blocks/block-grid.ts';
import { provedObjects } from '../../../src/objects/blocks/divide-window.ts';
import { OUTSIDE } from '../../../src/objects/blocks/opponent-flood.ts';
import type { StoredMaps } from '../../../src/objects/blocks/separate-block.ts';
import { separateByBlocks } from '../../../src/objects/blocks/separate-by-blocks.ts';
import { connectedComponents } from '../../../src/objects/connected-components.ts';
import { filterObjects } from '../../../src/objects/filter-objects.ts';
import {
  borderSeeds,
  depthOf,
  probabilitiesOf,
  type SeparationSettings,
  type SeparationWay,
  separateObjects,
} from '../../../src/objects/instances.ts';
import { aboveThreshold } from '../../../src/objects/threshold.ts';
import { byBox, collected, differing, noise, scene } from './scenes.ts';

const WAYS: readonly SeparationWay[] = ['components', 'shape', 'border', 'distance'];

/** Foreground and distance in 20 steps. */
function coarse({ foreground, border, distance }: StoredMaps): StoredMaps {
  const most = foreground.dtype === 'uint8' ? 255 : 65_535;
  const rounded = (value: number, unit: number): number => (Math.round((20 * value) / unit) * unit) / 20;
  return {
    foreground: { ...foreground, data: foreground.data.map((value) => rounded(value, most)) },
    ...(border && { border: { ...border, data: border.data.map((value) => rounded(value, most)) } }),
    ...(distance && { distance: { ...distance, data: distance.data.map((value) => rounded(value, 1)) } }),
  };
}

/** Numbered as in the whole image, which are known before windows are. */
function seedsOf(maps: StoredMaps, mask: NdArray<'uint8'>, settings: SeparationSettings): Uint32Array {
  const { labels } = connectedComponents(borderSeeds(depthOf(mask, maps, settings), mask, settings));
  return Uint32Array.from(filterObjects(labels, { minSize: settings.minSeedSize }).labels.data);
}

async function compare(
  maps: StoredMaps,
  settings: SeparationSettings,
  block: readonly number[],
  halo = 8,
  maxWindow?: number,
) {
  const { shape } = maps.foreground;
  const whole = separateObjects(maps, settings);
  const { labels, write } = collected(shape);
  const found = await separateByBlocks(byBox(maps), settings, { block, halo, maxWindow, write });
  return { whole, found, differing: differing(labels, whole.labels.data) };
}

describe('objects by blocks are those of the whole image, with its numbers', () => {
  for (const by of WAYS) {
    test(`by ${by}, in 2D`, async () => {
      for (const [i, share] of [0.04, 0.3, 0.64, 0.8, 0.92].entries()) {
        const maps = scene([150, 170], share, i);
        for (const block of [
          [64, 64],
          [37, 53],
        ]) {
          const { whole, found, differing } = await compare(maps, { by }, block);
          expect({ count: found.count, open: found.openPixels, differing }).toEqual({
            count: whole.count,
            open: 0,
            differing: 0,
          });
        }
      }
    });

    test(`by ${by}, in 3D`, async () => {
      for (const [i, share] of [0.1, 0.5, 0.85].entries()) {
        const maps = scene([24, 40, 36], share, i);
        const { whole, found, differing } = await compare(maps, { by }, [13, 17, 16], 4);
        expect({ count: found.count, open: found.openPixels, differing }).toEqual({
          count: whole.count,
          open: 0,
          differing: 0,
        });
      }
    });
  }

  test('with every setting', async () => {
    const maps = scene([120, 130], 0.5, 3, 'uint8');
    const settings: readonly Omit<SeparationSettings, 'by'>[] = [
      { threshold: 'otsu' },
      { threshold: 0.7 },
      { minSize: 60 },
      { minConfidence: 0.8 },
      { border: 'clear' },
      { fillHoles: false },
      { minSeedSize: 9, seedThreshold: 0.3 },
      { minSize: 20, minConfidence: 0.79, border: 'clear', threshold: 0.65 },
    ];
    for (const by of WAYS) {
      for (const some of settings) {
        const { whole, found, differing } = await compare(maps, { by, ...some }, [50, 41]);
        expect({ by, ...some, count: found.count, differing }).toEqual({
          by,
          ...some,
          count: whole.count,
          differing: 0,
        });
      }
    }
  });
});

describe('holes in which removed objects lay are filled', () => {
  /** Rings and filled discs of ragged parts, with specks in them. */
  const noisy = (shape: readonly number[], share: number, seed: number): StoredMaps => {
    const { foreground, border, distance } = scene(shape, share, seed);
    const specks = noise(shape, 0.3, seed);
    const some = (map: StoredMaps['foreground']): StoredMaps['foreground'] => ({
      ...map,
      data: map.data.map((value, i) => (specks.data[i] === 1 ? Math.round(0.3 * value) : value)),
    });
    return { foreground: some(foreground), border: border && some(border), distance };
  };

  for (const by of WAYS) {
    test(`by ${by}`, async () => {
      let filled = 0;
      for (const [i, share] of [0.3, 0.64, 0.92].entries()) {
        for (const [shape, block] of [
          [
            [90, 110],
            [31, 27],
          ],
          [
            [16, 30, 28],
            [7, 11, 16],
          ],
        ] as const) {
          const maps = noisy(shape, share, i);
          for (const some of [
            { minSize: 12 },
            { minSize: 3, minConfidence: 0.8 },
            { minSize: 5, border: 'clear' },
          ] as const) {
            const { whole, found, differing } = await compare(maps, { by, ...some }, block, 4);
            expect({ by, ...some, count: found.count, differing }).toEqual({
              by,
              ...some,
              count: whole.count,
              differing: 0,
            });
            // What the order of before left open.
            const once = filterObjects(separateObjects(maps, { by }).labels, { minSize: some.minSize });
            if (some.minSize === 12)
              filled += once.labels.data.filter((label, p) => label === 0 && whole.labels.data[p] > 0).length;
          }
        }
      }
      expect(filled).toBeGreaterThan(20);
    });
  }

  test('an object around several that touch, over many blocks', async () => {
    const side = 60;
    const ring = (y: number, x: number): boolean => Math.max(Math.abs(y - 30), Math.abs(x - 30)) === 20;
    const speck = (y: number, x: number): boolean =>
      y % 8 < 3 && x % 8 < 3 && Math.max(Math.abs(y - 30), Math.abs(x - 30)) < 18;
    const foreground = ndarray(
      'uint8',
      [side, side],
      Uint8Array.from({ length: side * side }, (_, p) => {
        const [y, x] = [Math.floor(p / side), p % side];
        return ring(y, x) || speck(y, x) ? 255 : 0;
      }),
    );
    for (const minSize of [0, 10]) {
      const { whole, found, differing } = await compare({ foreground }, { by: 'components', minSize }, [13, 17]);
      expect({ count: found.count, differing }).toEqual({ count: whole.count, differing: 0 });
      const pixels = whole.labels.data.filter((label) => label === 1).length;
      // The ring of 160 pixels, and then all within it.
      expect(pixels).toBe(minSize === 0 ? 160 : 41 * 41);
    }
  });
});

describe('what is proved in a window is so in the whole image', () => {
  /** Proved and open pixels of all windows around blocks, and the proved ones that are wrong. */
  function windows(maps: StoredMaps, settings: SeparationSettings, block: readonly number[], halo: number) {
    const { shape } = maps.foreground;
    const mask = aboveThreshold(probabilitiesOf(maps.foreground), settings.threshold as number);
    const seeds = settings.by === 'border' ? ndarray('uint32', shape, seedsOf(maps, mask, settings)) : undefined;
    const all = { box: { start: shape.map(() => 0), shape }, shape, maps, mask, seeds: seeds?.data };
    const whole = provedObjects(all, settings);
    expect(whole.labels.includes(OUTSIDE)).toBe(false);
    const nameIn = ({ first, isPart }: Pick<typeof whole, 'first' | 'isPart'>, label: number): number =>
      label === 0 ? -1 : 2 * first[label] + isPart[label];
    const found = { proved: 0, open: 0, wrong: 0 };
    const grid = blockGrid(shape, block);
    for (let index = 0; index < grid.length; index++) {
      const box = enlarged(boxOf(grid, index), halo, shape);
      const part = <D extends DType>(map: NdArray<D>): NdArray<D> => cropped(map, box.start, box.shape);
      const { foreground, border, distance } = maps;
      const read: StoredMaps = {
        foreground: part(foreground),
        ...(border && { border: part(border) }),
        ...(distance && { distance: part(distance) }),
      };
      const window = { box, shape, maps: read, mask: part(mask), seeds: seeds && part(seeds).data };
      const own = provedObjects(window, settings);
      const truth = part(ndarray('int32', shape, whole.labels)).data;
      for (let i = 0; i < truth.length; i++) {
        if (own.labels[i] === OUTSIDE) found.open++;
        else if (nameIn(own, own.labels[i]) === nameIn(whole, truth[i])) found.proved++;
        else found.wrong++;
      }
    }
    return found;
  }

  for (const by of ['shape', 'border', 'distance'] as const) {
    test(`by ${by}`, () => {
      let [proved, open, wrong] = [0, 0, 0];
      const add = (found: ReturnType<typeof windows>): void => {
        proved += found.proved;
        open += found.open;
        wrong += found.wrong;
      };
      for (let seed = 0; seed < 12; seed++) {
        const share = [0.3, 0.64, 0.8, 0.92][seed % 4];
        const settings = { by, threshold: seed % 3 === 0 ? 0.65 : 0.5, minSeedSize: 1 + (seed % 3) };
        // In 20 steps, so that most pixels have the same value as others.
        add(windows(coarse(scene([70, 80], share, seed)), settings, [20, 25], 1 + (seed % 7)));
        add(windows(scene([12, 24, 22], share, seed), settings, [6, 11, 8], 1 + (seed % 4)));
      }
      expect(wrong).toBe(0);
      // The windows are too small for much, but not for everything.
      expect(proved).toBeGreaterThan(1000);
      expect(open).toBeGreaterThan(1000);
    });
  }
});

test('seeds by the border are known however far they reach', async () => {
  const maps = scene([150, 170], 0.92, 2);
  maps.border?.data.fill(0);
  const { found, whole, differing } = await compare(maps, { by: 'border', minSeedSize: 40 }, [32, 32], 4, 40 * 40);
  // One seed nearly as large as the image, in windows of two thousandths of it.
  const sizes = new Float64Array(whole.count + 1);
  for (const label of whole.labels.data) sizes[label]++;
  expect(Math.max(...sizes.subarray(1))).toBeGreaterThan(0.7 * 150 * 170);
  expect({ count: found.count, open: found.openPixels, differing }).toEqual({
    count: whole.count,
    open: 0,
    differing: 0,
  });
});

test('what cannot be proved in the memory allowed is separated all the same, and counted', async () => {
  const maps = scene([150, 170], 0.8, 1);
  const { found, differing } = await compare(maps, { by: 'shape' }, [64, 64], 4, 72 * 72);
  expect(found.openPixels).toBeGreaterThan(0);
  expect(found.openObjects).toBeGreaterThan(0);
  expect(found.openObjects).toBeLessThan(found.count);
  // Numbers differ, so only where there is an object is the same.
  expect(differing).toBeGreaterThan(0);
  const { labels, write } = collected([150, 170]);
  await separateByBlocks(byBox(maps), { by: 'shape' }, { block: [64, 64], halo: 4, maxWindow: 72 * 72, write });
  const full = separateObjects(maps, { by: 'shape' }).labels.data;
  expect([...labels].every((label, i) => label > 0 === full[i] > 0)).toBe(true);
});
