import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { UsageError } from '../../src/errors.ts';
import type { Connectivity, IntegerArray } from '../../src/objects/grid.ts';
import type { ScalarArray } from '../../src/objects/level-order.ts';
import { watershed } from '../../src/objects/seeded-watershed.ts';

const row = (...values: number[]) => ndarray('int32', [1, values.length], Int32Array.from(values));

/** The definition: of the pixels that wait, the lowest goes first, of equal ones the one that was reached first. */
function plainly(
  image: ScalarArray,
  seeds: IntegerArray,
  mask: IntegerArray,
  [d, h, w]: [number, number, number],
  connectivity: Connectivity,
): number[] {
  const steps: { by: [number, number, number]; far: number }[] = [];
  for (const dz of [-1, 0, 1])
    for (const dy of [-1, 0, 1])
      for (const dx of [-1, 0, 1]) {
        const far = dz * dz + dy * dy + dx * dx;
        if (far === 1 || (far > 1 && (connectivity === 8 || connectivity === 26)))
          steps.push({ by: [dz, dy, dx], far });
      }
  steps.sort((a, b) => a.far - b.far);
  const labels = Array.from(seeds.data, (seed, i) => (mask.data[i] === 0 ? 0 : seed));
  const waiting: { pixel: number; height: number }[] = [];
  for (const [pixel, label] of labels.entries()) {
    if (label > 0) waiting.push({ pixel, height: image.data[pixel] as number });
  }
  while (waiting.length > 0) {
    let next = 0;
    for (const [k, { height }] of waiting.entries()) if (height < (waiting[next]?.height ?? 0)) next = k;
    const [{ pixel, height }] = waiting.splice(next, 1) as [{ pixel: number; height: number }];
    const [z, y, x] = [Math.floor(pixel / (h * w)), Math.floor(pixel / w) % h, pixel % w];
    for (const { by } of steps) {
      const [a, b, c] = [z + by[0], y + by[1], x + by[2]];
      if (a < 0 || a >= d || b < 0 || b >= h || c < 0 || c >= w) continue;
      const q = (a * h + b) * w + c;
      if (labels[q] !== 0 || mask.data[q] === 0) continue;
      labels[q] = labels[pixel] as number;
      waiting.push({ pixel: q, height: Math.max(height, image.data[q] as number) });
    }
  }
  return labels;
}

describe('watershed from seeds', () => {
  it('meets on the crest, and on even ground in the middle', () => {
    expect([...watershed(row(0, 1, 3, 2, 1, 0), row(7, 0, 0, 0, 0, 4)).data]).toEqual([7, 7, 7, 4, 4, 4]);
    expect([...watershed(row(5, 5, 5, 5), row(1, 0, 0, 2)).data]).toEqual([1, 1, 2, 2]);
  });

  it('runs down into a valley without a seed', () => {
    expect([...watershed(row(9, 0, 0, 9), row(1, 0, 0, 0)).data]).toEqual([1, 1, 1, 1]);
  });

  it('leaves what no seed reaches, and drops seeds outside of the mask', () => {
    const mask = row(1, 1, 0, 1, 0);
    expect([...watershed(row(1, 2, 3, 4, 5), row(6, 0, 0, 0, 3), { mask }).data]).toEqual([6, 6, 0, 0, 0]);
    expect(watershed(ndarray('uint8', [0, 3]), ndarray('uint8', [0, 3])).data).toHaveLength(0);
  });

  it('takes the order of values of every kind', () => {
    const values = [3, -0, -2.5, 0, 1e-3, -1e-3];
    const seeds = row(0, 1, 0, 0, 2, 0);
    const expected = [1, 1, 1, 1, 2, 2];
    expect([...watershed(ndarray('float32', [1, 6], Float32Array.from(values)), seeds).data]).toEqual(expected);
    expect([...watershed(ndarray('float64', [1, 6], Float64Array.from(values)), seeds).data]).toEqual(expected);
  });

  it('refuses NaN inside the mask, other shapes and seeds that are no labels', () => {
    const holed = ndarray('float32', [1, 2], Float32Array.of(Number.NaN, 1));
    expect(() => watershed(holed, row(0, 1))).toThrow(/NaN/);
    expect([...watershed(holed, row(0, 1), { mask: row(0, 1) }).data]).toEqual([0, 1]);
    expect(() => watershed(row(1, 2), row(1))).toThrow(UsageError);
    expect(() => watershed(row(1, 2), row(0, -1))).toThrow(/-1/);
  });

  it('equals the definition on random arrays, with and without plateaus', () => {
    const side = fc.integer({ min: 1, max: 6 });
    const values = fc.constantFrom(2, 5, 1000);
    const kinds = fc.constantFrom('uint8', 'float32', 'float64');
    fc.assert(
      fc.property(
        side,
        side,
        side,
        fc.boolean(),
        kinds,
        values,
        fc.infiniteStream(fc.nat()),
        (d, h, w, wide, kind, levels, stream) => {
          const draw = (length: number, largest: number) => [...stream.take(length)].map((v) => v % (largest + 1));
          const size = d * h * w;
          const heights = draw(size, Math.min(levels, kind === 'uint8' ? 255 : levels));
          const shift = kind === 'uint8' ? 0 : levels / 2;
          const image = {
            uint8: () => ndarray('uint8', [d, h, w], Uint8Array.from(heights)),
            float32: () =>
              ndarray(
                'float32',
                [d, h, w],
                Float32Array.from(heights, (v) => (v - shift) / 7),
              ),
            float64: () =>
              ndarray(
                'float64',
                [d, h, w],
                Float64Array.from(heights, (v) => (v - shift) / 7),
              ),
          }[kind as 'uint8' | 'float32' | 'float64']();
          const seeds = ndarray(
            'int32',
            [d, h, w],
            Int32Array.from(draw(size, 8), (v, i) => (v === 0 ? i + 1 : 0)),
          );
          const mask = ndarray('uint8', [d, h, w], Uint8Array.from(draw(size, 4)));
          const connectivity = wide ? 26 : 6;
          const found = watershed(image, seeds, { mask, connectivity });
          expect([...found.data]).toEqual(plainly(image, seeds, mask, [d, h, w], connectivity));
          const flat = { shape: [d * h, w] };
          const flatFound = watershed({ ...image, ...flat }, { ...seeds, ...flat }, { connectivity: wide ? 8 : 4 });
          const all = ndarray('uint8', [d * h, w], new Uint8Array(size).fill(1));
          expect([...flatFound.data]).toEqual(plainly(image, seeds, all, [1, d * h, w], wide ? 8 : 4));
        },
      ),
      { numRuns: 100 },
    );
  });
});
