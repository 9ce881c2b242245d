/** The report of an image classifier: accuracy, confusion matrix, learning curves. */

import type { ClassSample } from '../dataset/classification/classes.ts';
import { splitClasses } from '../dataset/classification/prepare.ts';
import { readClasses } from '../dataset/classification/read.ts';
import { counted } from '../errors.ts';
import { type LabelScores, labelScores } from '../evaluate/classes.ts';
import { joinPath } from '../files.ts';
import { LABEL_SCORES, scoreRows } from '../metrics/scores.ts';
import { classifyPages, openClassifier } from '../predict/classifier.ts';
import { type FactRows, type ReportData, type ScoreTable, score } from '../report/run/data.ts';
import type { DeviceName } from '../runtime/runtime.ts';
import type { RunConfig } from '../train/config.ts';
import type { Host } from './host.ts';
import type { RunResults } from './read-run.ts';
import { describeLoss, describeNetwork, describeOptimizer, describeSchedule } from './recipe-words.ts';
import { dataFacts, formatCount, formatMs, machineFacts, timeFacts, timesOf, trainingOf } from './report-facts.ts';

export interface ClassReportOptions extends RunResults {
  readonly title: string;
  readonly run: string;
  /** `A perceptron`. */
  readonly networkName: string;
  readonly device: DeviceName | 'auto';
  /** Path of the data, if they were moved. */
  readonly folder?: string;
}

/** Number of training images scored if none were held out. */
const MOST_TRAINING_IMAGES = 2000;

/** With more classes, the confusion matrix is omitted. */
const MOST_CONFUSED = 20;

/** All data of the report. @throws DatasetError if the data have moved. */
export async function collectClassReport(
  host: Host,
  { title, run, config, lines, bytes, file, networkName, device, folder = config.folder }: ClassReportOptions,
): Promise<ReportData> {
  const { recipe } = config;
  const names = recipe.labels.classes.map(({ name }) => name);
  const raw = await readClasses(host.files, folder, { classNames: names, skipBad: true });
  const { validation, train } = splitClasses(raw, recipe.seed, recipe.data.split);
  const { split } = recipe.data;
  // It may already be the validation part.
  const test = 'names' in split && split.names.includes('test') ? [] : raw.parts.test;
  const judged: readonly (readonly [string, readonly ClassSample[]])[] = [
    validation.length > 0
      ? ['held out from training', validation]
      : ['that it was trained on, as none were held out', train.slice(0, MOST_TRAINING_IMAGES)],
    ...(test.length > 0 ? [['of the test part', test] as const] : []),
  ];
  const runtime = await host.openRuntime(device);
  try {
    const model = await openClassifier(runtime, bytes, { file });
    const tables: ScoreTable[] = [];
    const headline: { label: string; value: string; note: string }[] = [];
    let predictionMs = 0;
    let images = 0;
    for (const [where, samples] of judged) {
      const began = host.nowMs();
      const probabilities = await classifyPages(model, samples);
      predictionMs += host.nowMs() - began;
      images += samples.length;
      const labels = samples.map(({ label }) => label);
      const found = labelScores(probabilities, labels, names);
      const what = `${counted(samples.length, 'image', 'en')} ${where}`;
      for (const { key, label } of scoreRows(LABEL_SCORES)) {
        if (!Number.isNaN(found[key])) headline.push({ label, value: percent(found[key]), note: what });
      }
      tables.push(classTable(found.perClass, what));
      if (names.length <= MOST_CONFUSED) tables.push(confusionTable(found.confusion, names, what));
    }
    const { steps, totalMs } = timesOf(lines);
    return {
      title,
      summary: `${networkName} of ${formatCount(model.signature.storedElements)} parameters for ${names.length} classes, trained on ${counted(config.trainingImages.length, 'image', 'en')} in ${formatMs(totalMs)}, and scored on ${judged.map(([where, samples]) => `${counted(samples.length, 'image', 'en')} ${where}`).join(' and ')}.`,
      createdAt: new Date().toISOString(),
      headline: [
        ...headline,
        { label: 'Training', value: formatMs(totalMs), note: `${steps.toLocaleString('en')} steps` },
      ],
      training: trainingOf(lines),
      classNames: names,
      scoreName: 'accuracy',
      sheetNote: '',
      sheet: [],
      imageCount: 0,
      tables,
      thresholds: [],
      worst: [],
      best: [],
      dataset: dataFacts(config),
      network: classNetworkFacts(config, model.signature.storedElements),
      machine: machineFacts(config),
      times: [
        ...timeFacts(lines),
        ['Prediction of 1,000 images', formatMs((1000 * predictionMs) / Math.max(1, images))],
      ],
      decisions: config.notes,
      commands: [
        `npx lamella train --config ${joinPath(run, 'config.json')} --out ${run}-again`,
        `npx lamella evaluate ${run} ${folder} --metrics topk`,
      ],
      // Thousands of image names would bury the rest.
      configuration: {
        ...config,
        trainingImages: config.trainingImages.length,
        validationImages: config.validationImages.length,
      },
    };
  } finally {
    await runtime.dispose();
  }
}

const percent = (share: number): string => (Number.isNaN(share) ? '-' : `${(100 * share).toFixed(2)} %`);

function classTable(perClass: LabelScores['perClass'], what: string): ScoreTable {
  return {
    caption: `Classes, ${what}`,
    columns: [{ label: 'images' }, { label: 'recall', better: 'higher' }, { label: 'precision', better: 'higher' }],
    digits: [0, 4, 4],
    rows: perClass.map(({ name, images, recall, precision }) => ({
      name,
      values: [images, score(recall), score(precision)],
    })),
    note: 'Recall: fraction of the class that was found. Precision: fraction of the predictions of the class that are correct.',
  };
}

function confusionTable(counts: readonly (readonly number[])[], names: readonly string[], what: string): ScoreTable {
  return {
    caption: `Confusion matrix, ${what}`,
    columns: names.map((label) => ({ label })),
    digits: names.map(() => 0),
    rows: names.map((name, c) => ({ name, values: counts[c] ?? [] })),
    note: 'One row per true class, one column per predicted class.',
  };
}

function classNetworkFacts({ recipe, plan }: RunConfig, parameters: number): FactRows {
  const { classes } = recipe;
  const changes = [
    classes?.crops === true ? 'random crops' : '',
    classes?.mirror === true ? 'flips' : '',
    classes?.colour === undefined ? '' : `colour shifts along principal axes (${classes.colour.sigma})`,
    (classes?.shiftPx ?? 0) > 0 ? `shifts to ${classes?.shiftPx} px` : '',
    recipe.augment.warpFraction > 0
      ? `rotation to ${recipe.augment.rotateDegrees}°, scale to ${recipe.augment.scale}, elastic deformation`
      : '',
  ].filter((part) => part !== '');
  return [
    ['Network', describeNetwork(recipe)],
    ['Parameters', formatCount(parameters)],
    ['Input, batch size', `${recipe.patch[1]} x ${recipe.patch[0]}, ${recipe.batch}`],
    ['Steps planned', (plan.segments.at(-1)?.total ?? 0).toLocaleString('en')],
    ['Loss', describeLoss(recipe)],
    ['Optimizer', describeOptimizer(recipe)],
    ['Schedule', describeSchedule(recipe)],
    ['Augmentation', changes.length === 0 ? 'none' : changes.join(', ')],
    ['Seed', String(recipe.seed)],
  ];
}
