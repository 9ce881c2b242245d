import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  chooseValidations,
  fixedPlan,
  planForTime,
  progressAt,
  replan,
  totalAt,
  totalSteps,
  validatesAfter,
  validationsOf,
} from '../../src/train/plan.ts';

describe('a plan of 10 steps with 3 validations', () => {
  const plan = fixedPlan(10, 3);

  test('goes evenly from 0 to 1', () => {
    expect(totalSteps(plan)).toBe(10);
    expect([0, 1, 5, 10].map((step) => progressAt(plan, step))).toEqual([0, 0.1, 0.5, 1]);
  });

  test('validates after steps 4, 7 and 10', () => {
    const due = Array.from({ length: 11 }, (_, step) => step).filter((step) => validatesAfter(plan, step));
    expect(due).toEqual([4, 7, 10]);
  });
});

test('every plan validates as often as it says, the last time at its end', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 20 }), (steps, validations) => {
      const plan = fixedPlan(steps, validations);
      const due = Array.from({ length: steps }, (_, i) => i + 1).filter((step) => validatesAfter(plan, step));
      expect(due.length).toBe(Math.min(steps, validations));
      expect(due.at(-1)).toBe(steps);
    }),
  );
});

test('a number of steps alone decides how often it validates: one in a hundred, 1 to 20', () => {
  expect([1, 99, 250, 1500, 99_999].map(validationsOf)).toEqual([1, 1, 3, 15, 20]);
});

describe('planned for a time', () => {
  test('60 s, of which 10 are gone and 2 needed at the end: 48 s for steps of 100 ms and validations of 1 s', () => {
    const plan = planForTime(
      { stepMs: 100, validationMs: 1000 },
      { budgetMs: 60_000, elapsedMs: 10_000, finishMs: 2000, validates: true },
    );
    // A tenth of 48 s is room for four validations; 44 s are left for steps.
    expect(plan.validations).toBe(4);
    expect(totalSteps(plan)).toBe(440);
  });

  test('without anything to validate on, all of it is for steps', () => {
    const plan = planForTime(
      { stepMs: 100, validationMs: 0 },
      { budgetMs: 10_000, elapsedMs: 0, finishMs: 0, validates: false },
    );
    expect(plan).toEqual(fixedPlan(100, 0));
  });

  test('a budget that is over before it began gives one step', () => {
    const plan = planForTime(
      { stepMs: 100, validationMs: 500 },
      { budgetMs: 1000, elapsedMs: 2000, finishMs: 2000, validates: true },
    );
    expect(totalSteps(plan)).toBe(1);
  });

  test('validations take a tenth of the time at most, and there is at least one', () => {
    expect(chooseValidations(100_000, 1000)).toBe(10);
    expect(chooseValidations(100_000, 60_000)).toBe(1);
    expect(chooseValidations(1e9, 1)).toBe(20);
  });
});

describe('planned anew', () => {
  const plan = fixedPlan(1000, 0);

  test('not when the pace keeps to within 1.5 % of the time', () => {
    expect(replan(plan, 500, 50_000, 100_000, { stepMs: 102.5, validationMs: 0 })).toBe(plan);
  });

  test('half-way, at half the speed, half of the steps that are left', () => {
    const next = replan(plan, 500, 50_000, 100_000, { stepMs: 200, validationMs: 0 });
    expect(next.segments).toEqual([
      { from: 0, progress: 0, total: 1000 },
      { from: 500, progress: 0.5, total: 750 },
    ]);
    expect(progressAt(next, 500)).toBe(progressAt(plan, 500));
    expect(progressAt(next, 625)).toBe(0.75);
  });

  test('what was done stays as it was, whenever and however often', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double({ min: 0.05, max: 0.6, noNaN: true }), fc.integer({ min: 20, max: 900 })), {
          maxLength: 5,
        }),
        (changes) => {
          let current = fixedPlan(1000, 10);
          let done = 0;
          for (const [share, stepMs] of changes) {
            done += Math.max(1, Math.floor((totalSteps(current) - done) * share));
            if (done >= totalSteps(current)) break;
            const before = current;
            current = replan(current, done, 40_000, 100_000, { stepMs, validationMs: 100 });
            for (let step = 0; step <= done; step++) {
              expect(progressAt(current, step)).toBe(progressAt(before, step));
            }
            expect(totalSteps(current)).toBeGreaterThan(done);
            expect(progressAt(current, totalSteps(current))).toBe(1);
          }
        },
      ),
    );
  });
});

test('the schedule of steps that are gone through again is the one they had, whatever was planned later', () => {
  const before = fixedPlan(100, 0);
  const after = replan(before, 40, 3000, 10_000, { stepMs: 100, validationMs: 0 });
  expect(totalSteps(after)).toBe(70);
  for (let step = 0; step < 40; step++) {
    expect([progressAt(after, step), totalAt(after, step)]).toEqual([progressAt(before, step), 100]);
  }
  expect(totalAt(after, 40)).toBe(70);
});
