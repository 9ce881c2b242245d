/** Training on the project that is open. */

import { factsOf, Interrupted, LamellaError, UsageError } from '../errors.ts';
import { joinPath } from '../files.ts';
import type { Project } from '../project/project.ts';
import { readConfig } from '../train/config.ts';
import { parseLog, type ValidationLine } from '../train/log.ts';
import { totalSteps } from '../train/plan.ts';
import type { TrainRunHooks } from '../train/run.ts';
import { RUN_FILES } from '../train/store.ts';
import { checkedSettings } from '../workflows/project-settings.ts';
import { runReader } from '../workflows/read-run.ts';
import type { RunSettings } from '../workflows/train.ts';
import { smallerAfter, surviving } from './device.ts';
import { type Judgement, judgeRun } from './doubt.ts';
import type { EngineEvent, RunInfo, Smaller, StudioTrainOptions, TrainedRun } from './engine.ts';
import type { StudioHost } from './host.ts';
import type { LiveModel } from './live-models.ts';
import { requireModel } from './models.ts';
import type { OpenProject } from './open-project.ts';
import { FOLDERS } from './project-folder.ts';

/** The numbers of the folders of a kind of results, the least first. */
export async function numbersIn({ files }: StudioHost, project: string, kind: string): Promise<readonly number[]> {
  const folder = joinPath(project, kind);
  const names = (await files.kind(folder)) === undefined ? [] : await files.list(folder);
  const numbers = names.map((name) => Number.parseInt(name, 10)).filter((number) => Number.isSafeInteger(number));
  return [...new Set(numbers)].sort((a, b) => a - b);
}

/** The folder of the next of numbered results, such as `runs/3`. */
export async function nextFolder(host: StudioHost, project: string, kind: string): Promise<string> {
  return joinPath(kind, String(Math.max(0, ...(await numbersIn(host, project, kind))) + 1));
}

/**
 * The folder of a run of the project.
 * @throws UsageError for one that it does not list
 */
export function runOf({ runs = [] }: Project, folder = runs.at(-1)?.folder): string {
  const run = runs.find((item) => item.folder === folder);
  if (run !== undefined) return run.folder;
  throw noRun(folder);
}

const noRun = (folder: string | undefined): UsageError =>
  new UsageError(folder === undefined ? 'Nothing was trained yet.' : `The project has no run '${folder}'.`, {
    remedy: 'Train first.',
  });

const settingsOf = ({ minutes, steps, settings = {} }: StudioTrainOptions): RunSettings => ({
  ...checkedSettings(settings),
  ...(minutes !== undefined && { minutes }),
  ...(steps !== undefined && { steps }),
});

/** The run or model in the project that a run begins with, if any. */
function startOf(open: OpenProject, { from }: StudioTrainOptions): string | undefined {
  if (from === 'scratch') return undefined;
  if (from === 'live') return open.liveModelFiles.network;
  return 'run' in from ? runOf(open.project, from.run) : from.model;
}

/** What a run has come to; undefined if there is none that can be read. */
async function runInfo(
  { files }: StudioHost,
  { folder, project }: OpenProject,
  run: string,
): Promise<RunInfo | undefined> {
  const store = runReader(files, joinPath(folder, run));
  if ((await store.read(RUN_FILES.config)) === undefined) return undefined;
  const { plan } = await readConfig(store);
  const lines = parseLog(new TextDecoder().decode((await store.read(RUN_FILES.log)) ?? new Uint8Array(0)));
  const listed = project.runs?.find((own) => own.folder === run);
  const last = lines.findLast((line) => line.kind === 'step');
  const best = lines.findLast((line) => line.kind === 'validation' && line.best) as ValidationLine | undefined;
  return {
    run,
    steps: last?.step ?? 0,
    of: totalSteps(plan),
    ...(best && { score: { name: best.metric, value: best.score } }),
    ...(listed?.doubt && { doubt: listed.doubt }),
    ...(listed?.behindQuick && { behindQuick: listed.behindQuick }),
    ...(listed?.unlikeQuick && { unlikeQuick: listed.unlikeQuick }),
    isListed: listed !== undefined,
  };
}

/** The runs of the project, the oldest first, with those that its file does not list; those that cannot be read are left out. */
export async function runsOf(host: StudioHost, open: OpenProject): Promise<readonly RunInfo[]> {
  const numbered = (await numbersIn(host, open.folder, FOLDERS.runs)).map((number) => `${FOLDERS.runs}/${number}`);
  const folders = new Set([...(open.project.runs ?? []).map(({ folder }) => folder), ...numbered]);
  const found: RunInfo[] = [];
  for (const run of folders) {
    try {
      const info = await runInfo(host, open, run);
      if (info !== undefined) found.push(info);
    } catch (cause) {
      if (!(cause instanceof LamellaError)) throw cause;
    }
  }
  return found;
}

/** Trains in a run of the project, whose best model so far remains when it is stopped. */
async function trainIn(
  host: StudioHost,
  open: OpenProject,
  run: string,
  { emit, signal, quick, from }: TrainingContext & { readonly from: string | null },
  train: (hooks: TrainRunHooks) => Promise<unknown>,
): Promise<TrainedRun> {
  let isBegun = false;
  const note = (text: string): void => emit({ kind: 'note', text });
  const hooks: TrainRunHooks = {
    signal,
    say: note,
    warn: note,
    onEvent(event) {
      if (event.kind === 'step') {
        const { step, total, loss, leftMs } = event;
        isBegun = true;
        emit({ kind: 'step', step, of: total, loss, leftMs });
      } else if (event.kind === 'validation') {
        const { step, result, best } = event;
        const { metric: name, score: value, on } = result;
        emit({ kind: 'validation', step, name, value, best, ...(on && { on }) });
      }
    },
  };
  let stopped = false;
  try {
    await train(hooks);
  } catch (cause) {
    // Before the first step there is nothing to keep.
    if (!(cause instanceof Interrupted) || !isBegun) throw cause;
    stopped = true;
  }
  const { steps, score } = (await runInfo(host, open, run)) as RunInfo;
  const judged = await judgeRun(host, open, { run, steps }, quick).catch((cause: unknown): Judgement => {
    if (!(cause instanceof LamellaError)) throw cause;
    note(`Whether the network finds what was painted is not known: ${cause.message}`);
    return {};
  });
  await open.keepRun({ folder: run, from, labels: open.project.revision ?? 0, ...judged });
  return { run, steps, ...(score && { score }), ...judged, stopped };
}

interface TrainingContext {
  /** The quick model of the live preview, if it has learned something: what the network is held against. */
  readonly quick?: LiveModel;
  readonly emit: (event: EngineEvent) => void;
  readonly signal: AbortSignal;
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
  context: TrainingContext,
): Promise<TrainedRun> {
  await open.flush();
  if (typeof options.from === 'object' && 'model' in options.from) {
    await requireModel(host.files, open.folder, options.from.model);
  }
  const start = startOf(open, options);
  const settings = { ...settingsOf(options), ...(start !== undefined && { from: joinPath(open.folder, start) }) };
  const run = await nextFolder(host, open.folder, FOLDERS.runs);
  const from = options.from === 'live' ? null : (start ?? null);
  return trainIn(host, open, run, { ...context, from }, (hooks) =>
    trainWherePossible(host, open.folder, joinPath(open.folder, run), settings, hooks, context.emit),
  );
}

/**
 * Goes on with a run from its last checkpoint: one that was stopped, ended with its tab, or was begun elsewhere.
 * @throws UsageError if there is no such run; as `resumeTraining`, also when what is annotated has changed since
 */
export async function resumeOn(
  host: StudioHost,
  open: OpenProject,
  run: string,
  context: TrainingContext,
): Promise<TrainedRun> {
  if (!(await runsOf(host, open)).some((known) => known.run === run)) throw noRun(run);
  await open.flush();
  return trainIn(host, open, run, { ...context, from: null }, (hooks) =>
    surviving(host, context.emit, () => host.resume(open.folder, joinPath(open.folder, run), hooks)),
  );
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
      // Whatever is tried instead, here or by who called, is another run.
      if (factsOf(cause, 'out-of-memory')?.smaller !== undefined) await host.remove(out);
      smaller = await smallerAfter(host, cause, smaller, emit);
      if (smaller === undefined) throw cause;
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
