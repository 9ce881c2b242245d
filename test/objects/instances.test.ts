import { describe, expect, it } from 'vitest';
import { float32, ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { UsageError } from '../../src/errors.ts';
import { type SeparationWay, separateObjects } from '../../src/objects/instances.ts';

const HEIGHT = 24;
const WIDTH = 40;
const SHAPE = [HEIGHT, WIDTH];

/** Two discs that overlap by a neck, and a small one by itself: what a good network would say of them. */
function touchingDiscs() {
  const discs = [
    { y: 12, x: 11, r: 8 },
    { y: 12, x: 25, r: 8 },
    { y: 4, x: 36, r: 2 },
  ];
  const foreground = float32(SHAPE);
  const border = float32(SHAPE);
  const distance = float32(SHAPE);
  for (let y = 0, i = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++, i++) {
      const depths = discs.map((disc) => disc.r - Math.hypot(y - disc.y, x - disc.x));
      const depth = Math.max(...depths);
      foreground.data[i] = depth >= 0 ? 0.9 : 0.1;
      border.data[i] = depth >= 0 && (depth < 1.5 || depths.filter((d) => d > -1).length > 1) ? 0.8 : 0.05;
      distance.data[i] = Math.max(0, depth / 8);
    }
  }
  return { maps: { foreground, border, distance }, at: (y: number, x: number) => y * WIDTH + x };
}

describe('separateObjects', () => {
  it.each<[SeparationWay, number]>([
    ['components', 2],
    ['shape', 3],
    ['border', 3],
    ['distance', 3],
  ])('by %s finds %d objects', (by, expected) => {
    const { maps, at } = touchingDiscs();
    const { labels, count } = separateObjects(maps, { by });
    expect(count).toBe(expected);
    expect(labels.data[at(12, 11)] === labels.data[at(12, 25)]).toBe(by === 'components');
    // Nothing of the mask is lost: border pixels belong to the objects that they surround.
    expect([...labels.data].map((label) => label > 0)).toEqual([...maps.foreground.data].map((p) => p > 0.5));
  });

  it('takes the middle between the discs as the line', () => {
    const { maps, at } = touchingDiscs();
    const { labels } = separateObjects(maps, { by: 'shape' });
    expect(labels.data[at(12, 17)]).toBe(labels.data[at(12, 11)]);
    expect(labels.data[at(12, 19)]).toBe(labels.data[at(12, 25)]);
  });

  it('drops objects whose mean foreground is too small', () => {
    const { maps, at } = touchingDiscs();
    for (let y = 0; y < 7; y++) for (let x = 34; x < WIDTH; x++) maps.foreground.data[at(y, x)] = 0.6;
    expect(separateObjects(maps, { by: 'shape', minConfidence: 0.59 }).count).toBe(3);
    const { labels, count } = separateObjects(maps, { by: 'shape', minConfidence: 0.61 });
    expect(count).toBe(2);
    expect(labels.data[at(4, 36)]).toBe(0);
    expect(separateObjects(maps, { by: 'shape', minConfidence: 0.95 }).count).toBe(0);
  });

  it('drops small objects and those at the border, and fills holes', () => {
    const { maps, at } = touchingDiscs();
    expect(separateObjects(maps, { by: 'shape', minSize: 50 }).count).toBe(2);
    maps.foreground.data[at(12, 11)] = 0;
    expect(separateObjects(maps, { by: 'components' }).labels.data[at(12, 11)]).toBeGreaterThan(0);
    expect(separateObjects(maps, { by: 'components', fillHoles: false }).labels.data[at(12, 11)]).toBe(0);
    for (let x = 0; x < 11; x++) maps.foreground.data[at(12, x)] = 1;
    expect(separateObjects(maps, { by: 'components', border: 'clear' }).count).toBe(1);
  });

  it('fills a hole whose speck is removed, and not one whose object stays', () => {
    const rows = ['1111101111111', '1000101000001', '1010101011001', '1000101011001', '1111101000001', '0000001111111'];
    const foreground = float32([6, 13], Float32Array.from(rows.join(''), Number));
    const sizes = (settings: object): readonly number[] => {
      const { labels, count } = separateObjects({ foreground }, { by: 'components', ...settings });
      return Array.from({ length: count }, (_, i) => labels.data.filter((label) => label === i + 1).length);
    };
    expect(sizes({})).toEqual([16, 22, 1, 4]);
    expect(sizes({ minSize: 2 })).toEqual([25, 22, 4]);
    expect(sizes({ minSize: 2, fillHoles: false })).toEqual([16, 22, 4]);
  });

  it('works in 3D', () => {
    const { maps } = touchingDiscs();
    const solid = (map: { data: Float32Array }) =>
      float32(
        [5, ...SHAPE],
        Float32Array.from({ length: 5 * HEIGHT * WIDTH }, (_, i) => map.data[i % map.data.length] as number),
      );
    const volume = {
      foreground: solid(maps.foreground),
      border: solid(maps.border),
      distance: solid(maps.distance),
    };
    for (const by of ['border', 'distance'] as const) expect(separateObjects(volume, { by }).count).toBe(3);
  });

  it('finds nothing where there is nothing, one object where all is foreground', () => {
    const empty = { foreground: float32([4, 4]), border: float32([4, 4]), distance: float32([4, 4]) };
    const full = { ...empty, foreground: float32([4, 4], new Float32Array(16).fill(1)) };
    for (const by of ['components', 'shape', 'border', 'distance'] as const) {
      expect(separateObjects(empty, { by }).count).toBe(0);
      expect(separateObjects(full, { by }).count).toBe(1);
    }
    expect(separateObjects({ foreground: float32([0, 4]) }, { by: 'shape' }).count).toBe(0);
  });

  it('chooses a threshold by itself', () => {
    const random = stream(1, 'test');
    const foreground = float32(
      [20, 20],
      Float32Array.from({ length: 400 }, (_, i) => (i % 20 < 8 ? 0.3 + 0.1 * random.uniform() : 0.05)),
    );
    expect(separateObjects({ foreground }, { by: 'components' }).count).toBe(0);
    const { labels, count } = separateObjects({ foreground }, { by: 'components', threshold: 'otsu' });
    expect(count).toBe(1);
    expect([...labels.data].filter((label) => label > 0).length).toBe(160);
  });

  it('says which map is missing', () => {
    const foreground = ndarray('float32', [2, 2]);
    expect(() => separateObjects({ foreground }, { by: 'border' })).toThrow(UsageError);
    expect(() => separateObjects({ foreground, distance: ndarray('float32', [2, 3]) }, { by: 'distance' })).toThrow(
      /shapes differ/,
    );
  });
});
