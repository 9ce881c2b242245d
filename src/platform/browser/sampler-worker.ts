/** The program of a sampling thread. */

import { samplerProgram } from '../../augment/sampler.ts';

const answer = samplerProgram((sampled, transfer) => postMessage(sampled, { transfer }));
addEventListener('message', ({ data }) => answer(data));
