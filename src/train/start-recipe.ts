/** How a run trains on from a model: which layers are new or frozen, their learning rates, and batch normalisation. */

import type { LabelMapping } from '../dataset/labels/labels.ts';
import { counted, option, UsageError } from '../errors.ts';
import type { OnnxSpec } from '../models/onnx/definition.ts';
import type { OnnxNetwork } from '../models/onnx/open.ts';
import type { ModelSpec } from '../models/registry.ts';
import type { Recipe } from './config.ts';
import { areOtherMaps, fittingWeights, type StartModel, tensorsOfNetwork } from './start.ts';

/** How a run is fine-tuned; JSON in the recipe, since it determines every weight. */
export interface StartRecipe {
  /** As named by the user. */
  readonly model: string;
  /** Of the file, which the run stores as `start.onnx`. */
  readonly fingerprint: string;
  /** Randomly initialised layers, for which the model has no matching weights: `output`. */
  readonly newLayers: readonly string[];
  /** Frozen layers: `encoder`, `decoder0/conv1`. */
  readonly freeze?: readonly string[];
  /** Peak learning rate of the new layers. Default: the same as all others. */
  readonly newLearningRate?: number;
}

/** Settings for fine-tuning. */
export interface StartSettings {
  /**
   * Layers to freeze: `encoder` (each layer with that name and a number), `encoder0`, `decoder1/conv2`. Where a model of
   * another program has no layers `encoder`, those before its first enlargement.
   */
  readonly freeze?: readonly string[];
  /** Of a model of another program; default `fixed`. */
  readonly batchNorm?: OnnxSpec['batchNorm'];
  /** Peak learning rate of new layers, where the number of classes or channels has changed. */
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
  { newLayers, freeze = [], newLearningRate }: StartRecipe,
  learningRate: number,
): (parameter: string) => number {
  return (parameter) => {
    const layer = layerOf(parameter);
    if (freeze.some((pattern) => isMeant(layer, pattern))) return 0;
    return newLearningRate !== undefined && newLayers.includes(layer) ? newLearningRate / learningRate : 1;
  };
}

/**
 * How a network is fine-tuned from `start` on labels, with notes.
 * @throws UsageError for layers that the network does not have, that are both frozen and new, or if all are frozen; for
 * a learning rate of new layers if none is new.
 */
export function startRecipe(
  start: StartModel,
  { model, labels }: Pick<Recipe, 'model' | 'labels'>,
  { freeze: given, newLearningRate }: StartSettings,
): { readonly recipe: StartRecipe; readonly notes: readonly string[] } {
  const { file } = start;
  const fitting = fittingWeights({ model, labels }, start);
  const parameters = tensorsOfNetwork(model, file).map(({ name }) => name);
  const layers = [...new Set(parameters.map(layerOf))];
  const newLayers = [...new Set(parameters.filter((name) => fitting[name] === undefined).map(layerOf))];
  const freeze = given && patternsOf(given, layers, file);
  requireLayers(start, layers, freeze);
  const isFrozen = (layer: string): boolean => freeze?.some((pattern) => isMeant(layer, pattern)) === true;
  const both = newLayers.find(isFrozen);
  if (both !== undefined) {
    const why = whyNew(start, model, labels);
    throw new UsageError(`The layer '${both}' is to be frozen, but its weights are new, since ${why}.`, {
      remedy:
        model.channels === start.model.channels
          ? 'Freeze other layers.'
          : `Choose ${start.model.channels === 1 ? 'one channel' : `${start.model.channels} channels`} with ${option('channel')}, or freeze other layers.`,
    });
  }
  const frozen = layers.filter(isFrozen);
  if (frozen.length === layers.length) {
    throw new UsageError('All layers are frozen: there is nothing to train.', { remedy: 'Freeze fewer layers.' });
  }
  const barrier = file?.barriers.find(({ tensor }) => !isFrozen(layerOf(tensor)));
  if (barrier !== undefined) {
    const before = [...new Set(file?.barriers.map(({ tensor }) => layerOf(tensor)))];
    throw new UsageError(`The layer '${layerOf(barrier.tensor)}' of ${start.name} cannot be trained: ${barrier.op}.`, {
      remedy: `Freeze what comes before it: ${option('freeze', before.join(','))}.`,
    });
  }
  if (newLearningRate !== undefined && newLayers.length === 0) {
    throw new UsageError(`${option('newLearningRate')} is for new layers, but ${start.name} has weights for all.`, {
      remedy: `Use ${option('learningRate')}.`,
    });
  }
  const kept =
    newLayers.length === 0
      ? 'all weights are kept'
      : `${newLayers.join(', ')} new, since ${whyNew(start, model, labels)}`;
  return {
    recipe: {
      model: start.name,
      fingerprint: start.fingerprint,
      newLayers,
      ...(freeze === undefined ? {} : { freeze }),
      ...(newLearningRate === undefined ? {} : { newLearningRate }),
    },
    notes: [
      `training on from ${start.name}: ${kept}${newLearningRate === undefined ? '' : ` (learning rate ${newLearningRate})`}`,
      ...start.notes,
      ...(frozen.length === 0 ? [] : [`frozen: ${frozen.length} of ${layers.length} layers (${given?.join(', ')})`]),
    ],
  };
}

/** Number of layers that a message names. */
const MOST_NAMED = 12;

/** @throws UsageError for layers to freeze that there are not. */
function requireLayers(
  { model, name, file }: StartModel,
  layers: readonly string[],
  freeze: readonly string[] = [],
): void {
  const unknown = freeze.find((pattern) => !layers.some((layer) => isMeant(layer, pattern)));
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
 * @throws UsageError where it is set for a network that has none.
 */
export function startBatchNorm(
  { name, model }: StartModel,
  { batchNorm }: StartSettings,
  batch: number,
): { readonly spec: Pick<OnnxSpec, 'batchNorm'>; readonly notes: readonly string[] } {
  if (model.name !== 'onnx' || model.batchNorm === undefined) {
    if (batchNorm === undefined) return { spec: {}, notes: [] };
    throw new UsageError(`${option('batchNorm')} does not apply: ${name} has no batch normalisation.`, {
      remedy: 'Remove it. Exporters merge batch normalisation into convolutions unless told otherwise.',
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
): string {
  const what = labels.regions === undefined ? 'classes' : 'regions';
  const parts = [
    ...(areOtherMaps(own, labels) ? [`maps are of ${what}, and those of ${name} of others`] : []),
    ...(numClasses === model.numClasses ? [] : [`there are ${numClasses} classes and ${name} has ${model.numClasses}`]),
    ...(channels === model.channels
      ? []
      : [`images have ${counted(channels, 'channel')} and ${name} takes ${model.channels}`]),
  ];
  return parts.join(', and ');
}
