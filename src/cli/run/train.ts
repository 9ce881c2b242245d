import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UsageError } from '../../errors.ts';
import { nodeFiles } from '../../platform/node/files.ts';
import { parseDevices } from '../../platform/node/gradient-devices.ts';
import { inMpiJob, type Ranks } from '../../platform/node/mpi/job.ts';
import { repeatRun, resumeOrTrain, resumeRun, trainRun } from '../../platform/node/train-run.ts';
import { parseConfig } from '../../train/config.ts';
import { RUN_FILES } from '../../train/store.ts';
import { readFolds } from '../../workflows/folds/record.ts';
import type { command } from '../commands/train.ts';
import type { Options, Positionals } from '../declare.ts';
import { longFlag } from '../options.ts';
import { refuseFolds } from '../refuse-folds.ts';
import { trainFolds } from '../train-folds.ts';
import { TRAIN_SETTINGS } from '../train-settings.ts';
import { runName, watchTraining } from '../watch-training.ts';

type TrainFlags = Options<typeof command>;

const exclusive = (a: string, b: string): UsageError =>
  new UsageError(`${a} and ${b} are mutually exclusive.`, { remedy: 'Use only one of them.' });

function requireNoSettings(given: Partial<TrainFlags>, because: string): void {
  const [used] = Object.entries(TRAIN_SETTINGS).filter(([name]) => Object.hasOwn(given, name));
  if (used === undefined) return;
  throw new UsageError(`${longFlag(used[1])} does not go with ${because}, which brings its own.`, {
    remedy: 'Omit it, or start a new run.',
  });
}

/** The run to resume and its data, in either form: `--resume RUN`, `DATA --out RUN --resume`. */
function resumed(
  folder: string | undefined,
  { resume, out }: Pick<TrainFlags, 'resume' | 'out'>,
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

export async function run(positionals: Positionals<typeof command>, flags: TrainFlags): Promise<void> {
  await inMpiJob(flags.device, (ranks) => runWith(ranks, positionals, flags));
}

async function runWith(
  ranks: Ranks | undefined,
  [folder]: Positionals<typeof command>,
  flags: TrainFlags,
): Promise<void> {
  const { out: given, resume, config: file, checkpointEvery, quiet = false, ...others } = flags;
  const { device, devices, workers, memory, profile, folds: cross, ...settings } = others;
  const machine = {
    workers,
    memory,
    profile,
    checkpointEvery,
    // A resumed run keeps its device unless another one is requested.
    device: device === 'auto' ? undefined : device,
    devices: devices === undefined ? undefined : parseDevices(devices),
    ranks,
  };
  if (ranks !== undefined && devices !== undefined) throw exclusive('--devices', 'several processes of mpirun');
  const resuming = resume === undefined ? undefined : resumed(folder, flags);
  if (resuming !== undefined && file !== undefined) throw exclusive('--config', '--resume');
  if (resuming !== undefined && resuming.folder === undefined) {
    requireNoSettings(flags, '--resume');
    if ((await readFolds(nodeFiles, resuming.run)) !== undefined) {
      await trainFolds({ out: resuming.run, machine, quiet, mode: 'resume' });
      return;
    }
    await watchTraining(resuming.run, { quiet }, (hooks) => resumeRun(resuming.run, machine, hooks));
    return;
  }
  if (file !== undefined) {
    requireNoSettings(flags, '--config');
    const bytes = await readFile(file).catch((cause: unknown) => {
      throw new UsageError('this file cannot be read.', { file, remedy: 'Use the config.json of a run.', cause });
    });
    const config = parseConfig(bytes, file);
    const kept = join(dirname(file), RUN_FILES.start);
    const from = existsSync(kept) ? kept : undefined;
    const out = given ?? (await runName(folder ?? config.folder));
    await watchTraining(out, { quiet }, (hooks) => repeatRun(config, { ...machine, out, folder, from }, hooks));
    return;
  }
  const data = resuming?.folder ?? folder;
  if (data === undefined) {
    throw new UsageError('There is no folder to train on.', {
      remedy: 'Name a folder with images and labels: lamella train ./data.',
    });
  }
  if (settings.from !== undefined) await refuseFolds(settings.from, 'the mean of several networks is not trained on');
  if (settings.steps !== undefined && settings.minutes !== undefined) throw exclusive('--steps', '--minutes');
  if (cross !== undefined && settings.split !== undefined) throw exclusive('--val', '--folds');
  const out = resuming?.run ?? given ?? (await runName(data));
  if (cross !== undefined && cross.fold === undefined) {
    const request = { data, out, folds: cross.folds, settings, machine, quiet };
    await trainFolds({ ...request, mode: resuming === undefined ? 'new' : 'resume or new' });
    return;
  }
  const split = cross?.fold === undefined ? settings.split : { fold: cross.fold, folds: cross.folds };
  await watchTraining(out, { quiet }, (hooks) =>
    (resuming === undefined ? trainRun : resumeOrTrain)(data, { ...settings, ...machine, split, out }, hooks),
  );
}
