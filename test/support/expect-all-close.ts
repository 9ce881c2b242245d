import { expect } from 'vitest';

type Numbers = ArrayLike<number> | ArrayLike<bigint>;

interface Tolerance {
  readonly rtol?: number;
  readonly atol?: number;
}

/**
 * Asserts |actual - expected| <= atol + rtol * |expected| for every element (NaN equals NaN),
 * and names the worst element where it fails.
 */
export function expectAllClose(actual: Numbers, expected: Numbers, { rtol = 1e-6, atol = 0 }: Tolerance = {}): void {
  expect(actual.length, 'number of elements').toBe(expected.length);
  let worst = -1;
  let worstExcess = 0;
  for (let i = 0; i < expected.length; i++) {
    const a = Number(actual[i]);
    const e = Number(expected[i]);
    if (Object.is(a, e) || a === e) continue;
    const excess = Math.abs(a - e) - (atol + rtol * Math.abs(e));
    if (!(excess <= 0) && !(excess <= worstExcess)) {
      worst = i;
      worstExcess = Number.isNaN(excess) ? Number.POSITIVE_INFINITY : excess;
    }
  }
  if (worst >= 0) {
    expect.fail(
      `element ${worst} of ${expected.length} is ${actual[worst]}, expected ${expected[worst]} ` +
        `(rtol ${rtol}, atol ${atol}, difference ${Math.abs(Number(actual[worst]) - Number(expected[worst]))})`,
    );
  }
}
