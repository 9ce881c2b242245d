import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { type Outline, toPolygons } from '../../src/objects/polygons.ts';
import type { Ring } from '../../src/objects/rings.ts';

/** A label map from lines of digits; a dot is background. */
function map(...lines: readonly string[]) {
  const values = lines.flatMap((line) => [...line].map((letter) => (letter === '.' ? 0 : Number(letter))));
  return ndarray('uint8', [lines.length, lines[0]?.length ?? 0], Uint8Array.from(values));
}

const twiceArea = (ring: Ring): number => {
  let sum = 0;
  for (let i = 0, n = ring.length; i < n; i += 2)
    sum += (ring[i] ?? 0) * (ring[(i + 3) % n] ?? 0) - (ring[(i + 2) % n] ?? 0) * (ring[i + 1] ?? 0);
  return sum;
};

/** Whether a ring encloses a point, by the edges to the right of it. */
function encloses(ring: Ring, x: number, y: number): boolean {
  let inside = false;
  for (let i = 0, n = ring.length; i < n; i += 2) {
    const [ax, ay] = [ring[i] ?? 0, ring[i + 1] ?? 0];
    const [bx, by] = [ring[(i + 2) % n] ?? 0, ring[(i + 3) % n] ?? 0];
    if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) inside = !inside;
  }
  return inside;
}

/** The label map that outlines enclose; each pixel at most once. */
function paint(outlines: readonly Outline[], height: number, width: number): number[] {
  const out = new Array<number>(height * width).fill(0);
  for (const { label, polygons } of outlines) {
    for (const { exterior, holes } of polygons) {
      for (let p = 0; p < out.length; p++) {
        const [x, y] = [(p % width) + 0.5, Math.floor(p / width) + 0.5];
        if (!encloses(exterior, x, y) || holes.some((hole) => encloses(hole, x, y))) continue;
        expect(out[p], `pixel ${x}, ${y} of ${label}`).toBe(0);
        out[p] = label;
      }
    }
  }
  return out;
}

describe('outlines of small objects', () => {
  test('one pixel, a bar, an L: corners only, from the uppermost left one', () => {
    expect(toPolygons(map('...', '.7.', '...'))).toEqual([
      { label: 7, polygons: [{ exterior: Int32Array.of(1, 1, 2, 1, 2, 2, 1, 2), holes: [] }] },
    ]);
    expect(toPolygons(map('77'))[0]?.polygons[0]?.exterior).toEqual(Int32Array.of(0, 0, 2, 0, 2, 1, 0, 1));
    expect(toPolygons(map('1.', '11'))[0]?.polygons[0]?.exterior).toEqual(
      Int32Array.of(0, 0, 1, 0, 1, 1, 2, 1, 2, 2, 0, 2),
    );
  });

  test('a ring has a hole the other way round, and what lies in it is its own', () => {
    const [ring, core] = toPolygons(map('222', '232', '222'));
    expect(ring?.polygons).toEqual([
      { exterior: Int32Array.of(0, 0, 3, 0, 3, 3, 0, 3), holes: [Int32Array.of(1, 1, 1, 2, 2, 2, 2, 1)] },
    ]);
    expect(core?.polygons[0]?.exterior).toEqual(Int32Array.of(1, 1, 2, 1, 2, 2, 1, 2));
  });

  test('pixels that touch at a corner are two polygons; joined elsewhere they are one', () => {
    expect(toPolygons(map('1.', '.1'))[0]?.polygons).toHaveLength(2);
    const [around] = toPolygons(map('111', '1.1', '11.'));
    // The hole touches the exterior at (2, 2): two rings, neither of which meets itself.
    expect(around?.polygons).toHaveLength(1);
    expect(around?.polygons[0]?.exterior).toEqual(Int32Array.of(0, 0, 3, 0, 3, 2, 2, 2, 2, 3, 0, 3));
    expect(around?.polygons[0]?.holes).toEqual([Int32Array.of(1, 1, 1, 2, 2, 2, 2, 1)]);
    // Two holes that touch at a corner stay two.
    expect(toPolygons(map('1111', '1.11', '11.1', '1111'))[0]?.polygons[0]?.holes).toHaveLength(2);
  });

  test('nothing gives nothing; labels come in ascending order with all their pieces', () => {
    expect(toPolygons(map('...'))).toEqual([]);
    expect(toPolygons(ndarray('uint8', [0, 0]))).toEqual([]);
    expect(toPolygons(map('9.2.9')).map(({ label, polygons }) => [label, polygons.length])).toEqual([
      [2, 1],
      [9, 2],
    ]);
  });

  test('volumes, negative labels and tolerances are refused', () => {
    expect(() => toPolygons(ndarray('uint8', [1, 1, 1]))).toThrow(/2D.*one slice at a time/);
    expect(() => toPolygons(ndarray('int8', [1, 1], Int8Array.of(-1)))).toThrow(/negative value -1/);
    expect(() => toPolygons(map('1'), { simplifyPx: -1 })).toThrow(/simplifyPx is -1/);
  });
});

const labelMaps = fc
  .record({
    height: fc.integer({ min: 1, max: 12 }),
    width: fc.integer({ min: 1, max: 12 }),
    kinds: fc.integer({ min: 1, max: 4 }),
    seed: fc.integer({ min: 0, max: 1e6 }),
  })
  .map(({ height, width, kinds, seed }) => {
    const random = stream(seed, 'label map');
    const data = Uint8Array.from({ length: height * width }, () => Math.floor(random.uniform() * (kinds + 1)));
    return ndarray('uint8', [height, width], data);
  });

describe('outlines of random label maps', () => {
  test('enclose the pixels of the objects and no others, in simple rings of the right sense', () => {
    fc.assert(
      fc.property(labelMaps, (labels) => {
        const [height, width] = labels.shape as [number, number];
        const outlines = toPolygons(labels);
        expect(paint(outlines, height, width)).toEqual([...labels.data]);
        let doubled = 0;
        for (const { exterior, holes } of outlines.flatMap(({ polygons }) => polygons)) {
          expect(twiceArea(exterior)).toBeGreaterThan(0);
          for (const ring of [exterior, ...holes]) {
            const corners = Array.from({ length: ring.length / 2 }, (_, i) => `${ring[2 * i]},${ring[2 * i + 1]}`);
            expect(new Set(corners).size, 'no corner twice').toBe(corners.length);
            doubled += twiceArea(ring);
          }
          for (const hole of holes) expect(twiceArea(hole)).toBeLessThan(0);
        }
        expect(doubled / 2).toBe(labels.data.reduce((sum, value) => sum + (value === 0 ? 0 : 1), 0));
      }),
    );
  });
});

describe('fewer corners', () => {
  /** A disk of radius r as label 1, and the rest as label 2. */
  function disk(radius: number) {
    const side = 2 * radius + 10;
    const data = Uint8Array.from({ length: side * side }, (_, p) =>
      Math.hypot((p % side) + 0.5 - side / 2, Math.floor(p / side) + 0.5 - side / 2) < radius ? 1 : 2,
    );
    return ndarray('uint8', [side, side], data);
  }

  test('an outline stays within the tolerance and neighbours keep their common line', () => {
    const labels = disk(30);
    const exact = toPolygons(labels);
    const [inner, outer] = toPolygons(labels, { simplifyPx: 1 });
    const ring = inner?.polygons[0]?.exterior as Ring;
    const full = exact[0]?.polygons[0]?.exterior as Ring;
    expect(ring.length).toBeLessThan(full.length / 4);
    // The two rings are at most 1 px apart, so the areas differ by at most the length of the line times 1 px.
    expect(Math.abs(twiceArea(ring) - twiceArea(full)) / 2).toBeLessThan(2 * Math.PI * 30);
    const hole = outer?.polygons[0]?.holes[0] as Ring;
    expect(twiceArea(hole)).toBe(-twiceArea(ring));
    const corners = (r: Ring) => new Set(Array.from({ length: r.length / 2 }, (_, i) => `${r[2 * i]},${r[2 * i + 1]}`));
    expect(corners(hole)).toEqual(corners(ring));
  });

  test('neighbours that tile a field still do: their areas add up to the field', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 12 }), fc.integer({ min: 0, max: 1e6 }), (cells, seed) => {
        const side = 40;
        const random = stream(seed, 'cells');
        const centres = Array.from(
          { length: cells },
          () => [side * random.uniform(), side * random.uniform()] as const,
        );
        const data = Uint8Array.from({ length: side * side }, (_, p) => {
          const distances = centres.map(([x, y]) => Math.hypot((p % side) - x, Math.floor(p / side) - y));
          return 1 + distances.indexOf(Math.min(...distances));
        });
        const outlines = toPolygons(ndarray('uint8', [side, side], data), { simplifyPx: 0.75 });
        const rings = outlines.flatMap(({ polygons }) =>
          polygons.flatMap(({ exterior, holes }) => [exterior, ...holes]),
        );
        expect(rings.reduce((sum, ring) => sum + twiceArea(ring), 0) / 2).toBe(side * side);
      }),
      { numRuns: 30 },
    );
  });

  test('small objects keep at least three corners', () => {
    const ring = toPolygons(map('1'), { simplifyPx: 50 })[0]?.polygons[0]?.exterior as Ring;
    expect(ring.length).toBeGreaterThanOrEqual(6);
  });
});
