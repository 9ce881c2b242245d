/** Options of `train` that decide the result. One row per setting of the library, by its name. */

import { MODELS, type ModelName } from '../models/registry.ts';
import { LOSSES, type LossName } from '../nn/losses/registry.ts';
import { OPTIMIZERS, type OptimizerName } from '../nn/optimizers/registry.ts';
import { SCHEDULES, type ScheduleName } from '../nn/schedules.ts';
import type { TrainSettings } from '../train/tasks/segmentation/choose-recipe.ts';
import { ACTIVATION_NAMES, AUGMENT_NAMES, NORM_NAMES, TASK_NAMES } from './choices.ts';
import { choice, flag, type Row, row, text } from './options.ts';
import { channels, folds, integer, integers, number, oneOf, size, spacing, units } from './values.ts';

const NETWORK_NAMES = Object.keys(MODELS) as ModelName[];

type Settings = { readonly [K in keyof TrainSettings]?: Row<TrainSettings[K]> };

/** `split`, `classes` and `spacing` are parsed by the code that they are for, which `--help` does not load. */
export const DATA = {
  split: text(
    '--val <what>',
    'validation images: a fraction such as 0.2, or names such as 20..23 or a.png,b.png (default: 0.2)',
  ),
  folds: row('--folds <k>', 'cross-validation: k runs, or one of them as 0/k', folds),
  classes: text('--classes <list>', 'class names: membrane,inside or membrane=0,inside=255 or cell=rest'),
  channel: row('--channel <list>', 'channels to train on, by name or number from 0 (default: all)', channels),
  ignore: row('--ignore <values>', 'label values to ignore', integers),
  task: choice('--task <name>', TASK_NAMES, {
    before: 'segmentation task: ',
    after: ' (default: inferred); instances: separate touching objects; lungs: CT in Hounsfield units',
  }),
  spacing: row(
    '--spacing <z,y,x>',
    "voxel size in mm, or y,x of a pixel, for surface distances; overrides the files' value",
    spacing,
  ),
  augment: choice('--augment <strength>', AUGMENT_NAMES, { before: 'augmentation strength: ' }),
  separation: row(
    '--separation <w0>',
    'loss weight of the borders between touching objects, 0 for none (default: 5 for instance labels)',
    (value) => ({ w0: number({ least: 0 })(value), sigmaPx: 5 }),
  ),
  balance: row(
    '--balance <x>',
    'how far rare classes are upweighted, 0 to 1 (default: 0.5 for pixels, 0 for image classification)',
    number({ least: 0, most: 1 }),
  ),
  skipBad: flag('--skip-bad', 'skip unreadable images (classification)'),
};

export const NETWORK = {
  network: {
    ...row('--network <name>', `${NETWORK_NAMES.join(', ')} (default: unet)`, oneOf(...NETWORK_NAMES)),
    former: '--model <name>',
  },
  baseChannels: row('--base <n>', 'channels at the first level (default: from data, time and cores)', integer(1, 1024)),
  depth: row('--depth <n>', 'number of downsampling steps (default: from the image size)', integer(1, 8)),
  norm: choice('--norm <kind>', NORM_NAMES, { before: 'unet: normalisation layer: ' }),
  residual: flag('--residual', 'unet: residual blocks'),
  inputSize: row('--input <px>', 'perceptron, mlp, alexnet: input size, as side or width x height', size),
  hidden: row('--hidden <units>', 'mlp: units per hidden layer (default: 512,512)', units),
  activation: choice('--activation <name>', ACTIVATION_NAMES, { before: 'mlp: ', after: ' (default: relu)' }),
  dropout: row(
    '--dropout <rate>',
    'mlp, alexnet: dropout rate (default: 0, alexnet 0.5)',
    number({ least: 0, most: 0.95 }),
  ),
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

export const TRAINING = {
  steps: row('--steps <n>', 'number of training steps', integer(1)),
  minutes: row('--minutes <x>', 'plan the training to end within this time', number({ above: 0 })),
  seed: row('--seed <n>', 'random seed (default: 0)', integer(0, 0xffffffff)),
  patch: row('--patch <px>', 'patch size, as side or width x height', size),
  batch: row('--batch <n>', 'batch size', integer(1, 4096)),
  loss: choice('--loss <name>', Object.keys(LOSSES) as LossName[]),
  optimizer: choice('--optimizer <name>', Object.keys(OPTIMIZERS) as OptimizerName[]),
  learningRate: row('--lr <x>', 'peak learning rate', number({ above: 0 })),
  schedule: choice('--schedule <name>', Object.keys(SCHEDULES) as ScheduleName[], {
    before: 'learning rate schedule: ',
  }),
  exact: flag('--exact', 'use reference (direct) convolutions for reproducible sums'),
} satisfies Settings;

/** All that a run's configuration decides; none of it goes with `--config`. */
export const TRAIN_SETTINGS = { ...DATA, ...NETWORK, ...TRAINING };
