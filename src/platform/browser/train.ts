/** A whole training run in a page or a worker: the same loop as in Node, kept in memory. */

import { type Batch, makeBatch } from '../../augment/batch.ts';
import type { SampleOptions } from '../../augment/sample.ts';
import type { TrainingSet } from '../../dataset/patch-position.ts';
import type { LabelledImage } from '../../dataset/raw.ts';
import { TrainingError } from '../../errors.ts';
import { memoryStore } from '../../train/memory-store.ts';
import type { FinishedTraining, TrainPlace, TrainRunHooks } from '../../train/run.ts';
import type { SessionPlace } from '../../train/session.ts';
import { RUN_FILES } from '../../train/store.ts';
import type { TrainSettings } from '../../train/tasks/segmentation/choose-recipe.ts';
import { memoryFiles } from '../../workflows/memory-files.ts';
import { type TrainHost, trainNew } from '../../workflows/train.ts';
import { type OpenRuntimeOptions, openRuntime, wasmThreads } from './runtime.ts';

export interface TrainOptions extends TrainSettings, OpenRuntimeOptions {
  /** The ONNX file of a model whose weights, normalisation and classes the run starts from. */
  readonly from?: Uint8Array;
}

/** The result of a training run and the model: the best by validation, or the last without validation. */
export interface TrainedInPage extends FinishedTraining {
  /** An ONNX file: for `openModelFile`, or for download. */
  readonly model: Uint8Array;
}

/** How the record names a model that a page gives. */
const FROM = 'model.onnx';

/** Lets the page render and respond; a resolved promise alone would not. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

async function* batches(set: TrainingSet, options: SampleOptions, from: number): AsyncGenerator<Batch, void, void> {
  for (let step = from; ; step++) {
    await nextTask();
    yield makeBatch(set, step, options);
  }
}

const openSampler: TrainPlace['openSampler'] = (first, options) => {
  let set = first;
  return {
    batches: (from) => batches(set, options, from),
    setPages(next) {
      set = next;
    },
    close: async () => {},
  };
};

/** Of this page. */
const speeds = new Map<string, number>();

/** A place for `openSession` in a page or a worker, kept in memory. */
export function sessionPlace(options: OpenRuntimeOptions & Pick<TrainPlace, 'from'> = {}): SessionPlace {
  const { from, ...device } = options;
  return {
    store: memoryStore('the session in this page'),
    clock: { nowMs: () => performance.now() },
    openRuntime: () => openRuntime(device),
    openSampler,
    cores: wasmThreads(device.threads),
    speeds,
    machine: { cores: navigator.hardwareConcurrency, browser: navigator.userAgent },
    ...(from && { from }),
  };
}

/**
 * Trains on images in memory. Unset options are chosen from the data, as in Node. The page responds between steps; to
 * keep it smooth call this in a Web Worker.
 *
 * @throws DatasetError: the data; UsageError: options that do not match them; DeviceError; TrainingError: it diverged;
 * Interrupted: stopped by the signal.
 *
 * @example const { model } = await train([{ image, label }], { minutes: 2, device: 'webgpu' });
 */
export async function train(
  samples: readonly LabelledImage[],
  { device, threads, wasmPath, from, ...settings }: TrainOptions = {},
  hooks: TrainRunHooks = {},
): Promise<TrainedInPage> {
  const store = memoryStore('the run in this page');
  const host: TrainHost<OpenRuntimeOptions, FinishedTraining> = {
    files: memoryFiles(from && { [FROM]: from }),
    nowMs: () => performance.now(),
    fullPath: (folder) => folder,
    openRun: async () => ({ ...store, close: async () => {} }),
    sameMachine: (_, machine) => machine,
    onMachine: (run, machine, { beganMs }, onPlace) =>
      onPlace({ ...sessionPlace(machine), store: run, clock: host, beganMs }),
  };
  const machine = { device, threads, wasmPath };
  const finished = await trainNew(
    host,
    samples,
    { ...settings, ...(from && { from: FROM }) },
    { out: store.name, machine },
    hooks,
  );
  const model = (await store.read(RUN_FILES.best)) ?? (await store.read(RUN_FILES.last));
  if (model === undefined) throw new TrainingError('The run ended without a model.', { step: finished.steps });
  return { ...finished, model };
}
