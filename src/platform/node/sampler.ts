import { Worker } from 'node:worker_threads';
import type { SampleOptions } from '../../augment/sample.ts';
import { type Sampler, type StartSamplerThread, openSampler as sampleInThreads } from '../../augment/sampler.ts';
import { makeAnyBatch } from '../../augment/volume-batch.ts';
import type { TrainingSet } from '../../dataset/patch-position.ts';
import { processors } from './processors.ts';
import { workerProgram } from './worker-program.ts';

export interface SamplerOptions {
  /** Data-loading threads. Default: all cores but one, at most 4. */
  readonly workers?: number;
  /** Number of batches sampled in advance, which bounds the memory. Default: two per worker. */
  readonly ahead?: number;
  /** The worker's compiled program. Default: the one beside this file. */
  readonly workerFile?: URL;
  /** Reads what the samples of a step show, of images that are read by region (`placeSamples`). */
  readonly place?: ((step: number) => Promise<TrainingSet>) | undefined;
}

/**
 * Allocates memory that worker threads can share; for `prepareDataset`, so that slices are not copied to each worker.
 */
export function allocateShared(bytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(bytes);
}

/**
 * Samples batches in worker threads, ahead of the training step and in order. The samples do not depend on the number
 * of workers. If the worker's program is not built, batches are sampled in this thread (`workers` is 0).
 *
 * An iterator throws DatasetError if a worker stops or fails; the sampler can then no longer be used.
 */
export function openSampler(
  set: TrainingSet,
  options: SampleOptions,
  {
    workers = Math.min(4, Math.max(1, processors().count - 1)),
    ahead,
    workerFile = workerProgram('sampler-worker'),
    place,
  }: SamplerOptions = {},
): Sampler {
  const start: StartSamplerThread = (index, answered, stopped) => {
    const thread = new Worker(workerFile as URL, { name: `sampler ${index}` });
    thread.on('message', answered);
    thread.on('error', (cause) => stopped(`stopped with "${cause.message}"`, cause));
    thread.on('exit', (code) => stopped(`ended with code ${code}`));
    // Waiting for samples must not keep the program running, but an awaited worker does.
    thread.unref();
    return {
      post: (question) => thread.postMessage(question),
      hold: (held) => (held ? thread.ref() : thread.unref()),
      terminate: () => thread.terminate(),
    };
  };
  return sampleInThreads(set, options, {
    workers: workerFile === undefined ? 0 : workers,
    ahead,
    start,
    draw: makeAnyBatch,
    place,
  });
}
