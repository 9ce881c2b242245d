/** The recipe of a run on classes of whole images: what the user said, and for the rest a choice, each with its reason. */

import type { ClassAugment } from '../../../augment/class-batch.ts';
import { type AugmentOptions, augmentSettings, NO_AUGMENTATION } from '../../../augment/options.ts';
import type { RawClasses } from '../../../dataset/classification/classes.ts';
import {
  type ClassSplit,
  chooseClassInput,
  colourAxes,
  prepareClasses,
} from '../../../dataset/classification/prepare.ts';
import { option, UsageError } from '../../../errors.ts';
import { graphMacs, parameterCount } from '../../../graph/analysis/cost.ts';
import type { ClassInput } from '../../../input/classes.ts';
import { minAlexNetSide } from '../../../models/alexnet.ts';
import { buildNetwork, isClassifier } from '../../../models/registry.ts';
import type { ClassifierSpec } from '../../../models/spec.ts';
import { TRAINING_DEFAULTS } from '../../../models/training-defaults.ts';
import type { LossSpec } from '../../../nn/losses/registry.ts';
import { OPTIMIZERS } from '../../../nn/optimizers/registry.ts';
import type { Recipe } from '../../config.ts';
import type { AugmentStrength, TrainSettings } from '../segmentation/choose-recipe.ts';
import { optimizerSpec, scheduleSpec } from '../segmentation/choose-recipe.ts';

type ClassifierName = ClassifierSpec['name'];

/** The network that is meant; `mlp` when nothing is said. @throws UsageError for one that gives a class to pixels. */
export function classifierName({ network = 'mlp' }: TrainSettings): ClassifierName {
  if (isClassifier(network)) return network;
  throw new UsageError(`The network '${network}' classifies pixels, but these data have one class per image.`, {
    remedy: `Use ${option('network', 'perceptron')}, ${option('network', 'mlp')} or ${option('network', 'alexnet')}.`,
  });
}

/** Side of the crops that AlexNet was made for, and of the images that they are cut from. */
const ALEXNET = { crop: 224, stored: 256 };

interface Geometry extends Pick<ClassInput, 'crop' | 'stored' | 'views'> {
  readonly reason: string;
}

/** The size that most images have nearly: the middle one of their heights and widths. */
function usualSize(raw: RawClasses): readonly [number, number] {
  const middle = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] as number;
  const { train } = raw.parts;
  return [middle(train.map(({ height }) => height)), middle(train.map(({ width }) => width))];
}

function geometryOf(name: ClassifierName, raw: RawClasses, { inputSize }: TrainSettings): Geometry {
  const [height, width] = usualSize(raw);
  if (name !== 'alexnet') {
    const crop = inputSize ?? [height, width];
    const how = inputSize === undefined ? 'the size of the images' : 'as asked for';
    return { crop, stored: crop, views: 1, reason: `input ${crop[1]} x ${crop[0]}, ${how}` };
  }
  const least = minAlexNetSide();
  const side = Math.min(height, width);
  const chosen = side >= ALEXNET.crop ? ALEXNET.crop : Math.max(least, side);
  const crop = inputSize ?? [chosen, chosen];
  const around = (n: number): number => Math.round((n * ALEXNET.stored) / ALEXNET.crop);
  const stored = [around(crop[0]), around(crop[1])] as const;
  const why =
    inputSize !== undefined
      ? 'as asked for'
      : chosen === ALEXNET.crop
        ? 'as published'
        : `the least that it takes and the images of ${width} x ${height} fill; ${option('inputSize', 224)} is as published`;
  return {
    crop,
    stored,
    views: 10,
    reason: `crops of ${crop[1]} x ${crop[0]} from ${stored[1]} x ${stored[0]}, ${why}`,
  };
}

/** Small turns, scalings and bends that leave a digit the same digit; no mirror images. */
function bends(side: number, factor: number): AugmentOptions {
  return {
    flip: false,
    turn: false,
    warpShare: 1,
    rotateDegrees: 12 * factor,
    scale: 1 + 0.12 * factor,
    elasticSigmaPx: 0.035 * side * factor,
    elasticGrid: 4,
    interpolation: 'bilinear',
    intensityShare: 0,
  };
}

const FACTORS: { readonly [S in AugmentStrength]: number } = { none: 0, turns: 0, light: 0.5, default: 1, strong: 1.5 };

const COLOUR_SIGMA = 0.1;

interface Choice {
  readonly recipe: Recipe;
  readonly notes: readonly string[];
}

/** @throws UsageError for settings that do not fit the network. */
export function chooseClassRecipe(
  raw: RawClasses,
  { train, split }: ClassSplit,
  settings: TrainSettings,
  fingerprint: string,
): Choice {
  const name = classifierName(settings);
  const defaults = TRAINING_DEFAULTS[name];
  const { seed = 0, exact = false, augment: strength = 'default', balance = 0 } = settings;
  const { reason, ...geometry } = geometryOf(name, raw, settings);
  const { input, notes } = chooseClassInput(train, {
    ...geometry,
    normalisation: name === 'alexnet' ? 'mean' : 'spread',
    channel: settings.channel,
  });
  const classes = raw.classNames.length;
  const common = { channels: input.channels.count, numClasses: classes, input: input.crop };
  const model = specOf(name, common, settings);
  const loss: LossSpec = settings.loss === undefined ? defaults.loss : ({ name: settings.loss } as LossSpec);
  const rosenblatt = loss.name === 'perceptron';
  const batch = settings.batch ?? (name === 'perceptron' && !rosenblatt ? Math.min(32, train.length) : defaults.batch);
  const optimizer = optimizerSpec(settings.optimizer) ?? defaults.optimizer;
  const ownRate = settings.optimizer === undefined || settings.optimizer === defaults.optimizer.name;
  const usualRate = name === 'perceptron' && !rosenblatt ? 0.1 : defaults.learningRate;
  const learningRate = settings.learningRate ?? (ownRate ? usualRate : OPTIMIZERS[optimizer.name].learningRate);
  const schedule = settings.schedule === undefined ? defaults.schedule : scheduleSpec(settings.schedule);

  const image = input.crop[0] > 1 && name !== 'perceptron';
  const factor = image ? FACTORS[strength] : 0;
  const bent = name === 'mlp' && factor > 0;
  const side = Math.min(...input.crop);
  const augment = augmentSettings(bent ? bends(side, factor) : NO_AUGMENTATION);
  const published = name === 'alexnet' && factor > 0;
  const axes = published ? colourAxes(prepareClasses(train, classes, input, 0)) : [];
  const classAugment: ClassAugment = {
    mirror: published,
    shiftPx: bent ? Math.round(0.05 * side * factor) : 0,
    crops: published,
    ...(published ? { colour: { sigma: COLOUR_SIGMA, axes } } : {}),
  };

  const network = buildNetwork(model, [1, common.channels, ...input.crop]);
  const parameters = parameterCount(network.parameters);
  const macs = graphMacs(network.builder.build([network.logits]));
  const changes = bent
    ? `turned to ${augment.rotateDegrees} degrees, scaled to ${augment.scale}, shifted to ${classAugment.shiftPx} px, bent`
    : published
      ? 'random crops, mirror images, colour along its principal axes'
      : 'none';
  return {
    recipe: {
      seed,
      data: { fingerprint, split, balance, separation: { w0: 0, sigmaPx: 5 }, focusShare: 0 },
      labels: { kind: 'integer', classes: raw.classNames.map((n, i) => ({ name: n, values: [i] })), ignore: [] },
      input,
      model,
      patch: input.crop,
      batch,
      augment,
      classes: classAugment,
      loss,
      optimizer,
      learningRate,
      schedule,
      clipNorm: defaults.clipNorm,
      averageDecay: defaults.averageDecay,
      exact,
    },
    notes: [
      ...notes,
      `network: ${name} for ${classes} classes, ${parameters.toLocaleString('en')} parameters, ${(macs / 1e6).toFixed(2)} million multiplications an image; ${reason}; batch ${batch}`,
      `training: ${loss.name}, ${optimizer.name}, learning rate ${learningRate}, ${schedule.name}${defaults.averageDecay === null ? '' : `, weights averaged (${defaults.averageDecay})`}${balance > 0 ? `, rare classes weigh more (balance ${balance})` : ''}`,
      `changes to the images: ${changes}`,
    ],
  };
}

function specOf(
  name: ClassifierName,
  common: Pick<ClassifierSpec, 'channels' | 'numClasses' | 'input'>,
  { hidden, activation, dropout, scale }: TrainSettings,
): ClassifierSpec {
  const misplaced = Object.entries({ hidden, activation, dropout, scale }).find(
    ([setting, value]) => value !== undefined && !OWN_OPTIONS[name].includes(setting),
  );
  if (misplaced !== undefined) {
    throw new UsageError(`${option(misplaced[0])} does not apply to the network '${name}'.`, {
      remedy: 'Leave it out.',
    });
  }
  if (name === 'perceptron') return { name, ...common, numClasses: common.numClasses === 2 ? 1 : common.numClasses };
  const rate = dropout === undefined ? {} : { dropout };
  if (name === 'alexnet') return { name, ...common, ...rate, ...(scale === undefined ? {} : { scale }) };
  return {
    name,
    ...common,
    ...rate,
    ...(hidden === undefined ? {} : { hidden }),
    ...(activation === undefined ? {} : { activation }),
  };
}

const OWN_OPTIONS: { readonly [N in ClassifierName]: readonly string[] } = {
  perceptron: [],
  mlp: ['hidden', 'activation', 'dropout'],
  alexnet: ['scale', 'dropout'],
};
