/** The program of a sampling thread. */

import { parentPort } from 'node:worker_threads';
import { samplerProgram } from '../../augment/sampler.ts';
import { makeAnyBatch } from '../../augment/volume-batch.ts';

parentPort?.on(
  'message',
  samplerProgram((answer, transfer) => parentPort?.postMessage(answer, transfer), makeAnyBatch),
);
