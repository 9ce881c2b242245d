/** Floods and the wand against searches that look at one pixel at a time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { continueFor } from '../../src/annotate/continue-for.ts';
import {
  type FoundArea,
  flood,
  forEachRun,
  type Inside,
  type Pixel,
  sameLabel,
  similar,
} from '../../src/annotate/flood.ts';
import { LabelLayer } from '../../src/annotate/label-layer.ts';
import { wand } from '../../src/annotate/wand.ts';
import { gaussianBlur } from '../../src/array/gaussian.ts';

type Size = readonly [height: number, width: number];

function finish(task: Generator<number, FoundArea>): FoundArea {
  let state = task.next();
  while (!state.done) state = task.next();
  return state.value;
}

/** 1 where the area is; fails if two runs overlap. */
function maskOf(area: FoundArea, [height, width]: Size): Uint8Array {
  const mask = new Uint8Array(height * width);
  let pixels = 0;
  forEachRun(area, (y, from, to) => {
    pixels += to - from;
    mask.fill(1, y * width + from, y * width + to);
  });
  expect([area.pixels, mask.reduce((sum, one) => sum + one, 0)]).toEqual([pixels, pixels]);
  return mask;
}

function search(inside: Inside, seed: Pixel, [height, width]: Size, connectivity: 4 | 8): Uint8Array {
  const mask = new Uint8Array(height * width);
  const waiting = [seed];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [x, y] = next;
    if (x < 0 || y < 0 || x >= width || y >= height || mask[y * width + x] === 1 || !inside(x, y)) continue;
    mask[y * width + x] = 1;
    for (const dx of [-1, 0, 1]) {
      for (const dy of [-1, 0, 1]) if (connectivity === 8 || dx * dy === 0) waiting.push([x + dx, y + dy]);
    }
  }
  return mask;
}

describe('a flood', () => {
  const size = [23, 31] as const;
  const values = fc.array(fc.constantFrom(0, 1, 2, 3, Number.NaN), { minLength: 23 * 31, maxLength: 23 * 31 });

  it('finds what a search pixel by pixel finds, by 4 and by 8 neighbours', () => {
    const seed = fc.tuple(fc.nat(30), fc.nat(22));
    fc.assert(
      fc.property(
        values,
        seed,
        fc.nat(2),
        fc.constantFrom(4 as const, 8 as const),
        (data, at, tolerance, connectivity) => {
          const inside = similar((x, y) => data[y * 31 + x], at, tolerance);
          const area = finish(flood(inside, at, { size, connectivity }));
          expect(area.complete).toBe(true);
          expect(maskOf(area, size)).toEqual(search(inside, at, size, connectivity));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('follows the label of a layer, also where nothing is annotated', () => {
    const layer = new LabelLayer('objects', { width: 31, height: 23 });
    for (let y = 0; y < 23; y++) layer.fill(0, y, 10, 11, y === 7 ? 5 : 4);
    for (const seed of [
      [0, 0],
      [10, 0],
      [10, 7],
      [30, 3],
    ] as const) {
      const inside = sameLabel(layer, seed);
      expect(maskOf(finish(flood(inside, seed, { size })), size)).toEqual(search(inside, seed, size, 4));
    }
  });

  it('stops at the limit and says so', () => {
    const area = finish(flood(() => true, [3, 3], { size: [100, 100], limit: 250 }));
    expect([area.pixels, area.complete]).toEqual([300, false]);
    expect(finish(flood(() => true, [3, 3], { size: [3, 100], limit: 300 })).pixels).toBe(0);
    const whole = finish(flood(() => true, [3, 0], { size: [3, 100], limit: 300 }));
    expect([whole.pixels, whole.complete]).toEqual([300, true]);
  });

  it('can be continued in slices of time, and gives the same', () => {
    const inside: Inside = (x, y) => (x ^ y) % 5 !== 0;
    const options = { size: [700, 700], connectivity: 8 } as const;
    const task = flood(inside, [1, 0], options);
    let [clock, slices] = [0, 0];
    let state = continueFor(task, 2, () => clock++);
    for (; !state.done; slices++) state = continueFor(task, 2, () => clock++);
    expect(slices).toBeGreaterThan(10);
    expect(state.value).toEqual(finish(flood(inside, [1, 0], options)));
  });
});

describe('the wand', () => {
  const [height, width] = [60, 70];
  const size = [height, width] as const;
  const image = Float32Array.from({ length: height * width }, (_, p) => {
    const [x, y] = [p % width, Math.floor(p / width)];
    return (Math.hypot(x - 30, y - 28) < 12 ? 900 : 300) + ((p * 7919) % 97);
  });
  const values = (x: number, y: number) => image[y * width + x] as number;

  it('finds the pixels of a like smoothed intensity in the disc, as by its definition', () => {
    for (const [at, diameter, sigmaPx, deviations] of [
      [[30.5, 28.5], 40, 1, 1],
      [[38.2, 30.9], 31, 2, 0.5],
      [[2.5, 3.5], 20, 1.5, 2],
      [[69.5, 0.5], 24, 0, 1],
    ] as const) {
      const smooth = image.slice();
      gaussianBlur(smooth, height, width, sigmaPx);
      const centre = diameter % 2 === 1 ? at.map((c) => Math.floor(c) + 0.5) : at.map(Math.round);
      const inDisc = (x: number, y: number) =>
        Math.hypot(x + 0.5 - (centre[0] as number), y + 0.5 - (centre[1] as number)) <= diameter / 2;
      const disc = [...smooth].filter((_, p) => inDisc(p % width, Math.floor(p / width)));
      const mean = disc.reduce((a, b) => a + b, 0) / disc.length;
      const deviation = Math.sqrt(disc.reduce((sum, v) => sum + (v - mean) ** 2, 0) / disc.length);
      const seed = [Math.floor(at[0]), Math.floor(at[1])] as const;
      const wanted = smooth[seed[1] * width + seed[0]] as number;
      const inside: Inside = (x, y) =>
        inDisc(x, y) && Math.abs((smooth[y * width + x] as number) - wanted) <= deviations * deviation;
      const found = maskOf(finish(wand(values, at, { size, diameter, sigmaPx, deviations })), size);
      expect(found).toEqual(search(inside, seed, size, 4));
      expect(found.includes(1)).toBe(true);
    }
  });

  it('takes the whole disc where all is alike, and nothing where nothing is known', () => {
    expect(finish(wand(() => 5, [30, 30], { size, diameter: 4 })).pixels).toBe(12);
    expect(finish(wand(() => Number.NaN, [30, 30], { size, diameter: 4 })).pixels).toBe(0);
    expect(finish(wand(values, [-50, 30], { size, diameter: 4 })).pixels).toBe(0);
  });
});
