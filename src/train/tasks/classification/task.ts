/** A classification run. */

import { countClasses, type RawClasses } from '../../../dataset/classification/classes.ts';
import { type ClassSplit, prepareClasses, splitClasses } from '../../../dataset/classification/prepare.ts';
import { readClasses } from '../../../dataset/classification/read.ts';
import { DatasetError, option } from '../../../errors.ts';
import type { ClassInput } from '../../../input/classes.ts';
import { networkNamed } from '../../../models/registry.ts';
import type { ClassifierTraining } from '../../classifiers.ts';
import { fingerprintOf, type Recipe } from '../../config.ts';
import type { TrainingTask } from '../../task.ts';
import type { TrainSettings } from '../segmentation/choose-recipe.ts';
import { chooseClassRecipe, classifierName } from './choose-recipe.ts';
import { openClassificationSetup } from './setup.ts';

const MOST_STEPS = 1_000_000;

export const CLASSIFIERS: ClassifierTraining = {
  read: readClasses,
  newTask: newClassificationTask,
  sameTask: sameClassificationTask,
};

/** @throws UsageError for a segmentation network, or a split that the data do not support. */
export function newClassificationTask(raw: RawClasses, settings: TrainSettings): TrainingTask {
  const { passes, minutes } = networkNamed(classifierName(settings)).training;
  const split = splitClasses(raw, settings.seed ?? 0, settings.split);
  const task = taskOf(raw, split);
  return {
    ...task,
    length: passes === undefined ? { minutes } : { steps: Math.min(MOST_STEPS, passes * split.train.length) },
    chooseRecipe: () => chooseClassRecipe(raw, split, settings, task.fingerprint),
  };
}

/** The data of an existing run. @throws DatasetError if they have other classes. */
function sameClassificationTask(raw: RawClasses, recipe: Recipe): TrainingTask {
  const names = recipe.labels.classes.map(({ name }) => name);
  if (names.length !== raw.classNames.length) {
    throw new DatasetError(`there are ${raw.classNames.length} classes, the run has ${names.length}.`, {
      file: raw.folder,
      remedy: 'Put the data back as they were, or start a new run.',
    });
  }
  return {
    ...taskOf(raw, splitClasses(raw, recipe.seed, recipe.data.split)),
    length: { minutes: networkNamed(recipe.model.name).training.minutes },
    chooseRecipe: () => ({ recipe, notes: [] }),
  };
}

function taskOf(raw: RawClasses, split: ClassSplit): Omit<TrainingTask, 'length' | 'chooseRecipe'> {
  const { train, validation, reason } = split;
  const classes = raw.classNames.length;
  const counts = countClasses(train, classes);
  const most = Math.max(...counts);
  const least = Math.min(...counts.filter((count) => count > 0));
  const unequal =
    most > 2 * least
      ? [
          `the largest class has ${(most / least).toFixed(1)} times the images of the smallest; ${option('balance', 1)} gives them equal weight`,
        ]
      : [];
  return {
    notes: [...raw.notes, reason, ...unequal],
    trainingNames: train.map(({ name }) => name),
    validationNames: validation.map(({ name }) => name),
    fingerprint: fingerprintOf(
      [...train, ...validation].map(({ name, data, label }) => ({ name, image: data, label: Uint16Array.of(label) })),
    ),
    chooseMetric: () =>
      validation.length === 0
        ? undefined
        : {
            metric: { kind: 'accuracy' },
            reason: 'validation score: accuracy, the share of images whose class is right',
          },
    openSetup: (recipe, metric, options) =>
      openClassificationSetup(recipe, metric, {
        set: prepareClasses(train, classes, recipe.input as ClassInput, recipe.data.balance),
        validation,
        ...options,
      }),
  };
}
