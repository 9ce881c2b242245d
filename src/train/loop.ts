/** The training loop: runs steps to the end of the plan, with validation, checkpoints and a log. */

import { Interrupted, option, TrainingError, UsageError } from '../errors.ts';
import { allFinite, type Best, saveCheckpoint } from './checkpoint.ts';
import { type DataLine, formatLogLine, type LogLine, rewindLog, type StepLine, type ValidationResult } from './log.ts';
import { measurePace } from './pace.ts';
import {
  finishMs,
  type Plan,
  progressAt,
  replan,
  totalAt,
  totalSteps,
  validatesAfter,
  validationsLeftAfter,
} from './plan.ts';
import { type Clock, RUN_FILES, type Store } from './store.ts';
import type { State, StepBatch, StepResult, TrainStep } from './train-step.ts';

/** Facts about a failed step. */
export interface BatchFacts extends Omit<StepLine, 'kind' | 'ms'> {
  readonly problem: string;
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

/** What the steps of a loop learn from. */
export interface LoopData extends Pick<DataLine, 'fingerprint' | 'added' | 'newest'> {
  /** Batches from a step on, counted from 0; identical for a step however the run got there. */
  readonly batches: (from: number) => AsyncIterator<StepBatch>;
}

export interface LoopOptions {
  readonly trainStep: TrainStep;
  /** Learning rate at a fraction 0..1 of the schedule of `total` steps, given the validation scores so far. */
  readonly learningRate: (progress: number, total: number, scores: readonly number[]) => number;
  /** Learning rate after so many steps while there is no plan. */
  readonly openRate?: (step: number) => number;
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
}

/** How a loop is brought to its end. */
export interface FinishOptions {
  readonly plan: Plan;
  /** Replans to meet the deadline when the machine's speed changes. */
  readonly deadline?: Deadline;
  /** Measured before the first step; required with a deadline. */
  readonly validationMs?: number;
}

/** A training that takes steps when asked to. */
export interface Loop {
  /** Steps done. */
  readonly step: number;
  /** Loss of the last step; NaN before the first. */
  readonly loss: number;
  /** The data so far, each with the step that it came at. */
  readonly revisions: readonly DataLine[];
  /** The data of the steps from now on; a line of the log tells it, unless it is what the log tells already. */
  setData(data: LoopData): Promise<void>;
  /** Takes more steps at the open rate, without validations. @throws as `finish` */
  steps(count: number): Promise<void>;
  /**
   * Goes on to the end of the plan, which may begin at this step.
   *
   * The same plan, configuration and data at the same steps produce the same weights bit for bit, however often the run
   * was interrupted and resumed.
   *
   * @throws Interrupted after the signal: a checkpoint of the last complete step is on disk. TrainingError if the loss or
   * the weights are not finite, naming the step, the images and the last good checkpoint.
   */
  finish(options: FinishOptions): Promise<TrainResult>;
  /** Writes a checkpoint of this step, if there is none. */
  checkpoint(): Promise<void>;
  /** Ends the drawing of batches. */
  close(): Promise<void>;
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

/** Opens a loop; what a log says of steps after its start is dropped, since they are about to be done again. */
export async function openLoop({
  trainStep,
  learningRate,
  openRate = () => learningRate(0, 1, []),
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
}: LoopOptions): Promise<Loop> {
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
  let validationPace = 0;

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
    // Before the checkpoint: a run whose last checkpoint exists is complete. One that is stopped before it has a best
    // model has what it learned so far.
    if (done || (signal?.aborted === true && best === undefined)) await saveModel(RUN_FILES.last, state, step);
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
  const revisions = kept.filter((line): line is DataLine => line.kind === 'data');
  let source: AsyncIterator<StepBatch> | undefined;
  let loss = Number.NaN;
  let step = start.step;
  /** Whether the trainStep's state is that of `step` complete steps, including validation. */
  let whole = true;

  /** Steps until there are `until`, or to the end of the plan. */
  const advance = async (until: number, given?: FinishOptions): Promise<void> => {
    let plan = given?.plan;
    const deadline = given?.deadline;
    const target = (): number => (plan === undefined ? until : totalSteps(plan));
    if (given?.validationMs !== undefined) validationPace = given.validationMs;
    while (step < target() && ended === undefined) {
      if (source === undefined)
        throw new UsageError('There are no data to train on.', { remedy: 'Call setData first.' });
      const beganMs = clock.nowMs();
      const next = await source.next();
      if (next.done === true) throw new TrainingError('The sampler ended before training did.', { step });
      const batch = next.value;
      const rate =
        plan === undefined ? openRate(step) : learningRate(progressAt(plan, step), totalAt(plan, step), scores);
      whole = false;
      const result = await trainStep.run(batch, step, rate);
      const { weightsFinite, gradientNorm } = result;
      loss = result.loss;
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
      const total = target();
      const validationsLeft = validator === undefined || plan === undefined ? 0 : validationsLeftAfter(plan, step - 1);
      onEvent({
        kind: 'step',
        step,
        total,
        loss,
        imagesPerSecond: (1000 * batch.size) / pace.stepMs,
        leftMs:
          (plan === undefined ? 0 : finishMs({ validationMs: validationPace })) +
          // A run with a deadline uses the time available.
          (deadline === undefined
            ? (total - step) * pace.stepMs + validationsLeft * validationPace
            : Math.max(0, deadline.atMs - nowMs)),
      });

      if (validator !== undefined && plan !== undefined && (validatesAfter(plan, step) || ended !== undefined)) {
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

      const done = plan !== undefined && (step >= total || ended !== undefined);
      const stopping = signal?.aborted === true;
      const due =
        'steps' in checkpointEvery ? step % checkpointEvery.steps === 0 : clock.nowMs() - savedMs >= checkpointEvery.ms;
      if (done || stopping || due) {
        await checkpoint(step, done);
      } else if (clock.nowMs() - flushedMs >= FLUSH_MS) await flush();
      if (stopping && !done) {
        throw new Interrupted(`stopped after step ${step} of ${total}.`, { file: store.name });
      }

      if (plan === undefined || deadline === undefined || done) continue;
      const [before, now] = [progressAt(plan, step - 1), progressAt(plan, step)];
      if (REVIEWS.some((at) => before < at && at <= now)) {
        const leftMs = deadline.atMs - clock.nowMs();
        const stepMs = (1 - now) * (sofar.ms / sofar.steps) + now * (recent.ms / recent.steps);
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
  };
  /** @throws as `advance`, with what was learned kept */
  const keeping = async <T>(action: () => Promise<T>): Promise<T> => {
    try {
      return await action();
    } catch (cause) {
      // A crashed thread or a broken log must not lose what was learned.
      if (whole && step > Math.max(savedStep, start.step)) await checkpoint(step, false).catch(() => undefined);
      throw cause;
    } finally {
      await flush().catch(() => undefined);
    }
  };
  return {
    get step() {
      return step;
    },
    get loss() {
      return loss;
    },
    revisions,
    async setData(data) {
      await source?.return?.();
      const last = revisions.at(-1);
      if (data.fingerprint !== last?.fingerprint) {
        const { fingerprint, added, newest } = data;
        const revision = (last?.revision ?? -1) + 1;
        const line: DataLine = { kind: 'data', step, revision, fingerprint, ...(added && { added }), newest };
        revisions.push(line);
        log(line);
      }
      source = data.batches(step);
    },
    steps: (count) => keeping(() => advance(step + count)),
    finish: (options) =>
      keeping(async () => {
        await advance(0, options);
        return { steps: step, best, last, ended };
      }),
    checkpoint: async () => {
      if (step > Math.max(savedStep, 0)) await checkpoint(step, false);
    },
    async close() {
      await source?.return?.();
      source = undefined;
    },
  };
}

/** Opens a loop on data that stay the same, and goes on to the end of the plan. @throws as `Loop.finish` */
export async function train(options: LoopOptions & FinishOptions & LoopData): Promise<TrainResult> {
  const loop = await openLoop(options);
  try {
    await loop.setData(options);
    return await loop.finish(options);
  } finally {
    await loop.close();
  }
}
