/** The report of a segmentation run: its validation images, predicted and scored. */

import { ndarray } from '../array/ndarray.ts';
import { scoredPart } from '../dataset/hold-out.ts';
import { applyMapping, backgroundOf, hasRim, IGNORE, kindOf } from '../dataset/labels/labels.ts';
import type { RawDataset, RawPage } from '../dataset/raw.ts';
import { counted, RunError } from '../errors.ts';
import { describeBasis } from '../evaluate/basis.ts';
import { baseName, joinPath } from '../files.ts';
import { selectChannels } from '../input/channels.ts';
import { argmaxClasses } from '../metrics/argmax.ts';
import { ISBI_THRESHOLDS, type IsbiScores, isbiScores, isbiSliceScores } from '../metrics/isbi.ts';
import { networkNamed } from '../models/registry.ts';
import { separationOf, separationSettings } from '../predict/objects.ts';
import type { TestTimeAugmentation } from '../predict/orientation.ts';
import { type OpenedModel, openOwnModel } from '../predict/own.ts';
import { predictPage } from '../predict/predict.ts';
import { PROJECT_FILE, parseProject } from '../project/project.ts';
import {
  instanceTable,
  isbiDetails,
  isbiRow,
  overlapTable,
  scoreFigures,
  thresholdsOf,
} from '../report/kit/score-tables.ts';
import { volumeTable } from '../report/kit/volume-table.ts';
import type { ReportData, ScoreTable, StackScores } from '../report/run/data.ts';
import { Evaluator, type ReportEvaluation, type ReportEvaluationOptions } from '../report/run/evaluate.ts';
import { isIsbi2012 } from '../report/run/isbi2012.ts';
import { isbiTable } from '../report/run/published.ts';
import { renderReport } from '../report/run/render.ts';
import type { DeviceName } from '../runtime/runtime.ts';
import type { RunConfig } from '../train/config.ts';
import { RUN_FILES } from '../train/store.ts';
import { isLungs } from '../train/tasks/segmentation/lungs.ts';
import { readLabelled } from './data-before.ts';
import type { Host } from './host.ts';
import type { MapReport } from './map-report.ts';
import { type RunResults, readRun } from './read-run.ts';
import {
  dataFacts,
  formatCount,
  formatMs,
  machineFacts,
  networkFacts,
  shortNames,
  timeFacts,
  timesOf,
  trainingOf,
} from './report-facts.ts';
import { type GivenSpacing, hasStacks, stackScores } from './stack-scores.ts';

export interface ReportOptions {
  /** Where to write; default `report.html` in the run. */
  readonly out?: string;
  readonly device?: DeviceName | 'auto';
  /** Number of orientations (rotations and flips) to average over; default 1. */
  readonly tta?: TestTimeAugmentation;
  /** Path of the data, if they were moved. */
  readonly folder?: string;
  /** Voxel size in mm that overrides the files' value. */
  readonly spacingMm?: GivenSpacing;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Number of training images shown if none were held out. */
const MOST_TRAINING_IMAGES = 4;

/** A report, and where it is. */
export interface WrittenReport {
  readonly file: string;
  readonly data: ReportData;
}

/** Writes a report, in the run unless its options say otherwise. */
export async function keepReport(
  { files }: Pick<Host, 'files'>,
  run: string,
  data: ReportData,
  { out: file = joinPath(run, RUN_FILES.report) }: ReportOptions,
): Promise<WrittenReport> {
  await files.write(file, renderReport(data));
  return { file, data };
}

/** As `writeReport`, of a run that is known to segment. */
export async function writeSegmentationReport(
  host: Host,
  run: string,
  options: ReportOptions = {},
): Promise<WrittenReport> {
  const results = await readRun(host.files, run);
  return keepReport(host, run, await collectSegmentationReport(host, run, results, options), options);
}

/** `Lamella report: cells, run a`: the project or data folder that it was trained on, and the run. */
export async function reportTitle(
  { files }: Pick<Host, 'files'>,
  run: string,
  { folder }: Pick<RunConfig, 'folder'>,
): Promise<string> {
  const file = joinPath(folder, PROJECT_FILE);
  const project =
    (await files.kind(file)) === 'file'
      ? parseProject(new TextDecoder().decode(await files.read(file)), file)
      : undefined;
  const nameOf = (path: string): string => baseName(files.resolve(path));
  const own = nameOf(run);
  return `Lamella report: ${project?.name ?? nameOf(folder)}, ${own.startsWith('run') ? own : `run ${own}`}`;
}

/** All data of the report. @throws as `writeReport`. */
export async function collectSegmentationReport(
  host: Host,
  run: string,
  { config, lines, bytes, file }: RunResults,
  options: ReportOptions,
): Promise<ReportData> {
  const { device = 'auto', tta = 1, onProgress } = options;
  const title = await reportTitle(host, run, { folder: options.folder ?? config.folder });
  const as = kindOf(config.recipe.labels);
  const { maps } = config.recipe;
  const ofMaps = maps && host.mapReport?.(maps.by, tta);
  const raw = await readLabelled(host.files, config, { as, folder: options.folder });
  const pages = pagesToShow(raw, config);
  const runtime = await host.openRuntime(device);
  try {
    const model = await (ofMaps?.open ?? openOwnModel)(runtime, bytes, { file });
    const evaluator = new Evaluator(evaluateOptions(config, pages.length, model, ofMaps));
    const names = shortNames(pages.map(({ name }) => name));
    const found: Uint8Array[] = [];
    const inStacks = hasStacks(config, pages);
    const predict =
      host.pagesOfVolumes?.(model, raw.pages, pages, { tta }) ?? ((page: RawPage) => predictPage(model, page, { tta }));
    let predictionMs = 0;
    for (const [i, page] of pages.entries()) {
      const began = host.nowMs();
      const probabilities = await predict(page);
      predictionMs += host.nowMs() - began;
      evaluator.add({ ...shownPage(page, config), name: names[i] as string, probabilities });
      if (inStacks) found.push(argmaxClasses(probabilities).data);
      onProgress?.(i + 1, pages.length);
    }
    const result = evaluator.result();
    const stacks = inStacks ? stackScores(pages, found, config, options.spacingMm ?? config.spacingMm) : [];
    const sheetNote = ofMaps?.sheetNote;
    return reportData({ title, run, config, lines, raw, model, pages, result, tta, predictionMs, stacks, sheetNote });
  } finally {
    await runtime.dispose();
  }
}

/** The held-out slices; without any, some of the training slices. */
function pagesToShow(
  { pages, folder }: RawDataset,
  { validationImages, trainingImages, validationRegions, recipe }: RunConfig,
): readonly RawPage[] {
  const step = Math.max(1, Math.ceil(trainingImages.length / MOST_TRAINING_IMAGES));
  const wanted = validationImages.length > 0 ? validationImages : trainingImages.filter((_, i) => i % step === 0);
  const byName = new Map(pages.map((page) => [page.name, page]));
  return wanted.map((name) => {
    const page = byName.get(name);
    if (page === undefined) {
      throw new RunError(`the image "${name}" of the run is no longer in its data folder.`, {
        file: folder,
        remedy: 'Put it back.',
      });
    }
    const [none = IGNORE] = recipe.labels.ignore;
    return scoredPart(page, validationRegions, none);
  });
}

function evaluateOptions(
  { metric, recipe }: RunConfig,
  total: number,
  model: OpenedModel,
  ofMaps: MapReport | undefined,
): ReportEvaluationOptions {
  const classNames = recipe.labels.classes.map(({ name }) => name);
  // As in prediction, also where nothing was held out on which they could be tuned.
  const separation = hasRim(recipe.labels)
    ? separationOf(classNames, separationSettings(model.metadata ?? {}))
    : undefined;
  return {
    total,
    classNames,
    kind:
      ofMaps !== undefined
        ? { name: 'objects', find: ofMaps.find(model) }
        : metric?.kind === 'v-rand'
          ? { name: 'isbi', inside: metric.inside }
          : separation === undefined
            ? { name: 'overlap', leaveOut: backgroundOf(recipe.labels) }
            : { name: 'objects', separation },
  };
}

function shownPage(page: RawPage, { recipe }: RunConfig) {
  const { height, width, label } = page;
  const planes = selectChannels(page, recipe.input.channels);
  const pixels = height * width;
  return {
    height,
    width,
    truth: applyMapping(label, recipe.labels),
    planes: Array.from({ length: planes.length / pixels }, (_, c) => planes.subarray(c * pixels, (c + 1) * pixels)),
    ...(recipe.labels.kind === 'instances' ? { objects: label.values } : {}),
  };
}

interface Collected extends Pick<RunResults, 'config' | 'lines'> {
  readonly title: string;
  readonly run: string;
  readonly raw: RawDataset;
  readonly model: OpenedModel;
  readonly pages: readonly RawPage[];
  readonly result: ReportEvaluation;
  readonly tta: TestTimeAugmentation;
  readonly predictionMs: number;
  readonly stacks: readonly StackScores[];
  /** Of objects by maps. */
  readonly sheetNote: string | undefined;
}

function reportData(collected: Collected): ReportData {
  const { title, run, config, lines, raw, model, pages, result, tta, predictionMs, stacks, sheetNote } = collected;
  const { steps, totalMs } = timesOf(lines);
  const heldOut = config.validationImages.length > 0;
  const count = formatCount(model.signature.storedElements);
  const where = heldOut
    ? `${counted(pages.length, 'image')} held out from training`
    : `${pages.length} of its training images, as none were held out`;
  const regions = Object.values(config.validationRegions ?? {}).reduce((sum, own) => sum + own.length, 0);
  const inside = config.metric?.kind === 'v-rand' ? config.metric.inside : undefined;
  const classNames = config.recipe.labels.classes.map(({ name }) => name);
  const [first] = config.recipe.labels.classes.slice(inside ?? 1);
  return {
    title,
    summary:
      `${networkNamed(config.recipe.model.name).title} of ${count} parameters, trained on ${counted(config.trainingImages.length, 'image')} in ` +
      `${formatMs(totalMs)}, and scored on ${where}${tta === 1 ? '' : `, averaged over ${tta} orientations`}: ${describeBasis(result.basis, regions)}.`,
    createdAt: new Date().toISOString(),
    headline: [
      ...scoreFigures(result),
      {
        label: 'Training',
        value: formatMs(totalMs),
        note: `${steps.toLocaleString('en')} steps and their validation`,
      },
    ],
    training: trainingOf(lines),
    classNames,
    scoreName: result.separated ? 'AP at IoU 0.5' : result.isbi === undefined ? 'Dice' : 'V-Rand',
    sheetNote: result.separated
      ? (sheetNote ??
        'The probability is that of an object or its border; the prediction shows the separated objects with their borders.')
      : result.isbi === undefined
        ? classNames.length > 2
          ? 'The probability is that of the most probable class.'
          : `White is ${first?.name ?? 'the foreground'}; the prediction is the more probable class.`
        : `White is ${classNames[1]}${inside === 1 ? ', the cell interior' : ''}. The prediction uses the threshold with the image's best V-Rand; splits and merges are counted with borders thinned to one pixel.`,
    sheet: result.sheet,
    imageCount: result.imageCount,
    tables: tablesOf(collected, where, isIsbi2012(raw.pages)),
    ...(stacks.length === 0 ? {} : { stacks }),
    thresholds: thresholdsOf(result),
    worst: result.worst,
    best: result.best,
    dataset: dataFacts(config),
    network: networkFacts(config, model),
    machine: machineFacts(config),
    times: [...timeFacts(lines), ['Prediction per image', formatMs(predictionMs / Math.max(1, pages.length))]],
    decisions: config.notes,
    commands: [
      `npx lamella train --config ${joinPath(run, RUN_FILES.config)} --out ${run}-again`,
      `npx lamella report ${run}-again`,
    ],
    configuration: config,
  };
}

function tablesOf({ config, pages, result, stacks }: Collected, where: string, published: boolean): ScoreTable[] {
  const { isbi, overlap, instances } = result;
  const classNames = config.recipe.labels.classes.map(({ name }) => name);
  if (isbi !== undefined && config.metric?.kind === 'v-rand') {
    const baseline = thresholdBaseline(pages, config, config.metric.inside);
    const own = [isbiRow('This run', isbi), isbiRow('Best brightness threshold', baseline, false)];
    return [isbiTable(own, published, where), isbiDetails(isbi)];
  }
  return [
    overlapTable(overlap, classNames, where, backgroundOf(config.recipe.labels).length > 0),
    ...(stacks.length === 0 ? [] : [volumeTable(stacks, isLungs(config.recipe) ? 'Per patient' : 'Per stack')]),
    ...(instances === undefined ? [] : [instanceTable(instances, result.separated)]),
  ];
}

/** The best score of a brightness threshold between percentiles 1 and 99, as a baseline. */
function thresholdBaseline(pages: readonly RawPage[], config: RunConfig, inside: 0 | 1): IsbiScores {
  return isbiScores(
    pages.map((page) => {
      const { height, width, truth, planes } = shownPage(page, config);
      const values = planes[0] as Float32Array;
      const sorted = values.toSorted();
      const low = sorted[Math.floor(0.01 * (sorted.length - 1))] as number;
      const high = sorted[Math.ceil(0.99 * (sorted.length - 1))] as number;
      const brightness = values.map((value) => Math.min(1, Math.max(0, (value - low) / Math.max(1e-12, high - low))));
      const shape = [height, width];
      return isbiSliceScores(
        ndarray(
          'uint8',
          shape,
          truth.map((value) => (value === inside ? 1 : 0)),
        ),
        ndarray('float32', shape, brightness),
        { thresholds: ISBI_THRESHOLDS, warpingUpTo: -1 },
      );
    }),
  );
}
