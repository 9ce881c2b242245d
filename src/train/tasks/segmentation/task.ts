/** A segmentation run. */

import { reachPx } from '../../../augment/field.ts';
import { cutToAnnotation } from '../../../dataset/cut.ts';
import { backgroundOf, findMapping } from '../../../dataset/labels/labels.ts';
import { namesOf, presentClasses } from '../../../dataset/labels/present.ts';
import { type PreparedDataset, type PrepareOptions, prepareDataset } from '../../../dataset/prepare.ts';
import { labelOptions, type RawDataset } from '../../../dataset/raw.ts';
import type { SplitChoice } from '../../../dataset/split.ts';
import { option, UsageError } from '../../../errors.ts';
import { BasisCounter, describeBasis, type ScoreBasis } from '../../../evaluate/basis.ts';
import type { InputSpec } from '../../../input/normalise.ts';
import { isPlain, windowOffsets } from '../../../input/window.ts';
import { type NetworkName, networkNamed } from '../../../models/registry.ts';
import { type RunData, rehearsing, splitBeside } from '../../before.ts';
import { fingerprintOf, type Recipe } from '../../config.ts';
import { type MapTraining, mapsOf } from '../../maps.ts';
import type { StartModel } from '../../start.ts';
import { startInput, startLabels } from '../../start-data.ts';
import type { TrainingTask } from '../../task.ts';
import { chooseMetric } from '../../validate.ts';
import { type VolumeTraining, volumesOf } from '../../volumes.ts';
import { chooseRecipe, chooseSeparation, NO_SEPARATION, type TrainSettings } from './choose-recipe.ts';
import { LUNGS_LABELS, LUNGS_NORMALISATION, requireHounsfield } from './lungs.ts';
import { requireUnset } from './network-options.ts';
import { type LabelledPages, openSetup, type SetupOptions } from './setup.ts';
import { inputOfStart } from './start-network.ts';
import { chooseBalance } from './window-recipe.ts';

/** Windows without common computations take minutes per slice. */
const seenOneByOne = ({ foveation = 0, cover }: TrainSettings, start?: StartModel): boolean =>
  start === undefined
    ? foveation > 0 || cover !== undefined
    : start.input?.window !== undefined && !isPlain(start.input.window);
const ONE_BY_ONE = {
  metric: { kind: 'dice' },
  reason: 'validation score: mean Dice over a sample of pixels, since foveated windows are evaluated one by one',
} as const;

export const DEFAULT_SPLIT: SplitChoice = { fraction: 0.2 };

type Place = Pick<SetupOptions, 'openSampler'> & { readonly maps?: MapTraining | undefined } & {
  readonly volumes?: VolumeTraining | undefined;
} & Pick<PrepareOptions, 'allocate' | 'memo'>;

/** A note on the input of a fine-tuned run. */
export const startNotes = (start: StartModel | undefined, input: object | undefined): readonly string[] =>
  start === undefined || input === undefined ? [] : [`channels and normalisation: those of ${start.name}`];

/** The data of a new run, with its border weights. @throws DatasetError, UsageError as `prepareDataset`. */
export function newSegmentationTask(
  raw: RawDataset,
  given: TrainSettings,
  place: Place,
  { start, before }: { readonly start?: StartModel; readonly before?: RunData } = {},
): TrainingTask {
  const network = start?.model.name ?? given.network ?? 'unet';
  const maps = mapsOf(given.separate, place);
  const settings = maps?.settings(given, network, start) ?? given;
  const { classes, ignore, task, separate, seed = 0, split: choice = DEFAULT_SPLIT } = settings;
  const beside = before && splitBeside(raw, choice, before, seed);
  const split = beside?.split ?? choice;
  const volumes = volumesOf(network, place);
  volumes?.requireSettings(settings);
  if (volumes === undefined && settings.slices !== undefined) requireUnset(network, settings, ['slices']);
  const lungs = task === 'lungs';
  if (lungs) requireHounsfield(raw);
  if (lungs && settings.normalisation !== undefined) {
    throw new UsageError(`${option('normalisation')} does not go with ${option('task', 'lungs')}, which has its own.`, {
      remedy: 'Remove one of them.',
    });
  }
  const labels = raw.pages.map((page) => page.label);
  const meaning = labelOptions(
    raw,
    lungs
      ? { ...LUNGS_LABELS, classes: classes ?? LUNGS_LABELS.classes, ignore }
      : { task, classes, ignore, ...maps?.labels },
  );
  const mapping = start === undefined ? findMapping(labels, meaning) : startLabels(start, labels, meaning);
  const input = start && startInput(start, raw.pages, settings.channel);
  const taken = start && inputOfStart(start, raw.pages, settings);
  const separation = volumes === undefined ? chooseSeparation(mapping, { ...settings, network }) : NO_SEPARATION;
  const data = (volumes?.prepare ?? maps?.prepare ?? prepareDataset)(raw, {
    seed,
    split,
    mapping,
    separation,
    balance: chooseBalance({ ...settings, network }),
    channel: settings.channel,
    channels: taken?.channels,
    input,
    normalisation: lungs ? LUNGS_NORMALISATION : (taken?.normalisation ?? settings.normalisation),
    allocate: place.allocate,
  });
  const common = taskOf(raw, data, { ...place, volumes });
  return {
    ...common,
    notes: [...common.notes, ...(beside?.notes ?? []), ...startNotes(start, input), ...(taken?.notes ?? [])],
    length: lengthOf(network),
    chooseMetric: () => {
      const usual = common.chooseMetric();
      if (usual === undefined || separate === undefined)
        return usual && seenOneByOne(settings, start) ? ONE_BY_ONE : usual;
      return maps?.chooseMetric(separate);
    },
    choosesBySpeed:
      start === undefined &&
      settings.baseChannels === undefined &&
      (volumes !== undefined || networkNamed(network).choose !== undefined),
    chooseRecipe: ({ cores, minutes, flops, memoryBytes }) =>
      (volumes?.chooseRecipe ?? maps?.chooseRecipe ?? chooseRecipe)(data, settings, {
        fingerprint: common.fingerprint,
        split,
        separation,
        pages: raw.pages,
        cores,
        minutes,
        flops,
        memoryBytes,
        start,
        trained: place.maps?.trainedLabels,
        before: beside?.data,
      }),
  };
}

/** The data of an existing run: nothing is inferred again. */
export function sameSegmentationTask(
  raw: RawDataset,
  recipe: Recipe,
  place: Place,
): TrainingTask & { readonly pages: LabelledPages } {
  const { seed, data, labels, input, model } = recipe;
  const maps = mapsOf(recipe.maps?.by, place);
  const { split, balance, separation } = data;
  const volumes = volumesOf(model.name, place);
  const prepared = (volumes?.prepare ?? maps?.prepare ?? prepareDataset)(raw, {
    seed,
    split,
    balance,
    separation,
    mapping: labels,
    input,
    allocate: place.allocate,
    memo: place.memo,
  });
  return {
    ...taskOf(raw, prepared, { ...place, volumes }),
    pages: cutPages(raw, prepared, recipe, place),
    length: lengthOf(model.name),
    chooseRecipe: () => ({ recipe, notes: [] }),
  };
}

/** Whether validation pages hold a class. */
type Holds = (classIndex: number) => boolean;

const holdsOf =
  ({ validation }: PreparedDataset): Holds =>
  (c) =>
    validation.some(({ label }) => label.includes(c));

/** Whether there is no score that would tell a good model from one that finds nothing. */
export function isUnscorable({ mapping }: PreparedDataset, holds: Holds): boolean {
  const background = backgroundOf(mapping).map((c) => mapping.classes[c]);
  return presentClasses(mapping.classes, holds).present.every((item) => background.includes(item));
}

/** How much of validation pages is annotated. */
function basisOf({ pages }: RawDataset, { validation, split, mapping }: PreparedDataset): ScoreBasis {
  const basis = new BasisCounter();
  for (const [i, { label }] of validation.entries()) {
    const { values } = (pages[split.validation[i] as number] as RawDataset['pages'][number]).label;
    basis.add(label, mapping.kind === 'instances' ? values : undefined);
  }
  return basis.result();
}

/** How much the validation score rests on. */
export function basisNotes(data: PreparedDataset, basis: ScoreBasis, holds: Holds): string[] {
  const { validation, mapping, heldRegions } = data;
  if (validation.length === 0) return [];
  // Which a score can tell apart, and which it says nothing about.
  const { present, missing } = presentClasses(mapping.classes, holds);
  if (isUnscorable(data, holds)) {
    return [
      `nothing but ${namesOf(present)} is held out, so no score would tell a good model from one that finds nothing: hold out others with ${option('split')}`,
    ];
  }
  const { missing: untrained } = presentClasses(mapping.classes, (c) => (data.shares[c] as number) > 0);
  const unlearned = untrained.filter((item) => present.includes(item));
  const regions = Object.values(heldRegions).reduce((sum, own) => sum + own.length, 0);
  return [
    `validation rests on ${describeBasis(basis, regions)}`,
    ...(unlearned.length === 0
      ? []
      : [
          `nothing of ${namesOf(unlearned)} is trained on, though it is held out: no network can learn it from the others`,
        ]),
    ...(missing.length === 0 ? [] : [`nothing of ${namesOf(missing)} is held out, so the score says nothing about it`]),
  ];
}

export function lengthOf(name: NetworkName): TrainingTask['length'] {
  const { steps, minutes } = networkNamed(name).training;
  return steps === undefined ? { minutes } : { steps };
}

/** The pages that batches of the recipe are drawn from, cut to what is annotated and what patches there reach. */
function cutPages(raw: RawDataset, data: PreparedDataset, recipe: Recipe, place: Place): LabelledPages {
  const { patch, augment, input, model } = recipe;
  // Slices without annotation are seen around those with it.
  if (data.train.volumes !== undefined)
    return { raw, data: { ...data, train: rehearsing(data.train, recipe.data.before) } };
  // The filter bank looks at annotated pixels alone.
  if (model.name === 'filter-bank') return { raw, data };
  const { window } = input as InputSpec;
  const offsets = window === undefined || isPlain(window) ? undefined : windowOffsets(window);
  const train = cutToAnnotation(data.train, reachPx(patch, augment, offsets), place);
  return { raw, data: { ...data, train: rehearsing(train, recipe.data.before) } };
}

function taskOf(raw: RawDataset, data: PreparedDataset, place: Place): Omit<TrainingTask, 'length' | 'chooseRecipe'> {
  const { heldRegions, trainedRegions } = data;
  return {
    notes: [...data.notes, ...basisNotes(data, basisOf(raw, data), holdsOf(data))],
    annotatedFraction: data.annotatedFraction,
    trainingNames: data.train.pages.map(({ name }) => name),
    validationNames: data.validation.map(({ name }) => name),
    ...(Object.keys(heldRegions).length > 0 && { validationRegions: heldRegions }),
    ...(Object.keys(trainedRegions).length > 0 && { trainingRegions: trainedRegions }),
    fingerprint: fingerprintOf([...data.train.pages, ...data.validation], place.memo),
    chooseMetric: () =>
      isUnscorable(data, holdsOf(data))
        ? undefined
        : chooseMetric(data.validation, data.mapping, { separates: place.volumes === undefined }),
    openSetup: (recipe, metric, options) =>
      openSetup(recipe, metric, {
        pages: cutPages(raw, data, recipe, place),
        openSampler: place.openSampler,
        volumes: place.volumes,
        maps: place.maps,
        ...options,
      }),
  };
}
