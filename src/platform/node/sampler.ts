import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type Batch, makeBatch } from '../../augment/batch.ts';
import type { SampleOptions } from '../../augment/sample.ts';
import type { TrainingSet } from '../../dataset/patch-position.ts';
import { DatasetError, option } from '../../errors.ts';

/** Start data and answers of a worker. */
export interface SamplerWorkerData {
  readonly set: TrainingSet;
  readonly options: SampleOptions;
}
/** What a worker is sent: other pages, or the step to draw; `pages` counts how often they were changed. */
export type SamplerQuestion = { readonly set: TrainingSet } | { readonly step: number; readonly pages: number };
export type SamplerAnswer = { readonly pages: number; readonly step: number } & (
  | { readonly batch: Batch }
  | { readonly problem: string }
);

export interface Sampler {
  /** Number of sampling threads; 0 = sampled on demand in this thread. */
  readonly workers: number;
  /** Batches from a step on, without end; sampling of the first starts at once. One iterator at a time. */
  batches(from: number): AsyncIterableIterator<Batch>;
  /** Batches that iterators begun from now on give are of these pages; iterators from before are ended. */
  setPages(set: TrainingSet): void;
  close(): Promise<void>;
}

export interface SamplerOptions {
  /** Data-loading threads. Default: all cores but one, at most 4. */
  readonly workers?: number;
  /** Number of batches sampled in advance, which bounds the memory. Default: two per worker. */
  readonly ahead?: number;
  /** The worker's compiled program. Default: the one beside this file. */
  readonly workerFile?: URL;
}

interface Waiting {
  readonly resolve: (batch: Batch) => void;
  readonly reject: (error: Error) => void;
}

function defaultWorkerFile(): URL | undefined {
  const compiled = new URL('./sampler-worker.js', import.meta.url);
  if (existsSync(fileURLToPath(compiled))) return compiled;
  // When run from the TypeScript sources, as tests are: the built program, if it exists.
  const built = new URL('../../../dist/platform/node/sampler-worker.js', import.meta.url);
  return existsSync(fileURLToPath(built)) ? built : undefined;
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
    workers = Math.min(4, Math.max(1, availableParallelism() - 1)),
    ahead,
    workerFile = defaultWorkerFile() ?? new URL('none:'),
  }: SamplerOptions = {},
): Sampler {
  if (workers === 0 || workerFile.protocol === 'none:') {
    let pages = set;
    return {
      workers: 0,
      batches: (from) => inline(pages, options, from),
      setPages(next) {
        pages = next;
      },
      close: async () => {},
    };
  }
  const data: SamplerWorkerData = { set, options };
  const waiting = new Map<number, Waiting>();
  let pages = 0;
  let failure: Error | undefined;
  let closing = false;
  const fail = (error: Error): void => {
    if (closing) return;
    failure ??= error;
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
  };
  const threads = Array.from({ length: workers }, (_, index) => {
    const thread = new Worker(workerFile, { workerData: data, name: `sampler ${index}` });
    thread.on('message', (answer: SamplerAnswer) => {
      // Asked for before the pages were changed.
      if (answer.pages !== pages) return;
      if (!('batch' in answer)) {
        return fail(new DatasetError(`a sample of step ${answer.step} could not be created (${answer.problem}).`));
      }
      const { step } = answer;
      waiting.get(step)?.resolve(answer.batch);
      waiting.delete(step);
    });
    thread.on('error', (cause) => fail(stopped(`stopped with "${cause.message}"`, cause)));
    thread.on('exit', (code) => fail(stopped(`ended with code ${code}`)));
    // Waiting for samples must not keep the program running.
    thread.unref();
    return thread;
  });

  const post = (thread: Worker, question: SamplerQuestion): void => thread.postMessage(question);
  const ask = (step: number): Promise<Batch> => {
    const sampled = new Promise<Batch>((resolve, reject) => {
      if (failure !== undefined) return reject(failure);
      waiting.set(step, { resolve, reject });
      post(threads[step % workers] as Worker, { step, pages });
    });
    // It is awaited in its turn; until then a failure must not count as unhandled.
    sampled.catch(() => {});
    return sampled;
  };

  /** Requests the first batches at once, and another one whenever one is taken. */
  const ordered = (from: number): AsyncGenerator<Batch, void, void> => {
    const depth = Math.max(1, ahead ?? 2 * workers);
    const queue = Array.from({ length: depth }, (_, i) => ask(from + i));
    return inOrder(queue, from + depth);
  };

  async function* inOrder(queue: Promise<Batch>[], after: number): AsyncGenerator<Batch, void, void> {
    let next = after;
    while (true) {
      // An awaited worker keeps the program running.
      for (const thread of threads) thread.ref();
      let batch: Batch;
      try {
        batch = await (queue.shift() as Promise<Batch>);
      } finally {
        for (const thread of threads) thread.unref();
      }
      queue.push(ask(next++));
      yield batch;
    }
  }

  return {
    workers,
    batches: ordered,
    setPages(next) {
      pages++;
      for (const { reject } of waiting.values()) reject(new DatasetError('these pages have been replaced.'));
      waiting.clear();
      for (const thread of threads) post(thread, { set: next });
    },
    close: async () => {
      closing = true;
      await Promise.all(threads.map((thread) => thread.terminate()));
    },
  };
}

function stopped(how: string, cause?: unknown): DatasetError {
  return new DatasetError(`a data-loading thread ${how}.`, {
    remedy: `Memory may be short: use a smaller ${option('patch')} or ${option('batch')}, or ${option('workers', 0)}.`,
    cause,
  });
}

async function* inline(set: TrainingSet, options: SampleOptions, from: number): AsyncGenerator<Batch, void, void> {
  for (let step = from; ; step++) yield makeBatch(set, step, options);
}
