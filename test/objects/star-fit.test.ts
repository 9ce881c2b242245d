import { expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { starFits } from '../../src/objects/stars/star-fit.ts';
import { starDistances, starDistancesAt } from '../../src/objects/stars/star-targets.ts';

const drawn = (side: number, valueAt: (y: number, x: number) => number) =>
  ndarray(
    'int32',
    [side, side],
    Int32Array.from({ length: side * side }, (_, p) => valueAt(Math.floor(p / side), p % side)),
  );

test('discs are stars, rings and crescents are not', () => {
  const labels = drawn(90, (y, x) => {
    if (Math.hypot(y - 20, x - 20) < 12) return 1;
    const ring = Math.hypot(y - 20, x - 60);
    if (ring < 16 && ring > 11) return 2;
    // A crescent: a disc less one beside it.
    return Math.hypot(y - 65, x - 25) < 18 && Math.hypot(y - 65, x - 36) > 18 ? 3 : 0;
  });
  const [disc, ring, crescent] = starFits(labels) as unknown as [number, number, number];
  expect(disc).toBeGreaterThan(0.9);
  // From a pixel of a ring not even half of it is seen.
  expect(ring).toBeLessThan(0.5);
  expect(crescent).toBeLessThan(disc);
  expect(crescent).toBeGreaterThan(ring);
});

test('a rectangle of 1 x 3 pixels, worked out by hand', () => {
  // Distances from the middle: 1.5 along x, 0.5 along y, less between: the polygon has all three centres inside.
  expect([...starFits(drawn(7, (y, x) => (y === 3 && x >= 2 && x < 5 ? 4 : 0)))]).toEqual([1]);
});

test('no objects have no fits', () => {
  expect(starFits(drawn(5, () => 0))).toHaveLength(0);
});

test('distances at a pixel are those of the whole map', () => {
  const labels = drawn(40, (y, x) => (Math.hypot(y - 18, x - 22) < 11 ? 1 : x > 30 ? 2 : 0));
  const all = starDistances(labels);
  for (const [y, x] of [
    [18, 22],
    [10, 20],
    [39, 39],
  ] as const) {
    const at = starDistancesAt(labels, y, x);
    expect([...at]).toEqual(Array.from({ length: 32 }, (_, k) => all.data[(k * 40 + y) * 40 + x]));
  }
});
