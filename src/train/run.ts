/** A whole training run, wherever it is kept: from labelled pages to models in a store. */

import { findMapping } from '../dataset/labels.ts';
import { baseName } from '../dataset/names.ts';
import { type PreparedDataset, type PrepareOptions, prepareDataset } from '../dataset/prepare.ts';
import type { RawDataset } from '../dataset/raw.ts';
import type { SplitChoice } from '../dataset/split.ts';
import { RunError } from '../errors.ts';
import { scheduleOf } from '../nn/schedules.ts';
import type { Formulation, Runtime } from '../runtime/runtime.ts';
import { loadCheckpoint } from './checkpoint.ts';
import { chooseRecipe, chooseSeparation, type TrainSettings, withWarmUp } from './choose-recipe.ts';
import { fingerprintOf, hashOf, type Recipe, type RunConfig, writeConfig } from './config.ts';
import { type State, type TrainEvent, type TrainOptions, type TrainResult, train } from './loop.ts';
import { fixedPlan, type Measured, type Plan, planForTime, totalSteps, validationsOf } from './plan.ts';
import { rehearse } from './rehearse.ts';
import { type Clock, RUN_FILES, type Store } from './store.ts';
import { chooseMetric } from './validate.ts';
import { openWorkshop, type Workshop, type WorkshopOptions } from './workshop.ts';

/** Whom a run tells how it goes, and who may stop it. */
export interface TrainRunHooks {
  /** Told every decision, a line each. */
  readonly say?: (line: string) => void;
  /** Told what is not as it should be, but does not stop the run. */
  readonly warn?: (line: string) => void;
  readonly onEvent?: (event: TrainEvent) => void;
  readonly signal?: { readonly aborted: boolean };
}

/** Where a run takes place; `platform/` fills it in. */
export interface TrainPlace extends Pick<WorkshopOptions, 'openSampler' | 'profile'>, Pick<PrepareOptions, 'allocate'> {
  readonly store: Store;
  readonly clock: Clock;
  /** On the clock: when the user began to wait. */
  readonly beganMs: number;
  /** @param formulation of the run that is gone on with, to be kept to where the device can */
  openRuntime(formulation?: Formulation): Promise<Runtime>;
  readonly cores: number;
  /** For the record. */
  readonly machine: { readonly [detail: string]: string | number };
  readonly checkpointEvery?: TrainOptions['checkpointEvery'];
}

/** What stands in the run's configuration without being needed for it. */
export interface TrainRecord {
  /** Where the data are. */
  readonly folder: string;
  /** ISO 8601. */
  readonly created: string;
  /** Lamella's version. */
  readonly version?: string;
}

/** How a run went, and what it was trained on. */
export interface FinishedTraining extends TrainResult {
  readonly config: RunConfig;
  readonly raw: RawDataset;
  readonly data: PreparedDataset;
}

const CHECKPOINT_MS = 120_000;
const DEFAULT_MINUTES = 10;

const DEFAULT_SPLIT: SplitChoice = { fraction: 0.2 };

/** The data of a new run, and how borders weigh in them. */
function prepareNew(
  raw: RawDataset,
  settings: TrainSettings,
  allocate: PrepareOptions['allocate'],
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
    ...(allocate === undefined ? {} : { allocate }),
  });
  return { data, separation };
}

/** The data of a run that there is already: nothing is found anew. */
function prepareAgain(
  raw: RawDataset,
  { seed, data, labels, input }: Recipe,
  allocate: PrepareOptions['allocate'],
): PreparedDataset {
  const { split, balance, separation } = data;
  return prepareDataset(raw, {
    seed,
    split,
    balance,
    separation,
    mapping: labels,
    input,
    ...(allocate === undefined ? {} : { allocate }),
  });
}

/**
 * Trains on labelled pages. Whatever the settings leave open is chosen from the data and told.
 *
 * @throws DatasetError: the data; UsageError: settings that do not fit them; DeviceError; TrainingError: it diverged;
 *   Interrupted: stopped by the signal, with a checkpoint in the store.
 */
export async function startTraining(
  raw: RawDataset,
  settings: TrainSettings,
  record: TrainRecord,
  place: TrainPlace,
  hooks: TrainRunHooks = {},
): Promise<FinishedTraining> {
  const { say = () => {}, signal } = hooks;
  const { store, clock, beganMs, cores } = place;
  const { data, separation } = prepareNew(raw, settings, place.allocate);
  for (const line of data.notes) say(line);
  const runtime = await place.openRuntime();
  let workshop: Workshop | undefined;
  try {
    say(`device: ${runtime.description}`);
    const minutes = settings.steps === undefined ? (settings.minutes ?? DEFAULT_MINUTES) : undefined;
    const { recipe: chosenRecipe, notes } = chooseRecipe(data, settings, {
      fingerprint: fingerprintOf([...data.train.pages, ...data.validation]),
      split: settings.split ?? DEFAULT_SPLIT,
      separation,
      cores,
      minutes,
    });
    for (const line of notes) say(line);
    const chosen = data.validation.length === 0 ? undefined : chooseMetric(data.validation, data.mapping);
    say(chosen?.reason ?? 'validation: none, the last model counts');

    const { created, folder, version = '' } = record;
    workshop = await openWorkshop(chosenRecipe, chosen?.metric, {
      raw,
      data,
      runtime,
      openSampler: place.openSampler,
      ...(place.profile === undefined ? {} : { profile: place.profile }),
      provenance: provenanceOf(record, data, chosenRecipe),
    });
    const initial = workshop.step.initialState(chosenRecipe.seed);
    await workshop.stepper.writeState(initial);

    const { plan, measured, line } = await makePlan(workshop, {
      steps: settings.steps,
      minutes,
      given: settings.minutes !== undefined,
      clock,
      beganMs,
      initial,
    });
    say(line);
    const recipe = withWarmUp(chosenRecipe, totalSteps(plan));
    await workshop.stepper.writeState(initial);
    const config: RunConfig = {
      version: 1,
      lamella: version,
      created,
      folder,
      trainingImages: data.train.pages.map(({ name }) => name),
      validationImages: data.validation.map(({ name }) => name),
      recipe,
      metric: chosen?.metric,
      plan,
      ...(minutes === undefined ? {} : { minutes }),
      machine: {
        device: runtime.device,
        description: runtime.description,
        formulation: runtime.formulation,
        ...place.machine,
        ...rounded(measured),
      },
      notes: [...data.notes, ...notes],
    };
    if (signal?.aborted === true) throw new RunError('stopped before the first step.', { file: store.name });
    await writeConfig(store, config);
    let current = config;
    const result = await train({
      ...common(workshop, () => current, place, hooks),
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
                await writeConfig(store, current);
              },
            },
          }),
    });
    return { ...result, config: current, raw, data };
  } finally {
    await workshop?.close();
    await runtime.dispose();
  }
}

/**
 * Goes on with a run exactly where its last checkpoint is.
 * @throws as `startTraining`; RunError when the data are others than those that the run began with.
 */
export async function continueTraining(
  config: RunConfig,
  raw: RawDataset,
  place: TrainPlace,
  hooks: TrainRunHooks = {},
): Promise<FinishedTraining> {
  const { say = () => {}, warn = () => {} } = hooks;
  const { recipe, plan } = config;
  const { store } = place;
  const data = prepareAgain(raw, recipe, place.allocate);
  requireSameData(config, data, store.name);
  const { checkpoint, damaged } = await loadCheckpoint(store, hashOf(recipe));
  for (const file of damaged) warn(`${file} is damaged; the checkpoint before it is taken.`);
  const runtime = await place.openRuntime(config.machine.formulation);
  let workshop: Workshop | undefined;
  try {
    const otherwise = whatDiffers(config, runtime, place);
    if (otherwise !== undefined) warn(otherwise);
    workshop = await openWorkshop(recipe, config.metric, {
      raw,
      data,
      runtime,
      openSampler: place.openSampler,
      ...(place.profile === undefined ? {} : { profile: place.profile }),
      provenance: provenanceOf(config, data, recipe),
    });
    await workshop.stepper.writeState(checkpoint?.state ?? workshop.step.initialState(recipe.seed));
    const step = checkpoint?.step ?? 0;
    say(`going on with ${store.name} after step ${step} of ${totalSteps(plan)}`);
    const result = await train({
      ...common(workshop, () => config, place, hooks),
      plan,
      start: { step, best: checkpoint?.best },
    });
    return { ...result, config, raw, data };
  } finally {
    await workshop?.close();
    await runtime.dispose();
  }
}

/** Why the numbers may not be those that the run would have had where it began, if so. */
function whatDiffers({ machine, recipe }: RunConfig, runtime: Runtime, place: TrainPlace): string | undefined {
  const named = (description: string, processor: string | number | undefined) =>
    processor === undefined ? description : `${description}, on ${processor}`;
  const began = named(machine.description, machine.processor);
  const now = named(runtime.description, place.machine.processor);
  const reformulated = !recipe.exact && (machine.formulation ?? runtime.formulation) !== runtime.formulation;
  if (began === now && !reformulated) return undefined;
  const certainty = reformulated ? 'will' : 'may';
  return `The run began on ${began} and continues on ${now}: its numbers ${certainty} differ in their last bits.`;
}

function provenanceOf(
  { created, folder }: Pick<TrainRecord, 'created' | 'folder'>,
  data: PreparedDataset,
  { seed }: Recipe,
): WorkshopOptions['provenance'] {
  return { created, folder: baseName(folder.replaceAll('\\', '/')), images: data.train.pages.length, seed };
}

function rounded(measured: Measured | undefined): { readonly stepMs?: number; readonly validationMs?: number } {
  if (measured === undefined) return {};
  return { stepMs: Math.round(measured.stepMs), validationMs: Math.round(measured.validationMs) };
}

/** What a new and a resumed run have in common. */
function common(
  workshop: Workshop,
  configNow: () => RunConfig,
  { store, clock, checkpointEvery = { ms: CHECKPOINT_MS } }: TrainPlace,
  { onEvent, signal, warn }: TrainRunHooks,
) {
  const { recipe } = configNow();
  const factor = scheduleOf(recipe.schedule);
  return {
    stepper: workshop.stepper,
    batches: (from: number) => workshop.batches(from),
    learningRate: (progress: number, total: number) => recipe.learningRate * factor(progress * total, total),
    validator: workshop.validator,
    saveModel: workshop.saveModel(store),
    ...(workshop.setAside === undefined ? {} : { setAside: workshop.setAside(store) }),
    keepConfig: () => keepConfig(store, configNow(), warn),
    store,
    configHash: hashOf(recipe),
    checkpointEvery,
    clock,
    ...(signal === undefined ? {} : { signal }),
    ...(onEvent === undefined ? {} : { onEvent }),
  };
}

/** A run that somebody took its configuration from could not be gone on with: it is written again. */
async function keepConfig(store: Store, config: RunConfig, warn: TrainRunHooks['warn']): Promise<void> {
  if ((await store.read(RUN_FILES.config)) !== undefined) return;
  await writeConfig(store, config);
  warn?.(`${store.pathOf(RUN_FILES.config)} was gone; it is written again.`);
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
  readonly clock: Clock;
  readonly beganMs: number;
  readonly initial: State;
}

const counted = (validations: number): string => `${validations} validation${validations === 1 ? '' : 's'}`;

async function makePlan(
  { stepper, validator, batches }: Workshop,
  { steps, minutes = DEFAULT_MINUTES, given, clock, beganMs, initial }: PlanOptions,
): Promise<{ readonly plan: Plan; readonly measured: Measured | undefined; readonly line: string }> {
  if (steps !== undefined) {
    const plan = fixedPlan(steps, validator === undefined ? 0 : validationsOf(steps));
    return { plan, measured: undefined, line: `plan: ${steps} steps, ${counted(plan.validations)}` };
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
    line: `plan: ${totalSteps(plan)} steps, ${counted(plan.validations)} ${why}; ${pace}${scoring}`,
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
