import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeBatch } from '../../src/augment/batch.ts';
import { augmentSettings } from '../../src/augment/options.ts';
import type { SampleOptions } from '../../src/augment/sample.ts';
import type { TrainingSet } from '../../src/dataset/patch-position.ts';
import { allocateShared, openSampler } from '../../src/platform/node/sampler.ts';

const image = new Float32Array(allocateShared(4 * 64 * 64)).map((_, i) => Math.sin(i));
const label = new Uint8Array(allocateShared(64 * 64)).map((_, i) => i % 2);
const set: TrainingSet = {
  pages: [{ name: 'a.png', height: 64, width: 64, image, label }],
  channels: 1,
  classCount: 2,
  classWeights: [1, 1],
  focus: { rare: [] },
};
const options: SampleOptions = {
  seed: 2,
  patch: [32, 32],
  batch: 2,
  outputMargin: 0,
  focusFraction: 0,
  augment: augmentSettings(),
};

const built = existsSync('dist/platform/node/sampler-worker.js');
const withWorkers = built ? describe : describe.skip;

describe('without workers', () => {
  it('draws when asked, from the step on', async () => {
    const sampler = openSampler(set, options, { workers: 0 });
    const batches = sampler.batches(5);
    expect((await batches.next()).value).toEqual(makeBatch(set, 5, options));
    expect((await batches.next()).value).toEqual(makeBatch(set, 6, options));
    await sampler.close();
  });
});

withWorkers(`with workers${built ? '' : ' (SKIPPED: dist is not built; npm run build)'}`, () => {
  it.each([1, 2, 3])('%i of them draw the same batches, in order', async (workers) => {
    const sampler = openSampler(set, options, { workers });
    try {
      expect(sampler.workers).toBe(workers);
      let step = 3;
      for await (const batch of sampler.batches(3)) {
        expect(batch).toEqual(makeBatch(set, step, options));
        if (++step === 12) break;
      }
      // A second iterator goes on from where it is told.
      expect((await sampler.batches(4).next()).value).toEqual(makeBatch(set, 4, options));
    } finally {
      await sampler.close();
    }
  });

  it('a sample that cannot be drawn is an error that names the step', async () => {
    const empty: TrainingSet = { ...set, pages: [] };
    const sampler = openSampler(empty, options, { workers: 1 });
    await expect(sampler.batches(9).next()).rejects.toThrow('a sample of step 9 could not be created');
    await sampler.close();
  });

  it('a thread that dies is an error, not a hang', async () => {
    const workerFile = new URL(
      `data:text/javascript,${encodeURIComponent('import { parentPort } from "node:worker_threads"; parentPort.on("message", () => process.exit(3));')}`,
    );
    const sampler = openSampler(set, options, { workers: 2, workerFile });
    await expect(sampler.batches(0).next()).rejects.toThrow('a data-loading thread ended with code 3');
    await expect(sampler.batches(0).next()).rejects.toThrow('ended with code 3');
    await sampler.close();
  });
});
