/** Every task by name, as `bench/worker.ts` takes them. */
import { browserTask } from './browser.ts';
import { commandTask, trainTask } from './command.ts';
import { elasticTask } from './elastic.ts';
import { objectsTask } from './objects.ts';
import { predictTask } from './predict.ts';
import { previewTask } from './preview.ts';
import { readTask } from './read.ts';
import { scoresTask } from './scores.ts';
import { bareTask, stepTask } from './step.ts';
import type { Task } from './task.ts';

// biome-ignore lint/suspicious/noExplicitAny: options come as JSON
export const TASKS: { readonly [name: string]: (options: any) => Promise<Task> } = {
  bare: bareTask,
  browser: browserTask,
  command: commandTask,
  elastic: elasticTask,
  objects: objectsTask,
  predict: predictTask,
  preview: previewTask,
  read: readTask,
  scores: scoresTask,
  step: stepTask,
  train: trainTask,
};
