import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SCHEDULES, type ScheduleName, type ScheduleSpec, scheduleOf } from '../../src/nn/schedules.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

function factors(spec: ScheduleSpec, total: number): number[] {
  const schedule = scheduleOf(spec);
  return Array.from({ length: total }, (_, step) => schedule(step, total));
}

describe('by hand', () => {
  test('constant', () => expect(factors({ name: 'constant' }, 3)).toEqual([1, 1, 1]));
  test('constant after a warm-up of 4 steps', () =>
    expect(factors({ name: 'constant', warmUp: 4 }, 6)).toEqual([0.25, 0.5, 0.75, 1, 1, 1]));
  test('a tenth at a half and at three quarters', () =>
    expectAllClose(factors({ name: 'step' }, 8), [1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01]));
  test('cosine: 1, then a half in the middle', () =>
    expectAllClose(factors({ name: 'cosine' }, 4), [1, 0.5 + Math.SQRT1_2 / 2, 0.5, 0.5 - Math.SQRT1_2 / 2]));
  test('cosine begins its descent after the warm-up', () =>
    expectAllClose(factors({ name: 'cosine', warmUp: 2 }, 4), [0.5, 1, 1, 0.5]));
  test('polynomial of power 1 is a straight line', () =>
    expectAllClose(factors({ name: 'polynomial', power: 1 }, 4), [1, 0.75, 0.5, 0.25]));
});

describe('plateau', () => {
  const factorAfter = (scores: number[], options = {}) => scheduleOf({ name: 'plateau', ...options })(7, 10, scores);

  test('a tenth for every five validations in a row without a better one', () => {
    expect(factorAfter([])).toBe(1);
    expect(factorAfter([0.5, 0.6, 0.6, 0.6, 0.6, 0.6])).toBe(1);
    expectAllClose([factorAfter([0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6])], [0.1]);
    // A better one in between begins the count anew; ten in a row are two plateaus, and there are three at most.
    expect(factorAfter([0.5, 0.6, 0.6, 0.6, 0.7, 0.6, 0.6, 0.6])).toBe(1);
    expectAllClose([factorAfter([0.5, 0.6, ...new Array<number>(10).fill(0.6)])], [0.01]);
    expectAllClose([factorAfter([0.5, 0.6, ...new Array<number>(40).fill(0.6)])], [0.001]);
  });

  test('what has not got better than at first is left alone', () => {
    expect(factorAfter(new Array<number>(20).fill(0.5))).toBe(1);
  });

  test('its numbers can be chosen', () => {
    expectAllClose([factorAfter([0.5, 0.6, 0.6, 0.6], { patience: 2, gamma: 0.5, times: 1 })], [0.5]);
  });
});

describe('equal PyTorch', () => {
  const golden = JSON.parse(readFileSync(new URL('../golden/optimizers.json', import.meta.url), 'utf8')) as {
    readonly schedules: { readonly [name: string]: number[] };
  };
  const specs: { readonly [name: string]: ScheduleSpec } = {
    cosine: { name: 'cosine' },
    'cosine, final 0.1': { name: 'cosine', final: 0.1 },
    polynomial: { name: 'polynomial' },
    step: { name: 'step' },
    'one-cycle': { name: 'one-cycle' },
    'one-cycle, rise 0.5': { name: 'one-cycle', pctStart: 0.5, divFactor: 10, finalDivFactor: 100 },
  };
  test.each(Object.entries(golden.schedules))('%s', (name, expected) => {
    // PyTorch multiplies the last factor on, so its rounding adds up.
    expectAllClose(factors(specs[name] as ScheduleSpec, 20), expected, { rtol: 1e-9, atol: 1e-12 });
  });
});

test('every schedule stays within 0 and 1 for any number of steps', () => {
  const names = Object.keys(SCHEDULES) as ScheduleName[];
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.integer({ min: 1, max: 50 }), fc.nat(60), (name, total, warmUp) => {
      for (const factor of factors({ name, warmUp } as ScheduleSpec, total)) {
        expect(factor).toBeGreaterThanOrEqual(0);
        expect(factor).toBeLessThanOrEqual(1 + 1e-12);
      }
    }),
  );
});
