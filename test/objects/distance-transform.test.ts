import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { UsageError } from '../../src/errors.ts';
import { distanceToNonzero, distanceToZero } from '../../src/objects/distance-transform.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

const mask = (shape: number[], values: number[]) => ndarray('uint8', shape, Uint8Array.from(values));

describe('distanceToNonzero', () => {
  it('measures between pixel centres', () => {
    const { distance, nearest } = distanceToNonzero(mask([3, 3], [1, 0, 0, 0, 0, 0, 0, 0, 0]));
    expectAllClose(distance.data, [0, 1, 2, 1, Math.SQRT2, Math.sqrt(5), 2, Math.sqrt(5), Math.sqrt(8)], { rtol: 0 });
    expect([...nearest.data]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('uses the spacing of each axis', () => {
    const { distance } = distanceToNonzero(mask([2, 3], [1, 0, 0, 0, 0, 1]), { spacing: [10, 1] });
    expectAllClose(distance.data, [0, 1, 2, 2, 1, 0], { rtol: 0 });
  });

  it('is infinite without features', () => {
    const { distance, nearest } = distanceToNonzero(mask([2, 2], [0, 0, 0, 0]));
    expect([...distance.data]).toEqual(Array(4).fill(Number.POSITIVE_INFINITY));
    expect([...nearest.data]).toEqual([-1, -1, -1, -1]);
    expect(distanceToNonzero(mask([0, 3], [])).distance.data.length).toBe(0);
  });

  it('refuses a spacing that does not fit', () => {
    expect(() => distanceToNonzero(mask([1, 1], [1]), { spacing: [1] })).toThrow(UsageError);
    expect(() => distanceToNonzero(mask([1, 1], [1]), { spacing: [1, 0] })).toThrow(UsageError);
    expect(() => distanceToNonzero(mask([1, 1], [1]), { spacing: [1, Number.NaN] })).toThrow(UsageError);
  });
});

describe('distanceToZero', () => {
  it('is the depth inside objects', () => {
    const { distance } = distanceToZero(mask([1, 5], [0, 1, 1, 1, 0]));
    expectAllClose(distance.data, [0, 1, 2, 1, 0], { rtol: 0 });
  });
});

describe('both', () => {
  it('equal the search over all pairs, with spacing, in 2D and 3D', () => {
    const side = fc.integer({ min: 1, max: 8 });
    const step = fc.constantFrom(0.37, 1, 2.5, 40);
    fc.assert(
      fc.property(
        side,
        side,
        side,
        step,
        step,
        step,
        fc.integer({ min: 1, max: 20 }),
        fc.infiniteStream(fc.nat()),
        (d, h, w, sz, sy, sx, rarity, stream) => {
          const values = [...stream.take(d * h * w)].map((n) => (n % rarity === 0 ? 1 : 0));
          const brute = values.map((_, i) => {
            let best = Number.POSITIVE_INFINITY;
            for (let j = 0; j < values.length; j++) {
              if (values[j] === 0) continue;
              const at = (k: number) =>
                [Math.floor(k / (h * w)) * sz, (Math.floor(k / w) % h) * sy, (k % w) * sx] as const;
              const [a, b] = [at(i), at(j)];
              best = Math.min(best, Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]));
            }
            return best;
          });
          // 1e-13: the products are rounded in another order.
          const found = distanceToNonzero(mask([d, h, w], values), { spacing: [sz, sy, sx] });
          expectAllClose(found.distance.data, brute, { rtol: 1e-13, atol: 1e-13 });
          const inverse = distanceToZero(
            mask(
              [d, h, w],
              values.map((v) => 1 - v),
            ),
            { spacing: [sz, sy, sx] },
          );
          expectAllClose(inverse.distance.data, brute, { rtol: 1e-13, atol: 1e-13 });
          for (const j of found.nearest.data) expect(j === -1 ? 1 : values[j]).toBe(1);
          if (d === 1) {
            const flat = distanceToNonzero(mask([h, w], values), { spacing: [sy, sx] });
            expectAllClose(flat.distance.data, found.distance.data, { rtol: 0 });
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
