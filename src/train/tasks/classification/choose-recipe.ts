/** The recipe of a classification run: the user's settings, and choices for the rest, each with its reason. */

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
import {
  buildNetwork,
  CLASSIFIER_NAMES,
  type ClassifierSpec,
  isClassifier,
  networkNamed,
} from '../../../models/registry.ts';
import type { ChosenRecipe } from '../../task.ts';
import { type AugmentStrength, chooseTraining, type TrainSettings } from '../segmentation/choose-recipe.ts';
import { ownOptions, requireUnset } from '../segmentation/network-options.ts';

type ClassifierName = ClassifierSpec['name'];

/** The network to use; default `mlp`. @throws UsageError for a segmentation network. */
export function classifierName({ network = 'mlp' }: TrainSettings): ClassifierName {
  if (isClassifier(network)) return network;
  throw new UsageError(`The network '${network}' classifies pixels, but these data have one class per image.`, {
    remedy: `Use one of ${CLASSIFIER_NAMES.map((name) => option('network', name)).join(', ')}.`,
  });
}

interface Geometry extends Pick<ClassInput, 'crop' | 'stored' | 'views'> {
  readonly reason: string;
}

/** The typical image size: the medians of heights and widths. */
function usualSize(raw: RawClasses): readonly [number, number] {
  const middle = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] as number;
  const { train } = raw.parts;
  return [middle(train.map(({ height }) => height)), middle(train.map(({ width }) => width))];
}

function geometryOf(name: ClassifierName, raw: RawClasses, { inputSize }: TrainSettings): Geometry {
  const [height, width] = usualSize(raw);
  const { crops, minSide = 1 } = networkNamed(name);
  if (crops === undefined) {
    const crop = inputSize ?? [height, width];
    const how = inputSize === undefined ? 'the size of the images' : 'as asked for';
    return { crop, stored: crop, views: 1, reason: `input ${crop[1]} x ${crop[0]}, ${how}` };
  }
  const side = Math.min(height, width);
  const chosen = side >= crops.side ? crops.side : Math.max(minSide, side);
  const crop = inputSize ?? [chosen, chosen];
  const around = (n: number): number => Math.round((n * crops.stored) / crops.side);
  const stored = [around(crop[0]), around(crop[1])] as const;
  const why =
    inputSize !== undefined
      ? 'as asked for'
      : chosen === crops.side
        ? 'as published'
        : `the smallest that it takes and the images of ${width} x ${height} fill; ${option('inputSize', crops.side)} is as published`;
  return {
    crop,
    stored,
    views: 10,
    reason: `crops of ${crop[1]} x ${crop[0]} from ${stored[1]} x ${stored[0]}, ${why}`,
  };
}

/** Small rotations, scalings and deformations that preserve the identity of a digit; no mirror images. */
function bends(side: number, factor: number): AugmentOptions {
  return {
    flip: false,
    turn: false,
    warpFraction: 1,
    rotateDegrees: 12 * factor,
    scale: 1 + 0.12 * factor,
    elasticSigmaPx: 0.035 * side * factor,
    elasticGrid: 4,
    interpolation: 'bilinear',
    intensityFraction: 0,
  };
}

const FACTORS: { readonly [S in AugmentStrength]: number } = { none: 0, turns: 0, light: 0.5, default: 1, strong: 1.5 };

const COLOUR_SIGMA = 0.1;

/** @throws UsageError for settings that do not match the network. */
export function chooseClassRecipe(
  raw: RawClasses,
  { train, split }: ClassSplit,
  settings: TrainSettings,
  fingerprint: string,
): ChosenRecipe {
  const name = classifierName(settings);
  requireUnset(name, settings, ['normalisation', 'separate']);
  const { training: defaults, crops, bends: bendable, singleOutput } = networkNamed(name);
  const { seed = 0, exact = false, augment: strength = 'default', balance = 0 } = settings;
  const { reason, ...geometry } = geometryOf(name, raw, settings);
  const { input, notes } = chooseClassInput(train, {
    ...geometry,
    normalisation: crops === undefined ? 'spread' : 'mean',
    channel: settings.channel,
  });
  const classes = raw.classNames.length;
  const numClasses = singleOutput && classes === 2 ? 1 : classes;
  const common = { channels: input.channels.count, numClasses, input: input.crop };
  const model = { name, ...common, ...ownOptions(name, settings) } as ClassifierSpec;
  const training = chooseTraining(settings, defaults);
  const { loss, optimizer, learningRate, schedule, averageDecay } = training;
  const other = loss.name === defaults.loss.name ? undefined : defaults.otherLoss;
  const batch = settings.batch ?? (other === undefined ? defaults.batch : Math.min(other.batch, train.length));

  const factor = input.crop[0] > 1 ? FACTORS[strength] : 0;
  const bent = bendable === true && factor > 0;
  const side = Math.min(...input.crop);
  const augment = augmentSettings(bent ? bends(side, factor) : NO_AUGMENTATION);
  const published = crops !== undefined && factor > 0;
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
      data: { fingerprint, split, balance, separation: { w0: 0, sigmaPx: 5 }, focusFraction: 0 },
      labels: { kind: 'integer', classes: raw.classNames.map((n, i) => ({ name: n, values: [i] })), ignore: [] },
      input,
      model,
      patch: input.crop,
      batch,
      augment,
      classes: classAugment,
      ...training,
      exact,
    },
    notes: [
      ...notes,
      `network: ${name} for ${classes} classes, ${parameters.toLocaleString('en')} parameters, ${(macs / 1e6).toFixed(2)} million MACs per image; ${reason}; batch ${batch}`,
      `training: ${loss.name}, ${optimizer.name}, learning rate ${learningRate}, ${schedule.name}${averageDecay === null ? '' : `, weights averaged (${averageDecay})`}${balance > 0 ? `, rare classes weigh more (balance ${balance})` : ''}`,
      `changes to the images: ${changes}`,
    ],
  };
}
