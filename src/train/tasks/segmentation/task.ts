/** A run on labelled pages: a class for every pixel. */

import { findMapping } from '../../../dataset/labels/labels.ts';
import { type PreparedDataset, type PrepareOptions, prepareDataset } from '../../../dataset/prepare.ts';
import { labelOptions, type RawDataset } from '../../../dataset/raw.ts';
import type { SplitChoice } from '../../../dataset/split.ts';
import { networkNamed } from '../../../models/registry.ts';
import { fingerprintOf, type Recipe } from '../../config.ts';
import type { TrainingTask } from '../../task.ts';
import { chooseMetric } from '../../validate.ts';
import { chooseRecipe, chooseSeparation, type TrainSettings } from './choose-recipe.ts';
import { LUNGS_LABELS, LUNGS_NORMALISATION, requireHounsfield } from './lungs.ts';
import { openSetup, type SetupOptions } from './setup.ts';
import { chooseBalance } from './window-recipe.ts';

/** Windows that have nothing in common take minutes a page. */
const seenOneByOne = ({ foveation = 0, cover }: TrainSettings): boolean => foveation > 0 || cover !== undefined;
const ONE_BY_ONE = {
  metric: { kind: 'dice' },
  reason: 'validation score: mean Dice over a sample of pixels, since foveated windows are evaluated one by one',
} as const;

const DEFAULT_SPLIT: SplitChoice = { fraction: 0.2 };

type Place = Pick<SetupOptions, 'openSampler'> & Pick<PrepareOptions, 'allocate'>;

/** The data of a new run, and how borders weigh in them. @throws DatasetError, UsageError as `prepareDataset`. */
export function newSegmentationTask(raw: RawDataset, settings: TrainSettings, place: Place): TrainingTask {
  const { classes, ignore, task, seed = 0, split = DEFAULT_SPLIT } = settings;
  const lungs = task === 'lungs';
  if (lungs) requireHounsfield(raw);
  const mapping = findMapping(
    raw.pages.map((page) => page.label),
    labelOptions(
      raw,
      lungs ? { ...LUNGS_LABELS, classes: classes ?? LUNGS_LABELS.classes, ignore } : { task, classes, ignore },
    ),
  );
  const separation = chooseSeparation(mapping, settings);
  const data = prepareDataset(raw, {
    seed,
    split,
    mapping,
    separation,
    balance: chooseBalance(settings),
    channel: settings.channel,
    ...(lungs ? { normalisation: LUNGS_NORMALISATION } : {}),
    allocate: place.allocate,
  });
  const common = taskOf(raw, data, place);
  return {
    ...common,
    length: { minutes: networkNamed(settings.network ?? 'unet').training.minutes },
    chooseMetric: () => (seenOneByOne(settings) && data.validation.length > 0 ? ONE_BY_ONE : common.chooseMetric()),
    chooseRecipe: ({ cores, minutes }) =>
      chooseRecipe(data, settings, { fingerprint: common.fingerprint, split, separation, cores, minutes }),
  };
}

/** The data of a run that there is already: nothing is found anew. */
export function sameSegmentationTask(raw: RawDataset, recipe: Recipe, place: Place): TrainingTask {
  const { seed, data, labels, input, model } = recipe;
  const { split, balance, separation } = data;
  const prepared = prepareDataset(raw, {
    seed,
    split,
    balance,
    separation,
    mapping: labels,
    input,
    allocate: place.allocate,
  });
  return {
    ...taskOf(raw, prepared, place),
    length: { minutes: networkNamed(model.name).training.minutes },
    chooseRecipe: () => ({ recipe, notes: [] }),
  };
}

function taskOf(
  raw: RawDataset,
  data: PreparedDataset,
  { openSampler }: Place,
): Omit<TrainingTask, 'length' | 'chooseRecipe'> {
  return {
    notes: data.notes,
    trainingNames: data.train.pages.map(({ name }) => name),
    validationNames: data.validation.map(({ name }) => name),
    fingerprint: fingerprintOf([...data.train.pages, ...data.validation]),
    chooseMetric: () => (data.validation.length === 0 ? undefined : chooseMetric(data.validation, data.mapping)),
    openSetup: (recipe, metric, options) => openSetup(recipe, metric, { raw, data, openSampler, ...options }),
  };
}
