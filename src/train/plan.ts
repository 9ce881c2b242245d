/**
 * The number of steps of a run, when it validates, and the progress of each step in its schedule. A plan is JSON in the
 * run's configuration, so that a resumed or repeated run follows it exactly.
 */

/** Progress increases linearly from `progress` after step `from` to 1 after step `total`. */
interface Segment {
  readonly from: number;
  readonly progress: number;
  readonly total: number;
}

export interface Plan {
  /**
   * None in an open session; otherwise one, unless the machine's speed changed before a deadline: then another from that
   * step on. None is ever modified, so a run resumed before that step is bit-identical.
   */
  readonly segments: readonly Segment[];
  /** Validations, evenly spaced in progress, the last one at the end; 0 for none. */
  readonly validations: number;
}

const MOST_VALIDATIONS = 20;

/** Steps per validation if no time limit applies, so that the same number of steps produces the same run anywhere. */
const STEPS_PER_VALIDATION = 100;

/** Number of validations for a number of steps: one per hundred steps, 1 to 20. */
export function validationsOf(steps: number): number {
  return Math.max(1, Math.min(MOST_VALIDATIONS, Math.round(steps / STEPS_PER_VALIDATION)));
}

/** A plan of a given number of steps after `from` of an open session. */
export function fixedPlan(steps: number, validations: number, from = 0): Plan {
  return { segments: [{ from, progress: 0, total: from + steps }], validations: Math.min(steps, validations) };
}

/** Total number of steps; 0 of an open session. */
export function totalSteps({ segments }: Plan): number {
  return segments.at(-1)?.total ?? 0;
}

function segmentAt({ segments }: Plan, step: number): Segment {
  return segments.findLast((segment) => segment.from <= step) as Segment;
}

/** Total number of steps as planned after `step` of them: schedules use it, also when they are replayed. */
export function totalAt(plan: Plan, step: number): number {
  return segmentAt(plan, step).total;
}

/** Fraction of the schedule completed after `step` steps. */
export function progressAt(plan: Plan, step: number): number {
  const { from, progress, total } = segmentAt(plan, step);
  return step >= total ? 1 : progress + ((1 - progress) * (step - from)) / (total - from);
}

/** Whether a validation is due after `step` completed steps. */
export function validatesAfter(plan: Plan, step: number): boolean {
  return step > 0 && validationsLeftAfter(plan, step) < validationsLeftAfter(plan, step - 1);
}

/** Number of validations that are due after `step` completed steps and their validation. */
export const validationsLeftAfter = (plan: Plan, step: number): number =>
  // Rounding must not drop the last one.
  plan.validations - Math.floor(plan.validations * progressAt(plan, step) + 1e-9);

/** Times measured before the first step, in milliseconds. */
export interface Measured {
  readonly stepMs: number;
  readonly validationMs: number;
}

/** Time needed after the last validation: models, the report and its predictions. */
export function finishMs({ validationMs }: Pick<Measured, 'validationMs'>): number {
  return 2000 + 1.5 * validationMs;
}

/** Fraction of the time that validation may take. */
const VALIDATION_SHARE = 0.1;

/** Number of validations worth their time: at least one, up to 20, together at most a tenth of the time. */
export function chooseValidations(trainingMs: number, validationMs: number): number {
  if (validationMs === 0) return MOST_VALIDATIONS;
  return Math.max(1, Math.min(MOST_VALIDATIONS, Math.floor((VALIDATION_SHARE * trainingMs) / validationMs)));
}

/**
 * The plan that ends after `budgetMs`.
 * @param elapsedMs part of the budget already used
 * @param finishMs needed after the last validation, to write the results
 * @param validates whether there is anything to validate on
 */
export function planForTime(
  measured: Measured,
  {
    budgetMs,
    elapsedMs,
    finishMs,
    validates,
  }: { readonly budgetMs: number; readonly elapsedMs: number; readonly finishMs: number; readonly validates: boolean },
): Plan {
  const left = Math.max(0, budgetMs - elapsedMs - finishMs);
  const validations = validates ? chooseValidations(left, measured.validationMs) : 0;
  const steps = Math.max(1, Math.floor((left - validations * measured.validationMs) / measured.stepMs));
  return fixedPlan(steps, validations);
}

/** A deadline may be missed or undercut by this fraction of the whole time before the rest is replanned, */
const TOLERANCE = 0.015;
/** and by this fraction of the remaining time. */
const TOLERANCE_OF_REST = 0.1;

/**
 * The plan for the remaining steps if the current speed would miss the deadline by more than 1.5 %, or by a tenth of
 * the remaining time; otherwise the same plan. Completed steps are unchanged.
 *
 * @param done number of completed steps
 * @param leftMs time from now to the end of training
 */
export function replan(plan: Plan, done: number, leftMs: number, budgetMs: number, measured: Measured): Plan {
  const total = totalSteps(plan);
  const progress = progressAt(plan, done);
  const validationsLeft = validationsLeftAfter(plan, done);
  const needMs = (total - done) * measured.stepMs + validationsLeft * measured.validationMs;
  if (Math.abs(needMs - leftMs) <= Math.min(TOLERANCE * budgetMs, TOLERANCE_OF_REST * leftMs)) return plan;
  const rest = Math.max(1, Math.floor((leftMs - validationsLeft * measured.validationMs) / measured.stepMs));
  return { ...plan, segments: [...plan.segments, { from: done, progress, total: done + rest }] };
}
