import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stream } from '../../src/array/random.ts';
import { patchPosition, type TrainingPage, type TrainingSet } from '../../src/dataset/patch-position.ts';
import { foveate, requireWindow, windowOffsets, windowReader } from '../../src/input/window.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

const noise = (length: number, seed = 1): Float32Array => {
  const random = stream(seed, 'noise');
  return Float32Array.from({ length }, () => random.between(-1, 1));
};

describe('nonuniform sampling', () => {
  it('leaves the inner half as it is and reaches the border of what it covers', () => {
    const offsets = windowOffsets({ side: 9, cover: 17 });
    // m = 4, M = 8: beyond 2 pixels u + 4 ((|u| - 2) / 2)^2.
    expect(Array.from(offsets)).toEqual([-8, -4, -2, -1, 0, 1, 2, 4, 8]);
  });
  it('a window that covers no more than itself has a pixel each', () => {
    expect(Array.from(windowOffsets({ side: 5, cover: 5 }))).toEqual([-2, -1, 0, 1, 2]);
    // Of an even side the middle is the later of the two.
    expect(Array.from(windowOffsets({ side: 4, cover: 4 }))).toEqual([-2, -1, 0, 1]);
  });
  it('never goes back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 100 }), (m, more) => {
        const offsets = windowOffsets({ side: 2 * m + 1, cover: 2 * (m + more) + 1 });
        for (let i = 1; i < offsets.length; i++) expect(offsets[i]).toBeGreaterThan(offsets[i - 1] as number);
        expect(offsets.at(-1)).toBeCloseTo(m > 1 ? m + more : m + more / 4, 3);
      }),
    );
  });
});

describe('foveation', () => {
  it('leaves the middle sharp and blurs the more the further out', () => {
    const side = 33;
    // Noise: its variance falls with the blur.
    const window = noise(side * side);
    const plain = window.slice();
    foveate(window, 1, side, 4);
    const variance = (data: Float32Array, ring: number): number => {
      const values = [...data].filter((_, p) => {
        const distance = Math.max(Math.abs(Math.floor(p / side) - 16), Math.abs((p % side) - 16));
        return distance === ring;
      });
      return values.reduce((sum, value) => sum + value * value, 0) / values.length;
    };
    expect(window[16 * side + 16]).toBe(plain[16 * side + 16]);
    const kept = [2, 6, 10, 15].map((ring) => variance(window, ring) / variance(plain, ring));
    expect(kept).toEqual(kept.toSorted((a, b) => b - a));
    expect(kept[3]).toBeLessThan(0.05);
  });
  it('leaves an even picture even', () => {
    const window = new Float32Array(2 * 81).fill(0.3);
    foveate(window, 2, 9, 2);
    expectAllClose(window, new Float32Array(2 * 81).fill(0.3), { atol: 1e-6 });
  });
  it('commutes with quarter turns', () => {
    const side = 11;
    const turned = (from: Float32Array) =>
      Float32Array.from(from, (_, p) => from[(p % side) * side + (side - 1 - Math.floor(p / side))] as number);
    const plain = noise(side * side, 5);
    const [first, then] = [plain.slice(), turned(plain)];
    foveate(first, 1, side, 2);
    foveate(then, 1, side, 2);
    // Sums in another order.
    expectAllClose(turned(first), then, { atol: 1e-6 });
  });
});

describe('reading windows', () => {
  const planes = Float32Array.from({ length: 2 * 6 * 5 }, (_, i) => i);
  const size = { channels: 2, height: 6, width: 5 };
  it('a plain window is a cut-out, mirrored at the borders', () => {
    const target = new Float32Array(2 * 9);
    windowReader(planes, size, { side: 3, cover: 3, foveationPx: 0 })(0, 4, target);
    // Rows -1, 0, 1 and columns 3, 4, 5 of a picture of 5 columns.
    expect(Array.from(target)).toEqual([3, 4, 4, 3, 4, 4, 8, 9, 9, 33, 34, 34, 33, 34, 34, 38, 39, 39]);
  });
  it('between pixels linearly', () => {
    const ramp = Float32Array.from({ length: 40 * 40 }, (_, i) => Math.floor(i / 40) + 100 * (i % 40));
    const target = new Float32Array(49);
    windowReader(ramp, { channels: 1, height: 40, width: 40 }, { side: 7, cover: 15, foveationPx: 0 })(20, 18, target);
    const offsets = windowOffsets({ side: 7, cover: 15 });
    const expected = Array.from({ length: 49 }, (_, i) => {
      return 20 + (offsets[Math.floor(i / 7)] as number) + 100 * (18 + (offsets[i % 7] as number));
    });
    expectAllClose(target, expected, { rtol: 1e-6 });
  });
  it.each([
    [{ side: 9, cover: 7, foveationPx: 0 }, /cannot cover 7.*at least 9/],
    [{ side: 9, cover: 12, foveationPx: 0 }, /cannot cover 12/],
    [{ side: 9, cover: 9, foveationPx: 5 }, /cannot be blurred by 5.*0 to 2/],
  ])('refuses %o', (window, message) => {
    expect(() => requireWindow(window)).toThrow(message);
  });
});

describe('balanced places', () => {
  const page = (name: string, height: number, width: number): TrainingPage => ({
    name,
    height,
    width,
    image: new Float32Array(height * width),
    label: Uint8Array.from({ length: height * width }, (_, i) => (i % 50 === 0 ? 1 : i % 7 === 0 ? 255 : 0)),
  });
  const pages = [page('a', 40, 50), page('b', 80, 50)];
  const set: TrainingSet = { pages, channels: 1, classCount: 2, classWeights: [1, 1], focus: { rare: [] } };
  const options = { seed: 2, patch: [9, 9] as const, batch: 8, outputMargin: 4, focusFraction: 0.3, balanced: true };

  it('are of every class in turn, and spread over the pages by their size', () => {
    const seen = { classes: [0, 0], pages: new Map<string, number>() };
    for (let step = 0; step < 100; step++) {
      for (let index = 0; index < 8; index++) {
        const { page: found, centre } = patchPosition(set, step, index, options);
        const label = found.label[centre[0] * found.width + centre[1]] as number;
        expect(label).toBe(index % 2);
        seen.classes[label] = (seen.classes[label] as number) + 1;
        seen.pages.set(found.name, (seen.pages.get(found.name) ?? 0) + 1);
      }
    }
    expect(seen.classes).toEqual([400, 400]);
    // b has two thirds of the pixels: 533 of 800, standard deviation 13.
    expect(seen.pages.get('b')).toBeGreaterThan(480);
    expect(seen.pages.get('b')).toBeLessThan(590);
  });
  it('of a class that is nowhere are any pixels that count', () => {
    const { page: found, centre } = patchPosition({ ...set, classCount: 3 }, 0, 2, options);
    expect(found.label[centre[0] * found.width + centre[1]]).not.toBe(255);
  });
});
