/** Scores one run on images and measures the cost of its network. */

import { ndarray } from '../array/ndarray.ts';
import { median } from '../array/quantile.ts';
import type { ClassSample } from '../dataset/classification/classes.ts';
import { applyMapping, type LabelMapping } from '../dataset/labels/labels.ts';
import type { RawPage } from '../dataset/raw.ts';
import { UsageError } from '../errors.ts';
import { labelScores, mainLabelScores } from '../evaluate/classes.ts';
import { mapScorer } from '../evaluate/map-scorer.ts';
import { scorerFor } from '../evaluate/scorer.ts';
import { graphCost } from '../graph/analysis/cost.ts';
import type { Graph } from '../graph/ir.ts';
import { floatForm } from '../graph/onnx/float-form.ts';
import { readSignature } from '../graph/onnx/model.ts';
import { readOnnx } from '../graph/onnx/read.ts';
import { isPlain } from '../input/window.ts';
import { LABEL_SCORES } from '../metrics/scores.ts';
import { readMetadata } from '../models/metadata.ts';
import { USUAL_THRESHOLD } from '../objects/decode-maps.ts';
import { classifyPages, openClassifier } from '../predict/classifier.ts';
import { denseGraph } from '../predict/dense.ts';
import { separationSettings } from '../predict/objects.ts';
import { openModel } from '../predict/open.ts';
import type { OpenedModel } from '../predict/own.ts';
import { openOwnMaps, thresholdOf } from '../predict/own-maps.ts';
import { planPage, predictPage } from '../predict/predict.ts';
import type { RunResult } from '../report/compare/comparison.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Clock } from '../train/store.ts';
import { MAPS } from '../train/tasks/maps/training.ts';
import { chooseMetric } from '../train/validate.ts';
import type { OpenedRun } from './compare-data.ts';
import type { EnergyMeter } from './host.ts';
import { shortNames } from './report-facts.ts';

/** Scores and costs of a run. */
export type Judged = Pick<
  RunResult,
  'metric' | 'perImage' | 'scores' | 'parameters' | 'macs' | 'peakBytes' | 'predictionMs' | 'predictionJoules'
> & {
  /** What was assumed of a network of another program. */
  readonly notes?: readonly string[];
};

export interface JudgeOptions {
  readonly clock: Clock;
  readonly meter: EnergyMeter | undefined;
  /** Called with the number of images scored so far. */
  readonly onImages: (done: number) => void;
}

/** Wall time and energy of a network's runs, after a warm-up run. */
class Stopwatch {
  readonly #options: JudgeOptions;
  readonly #ms: number[] = [];
  #joules = 0;

  constructor(options: JudgeOptions) {
    this.#options = options;
  }

  /** @param images number of images per call */
  async time<T>(images: number, run: () => Promise<T>): Promise<T> {
    const { clock, meter } = this.#options;
    const before = await meter?.joules();
    const began = clock.nowMs();
    const result = await run();
    this.#ms.push((clock.nowMs() - began) / images);
    if (meter !== undefined && before !== undefined) this.#joules += ((await meter.joules()) - before) / images;
    return result;
  }

  /** Median time and mean energy per image. */
  cost(): Pick<Judged, 'predictionMs' | 'predictionJoules'> {
    const predictionMs = median(this.#ms);
    if (this.#options.meter === undefined) return { predictionMs };
    return { predictionMs, predictionJoules: this.#joules / this.#ms.length };
  }
}

/** A model of images, what the labels of these are, and for one of another program which output it is of several. */
export interface JudgedModel extends Pick<OpenedRun, 'name' | 'bytes' | 'file'> {
  readonly labels: LabelMapping;
  readonly output?: string | undefined;
}

/** @throws ModelError, DatasetError as `predictPage`; UsageError for other classes than those of the labels. */
export async function judgePages(
  runtime: Runtime,
  { name: shown, bytes, file, labels, output }: JudgedModel,
  pages: readonly RawPage[],
  options: JudgeOptions,
): Promise<Judged> {
  const maps = readMetadata(readSignature(bytes, { file }))?.maps;
  const truths = pages.map((page) => ({ ...page, label: applyMapping(page.label, labels) }));
  // Chosen by the ground truth, and by how the model tells objects apart: all are scored equally.
  const { metric } = maps === undefined ? chooseMetric(truths, labels) : MAPS.chooseMetric(maps.by);
  const names = shortNames(pages.map(({ name }) => name));
  const model =
    maps === undefined
      ? await openModel(runtime, bytes, { file, output })
      : await openOwnMaps(runtime, bytes, maps.by, { file });
  // Objects are separated as in prediction.
  const separation =
    maps !== undefined || model.metadata === undefined ? undefined : separationSettings(model.metadata);
  const scorer = scorerFor(
    metric,
    labels.classes.map(({ name }) => name),
    { separation, byMaps: (by) => mapScorer(by, { threshold: thresholdOf(model) ?? USUAL_THRESHOLD }) },
  );
  try {
    const notes = [
      ...(maps === undefined ? classNotes(model, labels, shown) : []),
      ...(model.metadata === undefined ? model.notes : []),
      ...(model.metadata?.cleaning
        ? ['its class maps are scored as they are, not cleaned as predict cleans them.']
        : []),
    ];
    const watch = new Stopwatch(options);
    await predictPage(model, pages[0] as RawPage);
    for (const [i, page] of pages.entries()) {
      const probabilities = await watch.time(1, () => predictPage(model, page));
      const truth = truths[i] as (typeof truths)[number];
      scorer.add({ page: truth, probabilities, objects: page.label.values });
      options.onImages(i + 1);
    }
    const { metric: name, score, scores, perImage } = scorer.result();
    const { [name]: _, threshold: __, ...others } = scores;
    return {
      metric: name,
      scores: { [`${name} of all ${name === 'Dice' ? 'pixels' : 'images'}`]: score, ...others },
      perImage: perImage.map((score, i) => ({ name: names[i] as string, score })),
      notes: notes.map((note) => (note.startsWith(shown) ? note : `${shown}: ${note}`)),
      ...watch.cost(),
      ...pagesCost(model, pages),
    };
  } finally {
    await model.program.dispose();
  }
}

/**
 * What is assumed of the classes of a model that are named otherwise than those of the labels.
 * @throws UsageError for another number of classes, or the same ones in another order
 */
function classNotes({ classes }: OpenedModel, labels: LabelMapping, name: string): readonly string[] {
  const wanted = labels.classes.map((own) => own.name);
  if (classes.join() === wanted.join()) return [];
  const differ = `${name} has the classes ${classes.join(', ')}, the ground truth ${wanted.join(', ')}`;
  const isOther = classes.length !== wanted.length;
  if (isOther || [...classes].sort().join() === [...wanted].sort().join()) {
    throw new UsageError(`${differ}${isOther ? '' : ', in another order'}.`, {
      remedy: 'Compare models for the same classes.',
    });
  }
  return [`${differ}: they are taken for these, in this order.`];
}

type Cost = Pick<Judged, 'parameters' | 'macs' | 'peakBytes'>;

/** Cost per image, tiled as in `predict`; the mean if sizes differ. */
function pagesCost(model: OpenedModel, pages: readonly RawPage[]): Cost {
  // A quantised network costs what it stands for.
  const { bytes } = floatForm(model.bytes);
  const channels = model.input.channels.count;
  const at = (height: number, width: number): Graph =>
    readOnnx(bytes, { shapes: { [model.inputName]: [1, channels, height, width] } });
  const costs = new Map<string, Cost>();
  const costAt = (height: number, width: number): Cost => {
    const { patches } = model;
    const costOf = (graph: Graph, times: number): Cost => {
      const { parameters, peakBytes, macs } = graphCost(graph);
      return { parameters, peakBytes, macs: times * macs };
    };
    const window = patches && at(patches.window.side, patches.window.side);
    const byWindow = patches !== undefined && (patches.evaluation === 'patchwise' || !isPlain(patches.window));
    if (window !== undefined && byWindow) return costOf(window, height * width);
    const { y, x, strips } = planPage(model, height, width);
    if (strips !== undefined) {
      const whole = costOf(at(strips.frame, x.side), x.tiles.length);
      return { ...whole, peakBytes: (whole.peakBytes * strips.rows) / strips.frame };
    }
    const graph = window === undefined ? at(y.side, x.side) : denseGraph(window, { size: [y.side, x.side] });
    return costOf(graph, y.tiles.length * x.tiles.length);
  };
  for (const { height, width } of pages) {
    const key = `${height}x${width}`;
    if (!costs.has(key)) costs.set(key, costAt(height, width));
  }
  const all = pages.map(({ height, width }) => costs.get(`${height}x${width}`) as Cost);
  return {
    parameters: (all[0] as Cost).parameters,
    macs: all.reduce((sum, { macs }) => sum + macs, 0) / all.length,
    peakBytes: Math.max(...all.map(({ peakBytes }) => peakBytes)),
  };
}

/** Images per call, so that the time per image is that of a busy network. */
const TOGETHER = 256;

/** @throws ModelError, DatasetError as `classifyPages`. */
export async function judgeClasses(
  runtime: Runtime,
  { bytes, file }: OpenedRun,
  samples: readonly ClassSample[],
  options: JudgeOptions,
): Promise<Judged> {
  const model = await openClassifier(runtime, bytes, { file });
  try {
    const watch = new Stopwatch(options);
    const classes = model.classes.length;
    const probabilities = ndarray('float32', [samples.length, classes]);
    await classifyPages(model, samples.slice(0, TOGETHER));
    for (let from = 0; from < samples.length; from += TOGETHER) {
      const some = samples.slice(from, from + TOGETHER);
      const given = await watch.time(some.length, () => classifyPages(model, some));
      probabilities.data.set(given.data, from * classes);
      options.onImages(from + some.length);
    }
    const labels = samples.map(({ label }) => label);
    const found = labelScores(probabilities, labels, model.classes);
    const { [LABEL_SCORES.top1.main]: _, ...others } = mainLabelScores(found);
    const { crop, channels, views } = model.input;
    const graph = readOnnx(bytes, { shapes: { [model.inputName]: [1, channels.count, ...crop] } });
    const { parameters, peakBytes, macs } = graphCost(graph);
    return {
      metric: LABEL_SCORES.top1.main,
      perImage: samples.map(({ name }, n) => ({ name, score: found.perImage[n] as number })),
      scores: others,
      parameters,
      peakBytes,
      macs: views * macs,
      ...watch.cost(),
    };
  } finally {
    await model.program.dispose();
  }
}
