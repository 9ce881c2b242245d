/** Batches sampled ahead of the training step, in threads of the platform, or on demand. */

import type { TrainingSet } from '../dataset/patch-position.ts';
import { DatasetError, option } from '../errors.ts';
import { type Batch, makeBatch } from './batch.ts';
import type { SampleOptions } from './sample.ts';

/** A source of batches. Those of a step are the same bits for any number of threads. */
export interface Sampler {
  /** Number of sampling threads; 0 = sampled on demand in this thread. */
  readonly workers: number;
  /** Batches from a step on, without end; sampling of the first starts at once. One iterator at a time. */
  batches(from: number): AsyncIterableIterator<Batch>;
  /** Batches that iterators begun from now on give are of these pages; iterators from before are ended. */
  setPages(set: TrainingSet): void;
  close(): Promise<void>;
}

/** What a thread is sent: the pages and how to sample them, or the step to sample; `pages` counts how often they changed. */
export type SamplerQuestion =
  | { readonly set: TrainingSet; readonly options: SampleOptions }
  | { readonly step: number; readonly pages: number };
export type SamplerAnswer = { readonly pages: number; readonly step: number } & (
  | { readonly batch: Batch }
  | { readonly problem: string }
);

/** How a batch is made: `makeBatch`, or `makeAnyBatch` where volumes are trained too. */
export type DrawBatch = typeof makeBatch;

/**
 * The program of a thread: answers its questions in order.
 * @param send transfers the memory of these buffers
 */
export function samplerProgram(
  send: (answer: SamplerAnswer, transfer: ArrayBuffer[]) => void,
  draw: DrawBatch = makeBatch,
): (question: SamplerQuestion) => void {
  let set: TrainingSet;
  let options: SampleOptions;
  return (question) => {
    if ('set' in question) {
      ({ set, options } = question);
      return;
    }
    const { step, pages } = question;
    try {
      const batch = draw(set, step, options);
      const memory = Object.values(batch).flatMap((part) =>
        ArrayBuffer.isView(part) ? [part.buffer as ArrayBuffer] : [],
      );
      send({ step, pages, batch }, memory);
    } catch (cause) {
      send({ step, pages, problem: cause instanceof Error ? cause.message : String(cause) }, []);
    }
  };
}

/** A thread that runs `samplerProgram`, as its platform starts it. */
export interface SamplerThread {
  post(question: SamplerQuestion): void;
  /** Whether the program is to wait for its answers before it ends, where programs end by themselves. */
  hold?(held: boolean): void;
  terminate(): Promise<unknown>;
}

/** @param answered receives answers; stopped: how the thread ended, such as `ended with code 3` */
export type StartSamplerThread = (
  index: number,
  answered: (answer: SamplerAnswer) => void,
  stopped: (how: string, cause?: unknown) => void,
) => SamplerThread;

export interface SamplerThreads {
  /** Number of threads; 0 to sample on demand in this one. */
  readonly workers: number;
  /** Number of batches sampled in advance, which bounds the memory. Default: two per worker. */
  readonly ahead?: number;
  readonly start: StartSamplerThread;
  /** In this thread; those that are started know their own. Default: of pages. */
  readonly draw?: DrawBatch;
  /** Reads what the samples of a step show, of images that are read by region (`placeSamples`). */
  readonly place?: ((step: number) => Promise<TrainingSet>) | undefined;
}

interface Waiting {
  readonly resolve: (batch: Batch) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Samples batches in threads, ahead of the training step and in order.
 *
 * An iterator throws DatasetError if a thread stops or fails; the sampler can then no longer be used.
 */
export function openSampler(
  set: TrainingSet,
  options: SampleOptions,
  { workers, ahead = 2 * workers, start, draw = makeBatch, place }: SamplerThreads,
): Sampler {
  if (workers === 0) return inThisThread(set, options, draw, place);
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
  const answered = (answer: SamplerAnswer): void => {
    // Asked for before the pages were changed.
    if (answer.pages !== pages) return;
    if (!('batch' in answer)) {
      fail(new DatasetError(`a sample of step ${answer.step} could not be created (${answer.problem}).`));
      return;
    }
    waiting.get(answer.step)?.resolve(answer.batch);
    waiting.delete(answer.step);
  };
  const threads = Array.from({ length: workers }, (_, index) => {
    const thread = start(index, answered, (how, cause) => fail(stopped(how, cause)));
    thread.post({ set, options });
    return thread;
  });

  const ask = (step: number): Promise<Batch> => {
    const sampled = new Promise<Batch>((resolve, reject) => {
      if (failure !== undefined) return reject(failure);
      waiting.set(step, { resolve, reject });
      const thread = threads[step % workers] as SamplerThread;
      if (place === undefined) return thread.post({ step, pages });
      place(step).then((placed) => {
        thread.post({ set: placed, options });
        thread.post({ step, pages });
      }, reject);
    });
    // It is awaited in its turn; until then a failure must not count as unhandled.
    sampled.catch(() => {});
    return sampled;
  };

  /** Requests the first batches at once, and another one whenever one is taken. */
  const ordered = (from: number): AsyncGenerator<Batch, void, void> => {
    const depth = Math.max(1, ahead);
    const queue = Array.from({ length: depth }, (_, i) => ask(from + i));
    return inOrder(queue, from + depth);
  };

  async function* inOrder(queue: Promise<Batch>[], after: number): AsyncGenerator<Batch, void, void> {
    let next = after;
    while (true) {
      for (const thread of threads) thread.hold?.(true);
      let batch: Batch;
      try {
        batch = await (queue.shift() as Promise<Batch>);
      } finally {
        for (const thread of threads) thread.hold?.(false);
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
      for (const thread of threads) thread.post({ set: next, options });
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

/** Samples when asked. */
function inThisThread(
  first: TrainingSet,
  options: SampleOptions,
  draw: DrawBatch,
  place: SamplerThreads['place'],
): Sampler {
  let set = first;
  return {
    workers: 0,
    batches: (from) => onDemand(set, options, from, draw, place),
    setPages(next) {
      set = next;
    },
    close: async () => {},
  };
}

async function* onDemand(
  set: TrainingSet,
  options: SampleOptions,
  from: number,
  draw: DrawBatch,
  place: SamplerThreads['place'],
): AsyncGenerator<Batch, void, void> {
  for (let step = from; ; step++) yield draw((await place?.(step)) ?? set, step, options);
}
