import { declare } from '../declare.ts';
import { DEVICE, flag, row, text, under } from '../options.ts';
import { DATA, NETWORK, START, TRAINING } from '../train-settings.ts';
import { bytes, integer, interval } from '../values.ts';

const RUN = {
  out: text('-o, --out <folder>', 'run folder to create (default: runs/<name of the data>-<number>)'),
  resume: row<string | true>(
    '--resume [run]',
    'resume an interrupted run; with a folder of data, start it if there is none yet',
    String,
  ),
  config: text('--config <file>', 'repeat a run from its config.json, on the same data'),
  checkpointEvery: row(
    '--checkpoint-every <n>',
    'checkpoint interval: steps, or a time such as 30s or 2m',
    interval,
    { ms: 120_000 },
    '2m',
  ),
  quiet: flag('--quiet', 'print only warnings and errors'),
};

const MACHINE = {
  device: DEVICE,
  devices: text('--devices <list>', 'devices that share each batch, such as cpu:0,cpu:1 or cuda:0,cuda:1'),
  workers: row('--workers <n>', 'data-loading threads, 0 for none (default: from the cores)', integer(0, 256)),
  memory: row(
    '--memory <size>',
    'memory that the program may take, such as 2GB: larger images in TIFF and OME-Zarr are read by region (default: three quarters of what is free, for images)',
    bytes,
  ),
  profile: flag('--profile', 'show where the time of the first steps goes, by op and by layer'),
};

export const command = declare({
  description: `Trains a network on a folder of images and labels: image(s)/ beside label(s)/ or mask(s)/, imagesTr/ beside
labelsTr/, x.png beside x_mask.png, or one multi-page TIFF each. With --network perceptron, mlp or alexnet, trains an
image classifier: on MNIST's IDX files, an .npz, one sub-folder per class, or a .csv of file and class. Anything you don't set is chosen from
the data, and the reason is printed. Without --steps and --minutes, training takes 10 minutes. Processes that mpirun
started together share each batch.`,
  positionals: [{ name: '[folder]', help: 'images and labels; optional with --resume or --config' }],
  options: {
    ...under('The run:', RUN),
    ...under('The data:', DATA),
    ...under('The network:', NETWORK),
    ...under('Training on from a model:', START),
    ...under('The training:', TRAINING),
    ...under('The machine:', MACHINE),
  },
  examples: [
    'train ./data',
    'train ./data --out runs/a --minutes 15',
    'train ./data --val 20..23 --base 32 --patch 256 --steps 3000',
    'train ./data --out runs/a --folds 5 --minutes 60',
    'train ./slices --network n4 --minutes 20',
    'train ./mnist --network mlp',
    'train ./photographs --network alexnet',
    'train ./more --from runs/a --freeze encoder',
    'train --resume runs/a',
    'train ./data --out runs/a --resume      starts or resumes: repeat it until it is done',
    'train --config runs/a/config.json --out runs/again',
  ],
});
