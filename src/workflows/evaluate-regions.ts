/** Predictions and ground truth that do not fit into memory, scored block by block: the scores are those of the whole. */

import { concatenate } from '../array/bytes.ts';
import { ndarray } from '../array/ndarray.ts';
import { labelKindsOfBoth } from '../dataset/labels/label-kind.ts';
import { applyMapping, backgroundOf, type LabelMapping } from '../dataset/labels/labels.ts';
import { examined, insideOfPieces, LEAST_PIECE_PX, type PieceSizes } from '../dataset/labels/membranes.ts';
import { LamellaError, option } from '../errors.ts';
import { BasisCounter } from '../evaluate/basis.ts';
import { ignoreMask, maskOf } from '../evaluate/ignore-mask.ts';
import { ObjectParts } from '../evaluate/object-parts.ts';
import { knownClasses, ObjectScorer } from '../evaluate/objects.ts';
import { OverlapScorer } from '../evaluate/overlap.ts';
import { sizes } from '../image/image.ts';
import { ImageNotes } from '../image/notes.ts';
import { needsWhole } from '../input/input-regions.ts';
import type { Page } from '../input/planes.ts';
import { boxOf } from '../objects/blocks/block-grid.ts';
import { componentsOfBlock } from '../objects/blocks/components-by-blocks.ts';
import { BlockJoin } from '../objects/blocks/join-blocks.ts';
import { labelGrid } from '../objects/grid.ts';
import { megabytes } from '../predict/memory.ts';
import type { MetricGroup } from './choices.ts';
import { type EvaluateOptions, scoredPairs } from './evaluate-items.ts';
import {
  asLabels,
  classesOf,
  foundKind,
  mappingOf,
  type PredictedValues,
  predictedValues,
  refuseParts,
  requireScorable,
  withAdded,
} from './evaluate-values.ts';
import type { Evaluation } from './evaluation.ts';
import type { Host } from './host.ts';
import type { declaredOf, ListedImage } from './image-list.ts';
import { type OpenedImage, pixelsOf, requireSameGrid } from './opened-images.ts';
import { planMemory } from './predict-regions.ts';
import { PredictedNames } from './predicted-names.ts';
import type { PredictionFile } from './prediction-file.ts';
import {
  type Blocks,
  blocksOf,
  bytesPerPixel,
  type OpenedPair,
  RegionPairs,
  readPrediction,
  readTruth,
  type SurveyedPairs,
} from './region-pairs.ts';

/** What a block takes without being asked. */
const DEFAULT_BYTES = 256e6;

export interface RegionsOptions extends Omit<EvaluateOptions, 'metrics'> {
  /** The path of the predictions, for messages. */
  readonly predictions: string;
  /** The groups of scores that are asked for. */
  readonly asked: readonly MetricGroup[] | undefined;
  readonly declared: ReturnType<typeof declaredOf>;
  /** Of the ground truth, if its values number objects; `classes` are for others. */
  readonly given: EvaluateOptions['classes'];
  readonly ignore: readonly number[];
  /** What `predict` says of the predictions. */
  readonly written: PredictionFile | undefined;
  /** The predictions that a group of scores is of; undefined where nothing is written for it alone. */
  listed(group: MetricGroup | 'auto'): Promise<readonly ListedImage[] | undefined>;
}

/**
 * Scores predictions by region if all of them are too large for the memory there is.
 * @returns undefined if they are to be scored as a whole
 * @throws UsageError if the memory that is allowed is too little; LamellaError if they cannot be scored by region, and there
 * is not enough memory for the whole; as `evaluate`
 */
export async function evaluateByRegion(
  host: Pick<Host, 'files' | 'memory'>,
  truths: readonly ListedImage[],
  options: RegionsOptions,
): Promise<Evaluation | undefined> {
  const memory = planMemory(host, [], options.memory);
  const predictions = memory && (await options.listed(options.asked?.[0] ?? 'auto'));
  if (memory === undefined || predictions === undefined) return undefined;
  const { pairs, notScored } = scoredPairs(predictions, truths);
  const reader = new RegionPairs(host.files);
  try {
    const all = await reader.open(pairs);
    if (all === undefined) return undefined;
    const whole = all.reduce(
      (sum, { prediction, truth }) => sum + pixelsOf(truth.info) * bytesPerPixel([prediction, truth]),
      0,
    );
    if (whole <= memory.whole) return undefined;
    const bytes = Math.min(memory.tiles, DEFAULT_BYTES);
    const scored =
      wholeNeeded(all, options) ??
      (await new RegionEvaluation(reader, truths, { ...options, notScored }, bytes).result(all));
    if (typeof scored !== 'string') return scored;
    const free = host.memory?.().free ?? Number.POSITIVE_INFINITY;
    const takes = `it is scored as a whole because of ${scored}, which takes about ${megabytes(whole)}`;
    if (whole > free) {
      throw new LamellaError(`${takes}, and ${megabytes(free)} are free.`, {
        file: options.predictions,
        remedy: `Choose ${option('metrics', 'overlap')} or ${option('metrics', 'instances')}, or score fewer or smaller images.`,
      });
    }
    options.onNote?.(`${takes}.`);
    return undefined;
  } finally {
    await reader.close();
  }
}

/** What of the images or of what is asked for needs the whole, as a noun. */
function wholeNeeded(pairs: readonly OpenedPair[], { asked, classes }: RegionsOptions): string | undefined {
  const needing = asked?.find((name) => name !== 'overlap' && name !== 'instances');
  if (needing !== undefined) return option('metrics', needing);
  if (classes?.some((item) => typeof item !== 'string' && item.values === 'rim')) return 'the rims of its objects';
  for (const { prediction, truth } of pairs) {
    requireSameGrid(prediction.info, truth.info);
    const why = needsWhole(prediction.info) ?? needsWhole(truth.info);
    if (why !== undefined) return why;
    if (sizes(truth.info).channels > 1 || prediction.info.channels?.includes('red') === true) return 'its colours';
    if (prediction.info.channels?.includes('alpha') === true) return 'its alpha channel';
  }
  return undefined;
}

type Kinds = ReturnType<typeof labelKindsOfBoth>;

type ScoredOptions = RegionsOptions & Pick<Evaluation, 'notScored'>;

/** Pairs, what their values are, and the scores that they are added to. */
interface Scoring {
  readonly all: SurveyedPairs;
  readonly mapping: LabelMapping;
  readonly kinds: Kinds;
  readonly predicted: PredictedValues;
  readonly overlap?: OverlapScorer | undefined;
  readonly instances?: ObjectScorer | undefined;
  readonly basis?: BasisCounter;
}

class RegionEvaluation {
  readonly #reader: RegionPairs;
  readonly #truths: readonly ListedImage[];
  readonly #options: ScoredOptions;
  /** For one block. */
  readonly #bytes: number;
  readonly #notes = new ImageNotes();

  constructor(reader: RegionPairs, truths: readonly ListedImage[], options: ScoredOptions, bytes: number) {
    this.#reader = reader;
    this.#truths = truths;
    this.#options = options;
    this.#bytes = bytes;
  }

  #survey(pairs: readonly OpenedPair[]): Promise<SurveyedPairs> {
    const { as, ignore } = this.#options;
    const counts = as === undefined ? 'pieces' : 'values';
    return this.#reader.survey(pairs, { bytes: this.#bytes, ignore, counts, notes: this.#notes });
  }

  /** The pairs of another part of the predictions; undefined if there is none, or it cannot be read by region. */
  async #other(group: MetricGroup): Promise<SurveyedPairs | undefined> {
    const listed = await this.#options.listed(group);
    const pairs = listed && (await this.#reader.open(scoredPairs(listed, this.#truths).pairs));
    return pairs === undefined || wholeNeeded(pairs, this.#options) !== undefined ? undefined : this.#survey(pairs);
  }

  #kindsOf({ truth, prediction }: SurveyedPairs): Kinds {
    const { as, declared, asked } = this.#options;
    const unclear = asked?.includes('instances') === true ? ('objects' as const) : undefined;
    return labelKindsOfBoth(truth, prediction, { as, declared, unclear });
  }

  #predicted({ pairs, predicted }: SurveyedPairs, mapping: LabelMapping, kinds: Kinds): PredictedValues {
    const fullScale = fullScaleOf(pairs[0] as OpenedPair);
    return predictedValues(predicted, fullScale, mapping, kinds.prediction, kinds.truth.kind);
  }

  /** The scores of these pairs, or what of them needs the whole, as a noun. */
  async result(first: readonly OpenedPair[]): Promise<Evaluation | string> {
    const { asked, classes, given, ignore, threshold, predictions, written } = this.#options;
    let all = await this.#survey(first);
    let kinds = this.#kindsOf(all);
    const { kind } = kinds.truth;
    const pages = first.reduce((sum, { truth: { info } }) => sum + sizes(info).times * sizes(info).slices, 0);
    const source = first[0]?.truth.info.source;
    const values = { counts: all.counts, colour: false, pages, source };
    const chosenClasses = kind === 'objects' ? given : classes;
    const names = new PredictedNames(written, chosenClasses !== undefined, this.#notes);
    const ofTruth = names.ofTruth(mappingOf(values, { classes: chosenClasses, ignore, kind }));
    const metrics = asked ?? (await this.#automatic(all, ofTruth));
    if (metrics.includes('isbi')) return option('metrics', 'isbi');
    // Label maps are more informative about classes and objects than probabilities.
    if (asked === undefined) {
      const labels = await this.#other('overlap');
      if (labels === undefined) return 'the format of its label maps';
      all = labels;
      kinds = this.#kindsOf(all);
    }
    const predicted = names.matched(this.#predicted(all, ofTruth, kinds), ofTruth);
    if (kind === 'classes' && predicted.kind === 'classes') all.palettes.require();
    const mapping = withAdded(ofTruth, predicted);
    requireScorable(predicted, mapping, { metrics, threshold, predictions, reason: kinds.prediction.reason });
    let last: Scoring = { all, mapping, kinds, predicted };
    const has = (group: MetricGroup): boolean => metrics.includes(group);
    const overlap = has('overlap')
      ? new OverlapScorer(mapping.classes.length, { leaveOut: backgroundOf(mapping) })
      : undefined;
    const objects = has('instances') && asked === undefined ? await this.#other('instances') : undefined;
    if (objects !== undefined) {
      await this.#score({ ...last, overlap });
      const found = this.#kindsOf(objects);
      last = {
        all: objects,
        mapping,
        kinds: found,
        predicted: names.matched(this.#predicted(objects, mapping, found), mapping),
      };
    }
    if (has('instances')) refuseParts(last.predicted, predictions);
    const instances = has('instances') ? new ObjectScorer() : undefined;
    const basis = new BasisCounter();
    const images = await this.#score({ ...last, ...(objects === undefined && { overlap }), instances, basis });
    const isVolume = last.all.pairs.some(({ truth: { info } }) => sizes(info).slices > 1);
    return {
      mapping,
      metrics,
      images,
      basis: basis.result(),
      notScored: this.#options.notScored,
      classes: mapping.classes.map(({ name }) => name),
      labelKinds: {
        truth: last.kinds.truth,
        prediction: foundKind(last.kinds.prediction, last.predicted.kind),
      },
      volumes: isVolume ? (this.#options.slices === true ? 'slice by slice' : '3D') : undefined,
      notes: this.#notes.lines(),
      overlap: overlap?.result(),
      instances: instances?.result(),
    };
  }

  /** Adds all pairs to these scores, image by image. @returns number of images */
  async #score({ all, mapping, kinds, predicted, overlap, instances, basis }: Scoring): Promise<number> {
    const { ignore, threshold = 0.5, slices } = this.#options;
    const chosen = { threshold, ignore: mapping.ignore };
    const areObjects = kinds.truth.kind === 'objects';
    let images = 0;
    for (const pair of all.pairs) {
      const { name, truth, prediction } = pair;
      const item = { name, fullScale: fullScaleOf(pair) };
      for (const blocks of blocksOf([prediction, truth], { bytes: this.#bytes, slices })) {
        const { grid } = blocks;
        const parts = new ObjectParts(grid, {
          truth: areObjects ? 'label' : 'component',
          prediction: predicted.kind === 'objects' ? 'label' : 'component',
        });
        for (let index = 0; index < grid.length; index++) {
          const own = await readTruth(truth, blocks, index, ignore);
          const pages = await readPrediction(prediction, blocks, index, all.areLabels(pair));
          const actual = applyMapping(own, mapping);
          const { shape } = boxOf(grid, index);
          const isByLabel = predicted.kind === 'objects' && overlap === undefined;
          const found = isByLabel
            ? new Uint8Array()
            : concatenate(pages.map((page) => classesOf(item, { prediction: page }, predicted, chosen)));
          basis?.addPart(actual, areObjects ? own.values : undefined);
          overlap?.add(actual, found);
          if (instances === undefined) continue;
          const classes = (values: Uint8Array) => ndarray('uint8', shape, knownClasses(values, mapping.classes.length));
          const [page] = pages as readonly [Page];
          parts.add(
            areObjects ? own.map : classes(actual),
            predicted.kind === 'objects' ? labelGrid(asLabels(page, mapping.ignore).values, shape) : classes(found),
            ignoreMask(actual, shape),
          );
        }
        images++;
        basis?.endImage();
        instances?.addTable(parts.table());
      }
    }
    return images;
  }

  /** As `evaluate` without `metrics`. */
  async #automatic({ pairs }: SurveyedPairs, mapping: LabelMapping): Promise<readonly MetricGroup[]> {
    if (mapping.kind === 'instances') return ['overlap', 'instances'];
    if (mapping.classes.length !== 2) return ['overlap'];
    const slices = pairs.flatMap(({ truth }) =>
      blocksOf([truth], { bytes: this.#bytes, slices: true }).map((blocks) => ({ truth, blocks })),
    );
    const looked: PieceSizes[] = [];
    for (const { truth, blocks } of examined(slices)) looked.push(await this.#pieces(truth, blocks, mapping));
    return insideOfPieces(looked) === 1 ? ['isbi', 'overlap'] : ['overlap'];
  }

  async #pieces(truth: OpenedImage, blocks: Blocks, mapping: LabelMapping): Promise<PieceSizes> {
    const { grid } = blocks;
    const asked = ([0, 1] as const).flatMap((value) =>
      ([4, 8] as const).map((connectivity) => ({
        value,
        connectivity,
        join: new BlockJoin(grid, { connectivity }),
      })),
    );
    for (let index = 0; index < grid.length; index++) {
      const classes = applyMapping(await readTruth(truth, blocks, index, this.#options.ignore), mapping);
      const box = boxOf(grid, index);
      for (const { value, connectivity, join } of asked) {
        const mask = ndarray('uint8', box.shape, maskOf(classes, value));
        join.add(componentsOfBlock(mask, box, grid.shape, { connectivity }).record);
      }
    }
    const sizes = asked.map(({ join }) => [...join.finish({ minSize: LEAST_PIECE_PX }).sizes.subarray(1)]);
    return (value, connectivity) =>
      sizes[asked.findIndex((one) => one.value === value && one.connectivity === connectivity)] ?? [];
  }
}

/** The largest value of the prediction's dtype; 1 for numbers that have none. */
function fullScaleOf({ prediction: { info } }: OpenedPair): number {
  return info.dtype === 'uint8' || info.dtype === 'bool' ? 255 : info.dtype === 'uint16' ? 65_535 : 1;
}
