/** Whole training runs in a page or a worker: the same loop as in Node, kept in memory or in the page's storage. */

import type { LabelledImage } from '../../dataset/raw.ts';
import type { WritableFiles } from '../../files.ts';
import { memoryStore } from '../../train/memory-store.ts';
import type { TrainRunHooks } from '../../train/run.ts';
import { CLASSIFIERS } from '../../train/tasks/classification/task.ts';
import { memoryFiles } from '../../workflows/memory-files.ts';
import { type RunSettings, resumeTraining as resumeRun, trainNew } from '../../workflows/train.ts';
import { type PageOptions, pageTrainHost, type TrainedInPage } from './train-host.ts';

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

/** How the record names a model that a page gives. */
const FROM = 'model.onnx';

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
  const inMemory = out === undefined && { openRun: async () => ({ ...store, close: async () => {} }) };
  return trainNew(
    pageTrainHost(withModel(files ?? memoryFiles(), from), { classifiers: CLASSIFIERS, ...inMemory }),
    data,
    { ...settings, ...(from && { from: FROM }) },
    { out: out ?? store.name, machine: { device, threads, wasmPath, winograd, workers, checkpointEvery } },
    hooks,
  );
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
  return resumeRun(pageTrainHost(files, { classifiers: CLASSIFIERS }), { out, machine, data }, hooks);
}
