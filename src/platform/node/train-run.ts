/** A whole training run in Node: from a folder of images and labels to a run folder with models. */

import { availableParallelism, cpus, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { RawClasses } from '../../dataset/classification/classes.ts';
import { holdsClasses } from '../../dataset/classification/names.ts';
import { readClasses } from '../../dataset/classification/read.ts';
import { readDataset } from '../../dataset/prepare.ts';
import type { RawDataset } from '../../dataset/raw.ts';
import { factsOf } from '../../errors.ts';
import { isClassifier } from '../../models/registry.ts';
import type { Profile } from '../../runtime/profile.ts';
import type { TensorLayout } from '../../runtime/runtime.ts';
import { differingSettings, type RunConfig, readConfig, writeConfig } from '../../train/config.ts';
import type { TrainOptions } from '../../train/loop.ts';
import {
  continueTraining,
  type FinishedTraining,
  startTraining,
  type TrainPlace,
  type TrainRunHooks,
} from '../../train/run.ts';
import type { StartFile } from '../../train/start.ts';
import { RUN_FILES, type Store } from '../../train/store.ts';
import type { TrainSettings } from '../../train/tasks/segmentation/choose-recipe.ts';
import { modelFileOf } from '../../workflows/model-files.ts';
import { nodeFiles } from './files.ts';
import { type DevicePlace, gradientDevices, parseDevices } from './gradient-devices.ts';
import { openTrace } from './profile.ts';
import { openRunFolder, type RunFolder } from './run-folder.ts';
import { type NodeDevice, openRuntime } from './runtime.ts';
import { allocateShared, openSampler } from './sampler.ts';
import { packageVersion } from './version.ts';

export interface MachineOptions {
  readonly device?: NodeDevice | 'auto';
  /** Devices that share each batch, instead of one. */
  readonly devices?: readonly DevicePlace[];
  /** Data-loading threads. */
  readonly workers?: number;
  readonly checkpointEvery?: TrainOptions['checkpointEvery'];
  /** Record how the time of the first steps is distributed, in the run folder. */
  readonly profile?: boolean;
}

export interface TrainRunOptions extends TrainSettings, MachineOptions {
  /** Run folder to create. */
  readonly out: string;
  /** Run folder, or its ONNX file, whose weights, normalisation and classes the run starts from. */
  readonly from?: string;
  /** Default: the fastest of the device. `nchw` can be resumed on any CPU. */
  readonly layout?: TensorLayout;
  /** Skip unreadable images (classification). */
  readonly skipBad?: boolean;
  /** Voxel size in mm for the scores of the report; overrides the files' value. */
  readonly spacingMm?: NonNullable<RunConfig['spacingMm']>;
}

export interface FinishedRun extends FinishedTraining {
  readonly folder: string;
  /** If requested. */
  readonly profile: Profile | undefined;
}

/** Executes a run on this machine, with a profile on request. */
async function onThisMachine(
  run: RunFolder,
  options: MachineOptions & Pick<TrainRunOptions, 'layout'>,
  beganMs: number,
  { say = () => {} }: TrainRunHooks,
  train: (place: TrainPlace) => Promise<FinishedTraining>,
): Promise<FinishedRun> {
  if (run.replaced) say(`the run that was in ${run.path} had not come to a checkpoint; this one takes its place`);
  const devices = options.devices === undefined ? undefined : await gradientDevices(options.devices);
  const place = { ...placeOf(run, options, beganMs, say), ...(devices === undefined ? {} : { devices }) };
  if (options.profile !== true) return { ...(await train(place)), folder: run.path, profile: undefined };
  const trace = await openTrace();
  try {
    const finished = await train({ ...place, profile: trace.request });
    return { ...finished, folder: run.path, profile: await trace.keep(run) };
  } finally {
    await trace.close();
  }
}

/** This machine, with a run folder on it. */
function placeOf(
  store: Store,
  { device = 'auto', devices, workers, checkpointEvery, layout }: MachineOptions & Pick<TrainRunOptions, 'layout'>,
  beganMs: number,
  log: (line: string) => void,
): TrainPlace {
  // Validation and the update of shared batches run on the first device.
  const [first] = devices ?? [];
  const on = first === undefined ? { device } : first.device === 'cpu' ? { device: first.device } : first;
  return {
    store,
    clock: { nowMs: () => performance.now() },
    beganMs,
    openRuntime: (kept = layout) => openRuntime({ ...on, log, ...(kept === undefined ? {} : { layout: kept }) }),
    openSampler: (set, options) => openSampler(set, options, workers === undefined ? {} : { workers }),
    allocate: allocateShared,
    cores: availableParallelism(),
    machine: {
      processor: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      system: `${process.platform} ${process.arch}`,
      node: process.version,
      ...(devices === undefined ? {} : { devices: devices.map((one) => `${one.device}:${one.index}`).join() }),
    },
    checkpointEvery,
  };
}

/**
 * Classification data if the network is an image classifier, or the files can be nothing else; otherwise labelled
 * slices.
 */
async function readData(
  folder: string,
  { network, classes, skipBad = false }: Pick<TrainSettings, 'network' | 'classes'> & Pick<TrainRunOptions, 'skipBad'>,
): Promise<RawDataset | RawClasses> {
  const whole = network === undefined ? holdsClasses(await nodeFiles.list(folder)) : isClassifier(network);
  if (!whole) return readDataset(nodeFiles, folder);
  const classNames = classes?.map((item) => (typeof item === 'string' ? item : item.name));
  return readClasses(nodeFiles, folder, { skipBad, classNames });
}

/** The data of an existing run. Unreadable images were skipped, otherwise it would not have started. */
const readAgain = (folder: string, { recipe }: RunConfig): Promise<RawDataset | RawClasses> =>
  readData(folder, {
    network: recipe.model.name,
    skipBad: true,
    ...(isClassifier(recipe.model.name) ? { classes: recipe.labels.classes } : {}),
  });

/** The devices of an existing run, unless others are requested. */
function sameDevices(
  { machine }: RunConfig,
  { device, devices }: MachineOptions,
): Pick<MachineOptions, 'device' | 'devices'> {
  if (devices !== undefined || device !== undefined) return {};
  if (typeof machine.devices === 'string') return { devices: parseDevices(machine.devices) };
  return { device: machine.device as NodeDevice };
}

/**
 * Trains on a folder of images and labels. Unset settings are chosen from the data and reported.
 *
 * @throws DatasetError, FormatError: the data; UsageError: settings that do not match them; RunError: the run folder is
 * taken; DeviceError; TrainingError: it diverged; Interrupted: stopped by the signal, with a checkpoint on disk.
 */
export async function trainRun(
  folder: string,
  options: TrainRunOptions,
  hooks: TrainRunHooks = {},
): Promise<FinishedRun> {
  const beganMs = performance.now();
  const { out, settings } = partsOf(options);
  const run = await openRunFolder(out, 'new');
  try {
    const raw = await readData(folder, options);
    const record = {
      folder: resolve(folder),
      created: new Date().toISOString(),
      version: packageVersion(),
      spacingMm: options.spacingMm,
    };
    const from = options.from === undefined ? {} : { from: await startFile(options.from) };
    return await onThisMachine(run, options, beganMs, hooks, (place) =>
      startTraining(raw, settings, record, { ...place, ...from }, hooks),
    );
  } finally {
    await run.close();
  }
}

/** The model of a run folder or file. @throws RunError, ModelError if there is none. */
async function startFile(name: string): Promise<StartFile> {
  return { name, bytes: await nodeFiles.read(await modelFileOf(nodeFiles, name)) };
}

/** Separates the settings, which determine the result, from the folder and the machine. */
function partsOf({
  out,
  device: _device,
  devices: _devices,
  workers: _workers,
  checkpointEvery: _checkpointEvery,
  profile: _profile,
  layout: _layout,
  ...settings
}: TrainRunOptions) {
  return { out, settings };
}

/**
 * Resumes the run in `options.out`, or starts it if there is none: a single call that a job scheduler can repeat. An
 * existing run keeps its original settings; a warning names those that differ. @throws as `trainRun`.
 */
export async function resumeOrTrain(
  folder: string,
  options: TrainRunOptions,
  hooks: TrainRunHooks = {},
): Promise<FinishedRun> {
  const { out, settings } = partsOf(options);
  try {
    return await resumeRun(out, { ...options, folder, settings }, hooks);
  } catch (cause) {
    if (factsOf(cause, 'no-run') === undefined) throw cause;
    return trainRun(folder, options, hooks);
  }
}

/** Resumes an interrupted run from its last checkpoint, bit for bit. @throws as `trainRun`. */
export async function resumeRun(
  out: string,
  options: MachineOptions & {
    /** Current location of the data, if they were moved. */
    readonly folder?: string;
    /** Settings to compare: those that differ from the run's are named in a warning. */
    readonly settings?: TrainSettings;
  } = {},
  hooks: TrainRunHooks = {},
): Promise<FinishedRun> {
  const beganMs = performance.now();
  const run = await openRunFolder(out, 'resume');
  try {
    const config = await readConfig(run);
    const different = options.settings && differingSettings(options.settings, config);
    if (different !== undefined) hooks.warn?.(different);
    const raw = await readAgain(options.folder ?? config.folder, config);
    const machine = { ...options, ...sameDevices(config, options) };
    return await onThisMachine(run, machine, beganMs, hooks, (place) => continueTraining(config, raw, place, hooks));
  } finally {
    await run.close();
  }
}

/** Repeats a run from its configuration in a new folder: the same weights on the same data. @throws as `trainRun`. */
export async function repeatRun(
  config: RunConfig,
  options: MachineOptions & {
    readonly out: string;
    readonly folder?: string;
    /** The model that the run started from, if any. Default: the one named in its configuration. */
    readonly from?: string;
  },
  hooks: TrainRunHooks = {},
): Promise<FinishedRun> {
  const beganMs = performance.now();
  const { out } = options;
  const folder = resolve(options.folder ?? config.folder);
  const run = await openRunFolder(out, 'new');
  try {
    const raw = await readAgain(folder, config);
    const machine = { ...options, ...sameDevices(config, options) };
    const again = { ...config, folder, created: new Date().toISOString() };
    const { start } = config.recipe;
    if (start !== undefined) await run.write(RUN_FILES.start, (await startFile(options.from ?? start.model)).bytes);
    await writeConfig(run, again);
    return await onThisMachine(run, machine, beganMs, hooks, (place) => continueTraining(again, raw, place, hooks));
  } catch (cause) {
    // Nothing was trained: remove what would block the next attempt.
    if ((await run.read(RUN_FILES.log)) === undefined) await run.remove(RUN_FILES.config);
    throw cause;
  } finally {
    await run.close();
  }
}
