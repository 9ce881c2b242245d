/** Training runs over a host: new runs, resumed runs and repeated runs. */

import { holdsClasses } from '../dataset/classification/names.ts';
import { kindOf } from '../dataset/labels/labels.ts';
import { type ReadDatasetOptions, readDataset } from '../dataset/prepare.ts';
import { type LabelledImage, rawDataset } from '../dataset/raw.ts';
import { factsOf, RunError } from '../errors.ts';
import type { WritableFiles } from '../files.ts';
import { isClassifier } from '../models/registry.ts';
import type { Project } from '../project/project.ts';
import { type ClassifierTraining, classifiersOf } from '../train/classifiers.ts';
import { differingSettings, type RunConfig, readConfig, writeConfig } from '../train/config.ts';
import type { MapTraining } from '../train/maps.ts';
import {
  continueTraining,
  type FinishedTraining,
  startTraining,
  type TrainingData,
  type TrainPlace,
  type TrainRunHooks,
} from '../train/run.ts';
import { readStart, type StartFile } from '../train/start.ts';
import { type Clock, RUN_FILES, type Store } from '../train/store.ts';
import type { StreamedTraining } from '../train/streamed.ts';
import type { TrainSettings } from '../train/tasks/segmentation/choose-recipe.ts';
import type { VolumeTraining } from '../train/volumes.ts';
import { dataFolderOf, joinBefore, readLabelled } from './data-before.ts';
import { modelFileOf, readModel } from './model-files.ts';
import { withProjectSettings } from './project-settings.ts';

/** The record's folder of images in memory. */
const IN_MEMORY = 'memory';

/** Settings that determine the result of a run. */
export interface RunSettings extends TrainSettings {
  /** Run folder, its ONNX file, or a model of another program, whose weights, normalisation and classes the run starts from. */
  readonly from?: string;
  /** Which of several outputs of a model of another program is trained. */
  readonly output?: string;
  /** Skip unreadable images (classification). */
  readonly skipBad?: boolean;
  /** Which resolution of the images to train on; default 0, the full one. */
  readonly level?: number;
  /** Voxel size in mm for the scores of the report; overrides the files' value. */
  readonly spacingMm?: NonNullable<RunConfig['spacingMm']>;
}

/** A run that is open for writing. */
export interface RunStore extends Store {
  /** Whether it replaced a run that ended before its first checkpoint, which is deleted. */
  readonly replaced?: boolean;
  /** Ends writing and releases the lock, if any. */
  close(): Promise<void>;
}

/**
 * Where runs are trained; `platform/node` and `platform/browser` each make one.
 * @typeParam M what may be chosen of the machine, such as its device
 * @typeParam F what a run ends with
 */
export interface TrainHost<M, F extends FinishedTraining> extends Clock {
  readonly files: WritableFiles;
  /** Lamella's version, for the record. */
  readonly version?: string;
  /** Undefined where there is only segmentation. */
  readonly classifiers?: ClassifierTraining;
  /** Undefined where networks of volumes are not trained. */
  readonly volumes?: VolumeTraining;
  /** Undefined where stars and flows are not trained. */
  readonly maps?: MapTraining;
  /** Undefined where images are always held in memory. */
  readonly streamed?: StreamedTraining;
  /** The full path of a folder of data, for the record. */
  fullPath(folder: string): string;
  /** @param mode `new`: there must be no run yet; `resume`: there must be one. @throws RunError otherwise. */
  openRun(out: string, mode: 'new' | 'resume'): Promise<RunStore>;
  /** The machine of an existing run, unless another is requested or its device is not available here. */
  sameMachine(config: RunConfig, machine: M): M | Promise<M>;
  /** Trains on the machine. */
  onMachine(
    run: RunStore,
    machine: M,
    context: { readonly beganMs: number; readonly say: (line: string) => void },
    train: (place: TrainPlace) => Promise<FinishedTraining>,
  ): Promise<F>;
}

/** A run to write, and what it runs on. */
export interface RunTarget<M> {
  readonly out: string;
  readonly machine: M;
  /** Bytes that the program may take: larger images are read by region. Default: three quarters of what is free, for images. */
  readonly memory?: number | undefined;
}

/** Opens a run, trains in it, and closes it whatever happens. */
async function inRun<M, F extends FinishedTraining>(
  host: TrainHost<M, F>,
  out: string,
  mode: 'new' | 'resume',
  { say = () => {} }: TrainRunHooks,
  body: (
    run: RunStore,
    on: (machine: M, train: (place: TrainPlace) => Promise<FinishedTraining>) => Promise<F>,
  ) => Promise<F>,
): Promise<F> {
  const beganMs = host.nowMs();
  const run = await host.openRun(out, mode);
  try {
    return await body(run, (machine, train) => {
      if (run.replaced) say(`the run that was in ${run.name} had not come to a checkpoint; this one takes its place`);
      const { classifiers, volumes, maps, streamed } = host;
      return host.onMachine(run, machine, { beganMs, say }, (place) =>
        train({ ...place, classifiers, volumes, maps, streamed }),
      );
    });
  } finally {
    await run.close();
  }
}

/** Does something with data, and closes what they are read from, if anything, whatever happens. */
async function closing<T>(data: TrainingData, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } finally {
    if ('close' in data) await data.close();
  }
}

/**
 * Trains on a folder of images and labels, or on images in memory. Unset settings are chosen from the data and
 * reported.
 * @throws DatasetError, FormatError: the data; UsageError: settings that do not match them; RunError: the run
 * already exists; DeviceError; TrainingError: it diverged; Interrupted: stopped by the signal, with a checkpoint in the run.
 */
export function trainNew<M, F extends FinishedTraining>(
  host: TrainHost<M, F>,
  data: string | readonly LabelledImage[],
  given: RunSettings,
  { out, machine, memory }: RunTarget<M>,
  hooks: TrainRunHooks = {},
): Promise<F> {
  return inRun(host, out, 'new', hooks, async (_, on) => {
    const start = given.from === undefined ? undefined : await startFile(host.files, given.from, given.output);
    // Refused before the data are read, which may take long.
    const model = start && readStart(start, { maps: host.maps !== undefined });
    const inMemory = typeof data !== 'string';
    const read = inMemory
      ? rawDataset(data)
      : await readData(host, data, { ...given, separate: given.separate ?? model?.maps?.by }, memory);
    return closing(read, async () => {
      const settings = withProjectSettings(read, given, hooks.say);
      const joined =
        model && !inMemory && !('kind' in read && read.kind === 'classes')
          ? await joinBefore(host, read, data, model, settings, hooks)
          : {};
      const { raw = read, before } = joined;
      const record = {
        folder: inMemory ? IN_MEMORY : host.fullPath(data),
        created: new Date().toISOString(),
        version: host.version,
        spacingMm: settings.spacingMm,
        level: settings.level,
      };
      const from = start && { from: { ...start, model, ...(before && { before }) } };
      return on(machine, (place) => startTraining(raw, settings, record, { ...place, ...from }, hooks));
    });
  });
}

/**
 * Resumes the run in `out`, or starts it if there is none: a single call that a job scheduler can repeat. An existing run
 * keeps its original settings; a warning names those that differ. @throws as `trainNew`.
 */
export async function resumeOrTrainNew<M, F extends FinishedTraining>(
  host: TrainHost<M, F>,
  folder: string,
  settings: RunSettings,
  target: RunTarget<M>,
  hooks: TrainRunHooks = {},
): Promise<F> {
  try {
    return await resumeTraining(host, { ...target, data: folder, settings }, hooks);
  } catch (cause) {
    if (factsOf(cause, 'no-run') === undefined) throw cause;
    return trainNew(host, folder, settings, target, hooks);
  }
}

/**
 * Resumes an interrupted run from its last checkpoint, bit for bit. @throws as `trainNew`.
 * @param target data: current location of the data, if they were moved, or those in memory (default: the project that lists
 * the run, or the folder that it began with); settings: those that differ from the run's are named in a warning
 */
export function resumeTraining<M, F extends FinishedTraining>(
  host: TrainHost<M, F>,
  {
    out,
    machine,
    memory,
    data,
    settings,
  }: RunTarget<M> & { readonly data?: string | readonly LabelledImage[]; readonly settings?: RunSettings },
  hooks: TrainRunHooks = {},
): Promise<F> {
  return inRun(host, out, 'resume', hooks, async (run, on) => {
    const config = await readConfig(run);
    const raw = await readAgain(host, data ?? (await dataFolderOf(host, out, config)), config, memory);
    return closing(raw, async () => {
      const different = settings && differingSettings(withProjectSettings(raw, settings), config);
      if (different !== undefined) hooks.warn?.(different);
      const { version } = host;
      const same = await host.sameMachine(config, machine);
      return on(same, (place) => continueTraining(config, raw, { ...place, version }, hooks));
    });
  });
}

/**
 * Repeats a run from its configuration as a new one: the same weights on the same data. @throws as `trainNew`.
 * @param target folder: current location of the data; from: the model that the run started from, if any. Default: those
 * named in the configuration
 */
export function repeatTraining<M, F extends FinishedTraining>(
  host: TrainHost<M, F>,
  config: RunConfig,
  { out, machine, memory, from, ...moved }: RunTarget<M> & { readonly folder?: string; readonly from?: string },
  hooks: TrainRunHooks = {},
): Promise<F> {
  const folder = host.fullPath(moved.folder ?? config.folder);
  return inRun(host, out, 'new', hooks, async (run, on) => {
    try {
      const raw = await readAgain(host, folder, config, memory);
      return await closing(raw, async () => {
        const { before } = config;
        const again = {
          ...config,
          folder,
          // Old and new data in one folder stay in one.
          ...(before?.folder === config.folder && { before: { ...before, folder } }),
          created: new Date().toISOString(),
        };
        const { start } = config.recipe;
        if (start !== undefined) {
          await run.write(RUN_FILES.start, (await startFile(host.files, from ?? start.model, outputOf(config))).bytes);
        }
        await writeConfig(run, again);
        const same = await host.sameMachine(config, machine);
        return on(same, (place) => continueTraining(again, raw, place, hooks));
      });
    } catch (cause) {
      // Nothing was trained: remove what would block the next attempt.
      if ((await run.read(RUN_FILES.log)) === undefined) await run.remove(RUN_FILES.config);
      throw cause;
    }
  });
}

type DataHost = Pick<TrainHost<unknown, FinishedTraining>, 'files' | 'classifiers' | 'streamed'>;

/**
 * Classification data if the network is an image classifier, or the files can be nothing else; otherwise labelled
 * slices.
 */
async function readData(
  host: DataHost,
  folder: string,
  {
    network,
    classes,
    task,
    separate,
    level,
    skipBad = false,
  }: Pick<RunSettings, 'network' | 'classes' | 'task' | 'separate' | 'level' | 'skipBad'>,
  memory: number | undefined,
): Promise<TrainingData & { readonly project?: Project }> {
  const whole = network === undefined ? holdsClasses(await host.files.list(folder)) : isClassifier(network);
  if (!whole) {
    const as = separate !== undefined || task === 'instances' ? 'objects' : task && 'classes';
    const options: ReadDatasetOptions = { level, as };
    return (
      (await host.streamed?.open(host.files, folder, { ...options, memory })) ??
      readDataset(host.files, folder, options)
    );
  }
  const classNames = classes?.map((item) => (typeof item === 'string' ? item : item.name));
  return classifiersOf(host).read(host.files, folder, { skipBad, classNames });
}

/**
 * The data of an existing run. Unreadable images were skipped, otherwise it would not have started.
 * @throws RunError if they were in memory and are not given.
 */
async function readAgain(
  host: DataHost,
  data: string | readonly LabelledImage[],
  config: RunConfig,
  memory: number | undefined,
): ReturnType<typeof readData> {
  if (typeof data !== 'string') return rawDataset(data);
  if (data === IN_MEMORY && (await host.files.kind(data)) === undefined) {
    throw new RunError('this run was trained on images in memory, which are not kept with it.', {
      remedy: 'Give its data again: the same images in memory, or a folder with files of the same names and content.',
    });
  }
  const { model, labels } = config.recipe;
  if (isClassifier(model.name)) {
    return readData(host, data, { network: model.name, skipBad: true, classes: labels.classes }, memory);
  }
  const as = kindOf(labels);
  const { before, level } = config;
  const isOneFolder = (before ?? config).folder === config.folder;
  const large = isOneFolder && (await host.streamed?.open(host.files, data, { as, level, memory }));
  return large || readLabelled(host.files, config, { as, folder: data });
}

/** The model of a run folder or file. @throws RunError, ModelError if there is none. */
export async function startFile(files: WritableFiles, name: string, output?: string): Promise<StartFile> {
  return { name, bytes: await readModel(files, await modelFileOf(files, name), output) };
}

/** The output that a run began with. */
function outputOf({ settings }: RunConfig): string | undefined {
  const output = settings?.output;
  return typeof output === 'string' ? output : undefined;
}
