/** Training on the project that is open. */

import { Interrupted, LamellaError, UsageError } from '../errors.ts';
import { joinPath } from '../files.ts';
import type { Project } from '../project/project.ts';
import type { TrainRunHooks } from '../train/run.ts';
import { checkedSettings } from '../workflows/project-settings.ts';
import type { RunSettings } from '../workflows/train.ts';
import { type Smaller, smallerAfter, surviving } from './device.ts';
import { doubtAbout } from './doubt.ts';
import type { EngineEvent, StudioTrainOptions, TrainedRun } from './engine.ts';
import type { StudioHost } from './host.ts';
import type { OpenProject } from './open-project.ts';
import { FOLDERS } from './project-folder.ts';

/** The folder of the next of numbered results, such as `runs/3`. */
export async function nextFolder({ files }: StudioHost, project: string, kind: string): Promise<string> {
  const folder = joinPath(project, kind);
  const names = (await files.kind(folder)) === undefined ? [] : await files.list(folder);
  const numbers = names.map((name) => Number.parseInt(name, 10)).filter((number) => Number.isSafeInteger(number));
  return joinPath(kind, String(Math.max(0, ...numbers) + 1));
}

/**
 * The folder of a run of the project.
 * @throws UsageError for one that it does not list
 */
export function runOf({ runs = [] }: Project, folder = runs.at(-1)?.folder): string {
  const run = runs.find((item) => item.folder === folder);
  if (run !== undefined) return run.folder;
  throw new UsageError(folder === undefined ? 'Nothing was trained yet.' : `The project has no run '${folder}'.`, {
    remedy: 'Train first.',
  });
}

const settingsOf = ({ minutes, steps, settings = {} }: StudioTrainOptions): RunSettings => ({
  ...checkedSettings(settings),
  ...(minutes !== undefined && { minutes }),
  ...(steps !== undefined && { steps }),
});

/** The run or model in the project that a run begins with, if any. */
function startOf(open: OpenProject, { from }: StudioTrainOptions): string | undefined {
  if (from === 'scratch') return undefined;
  return from === 'live' ? open.liveModelFile : runOf(open.project, from.run);
}

/**
 * Trains on the project's folder as `lamella train` does: the same labels, settings and seed give the same model.
 * Stopped, the best model so far remains.
 * @throws as `trainNew`
 */
export async function trainOn(
  host: StudioHost,
  open: OpenProject,
  options: StudioTrainOptions,
  emit: (event: EngineEvent) => void,
  signal: AbortSignal,
): Promise<TrainedRun> {
  await open.flush();
  const start = startOf(open, options);
  const settings = { ...settingsOf(options), ...(start !== undefined && { from: joinPath(open.folder, start) }) };
  const run = await nextFolder(host, open.folder, FOLDERS.runs);
  let steps = 0;
  let score: TrainedRun['score'];
  const hooks: TrainRunHooks = {
    signal,
    warn: (text) => emit({ kind: 'note', text }),
    onEvent(event) {
      if (event.kind === 'step') {
        const { step, total, loss, leftMs } = event;
        steps = step;
        emit({ kind: 'step', step, of: total, loss, leftMs });
      } else if (event.kind === 'validation') {
        const { step, result, best } = event;
        if (best) score = { name: result.metric, value: result.score };
        const { metric: name, score: value, on } = result;
        emit({ kind: 'validation', step, name, value, best, ...(on && { on }) });
      }
    },
  };
  let stopped = false;
  try {
    await trainWherePossible(host, open.folder, joinPath(open.folder, run), settings, hooks, emit);
  } catch (cause) {
    // Before the first step there is nothing to keep.
    if (!(cause instanceof Interrupted) || steps === 0) throw cause;
    stopped = true;
  }
  const from = typeof options.from === 'object' ? options.from.run : null;
  const doubt = await doubtAbout(host, open, { run, steps }).catch((cause: unknown) => {
    if (!(cause instanceof LamellaError)) throw cause;
    emit({ kind: 'note', text: `Whether the network finds what was painted is not known: ${cause.message}` });
  });
  await open.addRun({ folder: run, from, labels: open.project.revision ?? 0, ...(doubt && { doubt }) });
  return { run, steps, ...(score && { score }), ...(doubt && { doubt }), stopped };
}

/** Trains as `host.train`: on the CPU if the device is lost, and a smaller network if one does not fit into memory. */
async function trainWherePossible(
  host: StudioHost,
  folder: string,
  out: string,
  settings: RunSettings,
  hooks: TrainRunHooks,
  emit: (event: EngineEvent) => void,
): Promise<void> {
  for (let smaller: Smaller | undefined = {}; ; ) {
    try {
      await surviving(host, emit, () => host.train(folder, out, { ...settings, ...smaller }, hooks));
      return;
    } catch (cause) {
      smaller = await smallerAfter(host, cause, smaller, emit);
      if (smaller === undefined) throw cause;
      await host.remove(out);
    }
  }
}

/** Names of options of the command line, by the settings' names. */
const FLAGS: { readonly [name: string]: string } = {
  minutes: 'minutes',
  steps: 'steps',
  seed: 'seed',
  batch: 'batch',
  learningRate: 'lr',
  balance: 'balance',
  baseChannels: 'base',
  depth: 'depth',
  patch: 'patch',
  network: 'network',
  loss: 'loss',
  optimizer: 'optimizer',
  schedule: 'schedule',
  augment: 'augment',
  exact: 'exact',
  from: 'from',
};

/** The command line that trains with these options, where the project's folder is. */
export function trainCommandOf(open: OpenProject, options: StudioTrainOptions): string {
  const start = startOf(open, options);
  const from = start === undefined ? {} : { from: joinPath(open.id, start) };
  const words = Object.entries({ ...settingsOf(options), ...from }).flatMap(([name, value]) => {
    if (value === undefined || value === false) return [];
    // Height before width in the library, width x height on the command line.
    const text = Array.isArray(value) ? value.toReversed().join('x') : String(value);
    return value === true ? `--${FLAGS[name]}` : `--${FLAGS[name]} ${quoted(text)}`;
  });
  return ['lamella train', quoted(open.id), ...words].join(' ');
}

const quoted = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`);
