import { Command } from 'commander';
import { UsageError } from '../../errors.ts';
import type { FinishedRun, TrainRunOptions } from '../../platform/node/train-run.ts';
import { addOptions, DEVICE, flag, longFlag, row, text, type Values, valuesOf } from '../options.ts';
import { DATA, NETWORK, TRAIN_SETTINGS, TRAINING } from '../train-settings.ts';
import { integer, interval } from '../values.ts';

const RUN = {
  out: text('-o, --out <folder>', 'run folder to create (default: runs/<name of the data>-<number>)'),
  resume: row<string | true>(
    '--resume [run]',
    'resume an interrupted run; with a folder of data, start it if there is none yet',
    (run) => run,
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
  profile: flag('--profile', 'show where the time of the first steps goes, by op and by layer'),
};

export function trainCommand(): Command {
  const command = new Command('train')
    .description(
      `Trains a network on a folder of images and labels: image(s)/ beside label(s)/ or mask(s)/, imagesTr/ beside
labelsTr/, x.png beside x_mask.png, or one multi-page TIFF each. With --network perceptron, mlp or alexnet, trains an
image classifier: on MNIST's IDX files, an .npz, one sub-folder per class, or a .csv of file and class. Anything you don't set is chosen from
the data, and the reason is printed. Without --steps and --minutes, training takes 10 minutes.`,
    )
    .argument('[folder]', 'images and labels; optional with --resume or --config');
  addOptions(command, RUN, 'The run:');
  addOptions(command, DATA, 'The data:');
  addOptions(command, NETWORK, 'The network:');
  addOptions(command, TRAINING, 'The training:');
  addOptions(command, MACHINE, 'The machine:');
  return command
    .optionsGroup('Options:')
    .addHelpText(
      'after',
      `
Examples:
  lamella train ./data
  lamella train ./data --out runs/a --minutes 15
  lamella train ./data --val 20..23 --base 32 --patch 256 --steps 3000
  lamella train ./slices --network n4 --minutes 20
  lamella train ./mnist --network mlp
  lamella train ./photographs --network alexnet
  lamella train --resume runs/a
  lamella train ./data --out runs/a --resume      starts or resumes: repeat it until it is done
  lamella train --config runs/a/config.json --out runs/again`,
    )
    .action(async (folder: string | undefined) => {
      await trainAsAsked(folder, {
        run: valuesOf(command, RUN),
        machine: valuesOf(command, MACHINE),
        given: valuesOf(command, TRAIN_SETTINGS),
      });
    });
}

interface Asked {
  readonly run: Values<typeof RUN>;
  readonly machine: Values<typeof MACHINE>;
  readonly given: Values<typeof TRAIN_SETTINGS>;
}

const exclusive = (a: string, b: string): UsageError =>
  new UsageError(`${a} and ${b} are mutually exclusive.`, { remedy: 'Use only one of them.' });

function requireNoSettings(given: Asked['given'], because: string): void {
  const name = (Object.keys(TRAIN_SETTINGS) as (keyof typeof TRAIN_SETTINGS)[]).find((key) => given[key] !== undefined);
  if (name === undefined) return;
  throw new UsageError(`${longFlag(TRAIN_SETTINGS[name])} does not go with ${because}, which brings its own.`, {
    remedy: 'Leave it out, or start a new run.',
  });
}

/** The run to resume and the data, whichever way they are written: `--resume RUN`, `DATA --out RUN --resume`. */
function resumed(
  folder: string | undefined,
  { resume, out }: Asked['run'],
): { readonly run: string; readonly folder: string | undefined } {
  if (typeof resume === 'string' && out !== undefined) {
    if (folder !== undefined) throw exclusive('--out', '--resume with a run');
    return { run: out, folder: resume };
  }
  const run = typeof resume === 'string' ? resume : out;
  if (run === undefined) {
    throw new UsageError('--resume needs the run to resume.', { remedy: 'Use --resume runs/a.' });
  }
  return { run, folder };
}

async function trainAsAsked(
  folder: string | undefined,
  { run, machine: { device, devices, ...threads }, given }: Asked,
): Promise<void> {
  const { repeatRun, resumeRun, resumeOrTrain, trainRun } = await import('../../platform/node/train-run.ts');
  const { parseDevices } = await import('../../platform/node/gradient-devices.ts');
  const { runName, watchTraining } = await import('../watch-training.ts');
  const { quiet = false, checkpointEvery, config: file } = run;
  const machine = {
    ...threads,
    checkpointEvery,
    // A resumed run keeps its own device unless another one is asked for.
    device: device === 'auto' ? undefined : device,
    devices: devices === undefined ? undefined : parseDevices(devices),
  };
  const resuming = run.resume === undefined ? undefined : resumed(folder, run);
  if (resuming !== undefined && file !== undefined) throw exclusive('--config', '--resume');
  if (resuming !== undefined && resuming.folder === undefined) {
    requireNoSettings(given, '--resume');
    await watchTraining(resuming.run, { quiet }, (hooks) => resumeRun(resuming.run, machine, hooks));
    return;
  }
  if (file !== undefined) {
    requireNoSettings(given, '--config');
    const { readFile } = await import('node:fs/promises');
    const { parseConfig } = await import('../../train/config.ts');
    const bytes = await readFile(file).catch((cause: unknown) => {
      throw new UsageError('this file cannot be read.', { file, remedy: 'Use the config.json of a run.', cause });
    });
    const config = parseConfig(bytes, file);
    const out = run.out ?? (await runName(folder ?? config.folder));
    await watchTraining(out, { quiet }, (hooks) => repeatRun(config, { ...machine, out, folder }, hooks));
    return;
  }
  const data = resuming?.folder ?? folder;
  if (data === undefined) {
    throw new UsageError('There is no folder to train on.', {
      remedy: 'Name a folder with images and labels: lamella train ./data.',
    });
  }
  if (given.steps !== undefined && given.minutes !== undefined) throw exclusive('--steps', '--minutes');
  if (given.folds !== undefined && given.split !== undefined) throw exclusive('--val', '--folds');
  const settings = await settingsOf(given);
  const out = resuming?.run ?? run.out ?? (await runName(data));
  const train = (to: string, split: TrainRunOptions['split']): Promise<FinishedRun> =>
    watchTraining(to, { quiet }, (hooks) =>
      (resuming === undefined ? trainRun : resumeOrTrain)(data, { ...settings, ...machine, split, out: to }, hooks),
    );
  if (given.folds === undefined || given.folds.fold !== undefined) {
    const { fold, folds } = given.folds ?? {};
    await train(out, fold === undefined || folds === undefined ? settings.split : { fold, folds });
    return;
  }
  const { join } = await import('node:path');
  const { folds } = given.folds;
  const say = (line: string): void => void (quiet || process.stdout.write(`${line}\n`));
  const scores: number[] = [];
  for (let fold = 0; fold < folds; fold++) {
    say(`--- fold ${fold} of ${folds} ---`);
    const { best } = await train(join(out, `fold-${fold}`), { fold, folds });
    if (best !== undefined) scores.push(best.score);
  }
  const mean = scores.reduce((a, b) => a + b, 0) / scores.length;
  say(`${folds} folds: ${scores.map((score) => score.toFixed(4)).join(', ')}; mean ${mean.toFixed(4)}`);
}

/** The settings as the library takes them. */
async function settingsOf({
  split,
  classes,
  spacing,
  folds: _,
  ...same
}: Asked['given']): Promise<Omit<TrainRunOptions, 'out'>> {
  const { parseClasses } = await import('../../dataset/labels/labels.ts');
  const { parseSplit } = await import('../../dataset/split.ts');
  return {
    ...same,
    split: split === undefined ? undefined : parseSplit(split),
    classes: classes === undefined ? undefined : parseClasses(classes),
    spacingMm: spacing === undefined ? undefined : [spacing[0] ?? null, spacing[1], spacing[2]],
  };
}
