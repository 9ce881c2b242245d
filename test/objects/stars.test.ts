/** Star-convex polygons, by hand and against StarDist: scripts/golden/stars.py. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { float32, ndarray } from '../../src/array/ndarray.ts';
import { contingency } from '../../src/metrics/contingency.ts';
import { instanceScores, matchInstances } from '../../src/metrics/instances.ts';
import { starObjects } from '../../src/objects/stars/star-objects.ts';
import {
  areaOf,
  boundBy,
  cutIntoStrips,
  emptyStrips,
  type Strips,
  sharedArea,
  sharedBox,
} from '../../src/objects/stars/star-overlap.ts';
import { starDistances, starProbability } from '../../src/objects/stars/star-targets.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

interface Stored {
  readonly shape: number[];
  readonly data: number[];
}

interface Decoded {
  readonly by?: string;
  readonly points: readonly (readonly [y: number, x: number])[];
  readonly labels: Stored;
}

interface Golden {
  readonly targets: readonly {
    readonly labels: Stored;
    readonly rays: number;
    readonly grid: number;
    readonly distances: Stored;
    readonly probability: Stored;
  }[];
  readonly labels: Stored;
  readonly decodings: readonly (Decoded & Readonly<Record<'grid' | 'spread' | 'threshold' | 'overlap', number>>)[];
  readonly plain: Decoded;
}

const golden: Golden = JSON.parse(readFileSync('test/golden/stars.json', 'utf8'));
const ints = ({ shape, data }: Stored) => ndarray('int32', shape, Int32Array.from(data));

/** The part of objects found, of all on both sides, of which IoU is at least 0.9. */
const apAt90 = (truth: Stored, found: ReturnType<typeof ints>): number =>
  instanceScores([matchInstances(contingency(ints(truth), found))], { iouThresholds: [0.9] }).perThreshold[0]
    ?.averagePrecision ?? 0;

/** As in the script. */
const noise = (i: number): number => (Math.imul(i, 2654435761) >>> 0) / 2 ** 32;

function predicted(labels: ReturnType<typeof ints>, rays: number, grid: number, spread: number) {
  const { shape, data } = starDistances(labels, { rays, grid });
  const distances = float32(
    shape,
    data.map((distance, i) => distance * (1 + spread * (noise(i) - 0.5))),
  );
  const whole = starProbability(labels);
  const [, rows, columns] = shape as readonly [number, number, number];
  const probability = float32([rows, columns]);
  for (let i = 0; i < probability.data.length; i++) {
    const at = Math.floor(i / columns) * grid * (whole.shape[1] as number) + (i % columns) * grid;
    probability.data[i] = 0.98 * (whole.data[at] as number) + 0.02 * noise(i);
  }
  return { distances, probability };
}

describe('what is learned of stars', () => {
  it('is the distance to half a pixel behind the last one, along each ray', () => {
    const labels = ndarray('uint8', [3, 5], Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0));
    const { shape, data } = starDistances(labels, { rays: 4 });
    expect(shape).toEqual([4, 3, 5]);
    // The left pixel of the three: right, down, left, up.
    expectAllClose([0, 1, 2, 3].map((k) => data[k * 15 + 6]) as number[], [2.5, 0.5, 0.5, 0.5], { rtol: 1e-6 });
    expect(data[0]).toBe(0);
  });

  it('is 1 in the middle, and less towards the border, which the border of an image is not', () => {
    const labels = ndarray('uint8', [1, 6], Uint8Array.of(3, 3, 3, 0, 9, 0));
    expectAllClose(starProbability(labels).data, [1, 2 / 3, 1 / 3, 0, 1, 0]);
    expectAllClose(starProbability(ndarray('uint8', [3, 3], new Uint8Array(9).fill(2))).data, [
      ...[0.5, 0.5, 0.5, 0.5, 1, 0.5, 0.5, 0.5, 0.5],
    ]);
  });

  it.each(golden.targets)('is what StarDist computes: $rays rays, grid $grid', (stored) => {
    const { labels, rays, grid, distances, probability } = stored;
    const own = starDistances(ints(labels), { rays, grid });
    expect(own.shape).toEqual(distances.shape);
    // Sines and sums in single precision there.
    expectAllClose(own.data, distances.data, { rtol: 3e-6 });
    expectAllClose(starProbability(ints(labels)).data, probability.data, { rtol: 1e-6 });
  });

  it('refuses volumes, and two rays', () => {
    expect(() => starDistances(ndarray('uint8', [2, 2, 2]))).toThrow(/3 axes.*slices of a volume/s);
    expect(() => starDistances(ndarray('uint8', [2, 2]), { rays: 2 })).toThrow(/2 rays/);
  });
});

const polygon = (line: readonly number[]) => ({ corners: line.length / 2, places: Int32Array.from(line) });

const shared = (a: readonly number[], b: readonly number[]): number => {
  const [one, two] = [a, b].map((line) => {
    const polygons = polygon(line);
    const strips = emptyStrips(polygons.corners);
    boundBy(strips, polygons, 0);
    cutIntoStrips(strips, polygons, 0);
    return strips;
  }) as [Strips, Strips];
  const area = sharedArea(one, two);
  expect(sharedBox(one, two)).toBeGreaterThanOrEqual(area);
  return area;
};

describe('the area that polygons share', () => {
  const square = [0, 0, 4, 0, 4, 4, 0, 4];

  it('is exact', () => {
    expect(shared(square, square)).toBe(16);
    expect(shared(square, [2, 2, 6, 2, 6, 6, 2, 6])).toBe(4);
    // A diamond around a corner of the square: a quarter of it.
    expect(shared(square, [4, 2, 6, 4, 4, 6, 2, 4])).toBe(2);
    // Triangles whose long sides cross.
    expect(shared([0, 0, 4, 4, 0, 4], [0, 0, 4, 0, 0, 4])).toBe(4);
    expect(shared(square, [4, 0, 8, 0, 8, 4, 4, 4])).toBe(0);
    // A U, and a bar over its two arms.
    expect(shared([0, 0, 2, 0, 2, 4, 4, 4, 4, 0, 6, 0, 6, 6, 0, 6], [-1, 1, 7, 1, 7, 2, -1, 2])).toBe(4);
  });

  it('does not depend on the order, the direction or the first corner', () => {
    const star = [5, 0, 6, 3, 10, 5, 6, 6, 5, 11, 3, 6, 0, 5, 4, 4];
    const other = star.map((value, i) => value + (i % 2 === 0 ? 3 : -2));
    const turned = [...other.slice(4), ...other.slice(0, 4)];
    const back = Array.from({ length: 8 }, (_, i) => other.slice(14 - 2 * i, 16 - 2 * i)).flat();
    const area = shared(star, other);
    expect(area).toBeGreaterThan(0);
    for (const same of [turned, back])
      expectAllClose([shared(star, same), shared(same, star)], [area, area], { rtol: 1e-14 });
    expectAllClose([shared(star, star)], [areaOf(polygon(star), 0)], { rtol: 1e-14 });
  });
});

describe('objects from stars', () => {
  /** Two squares of 7 x 7, whose centres are at (5, 5) and (5, 5 + apart). */
  function squares(apart: number) {
    const probability = float32([11, 24]);
    const distances = float32([4, 11, 24], new Float32Array(4 * 11 * 24).fill(3.5));
    probability.data[5 * 24 + 5] = 0.8;
    probability.data[5 * 24 + 5 + apart] = 0.9;
    return { probability, distances };
  }

  it('are numbered by their probability, which also decides who has the pixels', () => {
    const { labels, count, objects } = starObjects(squares(6));
    expect(count).toBe(2);
    expect(objects.map(({ y, x, probability }) => [y, x, Math.fround(probability)])).toEqual([
      [5, 11, Math.fround(0.9)],
      [5, 5, Math.fround(0.8)],
    ]);
    // Diamonds: the row of the centres is 7 pixels of each, of which one is shared.
    expect([...labels.data.subarray(5 * 24, 6 * 24)].join('')).toBe('002222221111111000000000');
  });

  it('are suppressed where they overlap by more than is allowed', () => {
    expect(starObjects(squares(2)).count).toBe(1);
    expect(starObjects(squares(2), { overlap: 0.9 }).count).toBe(2);
    expect(starObjects(squares(2), { threshold: 0.85, overlap: 1 }).count).toBe(1);
    expect(starObjects(squares(2), { threshold: 0.95 })).toMatchObject({ count: 0, objects: [] });
  });

  it('of equal probability: the first in raster order stays', () => {
    const maps = squares(2);
    maps.probability.data[5 * 24 + 5] = maps.probability.data[5 * 24 + 7] as number;
    expect(starObjects(maps).objects.map(({ x }) => x)).toEqual([5]);
  });

  it('are not proposed at the border, and not from what is no number', () => {
    const maps = squares(6);
    expect(starObjects(maps, { margin: 5 }).count).toBe(2);
    expect(starObjects(maps, { margin: 6 }).count).toBe(0);
    maps.distances.data[2 * 11 * 24 + 5 * 24 + 5] = Number.NaN;
    expect(() => starObjects(maps)).toThrow(/row 5, column 5 are not all finite/);
    expect(() => starObjects({ ...maps, probability: float32([11, 23]) })).toThrow(/no stars/);
  });

  it.each(golden.decodings)('are those of $by: grid $grid, spread $spread, overlap $overlap', (stored) => {
    const { grid, spread, threshold, overlap, points, labels } = stored;
    const [height, width] = golden.labels.shape as [number, number];
    const maps = predicted(ints(golden.labels), 32, grid, spread);
    const own = starObjects(maps, { threshold, overlap, grid, shape: [height, width] });
    expect(apAt90(labels, own.labels)).toBe(1);
    expect(own.objects.map(({ y, x }) => [y, x])).toEqual(points);
    expect([...own.labels.data]).toEqual(labels.data);
  });

  it('are those of StarDist, but for the choice among equally probable pixels, of which it promises nothing', () => {
    const labels = ints(golden.labels);
    const probability = starProbability(labels);
    const own = starObjects({ distances: starDistances(labels), probability });
    const { points } = golden.plain;
    expect(apAt90(golden.plain.labels, own.labels)).toBe(1);
    const at = ([y, x]: readonly [number, number]): number => probability.data[y * 120 + x] as number;
    expect(own.objects.map(({ y, x }) => at([y, x]))).toEqual(points.map(at));
    const moved = own.objects.filter(({ y, x }) => !points.some(([py, px]) => py === y && px === x));
    expect(moved.length).toBeGreaterThan(0);
    // Each of them has another pixel of the same object in its place.
    for (const { y, x } of moved) {
      const label = labels.data[y * 120 + x];
      expect(points.filter(([py, px]) => labels.data[py * 120 + px] === label)).toHaveLength(1);
    }
  });
});
