/** What networks of stars and flows learn of a patch that was turned, mirrored and bent. */
import { describe, expect, it } from 'vitest';
import { stream } from '../../src/array/random.ts';
import { coordinates, drawGeometry, innerCoordinates, PLAIN, widerCoordinates } from '../../src/augment/field.ts';
import { augmentSettings, NO_AUGMENTATION } from '../../src/augment/options.ts';
import { makeMapBatch, patchTargets } from '../../src/augment/patch-targets.ts';
import type { SampleOptions } from '../../src/augment/sample.ts';
import { focusIndex, type TrainingSet } from '../../src/dataset/patch-position.ts';
import { labelGrid } from '../../src/objects/grid.ts';
import { mapTargets } from '../../src/objects/map-targets.ts';
import { mapChannels, type ObjectMaps } from '../../src/objects/object-maps.ts';

const SIDE = 24;
/** Two ellipses that touch, longer along x; number 4 and 9. */
const objects = Int32Array.from({ length: SIDE * SIDE }, (_, p) => {
  const [y, x] = [Math.floor(p / SIDE), p % SIDE];
  if (((y - 8) / 4) ** 2 + ((x - 9) / 7) ** 2 < 1) return 4;
  return ((y - 15) / 4) ** 2 + ((x - 13) / 8) ** 2 < 1 ? 9 : 0;
});
const page = { name: 'two.png', height: SIDE, width: SIDE, objects };
const STARS: ObjectMaps = { by: 'stars', rays: 8, scalePx: 4, contextPx: 0 };
const FLOWS: ObjectMaps = { by: 'flows', contextPx: 0 };
const MIDDLE = [(SIDE - 1) / 2, (SIDE - 1) / 2] as const;

const whole = (matrix: readonly [number, number, number, number], maps: ObjectMaps): Float32Array =>
  patchTargets(page, { geometry: { ...PLAIN, matrix }, patch: [SIDE, SIDE], centre: MIDDLE, outputMargin: 0 }, maps);
const plane = (maps: Float32Array, channel: number): Float32Array =>
  maps.subarray(channel * SIDE * SIDE, (channel + 1) * SIDE * SIDE);

describe('without changes', () => {
  it.each([STARS, FLOWS])('targets are those of the label map: $by', (maps) => {
    expect(whole([1, 0, 0, 1], maps)).toEqual(mapTargets(labelGrid(objects, [SIDE, SIDE]), maps).data);
  });
});

describe('turned by a quarter', () => {
  // source (y, x) = matrix (y, x): what is at (y, x) of the turned patch comes from (-x, y) of the page.
  const TURN = [0, -1, 1, 0] as const;
  const from = (p: number): number => {
    const [y, x] = [Math.floor(p / SIDE), p % SIDE];
    return (SIDE - 1 - x) * SIDE + y;
  };

  it('flows turn with the image: along y what was along x, along x the opposite of what was along y', () => {
    const [before, after] = [whole([1, 0, 0, 1], FLOWS), whole(TURN, FLOWS)];
    let moved = 0;
    for (let p = 0; p < SIDE * SIDE; p++) {
      // Where the middle lies between pixels, the first of those in the middle differs.
      const turned = [plane(before, 1)[from(p)] as number, -(plane(before, 0)[from(p)] as number)];
      const found = [plane(after, 0)[p] as number, plane(after, 1)[p] as number];
      const along = (turned[0] as number) * (found[0] as number) + (turned[1] as number) * (found[1] as number);
      if (plane(after, 2)[p] === 0) expect(found).toEqual([0, 0]);
      else if (along > 0.95) moved++;
    }
    const inside = plane(after, 2).reduce((a, b) => a + b, 0);
    expect(moved / inside).toBeGreaterThan(0.95);
    // As they are, unturned, they would not do.
    const unturned = plane(after, 0).filter(
      (value, p) => Math.abs(value - (plane(before, 0)[from(p)] as number)) < 0.05,
    );
    expect(unturned.length / (SIDE * SIDE)).toBeLessThan(0.95);
  });

  it('ray k is what ray k + 2 of 8 was, and the probability stays', () => {
    const [before, after] = [whole([1, 0, 0, 1], STARS), whole(TURN, STARS)];
    for (let p = 0; p < SIDE * SIDE; p++) {
      expect(plane(after, 0)[p]).toBe(plane(before, 0)[from(p)]);
      for (let k = 0; k < 8; k++) {
        // Along +x of the turned patch lies -y of the page: ray 0 there is ray 6 here.
        expect(plane(after, 1 + k)[p]).toBeCloseTo(plane(before, 1 + ((k + 6) % 8))[from(p)] as number, 5);
      }
    }
  });
});

it('mirrored left to right, flows along x change their sign', () => {
  const mirrored = whole([1, 0, 0, -1], FLOWS);
  const plain = whole([1, 0, 0, 1], FLOWS);
  let both = 0;
  for (let p = 0; p < SIDE * SIDE; p++) {
    const q = p - (p % SIDE) + SIDE - 1 - (p % SIDE);
    if (Math.abs((plane(mirrored, 1)[p] as number) + (plane(plain, 1)[q] as number)) < 0.3) both++;
  }
  expect(both / (SIDE * SIDE)).toBeGreaterThan(0.97);
  // In the row of its middle, near the left end of the first.
  expect(plane(plain, 1)[8 * SIDE + 4]).toBeGreaterThan(0.9);
  expect(plane(mirrored, 1)[8 * SIDE + SIDE - 1 - 4]).toBeLessThan(-0.9);
});

describe('objects that reach out of a patch', () => {
  // The patch ends in the middle of both.
  const place = { geometry: PLAIN, patch: [SIDE, 12] as const, centre: [MIDDLE[0], 5.5] as const, outputMargin: 0 };
  const left = (maps: ObjectMaps) => patchTargets(page, place, maps);
  const full = (maps: ObjectMaps, channel: number) =>
    plane(whole([1, 0, 0, 1], maps), channel).filter((_, p) => p % SIDE < 12);

  it.each([STARS, FLOWS])('are seen whole as far as the context reaches: $by', (maps) => {
    const seen = left({ ...maps, contextPx: 12 });
    const cut = left(maps);
    for (let channel = 0; channel < mapChannels(maps); channel++) {
      const own = seen.subarray(channel * SIDE * 12, (channel + 1) * SIDE * 12);
      expect(own).toEqual(full(maps, channel));
    }
    expect(cut).not.toEqual(seen);
  });
});

it('an object and its mirror image beyond the border, apart from each other, are two', () => {
  // A patch that begins 8 pixels beyond the left border, from which the objects are 3 and 6 pixels away.
  const place = { geometry: PLAIN, patch: [SIDE, SIDE] as const, centre: [MIDDLE[0], 3.5] as const, outputMargin: 0 };
  const found = patchTargets(page, place, { ...FLOWS, contextPx: 20 });
  const inside = plane(whole([1, 0, 0, 1], FLOWS), 1);
  for (let p = 0; p < SIDE * SIDE; p++) {
    const x = p % SIDE;
    if (x >= 8) expect(plane(found, 1)[p]).toBe(inside[p - 8]);
    else expect(plane(found, 1)[p]).toBeCloseTo(-(inside[p - x + 7 - x] as number), 0);
  }
});

it('the field of a wider patch is that of the patch in its middle', () => {
  const bent = drawGeometry(stream(3, 'wider'), [16, 20], augmentSettings({ warpFraction: 1 }));
  expect(bent.bendY).toBeDefined();
  const wider = widerCoordinates(bent, [16, 20], [30.5, 40.25], 5);
  expect(innerCoordinates(wider, [26, 30], 5)).toEqual(coordinates(bent, [16, 20], [30.5, 40.25]));
});

it('batches hold the targets of each sample, without the pixels that a network cuts off', () => {
  const image = Float32Array.from(objects, (value) => (value > 0 ? 1 : 0));
  const label = Uint8Array.from(objects, (value) => (value > 0 ? 1 : 0));
  const set: TrainingSet = {
    pages: [{ ...page, image, label }],
    channels: 1,
    classCount: 2,
    classWeights: [1, 1],
    focus: focusIndex([{ label }], [0.7, 0.3]),
  };
  const options: SampleOptions & { readonly maps: ObjectMaps } = {
    seed: 1,
    patch: [16, 16],
    batch: 3,
    outputMargin: 2,
    focusFraction: 0.3,
    augment: augmentSettings(NO_AUGMENTATION),
    maps: FLOWS,
  };
  const batch = makeMapBatch(set, 4, options);
  expect(batch.targets).toHaveLength(3 * 3 * 12 * 12);
  for (let i = 0; i < 3; i++) {
    const cells = (batch.targets as Float32Array).subarray((3 * i + 2) * 144, (3 * i + 3) * 144);
    expect([...cells]).toEqual([...batch.labels.subarray(i * 144, (i + 1) * 144)]);
  }
});
