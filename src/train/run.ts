/** A whole training run, independent of where it is stored: from labelled slices to models in a store. */

import type { RawClasses } from '../dataset/classification/classes.ts';
import { baseName } from '../dataset/discover/names.ts';
import type { PrepareOptions } from '../dataset/prepare.ts';
import { type RawDataset, withVoxelMm } from '../dataset/raw.ts';
import type { StreamedDataset } from '../dataset/streamed/page.ts';
import { Interrupted, option, RunError, UsageError } from '../errors.ts';
import { scheduleOf } from '../nn/schedules.ts';
import type { Runtime, TensorLayout } from '../runtime/runtime.ts';
import { loadCheckpoint } from './checkpoint.ts';
import { type ClassifierTraining, classifiersOf } from './classifiers.ts';
import { type Recipe, type RunConfig, recipeHash, writeConfig } from './config.ts';
import { trainingFlops } from './device-speed.ts';
import type { DeviceSpeeds } from './kept-speeds.ts';
import { type LoopData, type LoopOptions, type TrainEvent, type TrainResult, train } from './loop.ts';
import { lengthOf, makePlan } from './make-plan.ts';
import type { MapTraining } from './maps.ts';
import type { GradientDevices } from './parallel.ts';
import { finishMs, type Measured, type Plan, totalSteps } from './plan.ts';
import { fittingWeights, readStart, type StartFile, type StartModel } from './start.ts';
import { type Clock, RUN_FILES, type Store } from './store.ts';
import type { StreamedTraining } from './streamed.ts';
import type { TrainingTask } from './task.ts';
import { type TrainSettings, withWarmUp } from './tasks/segmentation/choose-recipe.ts';
import type { SetupOptions, TrainingSetup } from './tasks/segmentation/setup.ts';
import { newSegmentationTask, sameSegmentationTask } from './tasks/segmentation/task.ts';
import type { VolumeTraining } from './volumes.ts';

/** Callbacks for the progress of a run, and its abort signal. */
export interface TrainRunHooks {
  /** Receives every decision, as one line. */
  readonly say?: (line: string) => void;
  /** Receives problems that do not stop the run. */
  readonly warn?: (line: string) => void;
  readonly onEvent?: (event: TrainEvent) => void;
  readonly signal?: AbortSignal;
}

/** The environment of a run; implemented in `platform/`. */
export interface TrainPlace extends Pick<SetupOptions, 'openSampler' | 'profile'>, Pick<PrepareOptions, 'allocate'> {
  readonly store: Store;
  readonly clock: Clock;
  /** Start time on the clock, when the user began to wait. */
  readonly beganMs: number;
  /** @param layout of the resumed run, to be kept if the device supports it */
  openRuntime(layout?: TensorLayout): Promise<Runtime>;
  readonly cores: number;
  /** Memory that is free now; undefined where that is not known. */
  memoryBytes?(): number;
  /** Keeps how fast devices were measured to be; without it none is measured, and the usual speed of a core is assumed. */
  readonly speeds?: DeviceSpeeds;
  /** Devices that share each batch; undefined for one. */
  readonly devices?: GradientDevices;
  /** For the record. */
  readonly machine: { readonly [detail: string]: string | number };
  readonly checkpointEvery?: LoopOptions['checkpointEvery'];
  /** Undefined where there is only segmentation. */
  readonly classifiers?: ClassifierTraining;
  /** Undefined where networks of volumes are not trained. */
  readonly volumes?: VolumeTraining | undefined;
  /** Undefined where stars and flows are not trained. */
  readonly maps?: MapTraining | undefined;
  /** Undefined where images are always held in memory. */
  readonly streamed?: StreamedTraining | undefined;
  /** The model to fine-tune; undefined to start from random weights. */
  readonly from?: StartFile;
  /** Lamella's version, to be compared with that which began a run. */
  readonly version?: string | undefined;
}

/** Information recorded in the run's configuration. */
export interface TrainRecord {
  /** Current location of the data. */
  readonly folder: string;
  /** Which resolution of the images was read, if not the full one. */
  readonly level?: number | undefined;
  /** ISO 8601. */
  readonly created: string;
  /** Lamella's version. */
  readonly version?: string;
  /** Voxel size that overrides the files' value; the model keeps that of its pixels. */
  readonly spacingMm?: NonNullable<RunConfig['spacingMm']>;
}

/** The result of a run. */
export interface FinishedTraining extends TrainResult {
  readonly config: RunConfig;
  /** Fraction of the training pixels that are annotated, 0..1; undefined for image classifiers and sessions. */
  readonly annotatedFraction?: number;
  /** Whether images were read by region, since they do not fit into memory. */
  readonly readByRegion?: true | undefined;
}

const CHECKPOINT_MS = 120_000;

/** Training data: labelled slices, held in memory or read by region, or images with one class each. */
export type TrainingData = RawDataset | RawClasses | StreamedDataset;

type SayingPlace = TrainPlace & { readonly say: (line: string) => void };

async function newTask(
  raw: TrainingData,
  settings: TrainSettings,
  place: SayingPlace,
  start?: StartModel,
): Promise<TrainingTask> {
  const misplaced = (['freeze', 'head', 'newLearningRate', 'batchNorm'] as const).find(
    (name) => settings[name] !== undefined,
  );
  if (start === undefined && misplaced !== undefined) {
    throw new UsageError(`${option(misplaced)} is for a run that trains on from a model.`, {
      remedy: `Set ${option('from')} too, or remove it.`,
    });
  }
  const from = { start, before: place.from?.before };
  if (!('kind' in raw)) return newSegmentationTask(raw, settings, place, from);
  if (raw.kind !== 'classes') return (place.streamed as StreamedTraining).newTask(raw, settings, place, from);
  if (start === undefined) return classifiersOf(place).newTask(raw, settings);
  throw new UsageError(`${option('from')} is not supported for data with one class per image.`, {
    file: raw.folder,
    remedy: 'Remove it, or use images whose pixels are labelled.',
  });
}

/** The data with the pixel size set by the user. */
const withGivenSize = (raw: TrainingData, { spacingMm }: TrainRecord): TrainingData =>
  spacingMm === undefined || ('kind' in raw && raw.kind === 'classes') ? raw : withVoxelMm(raw, spacingMm);

async function sameTask(raw: TrainingData, recipe: Recipe, place: SayingPlace): Promise<TrainingTask> {
  if (!('kind' in raw)) return sameSegmentationTask(raw, recipe, place);
  if (raw.kind === 'classes') return classifiersOf(place).sameTask(raw, recipe);
  return (place.streamed as StreamedTraining).sameTask(raw, recipe, place);
}

/**
 * Trains on labelled slices or images with classes. Unset settings are chosen from the data and reported.
 *
 * @throws DatasetError: the data; UsageError: settings that do not match them; DeviceError; TrainingError: it diverged;
 *   Interrupted: stopped by the signal, with a checkpoint in the store.
 */
export async function startTraining(
  raw: TrainingData,
  settings: TrainSettings,
  record: TrainRecord,
  place: TrainPlace,
  hooks: TrainRunHooks = {},
): Promise<FinishedTraining> {
  const { say = () => {}, signal } = hooks;
  const { store, clock, beganMs, cores } = place;
  const start = place.from && readStart(place.from, { maps: place.maps !== undefined });
  const asked = { ...settings, separate: settings.separate ?? start?.maps?.by };
  const task = await newTask(withGivenSize(raw, record), asked, { ...place, say }, start);
  for (const line of task.notes) say(line);
  const runtime = await place.openRuntime();
  let setup: TrainingSetup | undefined;
  try {
    say(`device: ${place.devices?.names.join(', ') ?? runtime.description}`);
    const { steps, minutes } = lengthOf(settings, task);
    // A run of so many steps has no time that a network would have to fit, and is the same on every machine.
    const flops =
      place.speeds !== undefined && task.choosesBySpeed === true && steps === undefined
        ? await trainingFlops(runtime, clock, place.speeds)
        : undefined;
    const shared = flops && flops * (place.devices?.names.length ?? 1);
    const { recipe: chosenRecipe, notes } = task.chooseRecipe({
      cores,
      minutes,
      flops: shared,
      memoryBytes: place.memoryBytes?.(),
    });
    for (const line of notes) say(line);
    const chosen = task.chooseMetric();
    say(chosen?.reason ?? 'validation: none, the last model counts');

    const { created, folder, level, spacingMm, version = '' } = record;
    setup = await task.openSetup(chosenRecipe, chosen?.metric, {
      runtime,
      profile: place.profile,
      devices: place.devices,
      file: start?.file,
      provenance: provenanceOf(record, task.trainingNames, chosenRecipe),
    });
    const initial = setup.step.initialState(chosenRecipe.seed, start && fittingWeights(chosenRecipe, start));
    await setup.trainStep.writeState(initial);
    // With a new layer it is another model.
    if (place.from?.before !== undefined && chosenRecipe.start?.newLayers.length === 0) {
      const parts = (await setup.validator?.run(initial))?.parts;
      if (parts !== undefined) {
        const [old, fresh] = [parts.before, parts.new].map((score) => score.toFixed(4));
        say(`${place.from.name} scores ${old} on images held out before, ${fresh} on new ones`);
      }
    }

    const { plan, measured, line } = await makePlan(setup, {
      steps,
      minutes,
      given: settings.minutes !== undefined,
      clock,
      beganMs,
      initial,
    });
    say(line);
    const recipe = withWarmUp(chosenRecipe, totalSteps(plan));
    // The measured steps have changed it.
    if (measured !== undefined) await setup.trainStep.writeState(initial);
    const config: RunConfig = {
      version: 1,
      lamella: version,
      created,
      folder,
      ...(level !== undefined && level > 0 && { level }),
      trainingImages: task.trainingNames,
      validationImages: task.validationNames,
      validationRegions: task.validationRegions,
      trainingRegions: task.trainingRegions,
      ...(place.from?.before && { before: place.from.before }),
      recipe,
      metric: chosen?.metric,
      plan,
      minutes,
      spacingMm,
      machine: {
        device: runtime.device,
        description: runtime.description,
        layout: runtime.layout,
        step: setup.fingerprint,
        ...place.machine,
        ...rounded(measured),
        ...(flops !== undefined && { gflops: Math.round(flops / 1e8) / 10 }),
      },
      settings: { ...settings, ...(place.from && { from: place.from.name }) },
      notes: [...task.notes, ...notes],
    };
    if (signal?.aborted === true) throw new Interrupted('stopped before the first step.', { file: store.name });
    if (place.from !== undefined) await store.write(RUN_FILES.start, place.from.bytes);
    await writeConfig(store, config);
    let current = config;
    const result = await train({
      ...loopOptions(setup, () => current, place, hooks),
      ...dataOf(setup, recipe),
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
    const { annotatedFraction, readByRegion } = task;
    return { ...told(result, setup, say), config: current, annotatedFraction, readByRegion };
  } finally {
    await setup?.close();
    await runtime.dispose();
  }
}

/**
 * Resumes a run from its last checkpoint, bit for bit.
 * @throws as `startTraining`; RunError if the data differ from those that the run started with.
 */
export async function continueTraining(
  config: RunConfig,
  raw: TrainingData,
  place: TrainPlace,
  hooks: TrainRunHooks = {},
): Promise<FinishedTraining> {
  const { say = () => {}, warn = () => {} } = hooks;
  const { recipe, plan } = config;
  const { store } = place;
  if (plan.segments.length === 0) {
    throw new RunError('this is an open session, which has no plan to go on with.', {
      file: store.name,
      remedy: `Finish it in the program that opened it, or start a run ${option('from', store.name)}.`,
    });
  }
  const task = await sameTask(raw, recipe, { ...place, say });
  requireSameData(config, task, store.name);
  const { checkpoint, damaged } = await loadCheckpoint(store, recipeHash(recipe));
  for (const file of damaged) warn(`${file} is damaged; the checkpoint before it is taken.`);
  const step = checkpoint?.step ?? 0;
  const start = await keptStart(recipe, store);
  const runtime = await place.openRuntime(config.machine.layout);
  let setup: TrainingSetup | undefined;
  try {
    setup = await task.openSetup(recipe, config.metric, {
      runtime,
      profile: place.profile,
      devices: place.devices,
      file: start?.file,
      provenance: provenanceOf(config, task.trainingNames, recipe),
      from: step,
    });
    const otherwise = whatDiffers(config, runtime, place, setup);
    if (otherwise !== undefined) warn(otherwise);
    await setup.trainStep.writeState(
      checkpoint?.state ?? setup.step.initialState(recipe.seed, start && fittingWeights(recipe, start)),
    );
    say(`resuming ${store.name} after step ${step} of ${totalSteps(plan)}`);
    const result = await train({
      ...loopOptions(setup, () => config, place, hooks),
      ...dataOf(setup, recipe),
      plan,
      start: { step, best: checkpoint?.best },
    });
    const { annotatedFraction, readByRegion } = task;
    return { ...told(result, setup, say), config, annotatedFraction, readByRegion };
  } finally {
    await setup?.close();
    await runtime.dispose();
  }
}

/** The model that a run trains on from, as kept with it. @throws RunError if that is missing or changed. */
export async function keptStart(
  { start, maps }: Pick<Recipe, 'start' | 'maps'>,
  store: Store,
): Promise<StartModel | undefined> {
  if (start === undefined) return undefined;
  const bytes = await store.read(RUN_FILES.start);
  const kept = bytes && readStart({ name: store.pathOf(RUN_FILES.start), bytes }, { maps: maps !== undefined });
  if (kept?.fingerprint === start.fingerprint) return kept;
  const found = kept === undefined ? 'is missing' : 'is not the model that the run began from';
  throw new RunError(`the model to train on from ${found}.`, {
    file: store.pathOf(RUN_FILES.start),
    remedy: `Put the file back, or start a new run with ${option('from', start.model)}.`,
  });
}

/** Why results may differ from the original run's, if so. */
function whatDiffers(
  { machine, recipe, lamella }: RunConfig,
  runtime: Runtime,
  place: TrainPlace,
  { fingerprint }: TrainingSetup,
): string | undefined {
  const named = (description: string, processor: string | number | undefined) =>
    processor === undefined ? description : `${description}, on ${processor}`;
  const began = named(machine.description, machine.processor);
  const now = named(runtime.description, place.machine.processor);
  const isOther = lamella !== '' && place.version !== undefined && lamella !== place.version;
  const [older, newer] = isOther ? [` with version ${lamella}`, ` with version ${place.version}`] : ['', ''];
  const reformulated = !recipe.exact && (machine.layout ?? runtime.layout) !== runtime.layout;
  if (began === now && !reformulated) {
    if (machine.step === undefined || machine.step === fingerprint) return undefined;
    return `This version computes the step in another way than the one that began the run (${lamella}): its numbers will differ in their last bits.`;
  }
  const certainty = reformulated ? 'will' : 'may';
  return `The run began on ${began}${older} and continues on ${now}${newer}: its numbers ${certainty} differ in their last bits.`;
}

export function provenanceOf(
  { created, folder }: Pick<TrainRecord, 'created' | 'folder'>,
  trainingNames: readonly string[],
  { seed, start, model }: Recipe,
): SetupOptions['provenance'] {
  const { newLayers = [], freeze = [] } = start ?? {};
  return {
    created,
    folder: baseName(folder.replaceAll('\\', '/')),
    images: trainingNames.length,
    seed,
    ...(start && { from: start.model, fromFingerprint: start.fingerprint }),
    ...(newLayers.length > 0 && { newLayers }),
    ...(freeze.length > 0 && { freeze }),
    ...(model.name === 'onnx' && model.batchNorm && { batchNorm: model.batchNorm }),
  };
}

function rounded(measured: Measured | undefined): { readonly stepMs?: number; readonly validationMs?: number } {
  if (measured === undefined) return {};
  return { stepMs: Math.round(measured.stepMs), validationMs: Math.round(measured.validationMs) };
}

/** The common part of a new run, a resumed run and a session. */
export function loopOptions(
  setup: TrainingSetup,
  configNow: () => RunConfig,
  { store, clock, checkpointEvery = { ms: CHECKPOINT_MS } }: Pick<TrainPlace, 'store' | 'clock' | 'checkpointEvery'>,
  { onEvent, signal, warn }: TrainRunHooks,
): LoopOptions {
  const { recipe } = configNow();
  return {
    trainStep: setup.trainStep,
    learningRate: (progress, total, scores) => {
      // What finishes an open session may be shorter than its warm-up.
      const [first] = configNow().plan.segments;
      const { schedule } =
        first === undefined || first.from === 0 ? recipe : withWarmUp(recipe, first.total - first.from);
      return recipe.learningRate * scheduleOf(schedule)(progress * total, total, scores);
    },
    ...(setup.watch === undefined ? {} : { endsEarly: setup.watch.see }),
    validator: setup.validator,
    saveModel: setup.saveModel(store),
    exclude: setup.exclude?.(store),
    keepConfig: () => keepConfig(store, configNow(), warn),
    store,
    configHash: recipeHash(recipe),
    checkpointEvery,
    clock,
    signal,
    onEvent,
  };
}

/** The one revision of the data that a run has. */
const dataOf = (setup: TrainingSetup, { data }: Recipe): LoopData => ({
  fingerprint: data.fingerprint,
  ...(data.before && { added: data.before.repeated }),
  batches: (from) => setup.batches(from),
});

/** Without its configuration a run could not be resumed: it is written again if it was removed. */
async function keepConfig(store: Store, config: RunConfig, warn: TrainRunHooks['warn']): Promise<void> {
  if ((await store.read(RUN_FILES.config)) !== undefined) return;
  await writeConfig(store, config);
  warn?.(`${store.pathOf(RUN_FILES.config)} was gone; it is written again.`);
}

/** Reports the result of a rule that may end by itself. */
export function told(
  result: TrainResult,
  { watch }: TrainingSetup,
  say: (line: string) => void = () => {},
): TrainResult {
  const verdict = result.ended ?? watch?.verdict();
  if (verdict !== undefined) say(verdict);
  return result;
}

function requireSameData(config: RunConfig, { fingerprint }: TrainingTask, out: string): void {
  if (fingerprint === config.recipe.data.fingerprint) return;
  throw new RunError(`the data in ${config.folder} are not those that the run began with.`, {
    file: out,
    remedy: 'Put them back as they were, or start a new run.',
    facts: { code: 'data-changed' },
  });
}
