/**
 * The program of a sampling thread: receives a step's number, returns its batch, with memory transferred instead of
 * copied.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { makeBatch } from '../../augment/batch.ts';
import type { SamplerAnswer, SamplerWorkerData } from './sampler.ts';

const { set, options } = workerData as SamplerWorkerData;

parentPort?.on('message', (step: number) => {
  try {
    const batch = makeBatch(set, step, options);
    const answer: SamplerAnswer = { batch };
    parentPort?.postMessage(answer, [
      batch.images.buffer as ArrayBuffer,
      batch.labels.buffer as ArrayBuffer,
      batch.weights.buffer as ArrayBuffer,
    ]);
  } catch (cause) {
    const answer: SamplerAnswer = { step, problem: cause instanceof Error ? cause.message : String(cause) };
    parentPort?.postMessage(answer);
  }
});
