/** A whole training run in a page or a worker: the same loop as in Node, kept in memory. */

import { type Batch, makeBatch } from '../../augment/batch.ts';
import type { SampleOptions } from '../../augment/sample.ts';
import type { TrainingSet } from '../../dataset/patch-position.ts';
import type { LabelledImage } from '../../dataset/raw.ts';
import { TrainingError } from '../../errors.ts';
import { memoryStore } from '../../train/memory-store.ts';
import type { FinishedTraining, TrainRunHooks } from '../../train/run.ts';
import { RUN_FILES } from '../../train/store.ts';
import type { TrainSettings } from '../../train/tasks/segmentation/choose-recipe.ts';
import { memoryFiles } from '../../workflows/memory-files.ts';
import { type TrainHost, trainNew } from '../../workflows/train.ts';
import { type OpenRuntimeOptions, openRuntime, wasmThreads } from './runtime.ts';

export interface TrainOptions extends TrainSettings, OpenRuntimeOptions {}

/** The result of a training run and the model: the best by validation, or the last without validation. */
export interface TrainedInPage extends FinishedTraining {
  /** An ONNX file: for `openModelFile`, or for download. */
  readonly model: Uint8Array;
}

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
  { device, threads, wasmPath, ...settings }: TrainOptions = {},
  hooks: TrainRunHooks = {},
): Promise<TrainedInPage> {
  const store = memoryStore('the run in this page');
  const host: TrainHost<OpenRuntimeOptions, FinishedTraining> = {
    files: memoryFiles(),
    nowMs: () => performance.now(),
    fullPath: (folder) => folder,
    openRun: async () => ({ ...store, close: async () => {} }),
    sameMachine: (_, machine) => machine,
    onMachine: (run, machine, { beganMs }, onPlace) =>
      onPlace({
        store: run,
        clock: host,
        beganMs,
        openRuntime: () => openRuntime(machine),
        openSampler: (set, options) => ({ batches: (from) => batches(set, options, from), close: async () => {} }),
        cores: wasmThreads(machine.threads),
        machine: { cores: navigator.hardwareConcurrency, browser: navigator.userAgent },
      }),
  };
  const machine = { device, threads, wasmPath };
  const finished = await trainNew(host, samples, settings, { out: store.name, machine }, hooks);
  const model = (await store.read(RUN_FILES.best)) ?? (await store.read(RUN_FILES.last));
  if (model === undefined) throw new TrainingError('The run ended without a model.', { step: finished.steps });
  return { ...finished, model };
}
