/** Predictions and ground truth that do not fit into memory, scored region by region: the scores are those of the whole. */

import { bytesPer } from '../array/ndarray.ts';
import { type LabelKind, LabelKindSurvey, labelKindsOfBoth } from '../dataset/labels/label-kind.ts';
import {
  addCounts,
  applyMapping,
  backgroundOf,
  type LabelMapping,
  type LabelPage,
  labelPages,
  requireLabels,
  stackLabels,
} from '../dataset/labels/labels.ts';
import { LamellaError, option } from '../errors.ts';
import { BasisCounter } from '../evaluate/basis.ts';
import { ignoreMask } from '../evaluate/ignore-mask.ts';
import { ObjectScorer } from '../evaluate/objects.ts';
import { OverlapScorer } from '../evaluate/overlap.ts';
import { sizes } from '../image/image.ts';
import { ImageNotes } from '../image/notes.ts';
import type { Region } from '../image/source.ts';
import { needsWhole } from '../input/input-regions.ts';
import { ContingencyParts } from '../metrics/contingency.ts';
import { labelGrid } from '../objects/grid.ts';
import { megabytes } from '../predict/memory.ts';
import type { MetricGroup } from './choices.ts';
import { type EvaluateOptions, type Match, type NotScored, scoredPairs } from './evaluate-items.ts';
import { asLabels, classesOf, foundKind, mappingOf, predictedValues, requireScorable } from './evaluate-values.ts';
import type { Evaluation } from './evaluation.ts';
import type { Host } from './host.ts';
import type { ListedImage } from './image-list.ts';
import { boxesOf, type OpenedImage, openAtLevel, pixelsOf, readBox, requireSameGrid } from './opened-images.ts';
import { planMemory } from './predict-regions.ts';

/** What a region takes without being asked. */
const DEFAULT_BYTES = 256e6;
/** Bytes per pixel beside the values as they are stored: as numbers, classes, renumbered and grouped. */
const BYTES_PER_PIXEL = 50;

interface OpenedPair {
  readonly name: string;
  readonly prediction: OpenedImage;
  readonly truth: OpenedImage;
}

interface RegionsOptions extends EvaluateOptions {
  /** The path of the predictions, for messages. */
  readonly predictions: string;
}

/** What is asked for, where it can be scored by region. */
interface Scored {
  readonly as: LabelKind;
  readonly metrics: readonly MetricGroup[];
}

/**
 * Scores predictions by region if all of them are too large for the memory there is.
 * @returns undefined if they are to be scored as a whole
 * @throws UsageError if the memory that is allowed is too little; LamellaError if they cannot be scored by region, and there
 * is not enough memory for the whole; as `evaluate`
 */
export async function evaluateByRegion(
  host: Pick<Host, 'files' | 'memory'>,
  predictions: readonly ListedImage[],
  truths: readonly ListedImage[],
  options: RegionsOptions,
): Promise<Evaluation | undefined> {
  const memory = planMemory(host, [], options.memory);
  if (memory === undefined) return undefined;
  const { pairs, notScored } = scoredPairs(predictions, truths);
  const opened: OpenedImage[] = [];
  try {
    const all = await openPairs(host, pairs, opened);
    if (all === undefined) return undefined;
    const whole = all.reduce((sum, pair) => sum + pixelsOf(pair.truth.info) * bytesPerPixel(pair), 0);
    if (whole <= memory.whole) return undefined;
    for (const { prediction, truth } of all) requireSameGrid(prediction.info, truth.info);
    const scored = scoredOf(all, options);
    if (typeof scored !== 'string') {
      return await score(all, { ...options, ...scored, notScored }, Math.min(memory.tiles, DEFAULT_BYTES));
    }
    const free = host.memory?.().free ?? Number.POSITIVE_INFINITY;
    const takes = `it is scored as a whole because of ${scored}, which takes about ${megabytes(whole)}`;
    if (whole > free) {
      throw new LamellaError(`${takes}, and ${megabytes(free)} are free.`, {
        file: options.predictions,
        remedy: 'Change it, or score fewer or smaller images.',
      });
    }
    options.onNote?.(`${takes}.`);
    return undefined;
  } finally {
    for (const { source } of opened) await source.close();
  }
}

/** Undefined if one image has to be read as a whole. @param opened those that have to be closed */
async function openPairs(
  { files }: Pick<Host, 'files'>,
  pairs: readonly Match[],
  opened: OpenedImage[],
): Promise<readonly OpenedPair[] | undefined> {
  const open = async (listed: ListedImage): Promise<OpenedImage | undefined> => {
    const image = await openAtLevel(files, listed, { palette: 'index' });
    if (image !== undefined) opened.push(image);
    return image;
  };
  const all: OpenedPair[] = [];
  for (const pair of pairs) {
    const prediction = await open(pair.prediction);
    const truth = await open(pair.truth);
    if (prediction === undefined || truth === undefined) return undefined;
    all.push({ name: pair.prediction.name, prediction, truth });
  }
  return all;
}

const bytesPerPixel = ({ prediction, truth }: OpenedPair): number =>
  2 * (bytesPer(prediction.info.dtype) + bytesPer(truth.info.dtype)) + BYTES_PER_PIXEL;

/** What is scored by region, or what of it needs the whole, as a noun. */
function scoredOf(pairs: readonly OpenedPair[], { as, metrics, classes, slices }: EvaluateOptions): Scored | string {
  if (as === undefined || metrics === undefined) {
    return `what is scored, unless ${option('as')} and ${option('metrics')} say it`;
  }
  const needing = metrics.find((name) => name !== 'overlap' && name !== 'instances');
  if (needing !== undefined) return option('metrics', needing);
  if (as === 'classes' && metrics.includes('instances')) return 'its classes, of which connected pixels are objects';
  if (classes?.some((item) => typeof item !== 'string' && item.values === 'rim')) return 'the rims of its objects';
  if (slices === true) return option('slices');
  for (const { info } of pairs.flatMap(({ prediction, truth }) => [prediction, truth])) {
    const why = needsWhole(info);
    if (why !== undefined) return why;
    if (info.dtype.startsWith('float')) return `its values of type ${info.dtype}`;
    if (sizes(info).channels > 1) return 'its channels';
  }
  return { as, metrics };
}

type ScoreOptions = RegionsOptions & Scored & { readonly notScored: readonly NotScored[] };

async function score(pairs: readonly OpenedPair[], options: ScoreOptions, bytes: number): Promise<Evaluation> {
  const { as, metrics, classes, ignore = [], threshold = 0.5 } = options;
  const notes = new ImageNotes();
  for (const { prediction, truth } of pairs) for (const { info } of [prediction, truth]) notes.add(info);
  const boxes = pairs.map((pair) => boxesOf([pair.prediction, pair.truth], bytes / bytesPerPixel(pair)));
  const each = async (use: (pair: OpenedPair, t: number, box: Region) => Promise<void>, end?: () => void) => {
    for (const [i, pair] of pairs.entries()) {
      for (let t = 0; t < sizes(pair.truth.info).times; t++) {
        for (const box of boxes[i] ?? []) await use(pair, t, box);
        end?.();
      }
    }
  };

  const counts = new Map<number, number>();
  const values = new Set<number>();
  await each(async ({ prediction, truth }, t, box) => {
    addCounts(counts, [await readLabels(truth, t, box, ignore)]);
    if (as === 'objects') return;
    for (const value of (await readLabels(prediction, t, box, ignore)).values) values.add(value);
  });
  const pages = pairs.reduce((sum, { truth: { info } }) => sum + sizes(info).times * sizes(info).slices, 0);
  const source = pairs[0]?.truth.info.source;
  const ofTruth = mappingOf({ counts, colour: false, pages, source }, { classes, ignore, kind: as });
  const kinds = labelKindsOfBoth(new LabelKindSurvey(), new LabelKindSurvey(), { as });
  const fullScale = fullScaleOf(pairs);
  const distinct = [{ data: Float64Array.from(values), channels: 1 }];
  const predicted = predictedValues(distinct, fullScale, ofTruth, kinds.prediction, kinds.truth.kind);
  const added = (predicted.added ?? []).map((value) => ({ name: `class ${value}`, values: [value] }));
  const mapping: LabelMapping = { ...ofTruth, classes: [...ofTruth.classes, ...added] };
  requireScorable(predicted, mapping, { ...options, reason: kinds.prediction.reason });

  const overlap = new OverlapScorer(mapping.classes.length, { leaveOut: backgroundOf(mapping) });
  const instances = new ObjectScorer();
  const basis = new BasisCounter();
  const chosen = { threshold, ignore: mapping.ignore };
  let overlaps = new ContingencyParts();
  let images = 0;
  await each(
    async ({ name, prediction, truth }, t, box) => {
      const own = await readLabels(truth, t, box, ignore);
      const { values: data, ...size } = await readLabels(prediction, t, box, ignore);
      const page = { data, channels: 1, ...size };
      const actual = applyMapping(own, mapping);
      basis.addPart(actual, as === 'objects' ? own.values : undefined);
      if (metrics.includes('overlap')) {
        overlap.add(actual, classesOf({ name, fullScale }, { prediction: page }, predicted, chosen));
      }
      if (metrics.includes('instances')) {
        const shape = [own.values.length];
        const labels = labelGrid(asLabels(page, mapping.ignore).values, shape);
        overlaps.add(labelGrid(own.values, shape), labels, ignoreMask(actual, shape));
      }
    },
    () => {
      images++;
      basis.endImage();
      instances.addTable(overlaps.table());
      overlaps = new ContingencyParts();
    },
  );
  return {
    mapping,
    metrics,
    images,
    basis: basis.result(),
    notScored: options.notScored,
    classes: mapping.classes.map(({ name }) => name),
    labelKinds: { truth: kinds.truth, prediction: foundKind(kinds.prediction, predicted.kind) },
    volumes: pairs.some(({ truth: { info } }) => sizes(info).slices > 1) ? '3D' : undefined,
    notes: notes.lines(),
    overlap: metrics.includes('overlap') ? overlap.result() : undefined,
    instances: metrics.includes('instances') ? instances.result() : undefined,
  };
}

/** The largest value of the first prediction's dtype. */
function fullScaleOf([first]: readonly OpenedPair[]): number {
  const dtype = first?.prediction.info.dtype;
  return dtype === 'uint8' || dtype === 'bool' ? 255 : dtype === 'uint16' ? 65_535 : 1;
}

/** The labels of a box as one row. @throws DatasetError for negative ones that are not ignored */
async function readLabels(image: OpenedImage, t: number, box: Region, ignore: readonly number[]): Promise<LabelPage> {
  const pages = labelPages(await readBox(image, t, box));
  requireLabels(pages, ignore);
  const { data: values } = stackLabels(pages);
  return { values, height: 1, width: values.length, colour: false, source: image.info.source ?? 'labels' };
}
