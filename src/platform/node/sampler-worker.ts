/**
 * The program of a sampling thread: receives a step's number, returns its batch, with memory transferred instead of
 * copied.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { makeBatch } from '../../augment/batch.ts';
import type { SamplerAnswer, SamplerQuestion, SamplerWorkerData } from './sampler.ts';

const { set: firstSet, options } = workerData as SamplerWorkerData;
let set = firstSet;

parentPort?.on('message', (question: SamplerQuestion) => {
  if ('set' in question) {
    set = question.set;
    return;
  }
  const { step, pages } = question;
  try {
    const batch = makeBatch(set, step, options);
    const answer: SamplerAnswer = { step, pages, batch };
    parentPort?.postMessage(answer, [
      batch.images.buffer as ArrayBuffer,
      batch.labels.buffer as ArrayBuffer,
      batch.weights.buffer as ArrayBuffer,
    ]);
  } catch (cause) {
    const answer: SamplerAnswer = { step, pages, problem: cause instanceof Error ? cause.message : String(cause) };
    parentPort?.postMessage(answer);
  }
});
