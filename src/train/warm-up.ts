import type { Measured } from './plan.ts';
import type { Clock } from './store.ts';
import type { StepBatch, TrainStep } from './train-step.ts';

export interface RehearseOptions {
  readonly trainStep: TrainStep;
  readonly batches: AsyncIterator<StepBatch>;
  /** One validation of the current state; undefined without validation data. */
  readonly validate?: () => Promise<void>;
  readonly clock: Clock;
  /** Approximate duration of the measurement. Default 4 s. */
  readonly forMs?: number;
}

const LEAST_STEPS = 4;
const MOST_STEPS = 40;

/**
 * Runs some steps at learning rate 0 and a validation, to measure their time. This changes the state: the caller must
 * set it again.
 */
export async function warmUp({
  trainStep,
  batches,
  validate,
  clock,
  forMs = 4000,
}: RehearseOptions): Promise<Measured> {
  const step = async (at: number): Promise<void> => {
    const next = await batches.next();
    if (next.done !== true) await trainStep.run(next.value, at, 0);
  };
  // The first ones allocate memory.
  await step(0);
  await step(1);
  const beganMs = clock.nowMs();
  let steps = 0;
  while (steps < LEAST_STEPS || (steps < MOST_STEPS && clock.nowMs() - beganMs < forMs)) await step(2 + steps++);
  const stepMs = (clock.nowMs() - beganMs) / steps;
  await batches.return?.();
  if (validate === undefined) return { stepMs, validationMs: 0 };
  const validationBeganMs = clock.nowMs();
  await validate();
  return { stepMs, validationMs: clock.nowMs() - validationBeganMs };
}
