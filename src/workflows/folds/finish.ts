/** Makes one model of the folds of a run, scores it by cross-validation, and chooses its post-processing on that. */

import { kindOf } from '../../dataset/labels/labels.ts';
import { counted, GraphError, ModelError, RunError } from '../../errors.ts';
import { joinPath } from '../../files.ts';
import type { InputSpec } from '../../input/normalise.ts';
import { isPlain } from '../../input/window.ts';
import type { Interval } from '../../metrics/bootstrap.ts';
import { type JoinedPart, joinModels } from '../../models/joined.ts';
import type { Json } from '../../models/metadata.ts';
import { cleaningText } from '../../objects/clean-classes.ts';
import { separationText } from '../../objects/instances.ts';
import { renderFolds } from '../../report/folds/page.ts';
import type { DeviceName } from '../../runtime/runtime.ts';
import type { ValidationLine } from '../../train/log.ts';
import { FOLDS_FILES, foldFolder } from '../../train/store.ts';
import { readLabelled } from '../data-before.ts';
import type { Host } from '../host.ts';
import { readRun } from '../read-run.ts';
import { reportTitle } from '../segmentation-report.ts';
import { LEAST_UNITS } from './choose.ts';
import { type CrossValidation, crossValidate, type TrainedFold } from './held-out.ts';
import { type FoldsRecord, type FoldsResult, writeFolds } from './record.ts';

/** The folds that have a model. @throws RunError if none has, or a folder is damaged */
export async function trainedFolds(
  host: Pick<Host, 'files'>,
  run: string,
  { folds, finished }: FoldsRecord,
): Promise<readonly TrainedFold[]> {
  const failed = new Set(finished.filter((one) => one.failed !== undefined).map(({ fold }) => fold));
  const trained: TrainedFold[] = [];
  for (let fold = 0; fold < folds; fold++) {
    if (failed.has(fold)) continue;
    const folder = joinPath(run, foldFolder(fold));
    trained.push({ fold, folder, results: await readRun(host.files, folder) });
  }
  return trained;
}

/** The score of the best weights of a fold; undefined if it has none. */
export const bestOf = ({ results: { lines } }: TrainedFold): number | undefined =>
  lines.findLast((line): line is ValidationLine => line.kind === 'validation' && line.best)?.score;

/**
 * Writes `ensemble.onnx`, whose output is the mean of the outputs of the best models of the folds, `report.html`, and what
 * was found into `folds.json`.
 * Without the one model where networks cannot be joined.
 * @param folds as `trainedFolds`
 * @returns the record with its result
 * @throws RunError if no fold has a model; as `crossValidate`
 */
export async function finishFolds(
  host: Host,
  run: string,
  record: FoldsRecord,
  folds: readonly TrainedFold[],
  { device, signal }: { readonly device?: DeviceName | 'auto' | undefined; readonly signal?: AbortSignal } = {},
): Promise<FoldsRecord & { readonly result: FoldsResult }> {
  const { files } = host;
  const [first] = folds;
  if (first === undefined) {
    throw new RunError('none of the folds has a model.', {
      file: run,
      remedy: 'Train them again with other settings.',
    });
  }
  const all = folds as [TrainedFold, ...TrainedFold[]];
  const parts = all.map(({ results: { file, bytes } }) => ({ file, bytes })) as [JoinedPart, ...JoinedPart[]];
  const found = await scoreOf(host, all, record, { device, signal });
  const model = joinedOr(parts, found);
  const apart = typeof model === 'string' ? model : undefined;
  // What predict applies is in the one model.
  const scored = apart === undefined || found === undefined ? found : withoutChoice(found);
  const { separation, cleaning } = scored ?? {};
  if (typeof model !== 'string') await files.write(joinPath(run, FOLDS_FILES.model), model);
  const classes = first.results.config.recipe.labels.classes.map(({ name }) => name);
  const chosen = cleaning ?? separation;
  const result: FoldsResult = {
    folds: folds.map(({ fold }) => fold),
    best: folds.map((fold) => bestOf(fold) ?? null),
    hasModel: apart === undefined,
    ...(scored && { metric: scored.metric, ...intervals(scored), over: overText(scored) }),
    ...(chosen && { postprocessing: { ...chosen } as { readonly [key: string]: Json } }),
    lines: [
      ...(scored === undefined ? [] : linesOf(scored, classes)),
      ...failedLines(record, scored !== undefined),
      ...(apart === undefined ? [] : [`no model of all folds: ${apart}`]),
    ],
  };
  const complete = { ...record, result };
  await writeFolds(files, run, complete);
  const title = await reportTitle(host, run, { folder: record.folder });
  await files.write(joinPath(run, FOLDS_FILES.report), renderFolds(reportOf(title, all, complete)));
  return complete;
}

/** One model of all, with what was chosen, or why there can be none. */
function joinedOr(
  parts: readonly [JoinedPart, ...JoinedPart[]],
  { separation, cleaning }: Partial<CrossValidation> = {},
): Uint8Array | string {
  try {
    return joinModels(parts, { ...(separation && { separation }), ...(cleaning && { cleaning }) });
  } catch (cause) {
    if (cause instanceof ModelError || cause instanceof GraphError) return cause.message;
    throw cause;
  }
}

const withoutChoice = ({ separation: _, cleaning: __, ...found }: CrossValidation): CrossValidation => ({
  ...found,
  chooses: false,
});

/** Undefined for image classifiers, for networks that take minutes for an image, and where folds have scores of different kinds or none. */
async function scoreOf(
  host: Host,
  folds: readonly [TrainedFold, ...TrainedFold[]],
  { folder }: FoldsRecord,
  options: Parameters<typeof crossValidate>[4],
): Promise<CrossValidation | undefined> {
  const metrics = folds.flatMap(({ results: { config } }) => config.metric ?? []);
  const [metric] = metrics;
  const isAlike = metrics.every((own) => JSON.stringify(own) === JSON.stringify(metric));
  if (metric === undefined || metric.kind === 'accuracy' || !isAlike) return undefined;
  const { config } = folds[0].results;
  const { window } = config.recipe.input as InputSpec;
  if (window !== undefined && !isPlain(window)) return undefined;
  const raw = await readLabelled(host.files, config, { as: kindOf(config.recipe.labels), folder });
  return crossValidate(host, raw, folds, metric, options);
}

const intervals = ({ scores: { before, after, difference } }: CrossValidation) => ({ before, after, difference });

const digits = (value: number): string => value.toFixed(4);

const intervalText = ({ value, low, high }: Interval): string =>
  `${digits(value)} (95 % interval ${digits(low)} to ${digits(high)})`;

const overText = ({ scores: { units }, unit }: CrossValidation): string => `bootstrap over ${counted(units, unit)}`;

/** What was found, in sentences. */
function linesOf(found: CrossValidation, classes: readonly string[]): readonly string[] {
  const { metric, scores, unit, areAlike, chooses, separation, cleaning } = found;
  const { before, after, difference, units } = scores;
  const all =
    units < 2
      ? `cross-validation: ${metric} ${digits(before.value)} of ${counted(units, unit)}, too few for an interval`
      : `cross-validation: ${metric} ${intervalText(before)}, ${overText(found)}, each predicted by the fold that held it out`;
  const alike = areAlike
    ? [
        'the images are slices of fewer stacks than there are folds: slices next to each other are alike, so the interval is too narrow',
      ]
    : [];
  if (!chooses) return [all, ...alike];
  const by = `${metric} ${intervalText(after)}, ${difference.value < 0 ? '' : '+'}${intervalText(difference)}`;
  if (cleaning !== undefined || separation !== undefined) {
    const what =
      cleaning === undefined ? `objects by ${separationText(separation ?? {})}` : cleaningText(cleaning, classes);
    return [all, ...alike, `post-processing: ${what}`, `with post-processing chosen on the other folds: ${by}`];
  }
  const none =
    units < LEAST_UNITS
      ? `post-processing: none, since ${counted(units, unit)} are too few to tell (at least ${LEAST_UNITS})`
      : difference.low === 0 && difference.high === 0
        ? 'post-processing: none, since nothing improved the score on the other folds by more than chance explains'
        : `post-processing: none; chosen on the other folds it gives ${by}, which is no improvement beyond chance`;
  return [all, ...alike, none];
}

/** Which folds are no part of the model, and why. */
const failedLines = ({ finished }: FoldsRecord, isScored: boolean): readonly string[] =>
  finished.flatMap(({ fold, failed }) =>
    failed === undefined
      ? []
      : [
          `${foldFolder(fold)} is no part of the model${isScored ? ', and what it held out is in no score' : ''}, since it failed: ${failed}`,
        ],
  );

function reportOf(
  title: string,
  folds: readonly TrainedFold[],
  { folds: count, finished, settings, result }: FoldsRecord & { readonly result: FoldsResult },
): Parameters<typeof renderFolds>[0] {
  const minutes = finished.reduce((sum, one) => sum + one.minutes, 0);
  const images = folds.reduce((sum, { results }) => sum + results.config.validationImages.length, 0);
  const { metric, before, after, difference } = result;
  return {
    title,
    createdAt: new Date().toISOString(),
    summary:
      `The mean of ${folds.length} networks, each trained on all but one of ${count} parts of the data, in ` +
      `${minutes.toFixed(1)} minutes${settings.minutes === undefined ? '' : ` of ${settings.minutes}`}; scored on ${counted(images, 'image')}, each predicted by the network that was not trained on it.`,
    metric: metric ?? 'Score',
    ...(before && { before, after, difference }),
    lines: result.lines,
    folds: Array.from({ length: count }, (_, fold) => {
      const own = folds.find((one) => one.fold === fold);
      const done = finished.find((one) => one.fold === fold);
      return {
        name: foldFolder(fold),
        minutes: done?.minutes ?? null,
        images: own === undefined ? null : own.results.config.validationImages.length,
        best: (own && bestOf(own)) ?? null,
        failed: done?.failed,
      };
    }),
  };
}
