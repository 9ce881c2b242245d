/**
 * Learning-rate schedules: the factor on the base rate at a step, a pure function of (step, total). Steps count from 0
 * to total - 1. Factors are in 0..1.
 */
import { unknownName } from '../errors.ts';

interface WarmUp {
  /** Steps of linear warm-up, over which the schedule's factor is multiplied by (step + 1) / warmUp; default 0. */
  readonly warmUp?: number;
}

/** The factor on the base learning rate. `scores` are those of the validations so far, higher is better. */
export type Schedule = (step: number, total: number, scores?: readonly number[]) => number;

/** A linear warm-up over the first `warmUp` steps; `after` receives the remaining progress t, from 0 to 1. */
function warmed(warmUp: number, after: (t: number) => number): Schedule {
  return (step, total) => {
    if (step < warmUp) return ((step + 1) / warmUp) * after(0);
    const last = Math.max(1, total - warmUp);
    return after(Math.min(1, (step - warmUp) / last));
  };
}

/** From a to b as t goes from 0 to 1, along half a cosine. */
function cosineBetween(a: number, b: number, t: number): number {
  return b + ((a - b) * (1 + Math.cos(Math.PI * t))) / 2;
}

export const SCHEDULES = {
  constant: ({ warmUp = 0 }: WarmUp): Schedule => warmed(warmUp, () => 1),
  /** gamma^k after k milestones, given as fractions of the whole; default 0.1 at 0.5 and 0.75. */
  step: ({
    warmUp = 0,
    milestones = [0.5, 0.75],
    gamma = 0.1,
  }: WarmUp & { readonly milestones?: readonly number[]; readonly gamma?: number }): Schedule =>
    warmed(warmUp, (t) => gamma ** milestones.filter((milestone) => t >= milestone).length),
  /** final + (1 - final) (1 + cos(pi t)) / 2; `final` default 0. Loshchilov & Hutter 2017. */
  cosine: ({ warmUp = 0, final = 0 }: WarmUp & { readonly final?: number }): Schedule =>
    warmed(warmUp, (t) => cosineBetween(1, final, t)),
  /** (1 - t)^power; default 0.9, as DeepLab and nnU-Net. */
  polynomial: ({ warmUp = 0, power = 0.9 }: WarmUp & { readonly power?: number }): Schedule =>
    warmed(warmUp, (t) => (1 - t) ** power),
  'one-cycle': oneCycle,
  /**
   * gamma^k after k plateaus. A plateau is `patience` validations in a row without a new best score; plateaus are
   * counted once any score exceeded the first, up to `times`. Defaults 0.1, 5, 3, as done manually by Krizhevsky et al.
   * 2012.
   */
  plateau:
    ({
      warmUp = 0,
      gamma = 0.1,
      patience = 5,
      times = 3,
    }: WarmUp & { readonly gamma?: number; readonly patience?: number; readonly times?: number }): Schedule =>
    (step, total, scores = []) =>
      gamma ** Math.min(times, plateausOf(scores, patience)) * warmed(warmUp, () => 1)(step, total),
};

export type ScheduleName = keyof typeof SCHEDULES;
/** A schedule in JSON: `{ name: 'cosine', warmUp: 100 }`. */
export type ScheduleSpec = {
  [N in ScheduleName]: { readonly name: N } & Parameters<(typeof SCHEDULES)[N]>[0];
}[ScheduleName];

/**
 * Cosine from 1 / divFactor up to 1 over the first `pctStart` of the steps, then cosine down to
 * 1 / (divFactor finalDivFactor); defaults 0.3, 25, 1e4, as torch's OneCycleLR. Smith & Topin 2018.
 */
function oneCycle({
  pctStart = 0.3,
  divFactor = 25,
  finalDivFactor = 1e4,
}: {
  readonly pctStart?: number;
  readonly divFactor?: number;
  readonly finalDivFactor?: number;
}): Schedule {
  return (step, total) => {
    // As in torch: the peak is reached at step pctStart * total - 1, the end at step total - 1.
    const peak = Math.max(0, pctStart * total - 1);
    const start = 1 / divFactor;
    if (step <= peak && peak > 0) return cosineBetween(start, 1, step / peak);
    const down = Math.max(1, total - 1 - peak);
    return cosineBetween(1, start / finalDivFactor, Math.min(1, (step - peak) / down));
  };
}

/**
 * How often `patience` scores in a row failed to exceed the best before them. A network whose scores do not exceed the
 * first has not begun to learn, and needs no smaller steps.
 */
function plateausOf([first = 0, ...scores]: readonly number[], patience: number): number {
  let best = first;
  let waited = 0;
  let plateaus = 0;
  for (const score of scores) {
    if (score > best) {
      best = score;
      waited = 0;
    } else if (best > first && ++waited === patience) {
      plateaus++;
      waited = 0;
    }
  }
  return plateaus;
}

/** The schedule of a specification. @throws UsageError if the name is unknown. */
export function scheduleOf(spec: ScheduleSpec): Schedule {
  if (!Object.hasOwn(SCHEDULES, spec.name)) throw unknownName('schedule', spec.name, SCHEDULES);
  return (SCHEDULES[spec.name] as (options: ScheduleSpec) => Schedule)(spec);
}
