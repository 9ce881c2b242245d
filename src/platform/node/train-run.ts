/** A whole training run in Node: from a folder of images and labels to a run folder with models. */

import { availableParallelism, cpus, totalmem } from 'node:os';
import { basename, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { SampleOptions } from '../../augment/sample.ts';
import { findMapping } from '../../dataset/labels.ts';
import { requirePatchFits } from '../../dataset/place.ts';
import { type PreparedDataset, prepareDataset, readDataset } from '../../dataset/prepare.ts';
import type { RawDataset } from '../../dataset/raw.ts';
import type { SplitChoice } from '../../dataset/split.ts';
import { RunError } from '../../errors.ts';
import { buildNetwork } from '../../models/registry.ts';
import { lossOf } from '../../nn/losses/registry.ts';
import { optimiserOf } from '../../nn/optimisers/registry.ts';
import { scheduleOf } from '../../nn/schedules.ts';
import { openModel } from '../../predict/open.ts';
import { predictPage } from '../../predict/predict.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { loadCheckpoint } from '../../train/checkpoint.ts';
import { chooseRecipe, chooseSeparation, type TrainSettings, withWarmUp } from '../../train/choose-recipe.ts';
import { fingerprintOf, hashOf, type Recipe, type RunConfig, readConfig, writeConfig } from '../../train/config.ts';
import {
  type State,
  type StepBatch,
  type Stepper,
  type TrainEvent,
  type TrainOptions,
  type TrainResult,
  train,
  type Validator,
} from '../../train/loop.ts';
import { modelWriter, type Provenance } from '../../train/model-file.ts';
import { fixedPlan, type Measured, type Plan, planForTime, totalSteps, validationsOf } from '../../train/plan.ts';
import { rehearse } from '../../train/rehearse.ts';
import { type TrainingStep, trainingStep } from '../../train/step.ts';
import { feedsOf, stepper as stepperOf } from '../../train/stepper.ts';
import { type Clock, RUN_FILES, type Store } from '../../train/store.ts';
import { chooseMetric, scorer, type ValidationMetric } from '../../train/validate.ts';
import { nodeFiles } from './files.ts';
import { openRunFolder } from './run-folder.ts';
import { type NodeDevice, openRuntime } from './runtime.ts';
import { allocateShared, openSampler, type Sampler } from './sampler.ts';

export interface TrainRunHooks {
  /** Told every decision, a line each. */
  readonly say?: (line: string) => void;
  /** Told what is not as it should be, but does not stop the run. */
  readonly warn?: (line: string) => void;
  readonly onEvent?: (event: TrainEvent) => void;
  readonly signal?: { readonly aborted: boolean };
}

export interface MachineOptions {
  readonly device?: NodeDevice | 'auto';
  /** Threads that draw samples. */
  readonly workers?: number;
  readonly checkpointEvery?: TrainOptions['checkpointEvery'];
}

export interface TrainRunOptions extends TrainSettings, MachineOptions {
  /** Run folder to make. */
  readonly out: string;
  /** Lamella's version, for the record. */
  readonly version?: string;
}

export interface FinishedRun extends TrainResult {
  readonly folder: string;
  readonly config: RunConfig;
  /** What was trained on, for a report. */
  readonly raw: RawDataset;
  readonly data: PreparedDataset;
}

const CHECKPOINT_MS = 120_000;
const DEFAULT_MINUTES = 10;
const clock: Clock = { nowMs: () => performance.now() };

/** Everything that runs a recipe: the compiled step, its batches, validation and saving. */
interface Workshop {
  readonly runtime: Runtime;
  readonly step: TrainingStep;
  readonly stepper: Stepper;
  readonly sampler: Sampler;
  batches(from: number): AsyncIterator<StepBatch>;
  readonly validator: Validator | undefined;
  saveModel(store: Store): TrainOptions['saveModel'];
  close(): Promise<void>;
}

interface WorkshopOptions {
  readonly raw: RawDataset;
  readonly data: PreparedDataset;
  readonly runtime: Runtime;
  readonly workers?: number;
  /** For model files. */
  readonly provenance: Provenance;
}

async function openWorkshop(
  recipe: Recipe,
  metric: ValidationMetric | undefined,
  { raw, data, runtime, workers, provenance }: WorkshopOptions,
): Promise<Workshop> {
  const { model, patch, batch, seed, exact } = recipe;
  const input = [batch, model.channels, ...patch] as const;
  const network = buildNetwork(model, input, { training: true });
  const output = [batch, network.logits.shape[2] as number, network.logits.shape[3] as number] as const;
  const outputMargin = (patch[0] - output[1]) / 2;
  requirePatchFits(data.train.pages, patch, outputMargin);
  const step = trainingStep(network, lossOf(recipe.loss), optimiserOf(recipe.optimiser), {
    ...(recipe.clipNorm === null ? {} : { clipNorm: recipe.clipNorm }),
    ...(recipe.averageDecay === null ? {} : { averageDecay: recipe.averageDecay }),
  });
  const program = await runtime.compile(step.graph, { state: step.state, exact });
  const sampleOptions: SampleOptions = {
    seed,
    patch,
    batch,
    outputMargin,
    focusShare: recipe.data.focusShare,
    augment: recipe.augment,
  };
  const sampler = openSampler(data.train, sampleOptions, workers === undefined ? {} : { workers });
  const write = modelWriter(recipe);
  const bytesOf = (state: State, at: Provenance): Uint8Array => write(step.weightsOf(state), { ...provenance, ...at });
  const validator: Validator | undefined =
    metric === undefined
      ? undefined
      : {
          async run(state) {
            const model = await openModel(runtime, bytesOf(state, {}));
            const scores = scorer(
              metric,
              data.mapping.classes.map(({ name }) => name),
            );
            try {
              for (const [i, page] of data.validation.entries()) {
                const source = raw.pages[data.split.validation[i] as number] as (typeof raw.pages)[number];
                scores.add({ page, probabilities: await predictPage(model, source) });
              }
            } finally {
              await model.program.dispose();
            }
            return scores.result();
          },
        };
  return {
    runtime,
    step,
    stepper: stepperOf(program, step, seed),
    sampler,
    async *batches(from) {
      for await (const drawn of sampler.batches(from)) yield feedsOf(drawn, input, output);
    },
    validator,
    saveModel: (store) => (file, state, at) => store.write(file, bytesOf(state, { step: at })),
    async close() {
      await sampler.close();
      await program.dispose();
    },
  };
}

function machineOf(runtime: Runtime, measured: Measured | undefined): RunConfig['machine'] {
  return {
    device: runtime.device,
    description: runtime.description,
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    node: process.version,
    ...(measured === undefined
      ? {}
      : { stepMs: Math.round(measured.stepMs), validationMs: Math.round(measured.validationMs) }),
  };
}

const DEFAULT_SPLIT: SplitChoice = { fraction: 0.2 };

/** The data of a new run, and how borders weigh in them. */
function prepareNew(
  raw: RawDataset,
  settings: TrainSettings,
): { readonly data: PreparedDataset; readonly separation: Recipe['data']['separation'] } {
  const { classes, ignore, task, seed = 0, split = DEFAULT_SPLIT, balance } = settings;
  const mapping = findMapping(
    raw.pages.map((page) => page.label),
    {
      ...(classes === undefined ? {} : { classes }),
      ...(ignore === undefined ? {} : { ignore }),
      ...(task === undefined ? {} : { task }),
    },
  );
  const separation = chooseSeparation(mapping, settings);
  const data = prepareDataset(raw, {
    seed,
    split,
    mapping,
    separation,
    ...(balance === undefined ? {} : { balance }),
    allocate: allocateShared,
  });
  return { data, separation };
}

/** The data of a run that there is already: nothing is found anew. */
function prepareAgain(raw: RawDataset, { seed, data, labels, input }: Recipe): PreparedDataset {
  const { split, balance, separation } = data;
  return prepareDataset(raw, { seed, split, balance, separation, mapping: labels, input, allocate: allocateShared });
}

/**
 * Trains on a folder of images and labels. Whatever the settings leave open is chosen from the data and told.
 *
 * @throws DatasetError, FormatError: the data; UsageError: settings that do not fit them; RunError: the run folder is
 *   taken; DeviceError; TrainingError: it diverged; Interrupted: stopped by the signal, with a checkpoint on disk.
 */
export async function trainRun(
  folder: string,
  options: TrainRunOptions,
  hooks: TrainRunHooks = {},
): Promise<FinishedRun> {
  const { say = () => {}, signal } = hooks;
  const beganMs = clock.nowMs();
  const run = await openRunFolder(options.out, 'new');
  const open: { close(): Promise<void> }[] = [];
  try {
    const created = new Date().toISOString();
    const raw = await readDataset(nodeFiles, folder);
    const { data, separation } = prepareNew(raw, options);
    for (const line of data.notes) say(line);
    const runtime = await openRuntime({ device: options.device ?? 'auto' });
    open.push({ close: () => runtime.dispose() });
    say(`device: ${runtime.description}`);
    const minutes = options.steps === undefined ? (options.minutes ?? DEFAULT_MINUTES) : undefined;
    const { recipe: chosenRecipe, notes } = chooseRecipe(data, options, {
      fingerprint: fingerprintOf([...data.train.pages, ...data.validation]),
      split: options.split ?? DEFAULT_SPLIT,
      separation,
      cores: availableParallelism(),
      minutes,
    });
    for (const line of notes) say(line);
    const chosen = data.validation.length === 0 ? undefined : chooseMetric(data.validation, data.mapping);
    say(chosen?.reason ?? 'validation: none, the last model counts');

    const workshop = await openWorkshop(chosenRecipe, chosen?.metric, {
      raw,
      data,
      runtime,
      provenance: {
        created,
        folder: basename(resolve(folder)),
        images: data.train.pages.length,
        seed: chosenRecipe.seed,
      },
      ...(options.workers === undefined ? {} : { workers: options.workers }),
    });
    open.push(workshop);
    const initial = workshop.step.initialState(chosenRecipe.seed);
    await workshop.stepper.writeState(initial);

    const { plan, measured, line } = await makePlan(workshop, {
      steps: options.steps,
      minutes,
      given: options.minutes !== undefined,
      beganMs,
      initial,
    });
    say(line);
    const recipe = withWarmUp(chosenRecipe, totalSteps(plan));
    await workshop.stepper.writeState(initial);
    const config: RunConfig = {
      version: 1,
      lamella: options.version ?? '',
      created,
      folder: resolve(folder),
      trainingImages: data.train.pages.map(({ name }) => name),
      validationImages: data.validation.map(({ name }) => name),
      recipe,
      metric: chosen?.metric,
      plan,
      ...(minutes === undefined ? {} : { minutes }),
      machine: machineOf(runtime, measured),
      notes: [...data.notes, ...notes],
    };
    if (signal?.aborted === true) throw new RunError('stopped before the first step.', { file: options.out });
    await writeConfig(run, config);
    let current = config;
    const result = await train({
      ...common(workshop, recipe, run, options, hooks),
      plan,
      ...(minutes === undefined || measured === undefined
        ? {}
        : {
            validationMs: measured.validationMs,
            deadline: {
              atMs: beganMs + minutes * 60_000 - finishMs(measured),
              budgetMs: minutes * 60_000,
              async savePlan(next: Plan) {
                current = { ...current, plan: next };
                await writeConfig(run, current);
              },
            },
          }),
    });
    return { ...result, folder: options.out, config: current, raw, data };
  } finally {
    for (const item of open.reverse()) await item.close();
    await run.close();
  }
}

/** Goes on with an interrupted run exactly where its last checkpoint is. @throws as `trainRun`. */
export async function resumeRun(
  out: string,
  options: MachineOptions & { /** Where the data are now, if they were moved. */ readonly folder?: string } = {},
  hooks: TrainRunHooks = {},
): Promise<FinishedRun> {
  const { say = () => {}, warn = () => {} } = hooks;
  const run = await openRunFolder(out, 'resume');
  const open: { close(): Promise<void> }[] = [];
  try {
    const config = await readConfig(run);
    const { recipe, plan } = config;
    const raw = await readDataset(nodeFiles, options.folder ?? config.folder);
    const data = prepareAgain(raw, recipe);
    requireSameData(config, data, out);
    const { checkpoint, damaged } = await loadCheckpoint(run, hashOf(recipe));
    for (const file of damaged) warn(`${file} is damaged; the checkpoint before it is taken.`);
    const device = options.device ?? (config.machine.device as NodeDevice);
    const runtime = await openRuntime({ device });
    open.push({ close: () => runtime.dispose() });
    if (runtime.device !== config.machine.device || runtime.description !== config.machine.description) {
      warn(
        `The run began on ${config.machine.description} and goes on on ${runtime.description}: numbers may differ in their last bits.`,
      );
    }
    const workshop = await openWorkshop(recipe, config.metric, {
      raw,
      data,
      runtime,
      provenance: {
        created: config.created,
        folder: basename(config.folder),
        images: data.train.pages.length,
        seed: recipe.seed,
      },
      ...(options.workers === undefined ? {} : { workers: options.workers }),
    });
    open.push(workshop);
    await workshop.stepper.writeState(checkpoint?.state ?? workshop.step.initialState(recipe.seed));
    const step = checkpoint?.step ?? 0;
    say(`going on with ${out} after step ${step} of ${totalSteps(plan)}`);
    const result = await train({
      ...common(workshop, recipe, run, options, hooks),
      plan,
      start: { step, best: checkpoint?.best },
    });
    return { ...result, folder: out, config, raw, data };
  } finally {
    for (const item of open.reverse()) await item.close();
    await run.close();
  }
}

/** Repeats a run from its configuration into a new folder: the same weights on the same data. @throws as `trainRun`. */
export async function repeatRun(
  config: RunConfig,
  options: MachineOptions & { readonly out: string; readonly folder?: string },
  hooks: TrainRunHooks = {},
): Promise<FinishedRun> {
  const run = await openRunFolder(options.out, 'new');
  const folder = resolve(options.folder ?? config.folder);
  await writeConfig(run, { ...config, folder, created: new Date().toISOString() });
  await run.close();
  return resumeRun(options.out, { device: config.machine.device as NodeDevice, ...options }, hooks);
}

/** What a new and a resumed run have in common. */
function common(
  workshop: Workshop,
  recipe: Recipe,
  store: Store,
  { checkpointEvery = { ms: CHECKPOINT_MS } }: MachineOptions,
  { onEvent, signal }: TrainRunHooks,
) {
  const factor = scheduleOf(recipe.schedule);
  return {
    stepper: workshop.stepper,
    batches: (from: number) => workshop.batches(from),
    learningRate: (progress: number, total: number) => recipe.learningRate * factor(progress * total, total),
    validator: workshop.validator,
    saveModel: workshop.saveModel(store),
    store,
    configHash: hashOf(recipe),
    checkpointEvery,
    clock,
    ...(signal === undefined ? {} : { signal }),
    ...(onEvent === undefined ? {} : { onEvent }),
  };
}

/** Time for what comes after the last validation: models, the report and its predictions. */
function finishMs({ validationMs }: Measured): number {
  return 2000 + 1.5 * validationMs;
}

interface PlanOptions {
  readonly steps: number | undefined;
  readonly minutes: number | undefined;
  /** Whether the user gave the minutes. */
  readonly given: boolean;
  readonly beganMs: number;
  readonly initial: State;
}

async function makePlan(
  { stepper, validator, batches }: Workshop,
  { steps, minutes = DEFAULT_MINUTES, given, beganMs, initial }: PlanOptions,
): Promise<{ readonly plan: Plan; readonly measured: Measured | undefined; readonly line: string }> {
  if (steps !== undefined) {
    const plan = fixedPlan(steps, validator === undefined ? 0 : validationsOf(steps));
    return { plan, measured: undefined, line: `plan: ${steps} steps, ${plan.validations} validations` };
  }
  const budgetMs = minutes * 60_000;
  const measured = await rehearse({
    stepper,
    batches: batches(0),
    ...(validator === undefined ? {} : { validate: async () => void (await validator.run(initial)) }),
    clock,
    forMs: Math.min(6000, 0.03 * budgetMs),
  });
  const plan = planForTime(measured, {
    budgetMs,
    elapsedMs: clock.nowMs() - beganMs,
    finishMs: finishMs(measured),
    validates: validator !== undefined,
  });
  const pace = `a step takes ${measured.stepMs.toFixed(0)} ms`;
  const scoring = validator === undefined ? '' : `, a validation ${(measured.validationMs / 1000).toFixed(1)} s`;
  const why = given ? `to end in ${minutes} min` : `to end in ${minutes} min, as no --steps or --minutes is given`;
  return {
    plan,
    measured,
    line: `plan: ${totalSteps(plan)} steps, ${plan.validations} validations ${why}; ${pace}${scoring}`,
  };
}

function requireSameData(config: RunConfig, data: PreparedDataset, out: string): void {
  const found = fingerprintOf([...data.train.pages, ...data.validation]);
  if (found === config.recipe.data.fingerprint) return;
  throw new RunError(`the data in ${config.folder} are not those that the run began with.`, {
    file: out,
    remedy: 'Put them back as they were, or start a new run.',
  });
}

/** Names of the models of a run, in the order in which `predict` looks for them. */
export const MODEL_FILES = [RUN_FILES.best, RUN_FILES.last] as const;
