/** The plan of a new run: of so many steps, or to end in time at the pace that is measured. */

import { counted, option } from '../errors.ts';
import { finishMs, fixedPlan, type Measured, type Plan, planForTime, totalSteps, validationsOf } from './plan.ts';
import type { Clock } from './store.ts';
import type { TrainingTask } from './task.ts';
import type { TrainSettings } from './tasks/segmentation/choose-recipe.ts';
import type { TrainingSetup } from './tasks/segmentation/setup.ts';
import type { State } from './train-step.ts';
import { warmUp } from './warm-up.ts';

/** The duration of the run, as set or as the task's default. */
export function lengthOf(
  { steps, minutes }: TrainSettings,
  { length }: TrainingTask,
): { readonly steps: number | undefined; readonly minutes: number | undefined } {
  if (steps !== undefined || minutes !== undefined)
    return { steps, minutes: steps === undefined ? minutes : undefined };
  return 'steps' in length ? { steps: length.steps, minutes: undefined } : { steps: undefined, ...length };
}

interface PlanOptions {
  readonly steps: number | undefined;
  readonly minutes: number | undefined;
  /** Whether the user set the minutes. */
  readonly given: boolean;
  readonly clock: Clock;
  readonly beganMs: number;
  readonly initial: State;
}

export async function makePlan(
  setup: TrainingSetup,
  { steps, minutes = 0, given, clock, beganMs, initial }: PlanOptions,
): Promise<{ readonly plan: Plan; readonly measured: Measured | undefined; readonly line: string }> {
  const { validator } = setup;
  if (steps !== undefined) {
    const plan = fixedPlan(steps, validator === undefined ? 0 : validationsOf(steps));
    return {
      plan,
      measured: undefined,
      line: `plan: ${counted(steps, 'step')}, ${counted(plan.validations, 'validation')}`,
    };
  }
  const budgetMs = minutes * 60_000;
  const measured = await warmUp(setup, initial, clock, Math.min(6000, 0.03 * budgetMs));
  const plan = planForTime(measured, {
    budgetMs,
    elapsedMs: clock.nowMs() - beganMs,
    finishMs: finishMs(measured),
    validates: validator !== undefined,
  });
  const pace = `a step takes ${measured.stepMs.toFixed(0)} ms`;
  const scoring = validator === undefined ? '' : `, a validation ${(measured.validationMs / 1000).toFixed(1)} s`;
  const why = given
    ? `to end in ${minutes} min`
    : `to end in ${minutes} min, as neither ${option('steps')} nor ${option('minutes')} is set`;
  return {
    plan,
    measured,
    line: `plan: ${counted(totalSteps(plan), 'step')}, ${counted(plan.validations, 'validation')} ${why}; ${pace}${scoring}`,
  };
}
