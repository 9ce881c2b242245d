/** What training knows of image classifiers: a program that only segments is built without the rest. */

import type { RawClasses } from '../dataset/classification/classes.ts';
import type { readClasses } from '../dataset/classification/read.ts';
import { UsageError } from '../errors.ts';
import type { Recipe } from './config.ts';
import type { TrainingTask } from './task.ts';
import type { TrainSettings } from './tasks/segmentation/choose-recipe.ts';

export interface ClassifierTraining {
  readonly read: typeof readClasses;
  newTask(raw: RawClasses, settings: TrainSettings): TrainingTask;
  /** Of an existing run. */
  sameTask(raw: RawClasses, recipe: Recipe): TrainingTask;
}

/** @throws UsageError where image classifiers are not trained */
export function classifiersOf({ classifiers }: { readonly classifiers?: ClassifierTraining }): ClassifierTraining {
  if (classifiers !== undefined) return classifiers;
  throw new UsageError('image classifiers are not trained here.', {
    remedy: 'Use a network that segments, or lamella train.',
  });
}
