/**
 * What a step changed, seen: probabilities of a region with the weights of a session that has just taken a step. By the
 * session itself, or by way of a file, as without a session: the model is written, opened, and predicts the whole page.
 */
import { phantom } from '../../packages/phantom/phantom.ts';
import { rawDataset } from '../../src/dataset/raw.ts';
import { page } from '../../src/image/convert.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import { openSampler } from '../../src/platform/node/sampler.ts';
import { openModel } from '../../src/predict/open.ts';
import { predictPage } from '../../src/predict/predict.ts';
import { memoryStore } from '../../src/train/memory-store.ts';
import { openSession, recipeFor } from '../../src/train/session.ts';
import type { Task } from './task.ts';

export interface PreviewTask {
  /** Of the page, in pixels. */
  readonly side: number;
  /** Side of the region in its middle. */
  readonly region: number;
  readonly way: 'session' | 'file';
}

export async function previewTask({ side, region, way }: PreviewTask): Promise<Task> {
  const { image, label } = phantom({ width: side, height: side, depth: 1, seed: 1 });
  const raw = rawDataset([{ name: 'page', image: page(image, 0), label: page(label, 0) }]);
  const settings = { baseChannels: 16, depth: 4, patch: [256, 256], batch: 1, seed: 1 } as const;
  const { recipe } = recipeFor(raw, settings, { cores: 2 });
  const runtime = await openRuntime({ device: 'cpu' });
  const session = await openSession(recipe, {
    store: memoryStore('the session'),
    clock: { nowMs: () => performance.now() },
    openRuntime: (layout) => openRuntime({ device: 'cpu', ...(layout === undefined ? {} : { layout }) }),
    openSampler: (set, options) => openSampler(set, options, { workers: 0 }),
    cores: 2,
    machine: {},
  });
  await session.setData(raw);
  const shown = raw.pages[0];
  if (shown === undefined) throw new Error('The phantom has no page.');
  const at = (side - region) / 2;
  const look = {
    session: () => session.predict(shown, { x: at, y: at, width: region, height: region }),
    file: async () => {
      const model = await openModel(runtime, await session.model());
      await predictPage(model, shown);
      await model.program.dispose();
    },
  }[way];
  return {
    run: async () => {
      await session.steps(1);
      const start = performance.now();
      await look();
      return performance.now() - start;
    },
    close: () => session.close(),
  };
}
