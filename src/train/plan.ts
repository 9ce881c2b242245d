/**
 * How many steps a run has, when it validates, and how far along its schedule each step is. A plan is JSON in the
 * run's configuration, so that a resumed or repeated run follows it to the letter.
 */

/** Progress grows evenly from `progress` after step `from` to 1 after step `total`. */
interface Segment {
  readonly from: number;
  readonly progress: number;
  readonly total: number;
}

export interface Plan {
  /**
   * One, unless the machine's speed changed on the way to a deadline: then another from that step on. None is ever
   * changed, so that a run which goes on from before that step does the same to the last bit.
   */
  readonly segments: readonly Segment[];
  /** Validations, evenly spaced in progress, the last one at the end; 0 for none. */
  readonly validations: number;
}

const MOST_VALIDATIONS = 20;

/** Steps to a validation where no clock decides, so that the same number of steps gives the same run anywhere. */
const STEPS_PER_VALIDATION = 100;

/** How many validations a given number of steps has: one in a hundred steps, 1 to 20. */
export function validationsOf(steps: number): number {
  return Math.max(1, Math.min(MOST_VALIDATIONS, Math.round(steps / STEPS_PER_VALIDATION)));
}

/** A plan of a given number of steps. */
export function fixedPlan(steps: number, validations: number): Plan {
  return { segments: [{ from: 0, progress: 0, total: steps }], validations: Math.min(steps, validations) };
}

/** Steps in all. */
export function totalSteps({ segments }: Plan): number {
  return (segments[segments.length - 1] as Segment).total;
}

function segmentAt({ segments }: Plan, step: number): Segment {
  return segments.findLast((segment) => segment.from <= step) as Segment;
}

/** Steps in all by what was planned after `step` of them: schedules go by it, also when they are gone through again. */
export function totalAt(plan: Plan, step: number): number {
  return segmentAt(plan, step).total;
}

/** Share of the schedule that is done after `step` steps. */
export function progressAt(plan: Plan, step: number): number {
  const { from, progress, total } = segmentAt(plan, step);
  return step >= total ? 1 : progress + ((1 - progress) * (step - from)) / (total - from);
}

/** Whether a validation falls due when `step` steps are done. */
export function validatesAfter(plan: Plan, step: number): boolean {
  const { validations } = plan;
  // Rounding must not lose the last one.
  const reached = (at: number): number => Math.floor(validations * progressAt(plan, at) + 1e-9);
  return step > 0 && reached(step) > reached(step - 1);
}

/** What a rehearsal measured, in milliseconds. */
export interface Measured {
  readonly stepMs: number;
  readonly validationMs: number;
}

/** Time for what comes after the last validation: models, the report and its predictions. */
export function finishMs({ validationMs }: Pick<Measured, 'validationMs'>): number {
  return 2000 + 1.5 * validationMs;
}

/** Share of the time that validation may take. */
const VALIDATION_SHARE = 0.1;

/** How many validations are worth their time: up to 20, together at most a tenth of it, at least one. */
export function chooseValidations(trainingMs: number, validationMs: number): number {
  if (validationMs === 0) return MOST_VALIDATIONS;
  return Math.max(1, Math.min(MOST_VALIDATIONS, Math.floor((VALIDATION_SHARE * trainingMs) / validationMs)));
}

/**
 * The plan that ends when `budgetMs` are over.
 * @param elapsedMs of the budget already gone
 * @param finishMs needed after the last validation, to write what remains
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
/** and by this share of what is left of it. */
const TOLERANCE_OF_REST = 0.1;

/**
 * The plan for the rest of the way when the pace so far would miss the deadline by more than 1.5 %, or by a
 * tenth of what is left; otherwise the same plan. What is done stays as it was.
 *
 * @param done steps done
 * @param leftMs time from now to the end of the training
 */
export function replan(plan: Plan, done: number, leftMs: number, budgetMs: number, measured: Measured): Plan {
  const total = totalSteps(plan);
  const progress = progressAt(plan, done);
  const validationsLeft = plan.validations - Math.floor(plan.validations * progress + 1e-9);
  const needMs = (total - done) * measured.stepMs + validationsLeft * measured.validationMs;
  if (Math.abs(needMs - leftMs) <= Math.min(TOLERANCE * budgetMs, TOLERANCE_OF_REST * leftMs)) return plan;
  const rest = Math.max(1, Math.floor((leftMs - validationsLeft * measured.validationMs) / measured.stepMs));
  return { ...plan, segments: [...plan.segments, { from: done, progress, total: done + rest }] };
}
