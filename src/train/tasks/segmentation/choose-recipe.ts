/**
 * The recipe of a segmentation run: the user's settings, and choices from the data for the rest, each with its reason.
 */

import { type AugmentOptions, augmentSettings, NO_AUGMENTATION } from '../../../augment/options.ts';
import { hasRim, type LabelClass, type LabelMapping } from '../../../dataset/labels/labels.ts';
import { numbersOf } from '../../../dataset/labels/numbered.ts';
import { describeLongObjects, objectSides } from '../../../dataset/object-sides.ts';
import type { PreparedDataset } from '../../../dataset/prepare.ts';
import type { RawDataset } from '../../../dataset/raw.ts';
import type { SplitChoice } from '../../../dataset/split.ts';
import type { ChannelChoice } from '../../../input/channels.ts';
import type { NormalisationOptions } from '../../../input/normalise.ts';
import { isPlain } from '../../../input/window.ts';
import type { Circumstances, TrainingDefaults } from '../../../models/definition.ts';
import { type ModelName, type ModelSpec, type NetworkName, networkNamed, sizesOf } from '../../../models/registry.ts';
import type { LossName, LossSpec } from '../../../nn/losses/registry.ts';
import { OPTIMIZERS, type OptimizerName, type OptimizerSpec } from '../../../nn/optimizers/registry.ts';
import type { ScheduleName, ScheduleSpec } from '../../../nn/schedules.ts';
import type { MapKind } from '../../../objects/object-maps.ts';
import type { Rehearsal } from '../../before.ts';
import type { Recipe } from '../../config.ts';
import type { StartModel } from '../../start.ts';
import { type StartSettings, startBatchNorm, startRecipe } from '../../start-recipe.ts';
import type { ChosenRecipe } from '../../task.ts';
import { trainedClasses, type trainedLabels } from '../../trained-regions.ts';
import { type NetworkChoice, type NetworkOptions, ownOptions, requireUnset } from './network-options.ts';
import { optionsOfStart } from './start-network.ts';
import { chooseBalance, chooseWindow, type WindowOptions, windowChoice } from './window-recipe.ts';

export const SEGMENTATION_TASKS = ['semantic', 'instances', 'lungs'] as const;

/** The user's settings; everything else is chosen from the data. */
export interface TrainSettings extends NetworkOptions, WindowOptions, StartSettings {
  readonly steps?: number;
  readonly minutes?: number;
  readonly seed?: number;
  readonly split?: SplitChoice;
  readonly classes?: readonly (string | LabelClass)[];
  readonly ignore?: readonly number[];
  /** Channels to train on, by name or by number from 0; default: all, colour photographs as colour. */
  readonly channel?: ChannelChoice;
  /** How values become the input of the network; default: percentiles, or as a model to train on from says. */
  readonly normalisation?: NormalisationOptions;
  /** Segmentation task; default: inferred from the data. `instances`: separate objects; `lungs`: lungs in CT. */
  readonly task?: (typeof SEGMENTATION_TASKS)[number];
  /** Touching objects are told apart by these maps, which the network learns instead of classes. */
  readonly separate?: MapKind;
  readonly balance?: number;
  readonly separation?: { readonly w0: number; readonly sigmaPx: number };
  readonly augment?: AugmentStrength;
  readonly network?: ModelName;
  readonly patch?: readonly [number, number];
  /** Slices of a patch, for networks of volumes. */
  readonly slices?: number;
  readonly batch?: number;
  readonly loss?: LossName;
  readonly optimizer?: OptimizerName;
  readonly learningRate?: number;
  readonly schedule?: ScheduleName;
  readonly exact?: boolean;
  /** Image classifiers: input size, [height, width]. */
  readonly inputSize?: readonly [number, number];
}

/** What the choice depends on besides the data. */
export interface RecipeCircumstances extends Pick<Circumstances, 'cores' | 'minutes' | 'flops'> {
  readonly fingerprint: string;
  readonly split: SplitChoice;
  readonly separation: Recipe['data']['separation'];
  /** The pages of the data; none if they are read by region. */
  readonly pages: RawDataset['pages'];
  /** Memory that a step may take; default: unknown. */
  readonly memoryBytes?: number | undefined;
  /** The model to fine-tune. */
  readonly start?: StartModel;
  /** What is learned instead of classes: its loss, and the channels of the network. */
  readonly learned?: { readonly loss: MapKind; readonly channels: number };
  /** Which labels are trained, where regions may be. Default: the classes. */
  readonly trained?: typeof trainedLabels | undefined;
  /** Old data beside new ones. */
  readonly before?: Rehearsal;
}

export const AUGMENT_STRENGTHS = {
  none: NO_AUGMENTATION,
  turns: { ...NO_AUGMENTATION, flip: true, turn: true },
  light: {
    warpFraction: 0.3,
    elasticSigmaPx: 4,
    brightness: 0.1,
    contrast: 1.15,
    gamma: 1.2,
    noise: 0.05,
    blurPx: 0.5,
  },
  default: {},
  strong: {
    warpFraction: 0.9,
    elasticSigmaPx: 14,
    scale: 1.4,
    brightness: 0.3,
    contrast: 1.5,
    gamma: 1.7,
    noise: 0.15,
    blurPx: 1.2,
  },
} satisfies { readonly [name: string]: AugmentOptions };
export type AugmentStrength = keyof typeof AUGMENT_STRENGTHS;

/** Border weights if objects are numbered: a gap of one pixel has six times the weight. */
const INSTANCE_SEPARATION = { w0: 5, sigmaPx: 5 };
export const NO_SEPARATION = { w0: 0, sigmaPx: 5 };

/** Border weights for labels of this kind. */
export function chooseSeparation(
  mapping: LabelMapping,
  { separation, network = 'unet' }: Pick<TrainSettings, 'separation'> & { readonly network?: NetworkName },
): Recipe['data']['separation'] {
  if (separation !== undefined) return separation;
  const own = networkNamed(network).training.separation;
  if (own !== null) return { w0: own.w0, sigmaPx: own.sigma };
  return mapping.kind === 'instances' ? INSTANCE_SEPARATION : NO_SEPARATION;
}

/** @throws UsageError for settings that do not match each other or the data. */
export function chooseRecipe(
  data: PreparedDataset,
  given: TrainSettings,
  {
    fingerprint,
    split,
    separation,
    pages,
    cores,
    minutes,
    flops,
    start,
    learned,
    trained,
    before,
  }: RecipeCircumstances,
): ChosenRecipe {
  const settings = start === undefined ? given : { ...given, ...optionsOfStart(start, given) };
  const name: NetworkName = start?.model.name ?? settings.network ?? 'unet';
  const defaults = networkNamed(name).training;
  // Every annotated pixel is in every step: there are no patches.
  const pixelwise = name === 'filter-bank';
  if (pixelwise) requireUnset(name, settings, ['patch', 'batch', 'augment', 'separation']);
  const { seed = 0, batch = defaults.batch, exact = false } = settings;
  const image = [
    Math.min(...data.train.pages.map(({ height }) => height)),
    Math.min(...data.train.pages.map(({ width }) => width)),
  ] as const;
  const classes = learned?.channels ?? data.mapping.classes.length;
  // Its one output stays: the second of two classes.
  const numClasses = start?.model.numClasses === 1 && classes === 2 ? 1 : classes;
  const common = { channels: data.input.channels.count, numClasses };
  const window = chooseWindow(name, image, settings);
  const choice =
    window === undefined
      ? networkChoice({ ...(start?.model ?? { name }), ...common }, image, settings, {
          ...{ cores, minutes, flops },
          annotated: data.annotatedFraction,
        })
      : windowChoice(name, common, window, settings);

  const { patch, reason } = choice;
  const batchNorm = start && startBatchNorm(start, settings, batch);
  const model: ModelSpec = start === undefined ? choice.model : { ...start.model, ...common, ...batchNorm?.spec };
  const { labels, notes: ofRegions } = (trained ?? trainedClasses)(data.mapping, model);
  const from = start && startRecipe(start, { model, labels }, settings);

  const training = { ...chooseTraining(settings, defaults), ...(learned && { loss: { name: learned.loss } }) };
  const { loss, optimizer, learningRate, schedule, clipNorm, averageDecay } = training;
  const extras = [
    ...(clipNorm === null ? [] : [`gradients clipped at ${clipNorm}`]),
    ...(averageDecay === null ? [] : [`weights averaged (${averageDecay})`]),
    ...(separation.w0 > 0 ? [`borders between objects weigh up to ${separation.w0} more`] : []),
    ...(separation.w0 > 0 && hasRim(data.mapping) ? ['objects smaller than the median up to 4 times as much'] : []),
  ];
  const notes = [
    ...(from?.notes ?? []),
    ...(batchNorm?.notes ?? []),
    ...ofRegions,
    `network: ${start === undefined ? reason.replace(/\.$/, '') : `${networkNamed(name).title} as in ${start.name}`}; ${pixelwise ? 'the annotated pixels in every step' : `patch ${patch[1]} x ${patch[0]}, batch ${batch}`}`,
    ...(pixelwise || window !== undefined ? [] : longObjects(data, pages, patch)),
    `training: ${loss.name}, ${optimizer.name}, learning rate ${learningRate}, ${schedule.name}${extras.map((text) => `, ${text}`).join('')}`,
  ];
  return {
    recipe: {
      seed,
      data: {
        fingerprint,
        split,
        balance: chooseBalance({ ...settings, network: name }),
        separation,
        focusFraction: 0.33,
        ...(window && { balanced: true }),
        ...(before && { before }),
      },
      labels,
      input: { ...data.input, ...(window && { window }) },
      model,
      patch,
      batch,
      augment: augmentSettings({
        ...AUGMENT_STRENGTHS[settings.augment ?? (pixelwise ? 'none' : window === undefined ? 'default' : 'turns')],
        // Windows are sampled as for prediction.
        ...(window && !isPlain(window) && { interpolation: 'bilinear' as const }),
      }),
      ...training,
      exact,
      ...(from && { start: from.recipe }),
    },
    notes,
  };
}

/** Whether numbered objects are longer than a patch. */
function longObjects(
  { mapping, train, split }: PreparedDataset,
  pages: RawDataset['pages'],
  patch: readonly [number, number],
): readonly string[] {
  if (mapping.kind !== 'instances' || pages.length === 0) return [];
  const numbered = train.pages.map(({ height, width, label }, i) => {
    const page = pages[split.train[i] as number] as RawDataset['pages'][number];
    return { height, width, objects: numbersOf(page.label, label) };
  });
  return describeLongObjects(objectSides(numbered), patch);
}

/** The network's own choice, or its defaults with a patch whose output fits into the image; the rest is mirrored. */
function networkChoice(
  given: Pick<ModelSpec, 'name' | 'channels' | 'numClasses'>,
  image: readonly [number, number],
  settings: TrainSettings,
  circumstances: Pick<Circumstances, 'cores' | 'minutes' | 'flops' | 'annotated'>,
): NetworkChoice {
  const { name, channels, numClasses } = given;
  const { choose, training, summary } = networkNamed(name);
  const own = ownOptions(name, settings);
  if (choose !== undefined) {
    const wanted = settings.patch && Math.min(...settings.patch);
    const { spec, patch, reason } = choose({
      channels,
      numClasses,
      image,
      ...circumstances,
      patch: wanted,
      ...own,
    });
    return { model: { ...spec, ...own }, patch: settings.patch ?? [patch, patch], reason };
  }
  const model = { ...given, ...own } as ModelSpec;
  const { margin, nearest } = sizesOf(model);
  const side = nearest(Math.min(training.patch, Math.min(...image) + margin));
  return { model, patch: settings.patch ?? [side, side], reason: summary };
}

const WARM_UP_STEPS = 50;
const WARM_UP_SHARE = 0.1;

/** Loss, optimizer and schedule as set, otherwise the network's own. */
export function chooseTraining(
  settings: Pick<TrainSettings, 'loss' | 'optimizer' | 'learningRate' | 'schedule'>,
  { otherLoss, clipNorm, averageDecay, ...own }: TrainingDefaults,
): Pick<Recipe, 'loss' | 'optimizer' | 'learningRate' | 'schedule' | 'clipNorm' | 'averageDecay'> {
  const loss = settings.loss === undefined ? own.loss : ({ name: settings.loss } as LossSpec);
  const optimizer = settings.optimizer === undefined ? own.optimizer : optimizerSpec(settings.optimizer);
  const usual = loss.name === own.loss.name ? own : (otherLoss ?? own);
  const { learningRate } = optimizer.name === own.optimizer.name ? usual : OPTIMIZERS[optimizer.name];
  const schedule = settings.schedule === undefined ? own.schedule : scheduleSpec(settings.schedule);
  return { loss, optimizer, learningRate: settings.learningRate ?? learningRate, schedule, clipNorm, averageDecay };
}

const optimizerSpec = (name: OptimizerName): OptimizerSpec => ({ name, ...OPTIMIZERS[name].options });

const scheduleSpec = (name: ScheduleName): ScheduleSpec =>
  name === 'one-cycle' ? { name } : { name, warmUp: WARM_UP_STEPS };

/** The recipe with a warm-up that is short enough for this number of steps. */
export function withWarmUp(recipe: Recipe, steps: number): Recipe {
  const { schedule } = recipe;
  if (schedule.name === 'one-cycle') return recipe;
  const warmUp = Math.min(schedule.warmUp ?? 0, Math.floor(WARM_UP_SHARE * steps));
  return { ...recipe, schedule: { ...schedule, warmUp } };
}
