/** The speed of a run: the mean over about the last minute, as other programs slow the machine temporarily. */
export interface Pace {
  add(stepMs: number): void;
  /** NaN before the first step. */
  readonly stepMs: number;
}

const WINDOW_MS = 60_000;
const LEAST_STEPS = 32;

export function measurePace(): Pace {
  const steps: number[] = [];
  let sumMs = 0;
  return {
    add(stepMs) {
      steps.push(stepMs);
      sumMs += stepMs;
      while (steps.length > LEAST_STEPS && sumMs - (steps[0] as number) > WINDOW_MS) sumMs -= steps.shift() as number;
    },
    get stepMs() {
      return sumMs / steps.length;
    },
  };
}
