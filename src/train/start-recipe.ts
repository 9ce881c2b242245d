/** How a run trains on from a model: which layers and classes are new, which are frozen, rates, batch normalisation. */

import type { LabelMapping } from '../dataset/labels/labels.ts';
import { counted, option, UsageError } from '../errors.ts';
import type { OnnxSpec } from '../models/onnx/definition.ts';
import type { OnnxNetwork } from '../models/onnx/open.ts';
import type { ModelSpec } from '../models/registry.ts';
import { type ClassRows, chooseRows, classNotes } from './class-rows.ts';
import { areOtherMaps, classAxisOf, fittingWeights, type StartModel, tensorsOfNetwork } from './start.ts';

/** How a run is fine-tuned; JSON in the recipe, since it determines every weight. */
export interface StartRecipe {
  /** As named by the user. */
  readonly model: string;
  /** Of the file, which the run stores as `start.onnx`. */
  readonly fingerprint: string;
  /** Layers for which the model has no weights, or not for each class: `output`. */
  readonly newLayers: readonly string[];
  /** The last layer is drawn anew, even where the model has weights that match. */
  readonly head?: 'new';
  /** What classes begin with in the last layer. Default: the rows of the model, in their order. */
  readonly rows?: ClassRows;
  /** Frozen layers: `encoder`, `decoder0/conv1`. */
  readonly freeze?: readonly string[];
  /** The parameters that alone are trained. Default: of all layers that are not frozen. */
  readonly trained?: readonly string[];
  /** Peak learning rate of the new layers. Default: the same as all others. */
  readonly newLearningRate?: number;
}

/** Settings for fine-tuning. */
export interface StartSettings {
  /**
   * Layers to freeze: `encoder` (each layer with that name and a number), `encoder0`, `decoder1/conv2`. Where a model of
   * another program has no layers `encoder`, those before its first enlargement. `all-but-head`: all but the last.
   */
  readonly freeze?: readonly string[];
  /** `new`: the last layer is drawn anew, even where the model has weights that match. */
  readonly head?: StartRecipe['head'];
  /** Of a model of another program; default `fixed`. */
  readonly batchNorm?: OnnxSpec['batchNorm'];
  /** Peak learning rate of new layers, where classes or the number of channels have changed. */
  readonly newLearningRate?: number;
}

/** `encoder0/conv1` for `encoder0/conv1/weight`, `down.0.conv` for `down.0.conv.weight`; a name without parts as it is. */
const layerOf = (parameter: string): string => /^(.+)[/.][^/.]*$/.exec(parameter)?.[1] ?? parameter;

/** Whether a layer matches `encoder` (with any number), `encoder0` or `encoder0/conv1`. */
function isMeant(layer: string, pattern: string): boolean {
  if (!layer.startsWith(pattern)) return false;
  const rest = layer.slice(pattern.length);
  return /^([/.]|$)/.test(rest) || (!/[\d/.]$/.test(pattern) && /^\d+([/.]|$)/.test(rest));
}

const ENCODER = 'encoder';
const ALL_BUT_HEAD = 'all-but-head';

/** The layers that are meant, by name; an encoder without a name by its place in the network. */
function patternsOf(freeze: readonly string[], layers: readonly string[], file: OnnxNetwork | undefined): string[] {
  return freeze.flatMap((pattern) => {
    if (pattern !== ENCODER || layers.some((layer) => isMeant(layer, pattern))) return [pattern];
    const found = [...new Set(file?.encoder.map(layerOf))];
    return found.length === 0 ? [pattern] : found;
  });
}

/** Factor on the learning rate of each parameter. */
export function ratesOf(
  { newLayers, freeze = [], trained, newLearningRate }: StartRecipe,
  learningRate: number,
): (parameter: string) => number {
  return (parameter) => {
    const layer = layerOf(parameter);
    if (trained?.includes(parameter) === false || freeze.some((pattern) => isMeant(layer, pattern))) return 0;
    return newLearningRate !== undefined && newLayers.includes(layer) ? newLearningRate / learningRate : 1;
  };
}

/**
 * How a network is fine-tuned from `start` on labels, with notes.
 * @throws UsageError for layers that the network does not have, that are both frozen and new, or if all are frozen; for
 * a learning rate of new layers if none is new; for a last layer that is meant by name and not found.
 */
export function startRecipe(
  start: StartModel,
  { model, labels }: { readonly model: ModelSpec; readonly labels: LabelMapping },
  { freeze: given, head, newLearningRate }: StartSettings,
): { readonly recipe: StartRecipe; readonly notes: readonly string[] } {
  const { file, name } = start;
  const classAxis = classAxisOf(file);
  const parameters = tensorsOfNetwork(model, file).map((value) => value.name);
  const last = parameters.filter((parameter) => classAxis(parameter) !== undefined);
  const ofLast = head ? option('head', head) : given?.includes(ALL_BUT_HEAD) && option('freeze', ALL_BUT_HEAD);
  if (ofLast && file !== undefined && 'why' in file.head) {
    throw new UsageError(`${ofLast} does not go with ${name}: ${file.head.why}.`, { remedy: 'Remove it.' });
  }
  const chosen = head === undefined && last.length > 0 ? chooseRows(start, model, labels) : undefined;
  const fitting = fittingWeights({ model, labels, start: { head, rows: chosen } }, start);
  const isDrawn = last.some((parameter) => fitting[parameter] === undefined);
  const rows = isDrawn ? undefined : chosen;
  const isNew = (parameter: string): boolean =>
    fitting[parameter] === undefined || (rows?.includes(null) === true && last.includes(parameter));
  const layers = layersOf(parameters);
  const newLayers = layersOf(parameters.filter(isNew));
  const freeze = given && patternsOf(given, layers, file);
  requireLayers(start, layers, freeze);
  const recipe: StartRecipe = {
    model: name,
    fingerprint: start.fingerprint,
    newLayers,
    head,
    rows,
    freeze,
    trained: given?.includes(ALL_BUT_HEAD) ? last : undefined,
    newLearningRate,
  };
  const rateOf = ratesOf(recipe, 1);
  const isFrozen = (parameter: string): boolean => rateOf(parameter) === 0;
  const both = parameters.find((parameter) => isNew(parameter) && isFrozen(parameter));
  if (both !== undefined) {
    const why = whyNew(start, model, labels, { head });
    throw new UsageError(`The layer '${layerOf(both)}' is to be frozen, but its weights are new, since ${why}.`, {
      remedy:
        model.channels === start.model.channels
          ? 'Freeze other layers.'
          : `Choose ${start.model.channels === 1 ? 'one channel' : `${start.model.channels} channels`} with ${option('channel')}, or freeze other layers.`,
    });
  }
  const trained = layersOf(parameters.filter((parameter) => !isFrozen(parameter)));
  if (trained.length === 0) {
    throw new UsageError('All layers are frozen: there is nothing to train.', { remedy: 'Freeze fewer layers.' });
  }
  const barrier = file?.barriers.find(({ tensor }) => !isFrozen(tensor));
  if (barrier !== undefined) {
    const before = layersOf(file?.barriers.map(({ tensor }) => tensor) ?? []);
    throw new UsageError(`The layer '${layerOf(barrier.tensor)}' of ${name} cannot be trained: ${barrier.op}.`, {
      remedy: `Freeze what comes before it: ${option('freeze', before.join(','))}.`,
    });
  }
  if (newLearningRate !== undefined && newLayers.length === 0) {
    throw new UsageError(`${option('newLearningRate')} is for new layers, but ${name} has weights for all.`, {
      remedy: `Use ${option('learningRate')}.`,
    });
  }
  const drawn = layersOf(parameters.filter((parameter) => fitting[parameter] === undefined));
  const rate = newLearningRate === undefined ? '' : ` (learning rate ${newLearningRate})`;
  const kept =
    drawn.length === 0
      ? `all ${rows ? 'other ' : ''}weights are kept`
      : `${drawn.join(', ')} new, since ${whyNew(start, model, labels, { head, rows })}${rate}`;
  return {
    recipe,
    notes: [
      ...(isDrawn ? [] : classNotes(start, labels, rows, rate)),
      `training on from ${name}: ${kept}`,
      ...start.notes,
      ...(trained.length === layers.length
        ? []
        : [`frozen: ${layers.length - trained.length} of ${layers.length} layers (${given?.join(', ')})`]),
    ],
  };
}

const layersOf = (parameters: readonly string[]): readonly string[] => [...new Set(parameters.map(layerOf))];

/** Number of layers that a message names. */
const MOST_NAMED = 12;

/** @throws UsageError for layers to freeze that there are not. */
function requireLayers(
  { model, name, file }: StartModel,
  layers: readonly string[],
  freeze: readonly string[] = [],
): void {
  const unknown = freeze.find(
    (pattern) => pattern !== ALL_BUT_HEAD && !layers.some((layer) => isMeant(layer, pattern)),
  );
  if (unknown === undefined) return;
  const groups = [...new Set(layers.map((layer) => layer.replace(/\d*([/.].*)?$/, '')))];
  const shown = groups.slice(0, MOST_NAMED).join(', ') + (groups.length > MOST_NAMED ? ', ...' : '');
  throw new UsageError(
    `The network ${file === undefined ? `'${model.name}'` : `of ${name}`} has no layers '${unknown}' to freeze.`,
    {
      remedy: `Use ${shown}, or single ones such as ${layers[0]}.`,
    },
  );
}

/**
 * The batch normalisation of a network to train on, with a printed line.
 * @throws UsageError where it is set for a network that has none, or is to be trained in frozen layers alone.
 */
export function startBatchNorm(
  { name, model }: StartModel,
  { batchNorm, freeze }: StartSettings,
  batch: number,
): { readonly spec: Pick<OnnxSpec, 'batchNorm'>; readonly notes: readonly string[] } {
  if (model.name !== 'onnx' || model.batchNorm === undefined) {
    if (batchNorm === undefined) return { spec: {}, notes: [] };
    throw new UsageError(`${option('batchNorm')} does not apply: ${name} has no batch normalisation.`, {
      remedy: 'Remove it.',
    });
  }
  if (batchNorm === 'train' && freeze?.includes(ALL_BUT_HEAD)) {
    throw new UsageError(`${option('batchNorm', batchNorm)} does not go with ${option('freeze', ALL_BUT_HEAD)}.`, {
      remedy: 'Remove one of them.',
    });
  }
  const note =
    batchNorm === 'train'
      ? `by the statistics of each batch (${batch === 1 ? 'one patch' : `${batch} patches`}), which the running ones follow`
      : 'by the running statistics of the model, which are kept';
  return { spec: { batchNorm: batchNorm ?? 'fixed' }, notes: [`batch normalisation: ${note}`] };
}

function whyNew(
  { model, name, labels: own }: StartModel,
  { channels, numClasses }: ModelSpec,
  labels: LabelMapping,
  { head, rows }: Pick<StartRecipe, 'head' | 'rows'>,
): string {
  const what = labels.regions === undefined ? 'classes' : 'regions';
  const parts = [
    ...(head ? [`${option('head', head)} is set`] : []),
    ...(areOtherMaps(own, labels) ? [`maps are of ${what}, and those of ${name} of others`] : []),
    ...(numClasses === model.numClasses || rows
      ? []
      : [`there are ${numClasses} classes and ${name} has ${model.numClasses}`]),
    ...(channels === model.channels
      ? []
      : [`images have ${counted(channels, 'channel')} and ${name} takes ${model.channels}`]),
  ];
  return parts.join(', and ');
}
