import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type NdArray, ndarray } from '../../array/ndarray.ts';
import { alignLabels } from '../../dataset/labels/align.ts';
import {
  applyMapping,
  describeMapping,
  findMapping,
  IGNORE,
  type LabelMapping,
  type LabelPage,
  labelPages,
  parseClasses,
  stackPages,
} from '../../dataset/labels/labels.ts';
import { insideOfCells } from '../../dataset/labels/membranes.ts';
import { DatasetError, UsageError } from '../../errors.ts';
import { type Page, pagesOf } from '../../input/planes.ts';
import { contingency } from '../../metrics/contingency.ts';
import { type InstanceScores, instanceScores, matchInstances } from '../../metrics/instances.ts';
import { type IsbiScores, type IsbiSliceScores, isbiScores, isbiSliceScores } from '../../metrics/isbi.ts';
import { confusionMatrix, type OverlapScores, overlapScores, sumOfConfusions } from '../../metrics/overlap.ts';
import { connectedComponents } from '../../objects/connected-components.ts';
import { nodeFiles } from '../../platform/node/files.ts';
import { type ListedImage, listLabels, listPredictions, readListedImage } from '../../workflows/image-list.ts';
import type { EvaluateFlags } from '../commands/evaluate.ts';

type MetricKind = Exclude<EvaluateFlags['metrics'], 'auto' | 'topk'>;

/** One page of truth and what was predicted for it. */
interface EvaluatedPage {
  readonly name: string;
  readonly truth: LabelPage;
  /** Values of the prediction's file. */
  readonly prediction: Page;
  /** Largest value that the file's dtype holds where it is an integer; 1 for floats. */
  readonly fullScale: number;
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

/** The folder that `predict --objects` writes separate objects into. */
const OBJECTS = 'objects';

/** Of a folder that `predict` wrote: the part that the metric needs. */
async function partOf(predictions: string, kind: MetricKind | 'auto'): Promise<string> {
  const order = {
    overlap: ['label', 'probability'],
    instances: [OBJECTS, 'label', 'probability'],
    isbi: ['probability', 'label'],
    auto: ['probability', 'label'],
  }[kind];
  for (const part of order) if (await isFolder(join(predictions, part))) return join(predictions, part);
  return predictions;
}

/** Pairs predictions with truth by name; every prediction needs a truth, not the other way round. */
function matched(
  predictions: readonly ListedImage[],
  truths: readonly ListedImage[],
): readonly { readonly prediction: ListedImage; readonly truth: ListedImage }[] {
  if (predictions.length === 1 && truths.length === 1) {
    return [{ prediction: predictions[0] as ListedImage, truth: truths[0] as ListedImage }];
  }
  const byName = new Map(truths.map((item) => [item.name, item]));
  return predictions.map((prediction) => {
    const truth = byName.get(prediction.name);
    if (truth === undefined) {
      throw new DatasetError(`there is no truth named "${prediction.name}".`, {
        file: prediction.path,
        remedy: `The truth has ${truths
          .slice(0, 3)
          .map(({ name }) => `"${name}"`)
          .join(', ')}${truths.length > 3 ? ', ...' : ''}: name the files alike.`,
      });
    }
    return { prediction, truth };
  });
}

async function readPages(
  predictions: readonly ListedImage[],
  truths: readonly ListedImage[],
): Promise<readonly EvaluatedPage[]> {
  const pages: EvaluatedPage[] = [];
  for (const { prediction, truth } of matched(predictions, truths)) {
    const image = await readListedImage(nodeFiles, prediction, { palette: 'index' });
    const fullScale = image.data instanceof Uint8Array ? 255 : image.data instanceof Uint16Array ? 65_535 : 1;
    const found = pagesOf(image);
    const labels = labelPages(alignLabels(await readListedImage(nodeFiles, truth, { palette: 'index' }), image));
    if (found.length !== labels.length) {
      throw new DatasetError(`the prediction has ${found.length} pages, its truth "${truth.path}" ${labels.length}.`, {
        file: prediction.path,
        remedy: 'Give as many pages of truth.',
      });
    }
    found.forEach((page, i) => {
      const label = labels[i] as LabelPage;
      if (page.height !== label.height || page.width !== label.width) {
        throw new DatasetError(
          `the prediction is ${page.width} x ${page.height}, its truth "${truth.path}" is ${label.width} x ${label.height}.`,
          { file: prediction.path, remedy: 'Give a truth of the same size.' },
        );
      }
      const name = found.length > 1 ? `${prediction.name}[${i}]` : prediction.name;
      pages.push({ name, truth: label, prediction: page, fullScale });
    });
  }
  return pages;
}

/** What the values of a prediction are. */
type ValueKind = 'probability' | 'classes' | 'instances';

function kindOf(pages: readonly EvaluatedPage[], mapping: LabelMapping): ValueKind {
  if (pages.some(({ prediction }) => prediction.channels > 1 || prediction.data instanceof Float32Array))
    return 'probability';
  const values = new Set<number>();
  for (const { prediction } of pages) {
    for (const value of prediction.data) values.add(value);
    if (values.size > 1024) break;
  }
  const known = new Set(mapping.classes.flatMap(({ values: list }) => (typeof list === 'string' ? [] : list)));
  const asIndex = [...values].every((value) => value < mapping.classes.length);
  if (asIndex || [...values].every((value) => known.has(value))) return 'classes';
  if (mapping.kind === 'instances') return values.size <= 2 ? 'classes' : 'instances';
  return 'probability';
}

/** Probability of the inside or foreground [height, width], 0..1. */
function probabilityOf({ name, prediction, fullScale }: EvaluatedPage, kind: ValueKind): NdArray<'float32'> {
  const { data, channels, height, width } = prediction;
  if (channels > 2) {
    throw new UsageError(`"${name}" has ${channels} channels of probability.`, {
      remedy: 'Give the probability of the foreground alone, or label maps.',
    });
  }
  const pixels = height * width;
  // Of two channels the second is the foreground.
  const plane = channels === 2 ? data.subarray(pixels) : data;
  let most = 0;
  for (const value of plane) if (value > most) most = value;
  // Masks of 0 and 1, whatever their dtype.
  const scale = kind === 'classes' && most <= 1 ? 1 : fullScale;
  return ndarray(
    'float32',
    [height, width],
    Float32Array.from(plane as ArrayLike<number>, (value) => value / scale),
  );
}

/** Class of each pixel [height, width]. */
function classesOf(page: EvaluatedPage, kind: ValueKind, mapping: LabelMapping, threshold: number): NdArray<'uint8'> {
  const { height, width, data, channels } = page.prediction;
  const shape = [height, width];
  const pixels = height * width;
  if (kind === 'probability' && channels > 2) {
    const out = new Uint8Array(pixels);
    for (let p = 0; p < pixels; p++) {
      for (let c = 1; c < channels; c++) {
        if ((data[c * pixels + p] as number) > (data[(out[p] as number) * pixels + p] as number)) out[p] = c;
      }
    }
    return ndarray('uint8', shape, out);
  }
  if (kind === 'probability') {
    const probability = probabilityOf(page, kind).data;
    return ndarray(
      'uint8',
      shape,
      Uint8Array.from(probability, (p) => (p > threshold ? 1 : 0)),
    );
  }
  if (kind === 'instances')
    return ndarray(
      'uint8',
      shape,
      Uint8Array.from(data as ArrayLike<number>, (v) => (v === 0 ? 0 : 1)),
    );
  const table = new Map<number, number>();
  mapping.classes.forEach(({ values }, index) => {
    if (typeof values !== 'string') for (const value of values) table.set(value, index);
  });
  const known = Array.from(data as ArrayLike<number>).every((value) => table.has(value));
  const out = Uint8Array.from(data as ArrayLike<number>, (value) =>
    known ? (table.get(value) as number) : value > 0 && mapping.kind === 'instances' ? 1 : value,
  );
  return ndarray('uint8', shape, out);
}

export interface Evaluation {
  readonly mapping: LabelMapping;
  readonly metrics: readonly MetricKind[];
  readonly images: number;
  readonly isbi?: IsbiScores;
  readonly overlap?: OverlapScores;
  readonly instances?: InstanceScores;
  readonly classes: readonly string[];
}

function isbiOf(pages: readonly EvaluatedPage[], kind: ValueKind, mapping: LabelMapping): IsbiScores {
  if (mapping.classes.length !== 2) {
    throw new UsageError(
      `The ISBI scores are of cells and membranes, two classes; the truth has ${mapping.classes.length}.`,
      {
        remedy: 'Take --metrics overlap, or say with --classes which value is which.',
      },
    );
  }
  const slices = pages.map((page): IsbiSliceScores => {
    const classes = applyMapping(page.truth, mapping);
    const shape = [page.truth.height, page.truth.width];
    const ignored = classes.includes(IGNORE) ? classes.map((value) => (value === IGNORE ? 1 : 0)) : undefined;
    return isbiSliceScores(
      ndarray(
        'uint8',
        shape,
        classes.map((value) => (value === 1 ? 1 : 0)),
      ),
      probabilityOf(page, kind),
      {
        ...(ignored === undefined ? {} : { ignore: ndarray('uint8', shape, ignored) }),
      },
    );
  });
  return isbiScores(slices);
}

function overlapOf(
  pages: readonly EvaluatedPage[],
  kind: ValueKind,
  mapping: LabelMapping,
  threshold: number,
): OverlapScores {
  const matrices = pages.map((page) =>
    confusionMatrix(
      ndarray('uint8', [page.truth.height, page.truth.width], applyMapping(page.truth, mapping)),
      classesOf(page, kind, mapping, threshold),
      mapping.classes.length,
      { ignoreValue: IGNORE },
    ),
  );
  return overlapScores(sumOfConfusions(matrices), { leaveOut: [0] });
}

function instancesOf(
  pages: readonly EvaluatedPage[],
  kind: ValueKind,
  mapping: LabelMapping,
  threshold: number,
): InstanceScores {
  return instanceScores(
    pages.map((page) => {
      const { height, width } = page.truth;
      const truth =
        mapping.kind === 'instances'
          ? stackPages([page.truth])
          : connectedComponents(
              ndarray(
                'uint8',
                [height, width],
                applyMapping(page.truth, mapping).map((v) => (v === IGNORE ? 0 : v)),
              ),
            ).labels;
      const predicted =
        kind === 'instances'
          ? ndarray('int32', [height, width], Int32Array.from(page.prediction.data as ArrayLike<number>))
          : connectedComponents(classesOf(page, kind, mapping, threshold)).labels;
      return matchInstances(contingency(truth, predicted));
    }),
  );
}

/** @throws DatasetError, FormatError, UsageError naming the file that does not fit. */
export async function evaluateFiles(
  predictions: string,
  truth: string,
  flags: Omit<EvaluateFlags, 'json' | 'skipBad' | 'metrics'> & { readonly metrics: MetricKind | 'auto' },
): Promise<Evaluation> {
  const { threshold } = flags;
  const truths = await listLabels(nodeFiles, truth);
  const asked = flags.metrics;
  let pages = await readPages(await listPredictions(nodeFiles, await partOf(predictions, asked)), truths);
  const mapping = findMapping(
    pages.map((page) => page.truth),
    {
      ...(flags.classes === undefined ? {} : { classes: parseClasses(flags.classes) }),
      ignore: flags.ignore,
    },
  );
  const kinds: readonly MetricKind[] = asked === 'auto' ? automatic(pages, mapping) : [asked];
  // Label maps say more of classes and objects than probabilities do.
  if (asked === 'auto' && !kinds.includes('isbi'))
    pages = await readPages(await listPredictions(nodeFiles, await partOf(predictions, 'overlap')), truths);
  const kind = kindOf(pages, mapping);
  const own = join(predictions, OBJECTS);
  const separate = kinds.includes('instances') && (await isFolder(own));
  const objects = separate && asked === 'auto' ? await readPages(await listPredictions(nodeFiles, own), truths) : pages;
  return {
    mapping,
    metrics: kinds,
    images: pages.length,
    classes: mapping.classes.map(({ name }) => name),
    ...(kinds.includes('isbi') ? { isbi: isbiOf(pages, kind, mapping) } : {}),
    ...(kinds.includes('overlap') ? { overlap: overlapOf(pages, kind, mapping, threshold) } : {}),
    ...(kinds.includes('instances')
      ? { instances: instancesOf(objects, separate ? 'instances' : kind, mapping, threshold) }
      : {}),
  };
}

export async function runEvaluate(
  predictions: string,
  truth: string,
  flags: EvaluateFlags & { readonly metrics: MetricKind | 'auto' },
): Promise<void> {
  const { mapping, ...evaluation } = await evaluateFiles(predictions, truth, flags);
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify({ predictions, truth, ...evaluation, labels: mapping }, null, 2)}\n`);
    return;
  }
  process.stdout.write(`${describeMapping(mapping)}\n${formatEvaluation(evaluation)}\n`);
}

function automatic(pages: readonly EvaluatedPage[], mapping: LabelMapping): readonly MetricKind[] {
  if (mapping.kind === 'instances') return ['overlap', 'instances'];
  if (mapping.classes.length !== 2) return ['overlap'];
  const inside = insideOfCells(
    pages.map(({ truth }) => ({ height: truth.height, width: truth.width, label: applyMapping(truth, mapping) })),
  );
  return inside === 1 ? ['isbi', 'overlap'] : ['overlap'];
}

const digits = (value: number, count = 4): string => (Number.isNaN(value) ? '-' : value.toFixed(count));

/** The scores as a table for people. */
export function formatEvaluation({ images, isbi, overlap, instances, classes }: Omit<Evaluation, 'mapping'>): string {
  const lines = [`${images} image${images === 1 ? '' : 's'}`];
  if (isbi !== undefined) {
    lines.push('', 'ISBI 2012                   score     at p >  precision  recall');
    for (const [name, score, places] of [
      ['V-Rand (thinned)', isbi.vRandThinned, 4],
      ['V-Info (thinned)', isbi.vInfoThinned, 4],
      ['V-Rand', isbi.vRand, 4],
      ['V-Info', isbi.vInfo, 4],
      ['warping error', isbi.warpingError, 6],
      ['Rand error', isbi.randError, 4],
      ['pixel error', isbi.pixelError, 4],
    ] as const) {
      const detail = 'precision' in score ? `  ${digits(score.precision).padEnd(9)}  ${digits(score.recall)}` : '';
      lines.push(
        `  ${name.padEnd(24)}  ${digits(score.value, places).padEnd(8)}  ${digits(score.threshold, 1).padEnd(6)}${detail}`,
      );
    }
  }
  if (overlap !== undefined) {
    lines.push('', 'class                       Dice      IoU       precision  recall');
    overlap.perClass.forEach((score, c) => {
      lines.push(
        `  ${(classes[c] ?? `class ${c}`).padEnd(24)}  ${digits(score.dice).padEnd(8)}  ${digits(score.iou).padEnd(8)}  ${digits(score.precision).padEnd(9)}  ${digits(score.recall)}`,
      );
    });
    lines.push(
      `  ${'mean of the foreground'.padEnd(24)}  ${digits(overlap.meanDice).padEnd(8)}  ${digits(overlap.meanIou).padEnd(8)}`,
    );
    lines.push(`  ${'pixels right'.padEnd(24)}  ${digits(overlap.pixelAccuracy)}`);
  }
  if (instances !== undefined) {
    lines.push('', `objects: ${instances.truthCount} true, ${instances.predictionCount} predicted`);
    lines.push('  IoU     AP        F1        PQ        AP, mean of images');
    for (const at of instances.perThreshold) {
      lines.push(
        `  ${at.iouThreshold.toFixed(2)}    ${digits(at.averagePrecision)}    ${digits(at.f1)}    ${digits(at.panopticQuality)}    ${digits(at.imageMean)}`,
      );
    }
    lines.push(`  mean AP ${digits(instances.meanAveragePrecision)}, SEG ${digits(instances.seg)}`);
  }
  return lines.join('\n');
}
