/** Options of `train` that determine the result. One row per setting of the library, by its name. */

import { parseSplit } from '../dataset/split.ts';
import { ACTIVATIONS, type HiddenActivation } from '../models/mlp.ts';
import { BATCH_NORMS } from '../models/onnx/definition.ts';
import { MODELS, type ModelName } from '../models/registry.ts';
import { NORM_LAYERS } from '../models/unet.ts';
import { LOSSES, type LossName } from '../nn/losses/registry.ts';
import { OPTIMIZERS, type OptimizerName } from '../nn/optimizers/registry.ts';
import { SCHEDULES, type ScheduleName } from '../nn/schedules.ts';
import { MAP_KINDS } from '../objects/object-maps.ts';
import { RANGES } from '../train/ranges.ts';
import {
  AUGMENT_STRENGTHS,
  type AugmentStrength,
  SEGMENTATION_TASKS,
  type TrainSettings,
} from '../train/tasks/segmentation/choose-recipe.ts';
import { choice, flag, levelOf, OUTPUT, type Row, row, text } from './options.ts';
import {
  channels,
  classList,
  folds,
  integer,
  integerList,
  names,
  normalisation,
  number,
  size,
  spacingOrNull,
  units,
} from './values.ts';

export const STRENGTHS = Object.keys(AUGMENT_STRENGTHS) as AugmentStrength[];

type Settings = { readonly [K in keyof TrainSettings]?: Row<TrainSettings[K]> };

export const DATA = {
  split: row(
    '--val <what>',
    'validation images: a fraction such as 0.2, or names such as 20..23 or a.png,b.png (default: 0.2)',
    parseSplit,
  ),
  folds: row(
    '--folds <k>',
    'cross-validation: k runs that share the time and become one model, or one of them as 0/k',
    folds,
  ),
  classes: row('--classes <list>', 'class names: membrane,inside or membrane=0,inside=255 or cell=rest', classList),
  channel: row('--channel <list>', 'channels to train on, by name or number from 0 (default: all)', channels),
  level: levelOf(
    'which resolution of images with several (OME-Zarr, TIFF, SVS) to train on, from 0, the full one (default: 0)',
  ),
  normalisation: row(
    '--normalisation <rule>',
    'how values become the input: percentile, zscore, range=LOW,HIGH, or MEAN/DEVIATION such as 0/255, one for all channels or one for each (default: percentile)',
    normalisation,
  ),
  ignore: row('--ignore <values>', 'label values to ignore', integerList),
  task: choice('--task <name>', SEGMENTATION_TASKS, {
    before: 'segmentation task: ',
    after: ' (default: inferred); instances: separate touching objects; lungs: CT in Hounsfield units',
  }),
  separate: choice('--separate <by>', MAP_KINDS, {
    before: 'tell touching objects apart by what the network learns instead of classes: ',
    after:
      ' (stars: a probability and distances along rays, as StarDist; flows: flows and a cell probability, as Cellpose)',
  }),
  spacingMm: row(
    '--spacing <z,y,x>',
    "voxel size in mm, or y,x of a pixel, for surface distances; overrides the files' value",
    spacingOrNull,
  ),
  augment: choice('--augment <strength>', STRENGTHS, { before: 'augmentation strength: ' }),
  separation: row(
    '--separation <w0>',
    'loss weight of the borders between touching objects, 0 for none (default: 5 for instance labels)',
    (value) => ({ w0: number(RANGES.separation)(value), sigmaPx: 5 }),
  ),
  balance: row(
    '--balance <x>',
    'how far rare classes are upweighted, 0 to 1 (default: 0.5 for pixels, 0 for image classification)',
    number(RANGES.balance),
  ),
  skipBad: flag('--skip-bad', 'skip unreadable images (classification)'),
};

export const NETWORK = {
  network: {
    ...choice('--network <name>', Object.keys(MODELS) as ModelName[], { after: ' (default: unet)' }),
    former: '--model <name>',
  },
  baseChannels: row(
    '--base <n>',
    'channels at the first level (default: from data, time and cores)',
    number(RANGES.baseChannels),
  ),
  depth: row('--depth <n>', 'number of downsampling steps (default: from the image size)', number(RANGES.depth)),
  norm: choice('--norm <kind>', NORM_LAYERS, { before: 'unet, unet3d: normalisation layer: ' }),
  residual: flag('--residual', 'unet, unet3d: residual blocks'),
  inputSize: row('--input <px>', 'perceptron, mlp, alexnet: input size, as side or width x height', size),
  hidden: row('--hidden <units>', 'mlp: units per hidden layer (default: 512,512)', units),
  activation: choice('--activation <name>', Object.keys(ACTIVATIONS) as HiddenActivation[], {
    before: 'mlp: ',
    after: ' (default: relu)',
  }),
  dropout: row('--dropout <rate>', 'mlp, alexnet: dropout rate (default: 0, alexnet 0.5)', number(RANGES.dropout)),
  scale: row(
    '--scale <x>',
    'alexnet: factor on the number of channels and units (default: 1)',
    number({ above: 0, most: 4 }),
  ),
  foveation: row(
    '--foveation <px>',
    'n1 to n4: blur at the border of a window, growing from its centre',
    number({ least: 0 }),
  ),
  cover: row(
    '--cover <px>',
    'n1 to n4: side of the image area that a window covers, sampled more coarsely towards its border',
    integer(3),
  ),
} satisfies Settings;

export const START = {
  from: text(
    '--from <model>',
    'train on from a run or its ONNX file: its weights, normalisation and classes; or from an ONNX file or a BioImage.IO package of another program',
  ),
  output: OUTPUT,
  freeze: row(
    '--freeze <layers>',
    'with --from: layers to keep as they are: encoder, or encoder0,decoder1/conv2, or all-but-head',
    names,
  ),
  head: choice('--head <how>', ['new'], {
    before: 'with --from: draw the last layer anew, even where that of the model fits: ',
  }),
  batchNorm: choice('--batch-norm <mode>', BATCH_NORMS, {
    before:
      'with --from a model of another program: batch normalisation by the running statistics of the model, which are kept, or by each batch: ',
    after: ' (default: fixed)',
  }),
  newLearningRate: row(
    '--lr-new <x>',
    'with --from: peak learning rate of new layers, where classes or the number of channels have changed (default: --lr)',
    number(RANGES.learningRate),
  ),
};

export const TRAINING = {
  steps: row('--steps <n>', 'number of training steps', integer(1)),
  minutes: row('--minutes <x>', 'plan the training to end within this time', number({ above: 0 })),
  seed: row('--seed <n>', 'random seed (default: 0)', number(RANGES.seed)),
  patch: row('--patch <px>', 'patch size, as side or width x height', size),
  slices: row('--slices <n>', 'unet3d: slices of a patch (default: from the voxels and the volumes)', integer(1)),
  batch: row('--batch <n>', 'batch size', number(RANGES.batch)),
  loss: choice('--loss <name>', Object.keys(LOSSES) as LossName[]),
  optimizer: choice('--optimizer <name>', Object.keys(OPTIMIZERS) as OptimizerName[]),
  learningRate: row('--lr <x>', 'peak learning rate', number(RANGES.learningRate)),
  schedule: choice('--schedule <name>', Object.keys(SCHEDULES) as ScheduleName[], {
    before: 'learning rate schedule: ',
  }),
  exact: flag('--exact', 'use reference (direct) convolutions for reproducible sums'),
} satisfies Settings;

/** Everything determined by a run's configuration; mutually exclusive with `--config`. */
export const TRAIN_SETTINGS = { ...DATA, ...NETWORK, ...START, ...TRAINING };
