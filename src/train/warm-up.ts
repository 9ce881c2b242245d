import type { Measured } from './plan.ts';
import type { Clock } from './store.ts';
import type { TrainingSetup } from './tasks/segmentation/setup.ts';
import type { State } from './train-step.ts';

const LEAST_STEPS = 4;
const MOST_STEPS = 40;

/**
 * Runs some steps at learning rate 0 and a validation, to measure their time. This changes the state: the caller must
 * set it again.
 * @param forMs approximate duration of the steps
 */
export async function warmUp(
  { trainStep, validator, batches: batchesFrom }: TrainingSetup,
  initial: State,
  clock: Clock,
  forMs: number,
): Promise<Measured> {
  const batches = batchesFrom(0);
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
  if (validator === undefined) return { stepMs, validationMs: 0 };
  const validationBeganMs = clock.nowMs();
  await validator.run(initial);
  return { stepMs, validationMs: clock.nowMs() - validationBeganMs };
}
