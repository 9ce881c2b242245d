import { describe, expect, test } from 'vitest';
import { float32 } from '../../src/array/ndarray.ts';
import {
  type CandidatePage,
  candidatesOf,
  meanWithin,
  randomPlaces,
  rankPlaces,
  uncertaintyOf,
} from '../../src/predict/places.ts';

test('the uncertainty is 1 less the lead of the most likely class over the second', () => {
  const probabilities = float32([3, 1, 3], [1, 0.5, 0.2, 0, 0.5, 0.7, 0, 0, 0.1]);
  expect(Array.from(uncertaintyOf(probabilities), (value) => Math.round(1000 * value) / 1000)).toEqual([0, 1, 0.5]);
});

/** 16 x 16 with one block of 4 x 4 of a value at (y, x). */
function withBlock(blocks: readonly (readonly [y: number, x: number, value: number])[]): Float32Array {
  const map = new Float32Array(256);
  for (const [top, left, value] of blocks) {
    for (let y = top; y < top + 4; y++) map.fill(value, y * 16 + left, y * 16 + left + 4);
  }
  return map;
}

describe('windows of a slice', () => {
  const map = withBlock([
    [2, 3, 1],
    [8, 8, 0.5],
  ]);

  test('are the most uncertain, then the best that do not overlap them', () => {
    const found = candidatesOf(map, [16, 16], { side: 4 });
    expect(found.slice(0, 2)).toEqual([
      { x: 3, y: 2, width: 4, height: 4, uncertainty: 1, annotated: 0 },
      { x: 8, y: 8, width: 4, height: 4, uncertainty: 0.5, annotated: 0 },
    ]);
    // Whatever else touches a block overlaps the best on it.
    expect(found).toHaveLength(2);
    expect(meanWithin(map, 16, { x: 3, y: 2, width: 4, height: 8 })).toBe(0.5);
  });

  test('count for less the more of them is annotated, and not at all where all is', () => {
    const annotated = new Uint8Array(256);
    for (let y = 2; y < 6; y++) annotated.fill(1, y * 16 + 3, y * 16 + 6);
    const [first, second] = candidatesOf(map, [16, 16], { side: 4, annotated });
    // 0.5 against 1 x (1 - 3 / 4).
    expect(first).toMatchObject({ x: 8, y: 8, uncertainty: 0.5, annotated: 0 });
    expect(second).toMatchObject({ uncertainty: 0.75, annotated: 0.5 });
    expect(candidatesOf(map, [16, 16], { side: 4, annotated: new Uint8Array(256).fill(1) })).toEqual([]);
  });

  test('are as large as a slice that is smaller', () => {
    expect(candidatesOf(new Float32Array(6).fill(0.5), [2, 3], { side: 4 })).toEqual([
      { x: 0, y: 0, width: 3, height: 2, uncertainty: 0.5, annotated: 0 },
    ]);
  });
});

describe('the order of places', () => {
  const page = (image: string, uncertainties: readonly number[]): CandidatePage => ({
    image,
    height: 10,
    width: 10 * uncertainties.length,
    candidates: uncertainties.map((uncertainty, i) => ({
      x: 10 * i,
      y: 0,
      width: 10,
      height: 10,
      uncertainty,
      annotated: 0,
    })),
  });
  const pages = [page('a', [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]), page('b', [0.3, 0.2]), page('c', [0.1])];

  test('is by uncertainty with at most three in a row from one image while others have any', () => {
    const places = rankPlaces(pages, [], 9);
    expect(places.map((place) => `${'abc'[place.page]}${place.x}`)).toEqual([
      'a0',
      'a10',
      'a20',
      'b0',
      'a30',
      'a40',
      'a50',
      'b10',
      'c0',
    ]);
    expect(rankPlaces([page('a', [0.9, 0.8, 0.7, 0.6])], [], 9)).toHaveLength(4);
  });

  test('has every tenth at random, which no other overlaps', () => {
    const many = [page('a', new Array(30).fill(0.5)), page('b', new Array(30).fill(0.4))];
    const random = randomPlaces(many, 2, { side: 10, seed: 3 });
    expect(random).toEqual(randomPlaces(many, 2, { side: 10, seed: 3 }));
    const places = rankPlaces(many, random, 25);
    expect(places).toHaveLength(25);
    expect(places.flatMap((place, i) => (place.random ? [i] : []))).toEqual([9, 19]);
    expect([places[9], places[19]]).toEqual(random.map((place) => ({ ...place, random: true })));
    for (const { page: of, x } of random) {
      const near = places.filter((place) => !place.random && place.page === of && Math.abs(place.x - x) < 10);
      expect(near).toEqual([]);
    }
  });

  test('of few windows none is left to chance, so that none is missing', () => {
    const few = [page('a', [0.9, 0.8])];
    const random = randomPlaces(few, 2, { side: 10, seed: 3 });
    expect(rankPlaces(few, random, 20).map(({ x, random: isRandom }) => [x, isRandom])).toEqual([
      [0, false],
      [10, false],
    ]);
  });

  test('a random place comes last where its turn would be after all others', () => {
    const ten = [page('a', [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.35, 0.3, 0.2, 0.1])];
    const [drawn] = randomPlaces(ten, 1, { side: 10, seed: 3 });
    const places = rankPlaces(ten, [drawn as (typeof places)[number]], 20);
    expect(places.at(-1)).toEqual({ ...drawn, random: true });
    expect(places.filter(({ random }) => random)).toHaveLength(1);
    // The rest are the windows that it does not overlap.
    expect(places.slice(0, -1).map(({ x }) => x)).toEqual(
      ten[0]?.candidates.map(({ x }) => x).filter((x) => Math.abs(x - (drawn?.x ?? 0)) >= 10),
    );
  });

  test('random places that are annotated already are drawn again', () => {
    const size = { height: 100, width: 100 };
    // The upper 60 of 100 rows are annotated: at most half of a place of 20 may lie in them.
    const annotated = Uint8Array.from({ length: 10_000 }, (_, i) => (i < 6000 ? 1 : 0));
    const found = randomPlaces([{ ...size, annotated }], 50, { side: 20 });
    expect(found).toHaveLength(50);
    expect(Math.min(...found.map(({ y }) => y))).toBeGreaterThan(50);
    expect(randomPlaces([{ ...size, annotated: annotated.fill(1) }], 50, { side: 20 })).toEqual([]);
    expect(randomPlaces([size], 3, { side: 20 })).toEqual(
      randomPlaces([{ ...size, annotated: annotated.fill(0) }], 3, { side: 20 }),
    );
  });

  test('random places lie in slices by their area', () => {
    const found = randomPlaces(
      [
        { height: 100, width: 300 },
        { height: 100, width: 100 },
        { height: 5, width: 5 },
      ],
      4000,
      { side: 20 },
    );
    const share = found.filter((place) => place.page === 0).length / 4000;
    // Three quarters, with a standard deviation of 0.007.
    expect(share).toBeGreaterThan(0.72);
    expect(share).toBeLessThan(0.78);
    expect(found.every(({ page: of, x, width }) => x >= 0 && x + width <= ([300, 100, 5][of] as number))).toBe(true);
  });
});
