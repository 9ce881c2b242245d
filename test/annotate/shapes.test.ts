/** Polygons and lassos: the fill of regions, of shapely, and of the product's own outlines. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LabelLayer } from '../../src/annotate/label-layer.ts';
import { paintShape } from '../../src/annotate/paint.ts';
import { ndarray } from '../../src/array/ndarray.ts';
import { fillPolygon, type Line } from '../../src/objects/fill-polygon.ts';
import { toPolygons } from '../../src/objects/polygons.ts';

function painted(polygon: readonly Line[], height: number, width: number): Uint8Array {
  const layer = new LabelLayer('classes', { width, height });
  paintShape(layer, { polygon }, { value: 1 });
  return layer.read([0, 0, width, height]).map((label) => (label === 1 ? 1 : 0)) as Uint8Array;
}

/** Even-odd at pixel centres by the sign of each edge's side in whole numbers: coordinates are multiples of 1/4. */
function enclosed(lines: readonly Line[], column: number, row: number): boolean {
  const [px, py] = [4 * column + 2, 4 * row + 2];
  let crossings = 0;
  for (const line of lines) {
    for (let i = 0; i < line.length; i += 2) {
      const j = (i + 2) % line.length;
      let [ax, ay, bx, by] = [line[i], line[i + 1], line[j], line[j + 1]].map((c) => 4 * (c as number)) as [
        number,
        number,
        number,
        number,
      ];
      if (ay > by) [ax, ay, bx, by] = [bx, by, ax, ay];
      if (py < ay || py >= by) continue;
      if ((px - ax) * (by - ay) - (py - ay) * (bx - ax) >= 0) crossings++;
    }
  }
  return crossings % 2 === 1;
}

describe('polygons', () => {
  it('cover the centres that they enclose, with holes and crossing lines, beyond the image too', () => {
    const coordinate = fc.integer({ min: -24, max: 120 }).map((c) => c / 4);
    const line = fc
      .array(coordinate, { minLength: 6, maxLength: 24 })
      .map((c) => c.slice(0, c.length - (c.length % 2)));
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 3 }), (lines) => {
        const mask = painted(lines, 22, 26);
        const wanted = mask.map((_, p) => (enclosed(lines, p % 26, Math.floor(p / 26)) ? 1 : 0));
        expect(mask).toEqual(wanted);
      }),
      { numRuns: 500 },
    );
  });

  it('are the exact inverse of the outlines of objects', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2), { minLength: 48, maxLength: 48 }), (labels) => {
        const map = ndarray('uint8', [6, 8], Uint8Array.from(labels));
        for (const { label, polygons } of toPolygons(map)) {
          const lines = polygons.flatMap(({ exterior, holes }) => [exterior, ...holes]);
          expect(painted(lines, 6, 8)).toEqual(map.data.map((value) => (value === label ? 1 : 0)));
        }
      }),
    );
  });

  it('that share an edge share no pixel and leave none out', () => {
    const coordinate = fc.double({ min: -5, max: 35, noNaN: true });
    fc.assert(
      fc.property(coordinate, coordinate, coordinate, coordinate, (ax, ay, bx, by) => {
        // A rectangle around the image, cut in two along a line from left to right.
        const [a, b] = [
          [-10, ay, ax, by, bx, ay, 50, by],
          [50, by, bx, ay, ax, by, -10, ay],
        ];
        const times = new Uint8Array(30 * 30);
        const count = (row: number, from: number, to: number) => {
          for (let p = row * 30 + from; p < row * 30 + to; p++) times[p] = (times[p] as number) + 1;
        };
        fillPolygon([[...a, 50, -200, -10, -200]], [30, 30], count);
        fillPolygon([[...b, -10, 200, 50, 200]], [30, 30], count);
        expect(times.findIndex((n) => n % 2 !== 1)).toBe(-1);
      }),
      { numRuns: 300 },
    );
  });

  it('equal those of shapely but for centres that lie exactly on a line', () => {
    const { size, shapes } = JSON.parse(readFileSync('test/golden/shapes.json', 'utf8'));
    let compared = 0;
    for (const { geometry, runs } of shapes) {
      const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
      const lines: number[][] = polygons.flat().map((ring: number[][]) => ring.slice(0, -1).flat());
      const mask = new Uint8Array(size * size);
      for (let i = 0; i < runs.length; i += 3) mask.fill(1, runs[i] * size + runs[i + 1], runs[i] * size + runs[i + 2]);
      const own = painted(lines, size, size);
      for (let p = 0; p < mask.length; p++) {
        if (isOnLine(lines, (p % size) + 0.5, Math.floor(p / size) + 0.5)) continue;
        compared++;
        expect([p, own[p]]).toEqual([p, mask[p]]);
      }
    }
    expect(compared).toBeGreaterThan(50_000);
  });
});

function isOnLine(lines: readonly Line[], x: number, y: number): boolean {
  return lines.some((line) => {
    for (let i = 0; i < line.length; i += 2) {
      const j = (i + 2) % line.length;
      const [ax, ay, bx, by] = [line[i], line[i + 1], line[j], line[j + 1]] as [number, number, number, number];
      const cross = (x - ax) * (by - ay) - (y - ay) * (bx - ax);
      const within = Math.min(ax, bx) <= x && x <= Math.max(ax, bx) && Math.min(ay, by) <= y && y <= Math.max(ay, by);
      if (cross === 0 && within) return true;
    }
    return false;
  });
}
