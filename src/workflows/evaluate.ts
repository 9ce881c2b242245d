/** Scores a folder or file of predictions against its ground truth. */

import { concatenate } from '../array/bytes.ts';
import { type NdArray, ndarray } from '../array/ndarray.ts';
import { type LabelKind, type LabelKindFinding, labelKindsOfBoth } from '../dataset/labels/label-kind.ts';
import {
  applyMapping,
  backgroundOf,
  findMapping,
  IGNORE,
  ignoredAmongObjects,
  type LabelMapping,
  type LabelOptions,
  type LabelPage,
  stackLabels,
} from '../dataset/labels/labels.ts';
import { insideOfCells } from '../dataset/labels/membranes.ts';
import { labelOptions } from '../dataset/raw.ts';
import { DatasetError, option, UsageError } from '../errors.ts';
import { BasisCounter, type ScoreBasis } from '../evaluate/basis.ts';
import { ignoreMask } from '../evaluate/ignore-mask.ts';
import { MembraneScorer } from '../evaluate/membranes.ts';
import { classComponents, ObjectScorer } from '../evaluate/objects.ts';
import { OverlapScorer } from '../evaluate/overlap.ts';
import { type ClassDistances, SurfaceScorer } from '../evaluate/surfaces.ts';
import { joinPath } from '../files.ts';
import { ImageNotes } from '../image/notes.ts';
import type { Page } from '../input/planes.ts';
import { argmaxClasses } from '../metrics/argmax.ts';
import type { InstanceScores } from '../metrics/instances.ts';
import type { IsbiScores } from '../metrics/isbi.ts';
import type { OverlapScores } from '../metrics/overlap.ts';
import type { MetricGroup } from './choices.ts';
import {
  type EvaluateOptions,
  type Item,
  type NotScored,
  OBJECTS,
  PARTS,
  type ReadItems,
  readItems,
  type ScoredSlice,
} from './evaluate-items.ts';
import type { Host } from './host.ts';
import { atLevel, declaredOf, listLabels, listPredictions } from './image-list.ts';
import { partOf, readPredictionFile } from './prediction-file.ts';

export interface Evaluation {
  readonly mapping: LabelMapping;
  readonly metrics: readonly MetricGroup[];
  /** Number of files and time points, or of slices if scored slice by slice. */
  readonly images: number;
  /** What the scores rest on. */
  readonly basis: ScoreBasis;
  /** Number of regions that a project holds out, if they alone are scored. */
  readonly regions?: number;
  /** Predicted images of a project that are not scored. */
  readonly notScored: readonly NotScored[];
  readonly classes: readonly string[];
  /** Interpretation of the label values, with the reason. */
  readonly labelKinds: {
    readonly truth: LabelKindFinding;
    /** Undefined for probabilities. */
    readonly prediction: LabelKindFinding | undefined;
  };
  /** How volumes are scored; undefined without volumes. */
  readonly volumes?: '3D' | 'slice by slice';
  /** The readers' remarks on the files, one line each. */
  readonly notes: readonly string[];
  readonly isbi?: IsbiScores;
  readonly overlap?: OverlapScores;
  readonly instances?: InstanceScores;
  readonly surface?: { readonly unit: 'mm' | 'px'; readonly perClass: readonly ClassDistances[] };
}

/** The kind of predicted values. */
type ValueKind = 'probability' | LabelKind;

/** More values than this, in many pieces, are probability levels. */
const MOST_CLASSES = 16;

/** The kind of predicted values, and the ground-truth class of each. */
interface PredictedValues {
  readonly kind: ValueKind;
  readonly classOf: ReadonlyMap<number, number>;
  /** Class values that occur only in predictions; they follow those of the ground truth. */
  readonly added?: readonly number[];
  /** Several values that all lie inside objects, which they do not tell apart. */
  readonly parts?: readonly number[];
}

function predictedValues(
  items: readonly Item[],
  mapping: LabelMapping,
  finding: LabelKindFinding,
  truthKind: LabelKind,
): PredictedValues {
  const classOf = new Map<number, number>();
  const pages = items.flatMap(({ slices }) => slices.map(({ prediction }) => prediction));
  if (pages.some(({ channels }) => channels > 1)) return { kind: 'probability', classOf };
  const values = new Set<number>();
  for (const { data } of pages) {
    for (let p = 0; p < data.length; p++) values.add(data[p] as number);
    if (values.size > 2 * MOST_CLASSES && finding.kind === 'classes') break;
  }
  if ([...values].some((value) => !Number.isInteger(value))) return { kind: 'probability', classOf };
  mapping.classes.forEach((item, index) => {
    if (typeof item.values !== 'string') for (const value of item.values) classOf.set(value, index);
  });
  const counted = [...values].filter((value) => !mapping.ignore.includes(value));
  // 255 beside 0 only is the foreground of a mask, even if 255 is ignored in the ground truth.
  const isMask = mapping.classes.length === 2 && !counted.some((value) => value !== 0);
  const sorted = (isMask ? [...values] : counted).sort((a, b) => a - b);
  if (truthKind === 'classes' && finding.evidence !== 'stated') {
    // If all are values of the ground truth, or its class numbers, they are classes, whatever else they look like.
    if (sorted.every((value) => classOf.has(value))) return { kind: 'classes', classOf };
    if (sorted.every((value) => value >= 0 && value < mapping.classes.length))
      return { kind: 'classes', classOf: byIndex(sorted) };
  }
  if (finding.kind === 'objects') return { kind: 'objects', classOf };
  const twoLevels = sorted.length <= 2 && mapping.classes.length === 2;
  if (twoLevels) return { kind: 'classes', classOf: new Map(sorted.map((value) => [value, value > 0 ? 1 : 0])) };
  // Colours, packed into one number, exceed any probability.
  const isPacked = mapping.kind === 'colour' && sorted.some((value) => value > (items[0]?.fullScale ?? 1));
  if (sorted.length > MOST_CLASSES && !isPacked) return { kind: 'probability', classOf };
  if (truthKind === 'objects') {
    if (sorted.every((value) => value < mapping.classes.length)) return { kind: 'classes', classOf: byIndex(sorted) };
    // Such as inside and border: all but the background belongs to objects.
    const inObjects = new Map(sorted.map((value) => [value, value > 0 ? 1 : 0]));
    return { kind: 'classes', classOf: inObjects, parts: sorted.filter((value) => value > 0) };
  }
  // The same encoding, as shown by a class in both; otherwise values are rejected one by one.
  const shared = sorted.some((value) => value !== 0 && classOf.has(value));
  const added = shared ? sorted.filter((value) => !classOf.has(value)) : [];
  for (const value of added) classOf.set(value, classOf.size);
  return { kind: 'classes', classOf, added };
}

const byIndex = (values: readonly number[]): ReadonlyMap<number, number> =>
  new Map(values.map((value) => [value, value]));

/** Probability of the inside or foreground [height, width], 0..1. */
function probabilityOf({ name, fullScale }: Item, { prediction }: ScoredSlice, kind: ValueKind): NdArray<'float32'> {
  const { data, channels, height, width } = prediction;
  if (channels > 2) {
    throw new UsageError(`"${name}" has ${channels} probability channels.`, {
      remedy: 'Use the foreground probability only, or label maps.',
    });
  }
  const pixels = height * width;
  // The second of two channels is the foreground.
  const plane = channels === 2 ? data.subarray(pixels) : data;
  let most = 0;
  for (const value of plane) if (value > most) most = value;
  // Masks of 0 and 1, whatever their dtype.
  const scale = kind !== 'probability' && most <= 1 ? 1 : fullScale;
  const values = Float32Array.from(plane as ArrayLike<number>, (value) => value / scale);
  return ndarray('float32', [height, width], values);
}

/** Class of each pixel of a prediction, by the classes of the ground truth; `IGNORE` where it has an ignored value. */
function classesOf(
  item: Item,
  slice: ScoredSlice,
  { kind, classOf }: PredictedValues,
  { threshold, ignore }: { readonly threshold: number; readonly ignore: readonly number[] },
): Uint8Array {
  const { height, width, data, channels } = slice.prediction;
  if (kind === 'objects') {
    return Uint8Array.from(data as ArrayLike<number>, (value) =>
      value === 0 ? 0 : ignore.includes(value) ? IGNORE : 1,
    );
  }
  if (kind === 'classes') {
    return Uint8Array.from(data as ArrayLike<number>, (value) => {
      const found = classOf.get(value) ?? (ignore.includes(value) ? IGNORE : undefined);
      if (found !== undefined) return found;
      throw new DatasetError(`the prediction contains ${value}, which is not a class of the ground truth.`, {
        file: item.name,
        remedy: `Use the values of the ground truth, or name each class with ${option('classes')}.`,
      });
    });
  }
  if (channels > 2) return argmaxClasses(ndarray('float32', [channels, height, width], Float32Array.from(data))).data;
  return Uint8Array.from(probabilityOf(item, slice, kind).data, (p) => (p > threshold ? 1 : 0));
}

function shapeOf({ slices }: Item): readonly number[] {
  const { height, width } = (slices[0] as ScoredSlice).truth;
  return slices.length > 1 ? [slices.length, height, width] : [height, width];
}

/** For labels without contrast: 0 is background and anything else foreground. */
const NOTHING_OR_ALL = [
  { name: 'background', values: [0] },
  { name: 'foreground', values: 'rest' },
] as const;

function mappingOf(
  pages: readonly LabelPage[],
  { classes, ignore = [], kind }: LabelOptions & { readonly kind: LabelKind },
): LabelMapping {
  if (classes !== undefined) return findMapping(pages, { classes, ignore, kind, objectsBy: 'as' });
  const values = new Set<number>();
  for (const page of pages) for (const value of page.values) values.add(value);
  for (const value of ignore) values.delete(value);
  if (kind === 'objects') {
    return { kind: 'instances', classes: NOTHING_OR_ALL, ignore: ignoredAmongObjects(pages, ignore) };
  }
  if (values.size < 2) return { kind: 'instances', classes: NOTHING_OR_ALL, ignore };
  return findMapping(pages, { ignore, kind, objectsBy: 'as' });
}

/**
 * Scores predictions against ground truth, matching files by name. Volumes are scored in 3D, except for ISBI scores and
 * with `slices`. Ignored values are excluded from all scores.
 * @param predictions a file or folder; for a folder written by `predict`, the part that the scores need
 * @throws DatasetError, FormatError, UsageError naming the file that does not match
 */
export async function evaluate(
  { files }: Pick<Host, 'files'>,
  predictions: string,
  truth: string,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const { threshold = 0.5, metrics: asked, classes: given, as } = options;
  const isPredicted = async (path: string) => (await files.kind(joinPath(path, 'prediction.json'))) === 'file';
  if ((await isPredicted(truth)) && !(await isPredicted(predictions))) {
    throw new UsageError('the ground truth was written by lamella predict.', {
      file: truth,
      remedy: 'Put the predictions first, then the ground truth.',
    });
  }
  const written = await readPredictionFile(files, predictions);
  const truths = atLevel(await listLabels(files, truth), (name) => options.level ?? written?.levels?.[name]);
  const declared = declaredOf(truths);
  const { classes, ignore } = labelOptions({ declared }, { classes: given, ignore: options.ignore });
  const notes = new ImageNotes();
  const read = async (group: MetricGroup | 'auto'): Promise<ReadItems> =>
    readItems(files, await listPredictions(files, await partOf(files, predictions, PARTS[group])), truths, {
      slices: options.slices,
      ignore,
      notes,
    });
  let all = await read(asked?.[0] ?? 'auto');
  // If object scores are requested, ambiguous values are objects.
  const unclear = asked?.includes('instances') === true ? ('objects' as const) : undefined;
  const kindsOf = ({ items, truth: ofTruth, prediction }: ReadItems): ReturnType<typeof labelKindsOfBoth> => {
    const found = labelKindsOfBoth(ofTruth, prediction, { as, declared, unclear });
    const isGuess = found.truth.evidence !== 'stated' && items.some(({ isColour }) => isColour);
    return isGuess ? { ...found, truth: { kind: 'classes', reason: 'they are colours', evidence: 'clear' } } : found;
  };
  let kinds = kindsOf(all);
  const slicesOf = (items: readonly Item[]): readonly ScoredSlice[] => items.flatMap(({ slices }) => slices);
  const pages = slicesOf(all.items).map((slice) => slice.truth);
  const { kind } = kinds.truth;
  const ofTruth = mappingOf(pages, { classes: kind === 'objects' ? given : classes, ignore, kind });
  const metrics = asked ?? automatic(pages, ofTruth);
  // Label maps are more informative about classes and objects than probabilities.
  if (asked === undefined && !metrics.includes('isbi')) {
    all = await read('overlap');
    kinds = kindsOf(all);
  }
  let predicted = predictedValues(all.items, ofTruth, kinds.prediction, kinds.truth.kind);
  const added = (predicted.added ?? []).map((value) => ({ name: `class ${value}`, values: [value] }));
  const mapping = { ...ofTruth, classes: [...ofTruth.classes, ...added] };
  const chosen = { threshold, ignore: mapping.ignore };
  const has = (group: MetricGroup): boolean => metrics.includes(group);
  if (options.threshold !== undefined && predicted.kind !== 'probability') {
    throw new UsageError(`${option('threshold')} applies to probability maps; these are label maps.`, {
      file: predictions,
      remedy: 'Use the folder of the probability maps.',
    });
  }
  if (predicted.kind === 'objects' && mapping.classes.length > 2 && (has('overlap') || has('surface'))) {
    throw new DatasetError(
      `the predictions number objects (${kinds.prediction.reason}), but the ground truth has ${mapping.classes.length} classes: the class of an object is unknown.`,
      {
        file: predictions,
        remedy: `Use label maps of classes, ${option('as')} for what the values mean, or ${option('metrics', 'instances')} for objects alone.`,
      },
    );
  }
  const overlap = new OverlapScorer(mapping.classes.length, { leaveOut: backgroundOf(mapping) });
  const surface = new SurfaceScorer(mapping.classes.map(({ name }) => name));
  const inMm = all.items.every(({ spacingMm }) => spacingMm !== undefined);
  const membranes = has('isbi') ? new MembraneScorer(insideClass(mapping)) : undefined;
  for (const item of all.items) {
    const actual = item.slices.map((slice) => applyMapping(slice.truth, mapping));
    if (membranes !== undefined) {
      for (const [z, slice] of item.slices.entries()) {
        const probability = probabilityOf(item, slice, predicted.kind);
        membranes.add(actual[z] as Uint8Array, probability.data, probability.shape as [number, number]);
      }
    }
    if (!has('overlap') && !has('surface')) continue;
    const found = concatenate(item.slices.map((slice) => classesOf(item, slice, predicted, chosen)));
    if (has('overlap')) overlap.add(concatenate(actual), found);
    if (has('surface')) surface.add(concatenate(actual), found, shapeOf(item), inMm ? item.spacingMm : undefined);
  }
  let instances: ObjectScorer | undefined;
  if (has('instances')) {
    instances = new ObjectScorer();
    if (asked === undefined && (await files.kind(joinPath(predictions, OBJECTS))) === 'folder') {
      all = await read('instances');
      kinds = kindsOf(all);
      predicted = predictedValues(all.items, mapping, kinds.prediction, kinds.truth.kind);
    }
    if (predicted.parts !== undefined) {
      throw new DatasetError(
        `the label maps have several values inside of objects (${predicted.parts.join(', ')}), so that they do not say where an object ends.`,
        {
          file: predictions,
          remedy: `Predict with ${option('objects')}, score numbered objects, or choose ${option('metrics', 'overlap')}.`,
        },
      );
    }
    for (const item of all.items) {
      const shape = shapeOf(item);
      const actual = concatenate(item.slices.map((slice) => applyMapping(slice.truth, mapping)));
      const components = (values: Uint8Array) => classComponents(values, mapping.classes.length, shape);
      const mask = ignoreMask(actual, shape);
      instances.add(
        kinds.truth.kind === 'objects' ? stackLabels(item.slices.map((slice) => slice.truth)) : components(actual),
        predicted.kind === 'objects'
          ? stackLabels(item.slices.map(({ prediction }) => asLabels(prediction, ignore)))
          : components(concatenate(item.slices.map((slice) => classesOf(item, slice, predicted, chosen)))),
        mask,
      );
    }
  }
  return {
    mapping,
    metrics,
    images: all.items.length,
    basis: basisOf(all.items, mapping, kinds.truth.kind),
    regions: all.regions,
    notScored: all.notScored,
    classes: mapping.classes.map(({ name }) => name),
    labelKinds: { truth: kinds.truth, prediction: foundKind(kinds.prediction, predicted.kind) },
    volumes: !all.hasVolumes
      ? undefined
      : options.slices === true || metrics.join() === 'isbi'
        ? 'slice by slice'
        : '3D',
    notes: notes.lines(),
    isbi: membranes?.result(),
    overlap: has('overlap') ? overlap.result() : undefined,
    instances: instances?.result(),
    surface: has('surface') ? surface.result() : undefined,
  };
}

/** Interpretation of the predicted values. */
function foundKind(finding: LabelKindFinding, kind: ValueKind): LabelKindFinding | undefined {
  if (kind === 'probability') return undefined;
  return kind === finding.kind
    ? finding
    : { kind, reason: 'their values are those of the ground truth', evidence: 'clear' };
}

function basisOf(items: readonly Item[], mapping: LabelMapping, kind: LabelKind): ScoreBasis {
  const basis = new BasisCounter();
  for (const { slices } of items) {
    const pages = slices.map(({ truth }) => truth);
    basis.add(
      concatenate(pages.map((page) => applyMapping(page, mapping))),
      kind === 'objects' ? stackLabels(pages).data : undefined,
    );
  }
  return basis.result();
}

/** A predicted slice of integers as a label slice; ignored values belong to no object. */
function asLabels({ data, height, width }: Page, ignore: readonly number[] = []): LabelPage {
  const values = Uint32Array.from(data as ArrayLike<number>, (value) => (ignore.includes(value) ? 0 : value));
  return { values, height, width, colour: false, source: 'prediction' };
}

function insideClass({ classes }: LabelMapping): number {
  if (classes.length === 2) return 1;
  throw new UsageError(`ISBI scores need two classes, cells and membranes; the ground truth has ${classes.length}.`, {
    remedy: `Use ${option('metrics')} overlap, or define the classes with ${option('classes')}.`,
  });
}

function automatic(pages: readonly LabelPage[], mapping: LabelMapping): readonly MetricGroup[] {
  if (mapping.kind === 'instances') return ['overlap', 'instances'];
  if (mapping.classes.length !== 2) return ['overlap'];
  const inside = insideOfCells(
    pages.map((page) => ({ height: page.height, width: page.width, label: applyMapping(page, mapping) })),
  );
  return inside === 1 ? ['isbi', 'overlap'] : ['overlap'];
}
