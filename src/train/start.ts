/**
 * Fine-tuning: the weights, normalisation and classes of a model replace random and chosen ones. A parameter keeps its
 * value if name and shape match the network to train; otherwise, as in the last layer after a change of the number of
 * classes, it is initialised randomly. So other classes or channels need no special code.
 *
 * @example In Node, a run that freezes the encoder of another and trains its new last layer with a higher learning
 * rate: await train('./new', { from: 'runs/a', freeze: ['encoder'], newLearningRate: 3e-3, out: 'runs/b' });
 */

import { crc32, hex8 } from '../array/crc32.ts';
import type { NdArray } from '../array/ndarray.ts';
import { findMapping, ignoredAmongObjects, type LabelMapping, type LabelOptions } from '../dataset/labels/labels.ts';
import { labelOptions, type RawDataset, type RawPage } from '../dataset/raw.ts';
import { LamellaError, ModelError, option, UsageError } from '../errors.ts';
import { parametersOf } from '../graph/constants.ts';
import { readSignature } from '../graph/onnx/model.ts';
import { readOnnx } from '../graph/onnx/read.ts';
import { type ChannelChoice, chooseChannels, selectChannels } from '../input/channels.ts';
import type { InputSpec } from '../input/normalise.ts';
import { METADATA_KEY, type ModelMetadata, parseMetadata } from '../models/metadata.ts';
import { buildNetwork, type ModelSpec, sizesOf } from '../models/registry.ts';
import { unfoldStandardised } from '../nn/standardise.ts';
import type { RunData } from './before.ts';

type Weights = { readonly [parameter: string]: NdArray };

/** The file of a model to fine-tune. */
export interface StartFile {
  /** As named by the user: `runs/a`, `model.onnx`. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The data of the run that made it, where they are among those to train on: what is old and what is new. */
  readonly before?: RunData;
}

/** The content of a file that can be fine-tuned. */
export interface StartModel {
  readonly name: string;
  /** Of the file's bytes. */
  readonly fingerprint: string;
  /** The network as trained, before standardised weights were folded. */
  readonly model: ModelSpec;
  readonly input: InputSpec;
  /** Undefined for files of versions that did not record it, and then inferred from the data. */
  readonly labels?: LabelMapping;
  readonly classNames: readonly string[];
  /** By parameter of `model`. */
  readonly weights: Weights;
  /** How the model was produced, according to the file. */
  readonly provenance: ModelMetadata['provenance'];
}

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
  /** Layers to freeze: `encoder` (each layer with that name and a number), `encoder0`, `decoder1/conv2`. */
  readonly freeze?: readonly string[];
  /** Peak learning rate of new layers, where the number of classes or channels has changed. */
  readonly newLearningRate?: number;
}

/**
 * Reads a Lamella model for fine-tuning.
 * @throws FormatError if the bytes are not ONNX; ModelError for a model of another program, of volumes, or an image
 * classifier, naming what is supported; UsageError for a filter bank, which is not trained on.
 */
export function readStart({ name, bytes }: StartFile): StartModel {
  const { inputs, metadata } = readSignature(bytes, { file: name });
  const entry = metadata[METADATA_KEY];
  const dims = inputs[0]?.dims ?? [];
  if (entry === undefined) {
    const problem =
      dims.length === 5
        ? 'the model takes volumes [N, C, D, H, W]; training here is on slices.'
        : 'the model says neither how an image becomes its input nor what its classes are.';
    throw new ModelError(problem, {
      file: name,
      remedy: 'Use a run of Lamella or its best.onnx, whose network takes slices [N, C, H, W].',
    });
  }
  const known: ModelMetadata = parseMetadata(entry, { file: name });
  if (known.task === 'classification' || known.tile === undefined) {
    throw new ModelError(
      'the model classifies whole images; only training of networks that classify pixels continues from a model.',
      {
        file: name,
        remedy: 'Use a run of unet, unet2015 or n1 to n4.',
      },
    );
  }
  const { network, input, classes, training, provenance } = known;
  const model = training?.network ?? network;
  if (model.name === 'filter-bank') {
    throw new UsageError(`${name} is a filter bank, which is trained anew in seconds, not from a model.`, {
      remedy: `Leave out ${option('from')} and use ${option('network', 'filter-bank')}.`,
    });
  }
  const side = sizesOf(model).min;
  const image = (inputs[0] as { readonly name: string }).name;
  const graph = readOnnx(bytes, { shapes: { [image]: [1, network.channels, side, side] } });
  const held = Object.fromEntries(
    parametersOf(graph).map((value) => [value.name, graph.constants.get(value) as NdArray]),
  );
  const names = parametersOfNetwork(model).map((parameter) => parameter.name);
  const weights = unfoldStandardised(held, names);
  const missing = names.find((parameter) => weights[parameter] === undefined);
  if (missing !== undefined) {
    throw new ModelError(`the network '${model.name}' of the file has no weight '${missing}'.`, {
      file: name,
      remedy: 'Use the unmodified model of a run.',
    });
  }
  return {
    name,
    fingerprint: hex8(crc32(bytes)),
    model,
    input: input as unknown as InputSpec,
    labels: training?.labels as unknown as LabelMapping | undefined,
    classNames: classes.map((each) => each.name),
    weights,
    provenance,
  };
}

function parametersOfNetwork(
  model: ModelSpec,
): readonly { readonly name: string; readonly shape: readonly number[] }[] {
  const side = sizesOf(model).min;
  return buildNetwork(model, [1, model.channels, side, side]).parameters.map(({ value }) => value);
}

/** The weights of a model that match a network's parameters in name and shape. */
export function fittingWeights(model: ModelSpec, weights: Weights): Weights {
  return Object.fromEntries(
    parametersOfNetwork(model).flatMap(({ name, shape }) => {
      const array = weights[name];
      return array?.shape.join() === shape.join() ? [[name, array]] : [];
    }),
  );
}

/** `encoder0/conv1` for `encoder0/conv1/weight`. */
const layerOf = (parameter: string): string => parameter.slice(0, Math.max(0, parameter.lastIndexOf('/')));

/** Whether a layer matches `encoder` (with any number), `encoder0` or `encoder0/conv1`. */
function isMeant(layer: string, pattern: string): boolean {
  if (layer === pattern || layer.startsWith(`${pattern}/`)) return true;
  return !/[\d/]$/.test(pattern) && layer.startsWith(pattern) && /^\d+(\/|$)/.test(layer.slice(pattern.length));
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
 * How `model` is fine-tuned from `start`, with notes.
 * @throws UsageError for layers that the network does not have, that are both frozen and new, or if all are frozen; for
 * a learning rate of new layers if none is new.
 */
export function startRecipe(
  start: StartModel,
  model: ModelSpec,
  { freeze, newLearningRate }: StartSettings,
): { readonly recipe: StartRecipe; readonly notes: readonly string[] } {
  const fitting = fittingWeights(model, start.weights);
  const parameters = parametersOfNetwork(model).map(({ name }) => name);
  const layers = [...new Set(parameters.map(layerOf))];
  const newLayers = [...new Set(parameters.filter((name) => fitting[name] === undefined).map(layerOf))];
  const groups = [...new Set(layers.map((layer) => layer.replace(/\d*(\/.*)?$/, '')))];
  const unknown = freeze?.find((pattern) => !layers.some((layer) => isMeant(layer, pattern)));
  if (unknown !== undefined) {
    throw new UsageError(`The network '${model.name}' has no layers '${unknown}' to freeze.`, {
      remedy: `Use ${groups.join(', ')}, or single ones such as ${layers[0]}.`,
    });
  }
  const isFrozen = (layer: string): boolean => freeze?.some((pattern) => isMeant(layer, pattern)) === true;
  const both = newLayers.find(isFrozen);
  if (both !== undefined) {
    const why = whyNew(start, model);
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
  if (newLearningRate !== undefined && newLayers.length === 0) {
    throw new UsageError(`${option('newLearningRate')} is for new layers, but ${start.name} has weights for all.`, {
      remedy: `Use ${option('learningRate')}.`,
    });
  }
  const kept =
    newLayers.length === 0 ? 'all weights are kept' : `${newLayers.join(', ')} new, since ${whyNew(start, model)}`;
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
      ...(frozen.length === 0 ? [] : [`frozen: ${frozen.length} of ${layers.length} layers (${freeze?.join(', ')})`]),
    ],
  };
}

function whyNew({ model, name }: StartModel, { channels, numClasses }: ModelSpec): string {
  const parts = [
    ...(numClasses === model.numClasses ? [] : [`there are ${numClasses} classes and ${name} has ${model.numClasses}`]),
    ...(channels === model.channels
      ? []
      : [`images have ${channels} channel${channels === 1 ? '' : 's'} and ${name} takes ${model.channels}`]),
  ];
  return parts.join(', and ');
}

/**
 * The model's own input rule, if the slices have its channels; undefined otherwise, in which case rule and
 * normalisation are inferred again. Grey slices become colour for a colour model, as in training.
 * @throws DatasetError as `chooseChannels`.
 */
export function startInput(
  { input }: StartModel,
  pages: readonly RawPage[],
  channel?: ChannelChoice,
): InputSpec | undefined {
  const { spec } = chooseChannels(pages, channel);
  if (channel !== undefined) return spec.count === input.channels.count ? { ...input, channels: spec } : undefined;
  const threefold = input.channels.mode === 'colour' && spec.mode === 'grey';
  if (spec.count !== input.channels.count && !threefold) return undefined;
  try {
    for (const page of pages) selectChannels(page, input.channels);
    return input;
  } catch (cause) {
    if (cause instanceof LamellaError) return undefined;
    throw cause;
  }
}

/**
 * The model's own label mapping, unless the user sets another one or it lacks values of the slices, in which case it is
 * inferred again. Values to ignore are added.
 * @throws as `findMapping`.
 */
export function startLabels(
  { labels }: StartModel,
  pages: readonly RawPage['label'][],
  options: LabelOptions,
): LabelMapping {
  const { classes, task, ignore = [] } = options;
  if (labels === undefined || classes !== undefined || task !== undefined) return findMapping(pages, options);
  const own = { ...labels, ignore: [...new Set([...labels.ignore, ...ignore])] };
  const known = new Set([
    ...own.ignore,
    ...own.classes.flatMap(({ values }) => (typeof values === 'string' ? [] : values)),
  ]);
  if (own.classes.some(({ values }) => values === 'rest')) {
    return { ...own, ignore: ignoredAmongObjects(pages, own.ignore) };
  }
  for (const { values } of pages)
    for (let p = 0; p < values.length; p++) if (!known.has(values[p] as number)) return findMapping(pages, options);
  return own;
}

/**
 * Whether pages have the channels and the label values that the model knows, so that nothing of it has to be replaced and
 * its own data can be rehearsed beside them.
 * @throws DatasetError as `chooseChannels`.
 */
export function isSameTask(
  start: StartModel,
  raw: RawDataset,
  { classes, ignore, channel }: Pick<LabelOptions, 'classes' | 'ignore'> & { readonly channel?: ChannelChoice },
): boolean {
  if (start.labels === undefined) return false;
  const named = classes?.map((item) => (typeof item === 'string' ? item : item.name));
  if (named !== undefined && named.join() !== start.classNames.join()) return false;
  const labels = raw.pages.map(({ label }) => label);
  const found = startLabels(start, labels, labelOptions(raw, { ignore }));
  const keepsClasses = named !== undefined || found.classes === start.labels.classes;
  return keepsClasses && startInput(start, raw.pages, channel) !== undefined;
}
