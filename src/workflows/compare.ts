/** Compares runs: the best model of each, scored on held-out images. */

import { counted, option, RunError, UsageError } from '../errors.ts';
import { joinPath, type WritableFiles } from '../files.ts';
import { readSignature } from '../graph/onnx/model.ts';
import { readMetadata } from '../models/metadata.ts';
import { isClassifier } from '../models/registry.ts';
import { type CompareOptions, type Comparison, compareRuns, type RunResult } from '../report/compare/comparison.ts';
import { renderComparison } from '../report/compare/page.ts';
import type { DeviceName, Runtime } from '../runtime/runtime.ts';
import type { RunConfig } from '../train/config.ts';
import type { LogLine } from '../train/log.ts';
import { foldFolder, RUN_FILES } from '../train/store.ts';
import {
  type Common,
  commonClasses,
  commonPages,
  givenPages,
  type OpenedFile,
  type OpenedRun,
  unknown,
} from './compare-data.ts';
import { type Judged, type JudgeOptions, judgeClasses, judgePages } from './compare-judge.ts';
import { type FoldsRecord, readFolds } from './folds/record.ts';
import type { Host } from './host.ts';
import { isModel, modelFileOf, readModel } from './model-files.ts';
import { readRun } from './read-run.ts';
import { describeNetwork } from './recipe-words.ts';
import { timesOf } from './report-facts.ts';

export interface WriteComparisonOptions extends CompareOptions {
  /** Where to write. */
  readonly out: string;
  readonly device?: DeviceName | 'auto';
  /** Images with ground truth to score on, instead of those that all runs held out. */
  readonly data?: string;
  /** Of models of other programs with several outputs, the map of classes. */
  readonly output?: string | undefined;
  /** The command that reproduces the report. */
  readonly command?: string;
  /** Scored and total images, over all runs. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Compares run folders, ONNX files and packages of BioImage.IO and writes the report. Files, and runs of folds, need `data`.
 * @returns the report's path and data
 * @throws UsageError for fewer than two runs, duplicates, different classes or tasks, files and runs of folds without `data`, and an
 *   output that none of the files has; RunError for a folder without a run or model; DatasetError if the data are gone or
 *   no image was held out by all; ModelError as `openModel`.
 */
export async function writeComparison(
  host: Host,
  folders: readonly string[],
  options: WriteComparisonOptions,
): Promise<{ readonly file: string; readonly comparison: Comparison }> {
  const { out, device = 'auto', data, output, command, onProgress, ...statistics } = options;
  const all = await openAll(host.files, folders);
  const runs = all.filter(isRun);
  const models = all.filter((each) => !isRun(each));
  const classes = requireAlike(runs);
  requireForFiles(models, { classes, data });
  const chosen = withChosen(models, output);
  const runtime = await host.openRuntime(device);
  const meter = await host.openEnergyMeter?.();
  const judgeAll = async <T, R extends Opened>(
    opened: readonly R[],
    { items, where, notes }: Common<T>,
    judge: (runtime: Runtime, model: R, items: readonly T[], options: JudgeOptions) => Promise<Judged>,
  ) => {
    const judged: RunResult[] = [];
    const said: string[] = [];
    for (const [i, model] of opened.entries()) {
      const onImages = (done: number): void => onProgress?.(i * items.length + done, opened.length * items.length);
      const { notes: own = [], ...result } = await judge(runtime, model, items, { clock: host, meter, onImages });
      judged.push(resultOf(model, result));
      said.push(...own);
    }
    return { judged, where, notes: [...notes, ...said] };
  };
  const judgeImages = async () => {
    const folds = models.flatMap(({ fold }) => fold ?? []);
    const [known] = [...runs, ...folds];
    const common = known === undefined ? await givenPages(host.files, models, data as string) : undefined;
    const found = common ?? (await commonPages(host.files, runs, folds, data));
    const foreign = models.filter(({ fold }) => fold === undefined);
    const notes = common === undefined ? [...found.notes, ...foreign.map(unknown)] : found.notes;
    const labels = common?.labels ?? (known as OpenedRun).config.recipe.labels;
    return judgeAll(all, { ...found, notes }, (on, model, items, judging) =>
      judgePages(
        on,
        { ...model, labels: model.config?.recipe.labels ?? labels, output: chosen.get(model.file) },
        items,
        judging,
      ),
    );
  };
  const { judged, where, notes } = await (classes
    ? commonClasses(host.files, runs, data).then((common) => judgeAll(runs, common, judgeClasses))
    : judgeImages()
  ).finally(() => runtime.dispose());
  const compared = compareRuns(judged, statistics);
  const comparison = { ...compared, notes: [...notes, ...compared.notes] };
  await host.files.write(
    out,
    renderComparison({
      comparison,
      title: `Lamella compares ${all.map(({ name }) => name).join(', ')}`,
      createdAt: new Date().toISOString(),
      where,
      facts: [
        ['Scored on', where],
        ['Predicted on', runtime.description],
        ...all.map(({ name, file, config, fold }): readonly [string, string] => [
          name,
          config === undefined
            ? `${file}, ${fold === undefined ? 'trained elsewhere' : OF_FOLDS}`
            : `${counted(config.trainingImages.length, 'image')} of ${config.folder}, random seed ${config.recipe.seed}, ${config.machine.description}`,
        ]),
      ],
      commands: [command ?? commandOf(folders, { data, output })],
    }),
  );
  return { file: out, comparison };
}

type Opened = (OpenedRun & { readonly fold?: undefined }) | OpenedFile;

const OF_FOLDS = 'the mean of the networks of folds';

const isRun = (opened: Opened): opened is OpenedRun & { readonly fold?: undefined } => opened.config !== undefined;

function commandOf(folders: readonly string[], options: Pick<WriteComparisonOptions, 'data' | 'output'>): string {
  const set = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${value}`]));
  return ['npx lamella compare', ...folders, ...set].join(' ');
}

/** @throws UsageError for files without `data`, and beside image classifiers */
function requireForFiles(
  [model]: readonly OpenedFile[],
  { classes, data }: { readonly classes: boolean; readonly data: string | undefined },
): void {
  if (model === undefined) return;
  if (classes) {
    throw new UsageError(`${model.name} is no run, and the others classify images.`, {
      remedy: 'Compare runs for the same task.',
    });
  }
  if (data === undefined) {
    if (model.fold !== undefined) {
      throw new UsageError(
        'this is the mean of the networks of folds, which together were trained on all of its images.',
        {
          file: model.file,
          remedy: `Provide other images with ground truth as ${option('data')}, or compare one of the folds, such as ${model.fold.folder}.`,
        },
      );
    }
    throw new UsageError('this is no run, so which images it was not trained on is unknown.', {
      file: model.file,
      remedy: `Provide held-out images with ground truth as ${option('data')}.`,
    });
  }
}

/**
 * The output to take of each file of another program that has it.
 * @throws UsageError if none of several has it; of a single one, naming those that it has
 */
function withChosen(models: readonly OpenedFile[], output: string | undefined): ReadonlyMap<string, string> {
  if (output === undefined) return new Map();
  const foreign = models.filter(({ bytes, file }) => {
    const signature = readSignature(bytes, { file });
    return readMetadata(signature, { file }) === undefined;
  });
  const [first, second] = foreign;
  if (first === undefined) {
    throw new UsageError(`${option('output')} is for models of other programs.`, { remedy: 'Remove it.' });
  }
  const having = foreign.filter(({ bytes }) => readSignature(bytes).outputs.some(({ name }) => name === output));
  if (second !== undefined && having.length === 0) {
    throw new UsageError(`None of ${foreign.map(({ name }) => name).join(', ')} has an output '${output}'.`, {
      remedy: 'Leave it out to see what they have.',
    });
  }
  return new Map((second === undefined ? [first] : having).map(({ file }) => [file, output]));
}

async function openAll(files: WritableFiles, folders: readonly string[]): Promise<readonly Opened[]> {
  if (folders.length < 2) {
    throw new UsageError('A comparison needs at least two runs.', { remedy: 'Provide two or more.' });
  }
  const names = distinctNames(folders);
  const opened: Opened[] = [];
  for (const [i, folder] of folders.entries()) {
    const name = names[i] as string;
    const holdsRun = (await files.kind(joinPath(folder, RUN_FILES.config))) === 'file';
    const record = holdsRun ? undefined : await readFolds(files, folder);
    if (record !== undefined && record.result?.hasModel !== true) {
      throw new RunError('this is a run of folds that have no model of all.', {
        file: folder,
        remedy: `Compare one of the folds, such as ${joinPath(folder, foldFolder(0))}.`,
      });
    }
    if (holdsRun || !(await isModel(files, folder))) opened.push({ folder, name, ...(await readRun(files, folder)) });
    else {
      const file = await modelFileOf(files, folder);
      opened.push({ name, file, bytes: await readModel(files, file), fold: await foldOf(files, folder, name, record) });
    }
  }
  return opened;
}

/** One of the folds whose mean a run of folds is; undefined for other models. */
async function foldOf(
  files: WritableFiles,
  folder: string,
  name: string,
  record: FoldsRecord | undefined,
): Promise<OpenedRun | undefined> {
  const [fold] = record?.result?.folds ?? [];
  if (fold === undefined) return undefined;
  const own = joinPath(folder, foldFolder(fold));
  return { folder: own, name, ...(await readRun(files, own)) };
}

/** The shortest path endings that are unique. */
function distinctNames(folders: readonly string[]): readonly string[] {
  const paths = folders.map((folder) =>
    joinPath(folder)
      .split(/[\\/]/)
      .filter((part) => part !== '' && part !== '.'),
  );
  const most = Math.max(...paths.map((parts) => parts.length));
  for (let count = 1; count <= most; count++) {
    const names = paths.map((parts) => parts.slice(-count).join('/'));
    if (new Set(names).size === names.length) return names;
  }
  throw new UsageError('this run is listed twice.', {
    file: folders.find((folder, i) => folders.indexOf(folder) < i) ?? (folders[0] as string),
    remedy: 'Use different runs.',
  });
}

/** @returns whether they are image classifiers @throws UsageError for different tasks or classes. */
function requireAlike(runs: readonly OpenedRun[]): boolean {
  const [first, ...others] = runs;
  if (first === undefined) return false;
  const whole = ({ config }: OpenedRun): boolean => isClassifier(config.recipe.model.name);
  const classesOf = ({ config }: OpenedRun): string[] => config.recipe.labels.classes.map(({ name }) => name);
  for (const other of others) {
    if (whole(other) !== whole(first)) {
      throw new UsageError(
        `${first.name} ${whole(first) ? 'classifies images' : 'segments images'}, ${other.name} ${whole(other) ? 'classifies images' : 'segments images'}.`,
        { remedy: 'Compare runs for the same task.' },
      );
    }
    if (classesOf(other).join() !== classesOf(first).join()) {
      throw new UsageError(
        `${first.name} has the classes ${classesOf(first).join(', ')}, ${other.name} ${classesOf(other).join(', ')}.`,
        { remedy: 'Compare runs for the same classes.' },
      );
    }
  }
  return whole(first);
}

/** What defines a training run, except for the random seed and what follows from the held-out images. */
function recipeOf({ folder, recipe, minutes, plan }: RunConfig): string {
  const { seed: _, input: __, classes: ___, data, ...rest } = recipe;
  const { fingerprint: ____, ...choices } = data;
  return JSON.stringify({ folder, ...rest, ...choices, length: minutes ?? plan.segments.at(-1)?.total });
}

function resultOf(opened: Opened, judged: Judged): RunResult {
  const { name } = opened;
  if (!isRun(opened))
    return { ...judged, name, network: opened.fold === undefined ? 'a model that is no run' : OF_FOLDS };
  const { config, lines } = opened;
  const { steps, totalMs } = timesOf(lines);
  const { machine } = config;
  const learning = learningOf(name, lines);
  return {
    ...judged,
    name,
    network: describeNetwork(config.recipe),
    recipe: recipeOf(config),
    seed: config.recipe.seed,
    steps,
    trainingMs: totalMs,
    trainingImages: config.trainingImages.length,
    machine: [machine.processor, machine.description].filter((part) => part !== undefined).join(', '),
    ...(learning && { learning }),
  };
}

/** Validation score over minutes of training and validation. */
function learningOf(name: string, lines: readonly LogLine[]): RunResult['learning'] {
  let ms = 0;
  const points: (readonly [number, number | null])[] = [];
  let metric: string | undefined;
  for (const line of lines) {
    if (!('ms' in line)) continue;
    ms += line.ms;
    if (line.kind !== 'validation') continue;
    metric = line.metric;
    points.push([ms / 60_000, Number.isFinite(line.score) ? line.score : null]);
  }
  return metric === undefined ? undefined : { name, metric, points };
}
