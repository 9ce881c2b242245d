import { Command, Option } from 'commander';
import {
  ACTIVATION_NAMES,
  AUGMENT_NAMES,
  DEVICE_NAMES,
  LOSS_NAMES,
  MODEL_NAMES,
  NORM_NAMES,
  OPTIMIZER_NAMES,
  SCHEDULE_NAMES,
  TASK_NAMES,
} from '../choices.ts';
import { channels, folds, integer, integers, interval, number, oneOf, size, spacing, units } from '../values.ts';

/** The options of `train` as parsed; what is not given is absent and chosen from the data. */
export interface TrainFlags {
  readonly out?: string;
  readonly config?: string;
  readonly resume?: string | true;
  readonly model?: (typeof MODEL_NAMES)[number];
  readonly base?: number;
  readonly depth?: number;
  readonly norm?: (typeof NORM_NAMES)[number];
  readonly residual?: boolean;
  readonly input?: readonly [number, number];
  readonly hidden?: readonly number[];
  readonly activation?: (typeof ACTIVATION_NAMES)[number];
  readonly dropout?: number;
  readonly scale?: number;
  readonly foveation?: number;
  readonly cover?: number;
  readonly balance?: number;
  readonly skipBad?: boolean;
  readonly patch?: readonly [number, number];
  readonly batch?: number;
  readonly loss?: (typeof LOSS_NAMES)[number];
  readonly lr?: number;
  readonly optimizer?: (typeof OPTIMIZER_NAMES)[number];
  readonly schedule?: (typeof SCHEDULE_NAMES)[number];
  readonly steps?: number;
  readonly minutes?: number;
  readonly seed?: number;
  readonly val?: string;
  readonly folds?: { readonly fold: number | undefined; readonly folds: number };
  readonly classes?: string;
  readonly ignore?: readonly number[];
  readonly channel?: readonly (string | number)[];
  readonly task?: (typeof TASK_NAMES)[number];
  readonly spacing?: readonly [number | undefined, number, number];
  readonly separation?: number;
  readonly augment?: (typeof AUGMENT_NAMES)[number];
  readonly device: (typeof DEVICE_NAMES)[number];
  readonly devices?: string;
  readonly workers?: number;
  readonly checkpointEvery: { readonly steps: number } | { readonly ms: number };
  readonly exact?: boolean;
  readonly profile?: boolean;
  readonly quiet?: boolean;
}

export function trainCommand(): Command {
  return new Command('train')
    .summary('train a network on a folder of images and labels')
    .description(
      `Trains a network on a folder of images and labels: image(s)/ beside label(s)/ or mask(s)/, imagesTr/ beside
labelsTr/, x.png beside x_mask.png, or one multi-page TIFF each. With --model perceptron, mlp or alexnet on images of
one class each: MNIST's IDX files, an .npz, one sub-folder a class, or a .csv of file and class. Whatever is not said is chosen from the data and
printed with its reason. Without --steps and --minutes it takes 10 minutes.`,
    )
    .argument('[folder]', 'images and labels; not needed with --resume or --config')
    .optionsGroup('The run:')
    .option('-o, --out <folder>', 'run folder to make (default: runs/<name of the data>-<number>)')
    .option('--steps <n>', 'steps of training', integer(1))
    .option('--minutes <x>', 'plan the training to end in this time', number({ above: 0 }))
    .option('--seed <n>', 'seed of all that is drawn (default: 0)', integer(0, 0xffffffff))
    .option('--resume [run]', 'go on with an interrupted run exactly where it stopped')
    .option('--config <file>', 'repeat a run from its config.json, on the same data')
    .addOption(
      new Option('--checkpoint-every <n>', 'steps, or a time such as 30s or 2m')
        .argParser(interval)
        .default({ ms: 120_000 }, '2m'),
    )
    .option('--quiet', 'print warnings and errors only')
    .optionsGroup('The data:')
    .option(
      '--val <what>',
      'validation images: a share such as 0.2, or names such as 20..23 or a.png,b.png (default: 0.2)',
    )
    .option('--folds <k>', 'cross-validation: k runs, or one of them as 0/k', folds)
    .option('--classes <list>', 'name the classes: membrane,inside or membrane=0,inside=255 or cell=rest')
    .option('--channel <list>', 'channels to train on, by name or number from 0 (default: all)', channels)
    .option('--ignore <values>', 'label values that take no part', integers)
    .addOption(
      new Option(
        '--task <what>',
        `what labels mean: ${TASK_NAMES.join(', ')} (default: seen from the data); instances: objects that touch are told apart by their borders; lungs: CT in Hounsfield units`,
      ).argParser(oneOf(...TASK_NAMES)),
    )
    .option(
      '--spacing <z,y,x>',
      'size of a voxel in mm, or y,x of a pixel, for surface distances, where the files do not say it or say it wrong',
      spacing,
    )
    .addOption(
      new Option('--augment <strength>', `changes to the images: ${AUGMENT_NAMES.join(', ')}`).argParser(
        oneOf(...AUGMENT_NAMES),
      ),
    )
    .option(
      '--separation <w0>',
      'weight of the borders between touching objects, 0 for none (default: 5 for instance labels)',
      number({ least: 0 }),
    )
    .option(
      '--balance <x>',
      'how much rare classes weigh more, 0 to 1 (default: 0.5 for pixels, 0 for whole images)',
      number({ least: 0, most: 1 }),
    )
    .option('--skip-bad', 'leave out images of classes that cannot be read')
    .optionsGroup('The network:')
    .addOption(
      new Option('--model <name>', `${MODEL_NAMES.join(', ')} (default: unet)`).argParser(oneOf(...MODEL_NAMES)),
    )
    .option('--base <n>', 'channels of the first level (default: from data, time and cores)', integer(1, 1024))
    .option('--depth <n>', 'how often the image is halved (default: from the image size)', integer(1, 8))
    .addOption(
      new Option('--norm <kind>', `normalisation in unet: ${NORM_NAMES.join(', ')}`).argParser(oneOf(...NORM_NAMES)),
    )
    .option('--residual', 'residual blocks in unet')
    .option('--input <px>', 'perceptron, mlp, alexnet: side of the images that they see, or width x height', size)
    .option('--hidden <units>', 'mlp: units of each hidden layer (default: 512,512)', units)
    .addOption(
      new Option('--activation <name>', `mlp: ${ACTIVATION_NAMES.join(', ')} (default: relu)`).argParser(
        oneOf(...ACTIVATION_NAMES),
      ),
    )
    .option(
      '--dropout <rate>',
      'mlp, alexnet: share of hidden units left out in a step (default: 0, alexnet 0.5)',
      number({ least: 0, most: 0.95 }),
    )
    .option('--scale <x>', 'alexnet: factor on channels and units (default: 1)', number({ above: 0, most: 4 }))
    .option('--foveation <px>', 'n1 to n4: blur that grows to this at the border of a window', number({ least: 0 }))
    .option(
      '--cover <px>',
      'n1 to n4: side of the image that a window covers, sampled coarser away from its middle',
      integer(3),
    )
    .optionsGroup('The training:')
    .option('--patch <px>', 'side of the training patches, or width x height', size)
    .option('--batch <n>', 'patches in a step', integer(1, 4096))
    .addOption(new Option('--loss <name>', LOSS_NAMES.join(', ')).argParser(oneOf(...LOSS_NAMES)))
    .addOption(new Option('--optimizer <name>', OPTIMIZER_NAMES.join(', ')).argParser(oneOf(...OPTIMIZER_NAMES)))
    .option('--lr <x>', 'largest learning rate', number({ above: 0 }))
    .addOption(
      new Option('--schedule <name>', `of the learning rate: ${SCHEDULE_NAMES.join(', ')}`).argParser(
        oneOf(...SCHEDULE_NAMES),
      ),
    )
    .optionsGroup('The machine:')
    .addOption(new Option('--device <name>', DEVICE_NAMES.join(', ')).argParser(oneOf(...DEVICE_NAMES)).default('auto'))
    .option('--devices <list>', 'devices that share each batch, such as cpu:0,cpu:1 or cuda:0,cuda:1')
    .option('--workers <n>', 'threads that draw samples, 0 for none (default: from the cores)', integer(0, 256))
    .option('--exact', 'keep to direct convolutions, in the order of summation of the reference')
    .option('--profile', 'show where the time of the first steps goes, by op and by layer')
    .optionsGroup('Options:')
    .addHelpText(
      'after',
      `
Examples:
  lamella train ./data
  lamella train ./data --out runs/a --minutes 15
  lamella train ./data --val 20..23 --base 32 --patch 256 --steps 3000
  lamella train ./slices --model n4 --minutes 20
  lamella train ./mnist --model mlp
  lamella train ./photographs --model alexnet
  lamella train --resume runs/a
  lamella train --config runs/a/config.json --out runs/again`,
    )
    .action(async (folder: string | undefined, flags: TrainFlags) => {
      const { runTrain } = await import('../run/train.ts');
      await runTrain(folder, flags);
    });
}
