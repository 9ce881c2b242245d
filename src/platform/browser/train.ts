/** Whole training runs in a page or a worker: the same loop as in Node, kept in memory or in the page's storage. */

import type { LabelledImage } from '../../dataset/raw.ts';
import { TrainingError } from '../../errors.ts';
import type { WritableFiles } from '../../files.ts';
import { memoryStore } from '../../train/memory-store.ts';
import type { FinishedTraining, TrainPlace, TrainRunHooks } from '../../train/run.ts';
import type { SessionPlace } from '../../train/session.ts';
import { RUN_FILES, type Store } from '../../train/store.ts';
import { memoryFiles } from '../../workflows/memory-files.ts';
import {
  type RunSettings,
  type RunStore,
  resumeOrTrainNew,
  resumeTraining as resumeRun,
  type TrainHost,
  trainNew,
} from '../../workflows/train.ts';
import { deviceSpeeds } from './device-speeds.ts';
import { openOpfsRun } from './opfs-store.ts';
import { availableDevices, type OpenRuntimeOptions, openRuntime, wasmThreads } from './runtime.ts';
import { allocateShared, openPageSampler } from './sampler.ts';
import { VERSION } from './version.ts';

/** What a run uses of the browser. */
interface PageOptions extends OpenRuntimeOptions, Pick<TrainPlace, 'checkpointEvery'> {
  /**
   * Web Workers that sample batches. Default: all cores but one, at most 3, if the page is cross-origin isolated, so that
   * they share the images; otherwise 0: batches are sampled between the steps. The batches are the same for any number.
   */
  readonly workers?: number;
}

export interface TrainOptions extends Omit<RunSettings, 'from' | 'skipBad'>, PageOptions {
  /**
   * A folder for the run in the page's private storage (OPFS), such as `runs/a`, to be created; see `opfsStore`. Default:
   * the run is kept in memory and cannot be resumed.
   */
  readonly out?: string;
  /** Where the folder of images and labels is, such as `chosenFiles(input.files)`. */
  readonly files?: WritableFiles;
  /** The ONNX file of a model whose weights, normalisation and classes the run starts from. */
  readonly from?: Uint8Array;
}

export interface ResumeOptions extends PageOptions, Pick<TrainOptions, 'files'> {
  /** The same images in memory, or the folder in `files`. Default: the folder that the run began with. */
  readonly data?: string | readonly LabelledImage[];
}

/** The result of a training run and the model: the best by validation, or the last without validation. */
export interface TrainedInPage extends FinishedTraining {
  /** An ONNX file: for `openModelFile`, or for download. */
  readonly model: Uint8Array;
}

/** How the record names a model that a page gives. */
const FROM = 'model.onnx';

export interface SessionPlaceOptions extends PageOptions, Pick<TrainPlace, 'from'> {
  /** Where the session is kept, such as `await opfsStore('runs/live')`. Default: in memory. */
  readonly store?: Store;
}

/** A place for `openSession` in a page or a worker. */
export function sessionPlace(options: SessionPlaceOptions = {}): SessionPlace {
  const { from, store = memoryStore('the session in this page'), workers, checkpointEvery, ...device } = options;
  return {
    store,
    clock: { nowMs: () => performance.now() },
    openRuntime: () => openRuntime(device),
    openSampler: (set, sampling) => openPageSampler(set, sampling, workers),
    allocate: allocateShared(),
    cores: wasmThreads(device.threads),
    speeds: deviceSpeeds,
    machine: { cores: navigator.hardwareConcurrency, browser: navigator.userAgent },
    checkpointEvery,
    ...(from && { from }),
  };
}

/** This page, with runs in its storage, or one in memory. */
function hostOf(files: WritableFiles, inMemory?: RunStore): TrainHost<PageOptions, TrainedInPage> {
  const host: TrainHost<PageOptions, TrainedInPage> = {
    files,
    version: VERSION,
    nowMs: () => performance.now(),
    // As given: where a project lies is not known to a page, and differs on the machine that continues its runs.
    fullPath: (folder) => folder,
    openRun: async (out, mode) => inMemory ?? openOpfsRun(out, mode),
    async sameMachine({ machine: { device } }, machine) {
      if (machine.device !== undefined) return machine;
      const found = (await availableDevices()).find((name) => name === device);
      return { ...machine, device: found ?? 'auto' };
    },
    async onMachine(run, machine, { beganMs }, onPlace) {
      const finished = await onPlace({ ...sessionPlace({ ...machine, store: run }), clock: host, beganMs });
      const model = (await run.read(RUN_FILES.best)) ?? (await run.read(RUN_FILES.last));
      if (model === undefined) throw new TrainingError('The run ended without a model.', { step: finished.steps });
      return { ...finished, model };
    },
  };
  return host;
}

/** Files, and a model that a page gives. */
function withModel(files: WritableFiles, model: Uint8Array | undefined): WritableFiles {
  if (model === undefined) return files;
  return {
    ...files,
    kind: async (path) => (path === FROM ? 'file' : files.kind(path)),
    read: async (folder, name) => (folder === FROM ? model : files.read(folder, name)),
  };
}

/**
 * Trains on images in memory, or on a folder of images and labels in `files`. Unset options are chosen from the data, as
 * in Node. The page responds between steps; to keep it smooth call this in a Web Worker.
 *
 * @throws DatasetError: the data; UsageError: options that do not match them; RunError: the run already exists, or the page
 * has no storage for it; DeviceError; TrainingError: it diverged; LamellaError: no space left; Interrupted: stopped by the
 * signal, with a checkpoint in the run.
 *
 * @example const { model } = await train([{ image, label }], { minutes: 2, device: 'webgpu' });
 * @example await train('cells', { files: chosenFiles(input.files), out: 'runs/a' });
 */
export function train(
  data: string | readonly LabelledImage[],
  { device, threads, wasmPath, winograd, workers, checkpointEvery, out, files, from, ...settings }: TrainOptions = {},
  hooks: TrainRunHooks = {},
): Promise<TrainedInPage> {
  const store = memoryStore('the run in this page');
  const inMemory = out === undefined ? { ...store, close: async () => {} } : undefined;
  return trainNew(
    hostOf(withModel(files ?? memoryFiles(), from), inMemory),
    data,
    { ...settings, ...(from && { from: FROM }) },
    { out: out ?? store.name, machine: { device, threads, wasmPath, winograd, workers, checkpointEvery } },
    hooks,
  );
}

/**
 * Resumes the run in the folder `out` of the page's storage, or trains on a folder of `files` into it; a model to begin with is
 * a path in `files`. @throws as `train`
 */
export function resumeOrTrain(
  folder: string,
  {
    device,
    threads,
    wasmPath,
    winograd,
    out,
    files,
    ...settings
  }: RunSettings & OpenRuntimeOptions & { readonly out: string; readonly files: WritableFiles },
  hooks: TrainRunHooks,
): Promise<TrainedInPage> {
  const machine = { device, threads, wasmPath, winograd };
  return resumeOrTrainNew(hostOf(files), folder, settings, { out, machine }, hooks);
}

/**
 * Resumes a run in the page's storage from its last checkpoint: one that ended with its tab, or that was begun in Node and
 * copied here (`importRun`). On the device that it began on, with the same number of threads, it continues bit for bit; if
 * that is not available here, on another one, with a warning.
 *
 * @param out its folder
 * @throws as `train`; RunError if there is no run, or the data have changed.
 *
 * @example const { model } = await resumeTraining('runs/a', { data: [{ image, label }] });
 */
export function resumeTraining(
  out: string,
  { data, files = memoryFiles(), ...machine }: ResumeOptions = {},
  hooks: TrainRunHooks = {},
): Promise<TrainedInPage> {
  return resumeRun(hostOf(files), { out, machine, data }, hooks);
}
