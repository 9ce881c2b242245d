/** Every task by name, as `bench/worker.ts` takes them. */
import { browserTask } from './browser.ts';
import { commandTask, trainTask } from './command.ts';
import { elasticTask } from './elastic.ts';
import { formulaTask } from './formula.ts';
import { liveStepTask, plainStepTask } from './live.ts';
import { measureRegionsTask } from './measure-regions.ts';
import { browserPreviewTask, networkPreviewTask } from './network-preview.ts';
import { objectsTask } from './objects.ts';
import { componentsTask, formulaObjectsTask } from './objects-by-blocks.ts';
import { predictTask } from './predict.ts';
import { previewTask } from './preview.ts';
import { readTask } from './read.ts';
import { scoresTask } from './scores.ts';
import { bareTask, foreignStepTask, stepTask } from './step.ts';
import { storeTask } from './store.ts';
import { studioTask } from './studio.ts';
import type { Task } from './task.ts';
import { wasmStepTask } from './wasm-step.ts';

// biome-ignore lint/suspicious/noExplicitAny: options come as JSON
export const TASKS: { readonly [name: string]: (options: any) => Promise<Task> } = {
  bare: bareTask,
  browser: browserTask,
  browserPreview: browserPreviewTask,
  command: commandTask,
  components: componentsTask,
  elastic: elasticTask,
  foreignStep: foreignStepTask,
  formula: formulaTask,
  formulaObjects: formulaObjectsTask,
  liveStep: liveStepTask,
  measureRegions: measureRegionsTask,
  networkPreview: networkPreviewTask,
  objects: objectsTask,
  plainStep: plainStepTask,
  predict: predictTask,
  preview: previewTask,
  read: readTask,
  scores: scoresTask,
  step: stepTask,
  store: storeTask,
  studio: studioTask,
  train: trainTask,
  wasmStep: wasmStepTask,
};
