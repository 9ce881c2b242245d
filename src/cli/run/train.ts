import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { parseClasses } from '../../dataset/labels/labels.ts';
import { parseSplit, type SplitChoice } from '../../dataset/split.ts';
import { Interrupted, LamellaError, RunError, TrainingError, UsageError } from '../../errors.ts';
import { isPlain, type WindowSpec } from '../../input/window.ts';
import { parseDevices } from '../../platform/node/gradient-devices.ts';
import { freeRunPath } from '../../platform/node/run-folder.ts';
import {
  type FinishedRun,
  type MachineOptions,
  repeatRun,
  resumeRun,
  trainRun,
} from '../../platform/node/train-run.ts';
import { formatProfile } from '../../runtime/profile.ts';
import { parseConfig } from '../../train/config.ts';
import type { TrainRunHooks } from '../../train/run.ts';
import { RUN_FILES } from '../../train/store.ts';
import type { ReportOptions } from '../../workflows/report.ts';
import type { TrainFlags } from '../commands/train.ts';
import { flagOf, withFlags } from '../option-words.ts';
import { formatDuration, trainDisplay } from '../progress.ts';
import { stopSignal } from '../stop-signal.ts';
import { reportOn, spacingOf } from './report.ts';

/** Flags that are settings of the same name. */
const SETTINGS = [
  'steps',
  'minutes',
  'seed',
  'ignore',
  'task',
  'channel',
  'augment',
  'model',
  'depth',
  'norm',
  'residual',
  'hidden',
  'activation',
  'dropout',
  'scale',
  'foveation',
  'cover',
  'balance',
  'skipBad',
  'patch',
  'batch',
  'loss',
  'schedule',
  'exact',
] as const satisfies readonly (keyof TrainFlags)[];

/** All flags that a run's configuration decides; none of them goes with --resume or --config. */
const RECIPE_FLAGS = [
  ...SETTINGS,
  'base',
  'input',
  'lr',
  'optimizer',
  'val',
  'folds',
  'classes',
  'separation',
  'spacing',
] as const satisfies readonly (keyof TrainFlags)[];

function requireNoRecipe(flags: TrainFlags, because: string): void {
  const given = RECIPE_FLAGS.find((name) => flags[name] !== undefined);
  if (given !== undefined) {
    throw new UsageError(`${flagOf(given)} does not go with ${because}, which brings its own.`, {
      remedy: `Leave it out, or start a new run.`,
    });
  }
}

function settingsOf(flags: TrainFlags, split: SplitChoice | undefined) {
  if (flags.steps !== undefined && flags.minutes !== undefined) {
    throw new UsageError('--steps and --minutes both say how long to train.', { remedy: 'Give one of them.' });
  }
  const same = Object.fromEntries(SETTINGS.map((name) => [name, flags[name]])) as Pick<
    TrainFlags,
    (typeof SETTINGS)[number]
  >;
  const given = {
    ...same,
    split,
    classes: flags.classes === undefined ? undefined : parseClasses(flags.classes),
    baseChannels: flags.base,
    optimizer: flags.optimizer,
    inputSize: flags.input,
    learningRate: flags.lr,
    separation: flags.separation === undefined ? undefined : { w0: flags.separation, sigmaPx: 5 },
  };
  type Given = typeof given;
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    [K in keyof Given]?: Exclude<Given[K], undefined>;
  };
}

/** A name for the run from the data's folder: `my-data`, for `x/my-data/train` `my-data-train`. */
function nameOf(folder: string): string {
  const path = resolve(folder);
  const name = basename(path);
  const plain = ['train', 'training', 'data', 'dataset'].includes(name.toLowerCase())
    ? `${basename(resolve(path, '..'))}-${name}`
    : name;
  return plain.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[-.]+/, '') || 'run';
}

export async function runTrain(folder: string | undefined, flags: TrainFlags): Promise<void> {
  const { quiet = false } = flags;
  const say = (line: string): void => {
    if (!quiet) process.stdout.write(`${withFlags(line)}\n`);
  };
  const machine: MachineOptions = {
    ...(flags.device === 'auto' ? {} : { device: flags.device }),
    ...(flags.devices === undefined ? {} : { devices: parseDevices(flags.devices) }),
    workers: flags.workers,
    checkpointEvery: flags.checkpointEvery,
    profile: flags.profile ?? false,
  };

  if (flags.resume !== undefined) {
    requireNoRecipe(flags, '--resume');
    if (flags.config !== undefined)
      throw new UsageError('--config and --resume exclude each other.', { remedy: 'Give one of them.' });
    const run = flags.resume === true ? flags.out : flags.resume;
    if (run === undefined)
      throw new UsageError('--resume needs the run to go on with.', { remedy: 'Write --resume runs/a.' });
    await watched(run, say, quiet, (hooks) =>
      resumeRun(run, { ...machine, ...(folder === undefined ? {} : { folder }) }, hooks),
    );
    return;
  }
  if (flags.config !== undefined) {
    requireNoRecipe(flags, '--config');
    const file = flags.config;
    const config = parseConfig(await readText(file), file);
    const out = flags.out ?? (await freeRunPath('runs', nameOf(folder ?? config.folder)));
    await watched(out, say, quiet, (hooks) =>
      repeatRun(config, { ...machine, out, ...(folder === undefined ? {} : { folder }) }, hooks),
    );
    return;
  }
  if (folder === undefined) {
    throw new UsageError('There is no folder to train on.', {
      remedy: 'Give a folder with images and labels: lamella train ./data.',
    });
  }
  const out = flags.out ?? (await freeRunPath('runs', nameOf(folder)));
  const train = (to: string, split: SplitChoice | undefined): Promise<FinishedRun> =>
    watched(to, say, quiet, (hooks) =>
      trainRun(folder, { ...settingsOf(flags, split), ...machine, ...spacingOf(flags), out: to }, hooks),
    );
  if (flags.folds !== undefined) {
    const { fold, folds } = flags.folds;
    if (flags.val !== undefined)
      throw new UsageError('--val and --folds exclude each other.', { remedy: 'Give one of them.' });
    if (fold !== undefined) {
      await train(out, { fold, folds });
      return;
    }
    const scores: number[] = [];
    for (let k = 0; k < folds; k++) {
      say(`--- fold ${k} of ${folds} ---`);
      const { best } = await train(join(out, `fold-${k}`), { fold: k, folds });
      if (best !== undefined) scores.push(best.score);
    }
    const mean = scores.reduce((a, b) => a + b, 0) / scores.length;
    say(`${folds} folds: ${scores.map((score) => score.toFixed(4)).join(', ')}; mean ${mean.toFixed(4)}`);
    return;
  }
  await train(out, flags.val === undefined ? undefined : parseSplit(flags.val));
}

async function readText(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new UsageError('this cannot be read.', { file, remedy: 'Give the config.json of a run.', cause });
  }
}

/** Runs with a progress display and Ctrl-C, then writes the report and says where everything is. */
export async function watched(
  out: string,
  say: (line: string) => void,
  quiet: boolean,
  body: (hooks: TrainRunHooks) => Promise<FinishedRun>,
  reportOptions: ReportOptions = {},
): Promise<FinishedRun> {
  const began = Date.now();
  const display = quiet ? undefined : trainDisplay({ stream: process.stdout });
  const stop = stopSignal(() => {
    process.stderr.write('\nStopping after this step; Ctrl-C again to stop at once.\n');
  });
  let finished: FinishedRun;
  let stepped = false;
  try {
    finished = await body({
      say,
      warn: (line) => process.stderr.write(`lamella: ${withFlags(line)}\n`),
      onEvent: (event) => {
        stepped = true;
        display?.onEvent(event);
      },
      signal: stop.signal,
    });
  } catch (cause) {
    display?.stop();
    const remedy = `Resume with: lamella train --resume ${out}`;
    if (cause instanceof Interrupted && stepped) {
      throw new Interrupted(`${cause.problem} Everything up to it is saved.`, { file: cause.file, remedy });
    }
    // What went wrong around the training: a full disk, a thread that died. (A training that came apart would do so again.)
    if (stepped && cause instanceof LamellaError && !(cause instanceof TrainingError)) {
      throw new RunError(cause.message, { remedy, facts: cause.facts, cause });
    }
    throw cause;
  } finally {
    stop.release();
  }
  display?.stop();
  const { best, steps } = finished;
  say(`${steps} ${steps === 1 ? 'step' : 'steps'} in ${formatDuration(Date.now() - began)}`);
  if (best !== undefined) say(`best model: ${join(out, RUN_FILES.best)} (step ${best.step}, ${best.score.toFixed(4)})`);
  say(`last model: ${join(out, RUN_FILES.last)}`);
  const { window } = finished.config.recipe.input as { readonly window?: WindowSpec };
  if (window !== undefined && !isPlain(window)) {
    say(`report: not yet, since foveated windows are evaluated one by one; lamella report ${out} writes it`);
  } else await reportOn(out, reportOptions, say);
  if (finished.profile !== undefined) process.stdout.write(`\n${formatProfile(finished.profile)}\n`);
  say(`Next: lamella predict ${out} <images>`);
  return finished;
}
