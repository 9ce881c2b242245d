import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classWeights, separateTouching, separationTerm } from '../../src/dataset/weights/separation-weight.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

/** d1 and d2 straight from their definition: every object's nearest pixel, by trying all. */
function bruteForce(
  instances: Int32Array,
  [height, width]: readonly [number, number],
  w0: number,
  sigmaPx: number,
): Float32Array {
  return Float32Array.from(instances, (own, p) => {
    if (own !== 0) return 0;
    const nearest = new Map<number, number>();
    for (let q = 0; q < instances.length; q++) {
      const object = instances[q] as number;
      if (object === 0) continue;
      const d = Math.hypot(Math.floor(p / width) - Math.floor(q / width), (p % width) - (q % width));
      nearest.set(object, Math.min(d, nearest.get(object) ?? Number.POSITIVE_INFINITY));
    }
    const [d1, d2] = [...nearest.values()].sort((a, b) => a - b);
    return d1 === undefined || d2 === undefined || height === 0
      ? 0
      : w0 * Math.exp(-((d1 + d2) ** 2) / (2 * sigmaPx ** 2));
  });
}

describe('separationTerm', () => {
  it('follows the formula between two objects in a row', () => {
    // Objects at 0 and 4: from 1 the distances are 1 and 3, from 2 they are 2 and 2: always d1 + d2 = 4.
    const expected = 10 * Math.exp(-16 / 50);
    expectAllClose(separationTerm(Int32Array.of(7, 0, 0, 0, 9), [1, 5]), [0, expected, expected, expected, 0]);
  });

  it('is 0 with fewer than two objects', () => {
    expect(separationTerm(Int32Array.of(1, 0, 0, 1), [2, 2])).toEqual(new Float32Array(4));
    expect(separationTerm(new Int32Array(4), [2, 2])).toEqual(new Float32Array(4));
  });

  it('agrees with brute force on random objects', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 24 }),
        fc.integer({ min: 1, max: 24 }),
        fc.integer({ min: 0, max: 1e6 }),
        fc.double({ min: 1, max: 6, noNaN: true }),
        (height, width, seed, sigmaPx) => {
          let state = seed + 1;
          const next = () => {
            state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
            return state / 0x7fffffff;
          };
          const density = 0.02 + 0.5 * next();
          const instances = Int32Array.from({ length: height * width }, () =>
            next() < density ? 1 + Math.floor(next() * 5) : 0,
          );
          const actual = separationTerm(instances, [height, width], { sigmaPx });
          // Beyond d1 + d2 = 4 sigma the term is left out: w0 exp(-8) = 0.0034.
          expectAllClose(actual, bruteForce(instances, [height, width], 10, sigmaPx), { rtol: 1e-5, atol: 0.0034 });
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('separateTouching', () => {
  it('puts a pixel of background between objects that touch, and leaves others alone', () => {
    expect([...separateTouching(Int32Array.of(1, 1, 2, 2, 0, 3), [1, 6])]).toEqual([1, 0, 2, 2, 0, 3]);
    expect([...separateTouching(Int32Array.of(1, 1, 2, 2), [2, 2])]).toEqual([0, 0, 2, 2]);
  });
});

describe('weights of classes', () => {
  it('are the inverse root of the share, with mean 1 over the pixels', () => {
    const weights = classWeights([0.2, 0.8]);
    expect((weights[0] as number) / (weights[1] as number)).toBeCloseTo(2, 12);
    expect(0.2 * (weights[0] as number) + 0.8 * (weights[1] as number)).toBeCloseTo(1, 12);
  });
  it('are 1 without balance and for a class that does not occur', () => {
    expect(classWeights([0.2, 0.8], { balance: 0 })).toEqual([1, 1]);
    expect(classWeights([0, 1])).toEqual([1, 1]);
  });
});
