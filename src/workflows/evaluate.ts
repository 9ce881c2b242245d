/** Scores a folder or file of predictions against its ground truth. */

import { concatenate } from '../array/bytes.ts';
import { type LabelKind, labelKindsOfBoth } from '../dataset/labels/label-kind.ts';
import {
  applyMapping,
  backgroundOf,
  type LabelMapping,
  type LabelPage,
  labelValues,
  stackLabels,
} from '../dataset/labels/labels.ts';
import { insideOfCells } from '../dataset/labels/membranes.ts';
import { labelOptions } from '../dataset/raw.ts';
import { option, UsageError } from '../errors.ts';
import { BasisCounter, type ScoreBasis } from '../evaluate/basis.ts';
import { ignoreMask } from '../evaluate/ignore-mask.ts';
import { MembraneScorer } from '../evaluate/membranes.ts';
import { classComponents, ObjectScorer } from '../evaluate/objects.ts';
import { OverlapScorer } from '../evaluate/overlap.ts';
import { SurfaceScorer } from '../evaluate/surfaces.ts';
import { joinPath } from '../files.ts';
import { ImageNotes } from '../image/notes.ts';
import type { MetricGroup } from './choices.ts';
import {
  type EvaluateOptions,
  type Item,
  OBJECTS,
  PARTS,
  type ReadItems,
  readItems,
  type ScoredSlice,
} from './evaluate-items.ts';
import { evaluateByRegion } from './evaluate-regions.ts';
import {
  asLabels,
  classesOf,
  foundKind,
  mappingOf,
  type PredictedValues,
  predictedValues,
  probabilityOf,
  refuseParts,
  requireScorable,
  withAdded,
} from './evaluate-values.ts';
import type { Evaluation } from './evaluation.ts';
import type { Host } from './host.ts';
import { atLevel, declaredOf, listLabels, listPredictions } from './image-list.ts';
import { PredictedNames } from './predicted-names.ts';
import { partOf, readPredictionFile } from './prediction-file.ts';

const predictionPages = (items: readonly Item[]) =>
  items.flatMap(({ slices }) => slices.map(({ prediction }) => prediction));

/** Of the first: what colours, packed into one number, exceed. */
const fullScaleOf = (items: readonly Item[]): number => items[0]?.fullScale ?? 1;

function shapeOf({ slices }: Item): readonly number[] {
  const { height, width } = (slices[0] as ScoredSlice).truth;
  return slices.length > 1 ? [slices.length, height, width] : [height, width];
}

/**
 * Scores predictions against ground truth, matching files by name. Volumes are scored in 3D, except for ISBI scores and
 * with `slices`. Ignored values are excluded from all scores.
 * @param predictions a file or folder; for a folder written by `predict`, the part that the scores need
 * @throws DatasetError, FormatError, UsageError naming the file that does not match
 */
export async function evaluate(
  host: Pick<Host, 'files' | 'memory'>,
  predictions: string,
  truth: string,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const { files } = host;
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
  const listed = async (group: MetricGroup | 'auto') =>
    listPredictions(files, await partOf(files, predictions, PARTS[group]));
  const hasObjects = (await files.kind(joinPath(predictions, OBJECTS))) === 'folder';
  const byRegion = await evaluateByRegion(host, truths, {
    ...options,
    asked,
    declared,
    given,
    classes,
    written,
    ignore: ignore ?? [],
    predictions,
    listed: async (group) => (group === 'instances' && asked === undefined && !hasObjects ? undefined : listed(group)),
  });
  if (byRegion !== undefined) return byRegion;
  const notes = new ImageNotes();
  const read = async (group: MetricGroup | 'auto'): Promise<ReadItems> =>
    readItems(files, await listed(group), truths, {
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
  const chosenClasses = kind === 'objects' ? given : classes;
  const names = new PredictedNames(written, chosenClasses !== undefined, notes);
  const ofTruth = names.ofTruth(mappingOf(labelValues(pages), { classes: chosenClasses, ignore, kind }));
  const metrics = asked ?? automatic(pages, ofTruth);
  // Label maps are more informative about classes and objects than probabilities.
  if (asked === undefined && !metrics.includes('isbi')) {
    all = await read('overlap');
    kinds = kindsOf(all);
  }
  const predictedAs = (own: LabelMapping): PredictedValues =>
    names.matched(
      predictedValues(predictionPages(all.items), fullScaleOf(all.items), own, kinds.prediction, kinds.truth.kind),
      own,
    );
  let predicted = predictedAs(ofTruth);
  if (kinds.truth.kind === 'classes' && predicted.kind === 'classes') all.palettes.require();
  const mapping = withAdded(ofTruth, predicted);
  const chosen = { threshold, ignore: mapping.ignore };
  const has = (group: MetricGroup): boolean => metrics.includes(group);
  requireScorable(predicted, mapping, { ...options, metrics, predictions, reason: kinds.prediction.reason });
  const overlap = new OverlapScorer(mapping.classes.length, { leaveOut: backgroundOf(mapping) });
  const surface = new SurfaceScorer(mapping.classes.map(({ name }) => name));
  const inMm = all.items.every(({ spacingMm }) => spacingMm !== undefined);
  const membranes = has('isbi') ? new MembraneScorer(insideClass(mapping)) : undefined;
  for (const item of all.items) {
    const actual = item.slices.map((slice) => applyMapping(slice.truth, mapping));
    if (membranes !== undefined) {
      for (const [z, slice] of item.slices.entries()) {
        const probability = probabilityOf(item, slice, predicted);
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
    if (asked === undefined && hasObjects) {
      all = await read('instances');
      kinds = kindsOf(all);
      predicted = predictedAs(mapping);
    }
    refuseParts(predicted, predictions);
    for (const item of all.items) {
      const shape = shapeOf(item);
      const actual = concatenate(item.slices.map((slice) => applyMapping(slice.truth, mapping)));
      const components = (values: Uint8Array) => classComponents(values, mapping.classes.length, shape);
      const mask = ignoreMask(actual, shape);
      instances.add(
        kinds.truth.kind === 'objects' ? stackLabels(item.slices.map((slice) => slice.truth)) : components(actual),
        predicted.kind === 'objects'
          ? stackLabels(item.slices.map(({ prediction }) => asLabels(prediction, mapping.ignore)))
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
