/** The training loop: runs steps to the end of the plan, with validation, checkpoints and a log. */

import type { NdArray } from '../array/ndarray.ts';
import { Interrupted, option, TrainingError } from '../errors.ts';
import { type Best, saveCheckpoint } from './checkpoint.ts';
import { formatLogLine, type LogLine, parseLog } from './log.ts';
import { measurePace } from './pace.ts';
import { finishMs, type Plan, progressAt, replan, totalAt, totalSteps, validatesAfter } from './plan.ts';
import { type Clock, RUN_FILES, type Store } from './store.ts';

/** Tensors by name. */
export type State = { readonly [name: string]: NdArray };

/** The input of one step. */
export interface StepBatch {
  /** Inputs of the step's graph, by name. */
  readonly feeds: { readonly [name: string]: NdArray };
  /** Names of the images, for messages. */
  readonly samples: readonly string[];
  /** Number of images. */
  readonly size: number;
}

export interface StepResult {
  /** Loss of the batch, with the weights before the step. */
  readonly loss: number;
  /** Whether all weights are finite after the step. */
  readonly weightsFinite: boolean;
  readonly gradientNorm?: number;
}

/** Facts about a failed step. */
export interface BatchFacts {
  /** Counted from 1. */
  readonly step: number;
  readonly problem: string;
  readonly loss: number;
  readonly gradientNorm?: number;
  readonly learningRate: number;
}

/** One optimisation step on a device, which keeps its state. */
export interface TrainStep {
  /** @param step counted from 0 */
  run(batch: StepBatch, step: number, learningRate: number): Promise<StepResult>;
  readState(): Promise<State>;
  writeState(state: State): Promise<void>;
}

/** The score of a state on the validation images. */
export interface ValidationResult {
  /** Higher is better. */
  readonly score: number;
  readonly metric: string;
  readonly scores: { readonly [name: string]: number };
}

export interface Validator {
  run(state: State): Promise<ValidationResult>;
}

/** Events for a progress display. */
export type TrainEvent =
  | {
      readonly kind: 'step';
      /** Number of completed steps. */
      readonly step: number;
      readonly total: number;
      readonly loss: number;
      readonly imagesPerSecond: number;
      readonly leftMs: number;
    }
  | { readonly kind: 'validation'; readonly step: number; readonly result: ValidationResult; readonly best: boolean }
  | { readonly kind: 'checkpoint'; readonly step: number; readonly file: string }
  | { readonly kind: 'replanned'; readonly step: number; readonly plan: Plan };

/** The end of the available time. */
export interface Deadline {
  /** Time on the clock by which the last validation must be done. */
  readonly atMs: number;
  readonly budgetMs: number;
  /** Stores a change of plan before it takes effect. */
  savePlan(plan: Plan): Promise<void>;
}

export interface TrainOptions {
  readonly trainStep: TrainStep;
  /** Batches from a step on, counted from 0; identical for a step however the run got there. */
  readonly batches: (from: number) => AsyncIterator<StepBatch>;
  readonly plan: Plan;
  /** Learning rate at a fraction 0..1 of the schedule of `total` steps, given the validation scores so far. */
  readonly learningRate: (progress: number, total: number, scores: readonly number[]) => number;
  /**
   * Receives every step, including those before the start; returns the reason if the run is complete before its plan
   * ends.
   */
  readonly endsEarly?: (step: Pick<StepResult, 'loss' | 'gradientNorm'>) => string | undefined;
  /** Undefined without validation data: there is no best model, the last one is used. */
  readonly validator: Validator | undefined;
  /** Saves a batch on which the loss or the weights became non-finite for inspection; returns its path. */
  readonly exclude?: (batch: StepBatch, facts: BatchFacts) => Promise<string>;
  /** Called before each checkpoint: restores what is needed to resume from it. */
  readonly keepConfig?: () => Promise<void>;
  /** Writes a model of this state. */
  readonly saveModel: (file: string, state: State, step: number) => Promise<void>;
  readonly store: Store;
  readonly configHash: string;
  /** Where to resume: from a checkpoint, whose state has been written to the trainStep. */
  readonly start?: { readonly step: number; readonly best: Best | undefined };
  /** Interval between checkpoints, in steps or milliseconds. */
  readonly checkpointEvery: { readonly steps: number } | { readonly ms: number };
  readonly clock: Clock;
  /** Aborted when the user wants to stop; checked after each step. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainEvent) => void;
  /** Replans to meet the deadline when the machine's speed changes. */
  readonly deadline?: Deadline;
  /** Measured before the first step; required with a deadline. */
  readonly validationMs?: number;
}

export interface TrainResult {
  readonly steps: number;
  readonly best: Best | undefined;
  /** Result of the last validation. */
  readonly last: ValidationResult | undefined;
  /** Why it ended before its plan, if it did. */
  readonly ended?: string;
}

/**
 * Progress at which the speed is compared with the deadline: more often at the end, where little can be compensated.
 */
const REVIEWS = [...Array.from({ length: 11 }, (_, i) => (i + 1) / 12), 23 / 24, 47 / 48, 95 / 96];
const FLUSH_MS = 1000;

function allFinite(state: State): boolean {
  for (const { data, dtype } of Object.values(state)) {
    if (dtype !== 'float32') continue;
    for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return false;
  }
  return true;
}

/** Removes the log entries of steps after `step`, which will be repeated, and returns the rest. */
async function rewindLog(store: Store, step: number): Promise<readonly LogLine[]> {
  const bytes = await store.read(RUN_FILES.log);
  if (bytes === undefined) return [];
  const kept = parseLog(new TextDecoder().decode(bytes)).filter((line) => line.step <= step);
  await store.write(RUN_FILES.log, kept.map(formatLogLine).join(''));
  return kept;
}

/**
 * Trains to the end of the plan.
 *
 * The same plan, configuration and batches produce the same weights bit for bit, however often the run was interrupted
 * and resumed.
 *
 * @throws Interrupted after the signal: a checkpoint of the last complete step is on disk. TrainingError if the loss or
 * the weights are not finite, naming the step, the images and the last good checkpoint.
 */
export async function train({
  trainStep,
  batches,
  plan: firstPlan,
  learningRate,
  endsEarly = () => undefined,
  validator,
  saveModel,
  exclude,
  keepConfig = async () => {},
  store,
  configHash,
  start = { step: 0, best: undefined },
  checkpointEvery,
  clock,
  signal,
  onEvent = () => {},
  deadline,
  validationMs = 0,
}: TrainOptions): Promise<TrainResult> {
  let plan = firstPlan;
  let best = start.best;
  let last: ValidationResult | undefined;
  let pending: string[] = [];
  // The first step is reported at once.
  let flushedMs = Number.NEGATIVE_INFINITY;
  let savedMs = clock.nowMs();
  let savedFile: string | undefined;
  let savedStep = start.step > 0 ? start.step : -1;
  const pace = measurePace();
  // Speed of the whole run and since the last review; the latter has more weight the less remains: a busy minute must
  // not halve a run.
  const sofar = { ms: 0, steps: 0 };
  let recent = { ms: 0, steps: 0 };
  let validationPace = validationMs;

  const log = (line: LogLine): void => {
    pending.push(formatLogLine(line));
  };
  const flush = async (lasting = false): Promise<void> => {
    if (pending.length > 0 || lasting) await store.append(RUN_FILES.log, pending.join(''), lasting);
    pending = [];
    flushedMs = clock.nowMs();
  };
  const diverged = async (facts: BatchFacts, batch: StepBatch): Promise<TrainingError> => {
    const { step, problem } = facts;
    log({ kind: 'note', step, text: `${problem}, on ${batch.samples.join(', ')}` });
    // A full disk must not hide what happened.
    const aside = await flush()
      .then(() => exclude?.(batch, facts))
      .catch(() => undefined);
    const good =
      savedFile === undefined
        ? savedStep > 0
          ? ` The checkpoint of step ${savedStep} is good.`
          : ' There is no checkpoint from before: a new run can take its place.'
        : ` The last good checkpoint is ${store.pathOf(savedFile)}.`;
    const seen = aside === undefined ? '' : ` The batch is in ${aside}.`;
    return new TrainingError(`${problem} at step ${step}, on ${batch.samples.slice(0, 4).join(', ')}.${seen}${good}`, {
      step,
      file: store.name,
      remedy: `Lower ${option('learningRate')}, or check these images.`,
      facts: { code: 'diverged', step },
    });
  };
  const checkpoint = async (step: number, done: boolean): Promise<void> => {
    const state = await trainStep.readState();
    if (!allFinite(state)) {
      throw new TrainingError(`the state of the optimizer is not finite after step ${step}.`, {
        step,
        file: store.name,
        remedy: `Lower ${option('learningRate')}.`,
        facts: { code: 'diverged', step },
      });
    }
    // A log that is shorter than its checkpoint could not be completed later.
    await flush(true);
    await keepConfig();
    // Before the checkpoint: a run whose last checkpoint exists is complete.
    if (done) await saveModel(RUN_FILES.last, state, step);
    if (savedStep !== step) {
      savedFile = await saveCheckpoint(store, { step, best, configHash, state });
      savedStep = step;
      onEvent({ kind: 'checkpoint', step, file: savedFile });
    }
    savedMs = clock.nowMs();
  };

  const kept = await rewindLog(store, start.step);
  const scores = kept.flatMap((line) => (line.kind === 'validation' ? [line.score] : []));
  let ended: string | undefined;
  for (const line of kept) if (line.kind === 'step') ended = endsEarly(line);
  const source = batches(start.step);
  let step = start.step;
  /** Whether the trainStep's state is that of `step` complete steps, including validation. */
  let whole = true;
  try {
    while (step < totalSteps(plan) && ended === undefined) {
      const beganMs = clock.nowMs();
      const next = await source.next();
      if (next.done === true) throw new TrainingError('The sampler ended before training did.', { step });
      const batch = next.value;
      const rate = learningRate(progressAt(plan, step), totalAt(plan, step), scores);
      whole = false;
      const { loss, weightsFinite, gradientNorm } = await trainStep.run(batch, step, rate);
      step++;
      const nowMs = clock.nowMs();
      const ms = nowMs - beganMs;
      const facts = { step, loss, learningRate: rate, gradientNorm };
      if (!Number.isFinite(loss)) throw await diverged({ ...facts, problem: `the loss is ${loss}` }, batch);
      if (!weightsFinite) throw await diverged({ ...facts, problem: 'the weights are not finite any more' }, batch);
      log({ kind: 'step', ...facts, ms: Math.round(ms * 10) / 10 });
      ended = endsEarly(facts);
      if (ended !== undefined) log({ kind: 'note', step, text: ended });
      pace.add(ms);
      for (const span of [sofar, recent]) {
        span.ms += ms;
        span.steps++;
      }
      const total = totalSteps(plan);
      const validationsLeft =
        validator === undefined
          ? 0
          : plan.validations - Math.floor(plan.validations * progressAt(plan, step - 1) + 1e-9);
      onEvent({
        kind: 'step',
        step,
        total,
        loss,
        imagesPerSecond: (1000 * batch.size) / pace.stepMs,
        leftMs:
          finishMs({ validationMs: validationPace }) +
          // A run with a deadline uses the time available.
          (deadline === undefined
            ? (total - step) * pace.stepMs + validationsLeft * validationPace
            : Math.max(0, deadline.atMs - nowMs)),
      });

      if (validator !== undefined && (validatesAfter(plan, step) || ended !== undefined)) {
        const validationBeganMs = clock.nowMs();
        const state = await trainStep.readState();
        const result = await validator.run(state);
        // An undefined prediction scores NaN; any number is better.
        const better =
          best === undefined ||
          result.score > best.score ||
          Number.isNaN(best.score) ||
          (await store.read(RUN_FILES.best)) === undefined;
        if (better) {
          await saveModel(RUN_FILES.best, state, step);
          best = { step, score: result.score };
        }
        last = result;
        scores.push(result.score);
        const validationTook = clock.nowMs() - validationBeganMs;
        validationPace = validationPace === 0 ? validationTook : 0.5 * (validationPace + validationTook);
        log({ kind: 'validation', step, ...result, best: better, ms: Math.round(validationTook) });
        onEvent({ kind: 'validation', step, result, best: better });
      }

      whole = true;

      const done = step >= total || ended !== undefined;
      const stopping = signal?.aborted === true;
      const due =
        'steps' in checkpointEvery ? step % checkpointEvery.steps === 0 : clock.nowMs() - savedMs >= checkpointEvery.ms;
      if (done || stopping || due) {
        await checkpoint(step, done);
      } else if (clock.nowMs() - flushedMs >= FLUSH_MS) await flush();
      if (stopping && !done) {
        throw new Interrupted(`stopped after step ${step} of ${total}.`, { file: store.name });
      }

      const reviewed = REVIEWS.some((at) => progressAt(plan, step - 1) < at && at <= progressAt(plan, step));
      if (deadline !== undefined && reviewed && !done) {
        const leftMs = deadline.atMs - clock.nowMs();
        const share = progressAt(plan, step);
        const stepMs = (1 - share) * (sofar.ms / sofar.steps) + share * (recent.ms / recent.steps);
        recent = { ms: 0, steps: 0 };
        const next = replan(plan, step, leftMs, deadline.budgetMs, { stepMs, validationMs: validationPace });
        if (next !== plan) {
          await deadline.savePlan(next);
          plan = next;
          log({ kind: 'note', step, text: `replanned: ${totalSteps(plan)} steps in total` });
          onEvent({ kind: 'replanned', step, plan });
        }
      }
    }
    return { steps: step, best, last, ended };
  } catch (cause) {
    // A crashed thread or a broken log must not lose what was learned.
    if (whole && step > Math.max(savedStep, start.step)) await checkpoint(step, false).catch(() => undefined);
    throw cause;
  } finally {
    await source.return?.();
    await flush().catch(() => undefined);
  }
}
