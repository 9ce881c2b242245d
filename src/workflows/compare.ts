/** Compares runs: the best model of each, scored on held-out images. */

import { UsageError } from '../errors.ts';
import { joinPath, type WritableFiles } from '../files.ts';
import { isClassifier } from '../models/registry.ts';
import { type CompareOptions, type Comparison, compareRuns, type RunResult } from '../report/compare/comparison.ts';
import { renderComparison } from '../report/compare/page.ts';
import type { DeviceName, Runtime } from '../runtime/runtime.ts';
import type { RunConfig } from '../train/config.ts';
import type { LogLine } from '../train/log.ts';
import { type Common, commonClasses, commonPages, type OpenedRun } from './compare-data.ts';
import { type Judged, type JudgeOptions, judgeClasses, judgePages } from './compare-judge.ts';
import type { Host } from './host.ts';
import { readRun } from './read-run.ts';
import { describeNetwork } from './recipe-words.ts';
import { timesOf } from './report-facts.ts';

export interface WriteComparisonOptions extends CompareOptions {
  /** Where to write. */
  readonly out: string;
  readonly device?: DeviceName | 'auto';
  /** Images with ground truth to score on, instead of those that all runs held out. */
  readonly data?: string;
  /** The command that reproduces the report. */
  readonly command?: string;
  /** Scored and total images, over all runs. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Compares run folders and writes the report.
 * @returns the report's path and data
 * @throws UsageError for fewer than two runs, duplicates, different classes or tasks; RunError for a folder without a run
 *   or model; DatasetError if the data are gone or no image was held out by all; ModelError.
 */
export async function writeComparison(
  host: Host,
  folders: readonly string[],
  options: WriteComparisonOptions,
): Promise<{ readonly file: string; readonly comparison: Comparison }> {
  const { out, device = 'auto', data, command, onProgress, ...statistics } = options;
  const runs = await openRuns(host.files, folders);
  const classes = requireAlike(runs);
  const runtime = await host.openRuntime(device);
  const meter = await host.openEnergyMeter?.();
  const judgeAll = async <T>(
    { items, where, notes }: Common<T>,
    judge: (runtime: Runtime, run: OpenedRun, items: readonly T[], options: JudgeOptions) => Promise<Judged>,
  ) => {
    const judged: RunResult[] = [];
    for (const [i, run] of runs.entries()) {
      const onImages = (done: number): void => onProgress?.(i * items.length + done, runs.length * items.length);
      judged.push(resultOf(run, await judge(runtime, run, items, { clock: host, meter, onImages })));
    }
    return { judged, where, notes };
  };
  const { judged, where, notes } = await (classes
    ? commonClasses(host.files, runs, data).then((common) => judgeAll(common, judgeClasses))
    : commonPages(host.files, runs, data).then((common) => judgeAll(common, judgePages))
  ).finally(() => runtime.dispose());
  const compared = compareRuns(judged, statistics);
  const comparison = { ...compared, notes: [...notes, ...compared.notes] };
  await host.files.write(
    out,
    renderComparison({
      comparison,
      title: `Lamella compares ${runs.map(({ name }) => name).join(', ')}`,
      createdAt: new Date().toISOString(),
      where,
      facts: [
        ['Scored on', where],
        ['Predicted on', runtime.description],
        ...runs.map(({ name, config }): readonly [string, string] => [
          name,
          `${config.trainingImages.length} images of ${config.folder}, random seed ${config.recipe.seed}, ${config.machine.description}`,
        ]),
      ],
      commands: [command ?? `npx lamella compare ${folders.join(' ')}${data === undefined ? '' : ` --data ${data}`}`],
    }),
  );
  return { file: out, comparison };
}

async function openRuns(files: WritableFiles, folders: readonly string[]): Promise<readonly OpenedRun[]> {
  if (folders.length < 2) {
    throw new UsageError('A comparison needs at least two runs.', { remedy: 'Provide two or more.' });
  }
  const names = distinctNames(folders);
  const runs: OpenedRun[] = [];
  for (const [i, folder] of folders.entries()) {
    runs.push({ folder, name: names[i] as string, ...(await readRun(files, folder)) });
  }
  return runs;
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
  const [first, ...others] = runs as readonly [OpenedRun, ...OpenedRun[]];
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

function resultOf({ name, config, lines }: OpenedRun, judged: Judged): RunResult {
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
