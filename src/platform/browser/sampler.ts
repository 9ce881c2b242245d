import type { Batch } from '../../augment/batch.ts';
import type { SampleOptions } from '../../augment/sample.ts';
import { openSampler, type Sampler, type StartSamplerThread } from '../../augment/sampler.ts';
import type { TrainingSet } from '../../dataset/patch-position.ts';

/** Memory that threads share, so that slices are not copied to each; only isolated pages have it. */
export const allocateShared = (): ((bytes: number) => SharedArrayBuffer) | undefined =>
  globalThis.crossOriginIsolated ? (bytes) => new SharedArrayBuffer(bytes) : undefined;

/** All cores but one, at most 3, in an isolated page; otherwise 0. */
const defaultWorkers = (): number =>
  globalThis.crossOriginIsolated && 'Worker' in globalThis
    ? Math.min(3, Math.max(1, navigator.hardwareConcurrency - 1))
    : 0;

const startThread: StartSamplerThread = (index, answered, stopped) => {
  // Bundlers recognise this expression and bundle the program.
  const thread = new Worker(new URL('./sampler-worker.js', import.meta.url), {
    type: 'module',
    name: `sampler ${index}`,
  });
  thread.onmessage = ({ data }) => answered(data);
  thread.onerror = ({ message }) =>
    stopped(
      message
        ? `stopped with "${message}"`
        : 'did not load: its program, sampler-worker.js, is to be served with the page',
    );
  return {
    post: (question) => thread.postMessage(question),
    terminate: async () => thread.terminate(),
  };
};

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

async function* responsive(source: AsyncIterable<Batch>): AsyncGenerator<Batch, void, void> {
  for await (const batch of source) {
    await nextTask();
    yield batch;
  }
}

/**
 * Samples batches in Web Workers, ahead of the training step and in order, or in this thread. The samples do not depend on
 * the number of workers. The page responds between batches.
 */
export function openPageSampler(set: TrainingSet, options: SampleOptions, workers = defaultWorkers()): Sampler {
  const sampler = openSampler(set, options, { workers, start: startThread });
  return { ...sampler, batches: (from) => responsive(sampler.batches(from)) };
}
