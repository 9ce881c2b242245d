/**
 * Fine-tuning: the weights, normalisation and classes of a model replace random and chosen ones. A parameter keeps its
 * value if name and shape match the network to train; otherwise, as in the first layer after a change of the number of
 * channels, it is initialised randomly. In the last layer each class keeps the weights that the model has for it.
 *
 * @example In Node, a run that freezes the encoder of another and trains its new last layer with a higher learning
 * rate: await train('./new', { from: 'runs/a', freeze: ['encoder'], newLearningRate: 3e-3, out: 'runs/b' });
 */

import { crc32, hex8 } from '../array/crc32.ts';
import type { NdArray } from '../array/ndarray.ts';
import type { LabelMapping } from '../dataset/labels/labels.ts';
import { ModelError, option, UsageError } from '../errors.ts';
import { parametersOf } from '../graph/constants.ts';
import type { Value } from '../graph/ir.ts';
import { readSignature, type Signature } from '../graph/onnx/model.ts';
import { readOnnx } from '../graph/onnx/read.ts';
import { usualChannels } from '../input/channels.ts';
import type { InputSpec } from '../input/normalise.ts';
import { readDescription } from '../models/described.ts';
import { readMetadata, requireClasses } from '../models/metadata.ts';
import { type OnnxNetwork, openOnnxNetwork } from '../models/onnx/open.ts';
import { buildNetwork, type ModelSpec, shapeOfSide } from '../models/registry.ts';
import { unfoldStandardised } from '../nn/standardise.ts';
import type { ObjectMaps } from '../objects/object-maps.ts';
import type { RunData } from './before.ts';
import { type ClassRows, pickRows } from './class-rows.ts';

type Weights = { readonly [parameter: string]: NdArray };

/** The last layer of our own networks. */
const OUTPUT = 'output/';

/** A network is built at about this side to see its parameters. */
const LIKELY_SIDE = 64;

/** The file of a model to fine-tune. */
export interface StartFile {
  /** As named by the user: `runs/a`, `model.onnx`. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The data of the run that made it, where they are among those to train on: what is old and what is new. */
  readonly before?: RunData;
  /** As `readStart` gave it, where it was read before. */
  readonly model?: StartModel | undefined;
}

/** The content of a file that can be fine-tuned. */
export interface StartModel {
  readonly name: string;
  /** Of the file's bytes. */
  readonly fingerprint: string;
  /** The network as trained, before standardised weights were folded. */
  readonly model: ModelSpec;
  /** For a network that a file holds: the file, opened. */
  readonly file?: OnnxNetwork | undefined;
  /** Undefined for models of other programs. */
  readonly input?: InputSpec;
  /** Undefined for files that do not record it, and then inferred from the data. */
  readonly labels?: LabelMapping | undefined;
  readonly classNames: readonly string[];
  /** What it gives instead of classes. */
  readonly maps?: ObjectMaps | undefined;
  /** By parameter of `model`. */
  readonly weights: Weights;
  /** What was found in the file, as printed lines. */
  readonly notes: readonly string[];
}

/**
 * Reads a model to fine-tune: of Lamella, or of another program.
 * @param options maps: whether it may give stars or flows; default false
 * @throws FormatError if the bytes are not ONNX; ModelError for what cannot be trained on, naming what is in the way and
 * what is supported; UsageError for a filter bank, which is trained anew.
 */
export function readStart(
  { name, bytes, model: read }: StartFile,
  { maps = false }: { readonly maps?: boolean } = {},
): StartModel {
  if (read !== undefined) return read;
  const signature = readSignature(bytes, { file: name });
  const known = readMetadata(signature, { file: name });
  const fingerprint = hex8(crc32(bytes));
  if (known === undefined) {
    const file = openOnnxNetwork(bytes, name);
    const { spec, weights, notes } = file;
    const described = readDescription(signature, name);
    const input = described?.input as unknown as InputSpec | undefined;
    const classNames = Object.values(described?.classes ?? {}).find(
      ({ length }) => length === Math.max(2, spec.numClasses),
    );
    return {
      name,
      fingerprint,
      model: spec,
      file,
      ...(input && {
        input: {
          ...input,
          channels: input.channels.count === spec.channels ? input.channels : usualChannels(spec.channels),
        },
      }),
      classNames: classNames ?? [],
      weights,
      notes: [...(described?.notes ?? []), ...notes],
    };
  }
  if (known.task === 'classification' || known.tile === undefined) {
    throw new ModelError(
      'the model classifies whole images; only training of networks that classify pixels continues from a model.',
      {
        file: name,
        remedy: 'Use a run of unet, unet2015 or n1 to n4.',
      },
    );
  }
  if (!maps) requireClasses(known, name);
  const { network, input, classes, training } = known;
  const model = training?.network ?? network;
  if (model.name === 'filter-bank') {
    throw new UsageError(`${name} is a filter bank, which is trained anew in seconds, not from a model.`, {
      remedy: `Leave out ${option('from')} and use ${option('network', 'filter-bank')}.`,
    });
  }
  const file = model.name === 'onnx' ? openOnnxNetwork(bytes, name) : undefined;
  return {
    name,
    fingerprint,
    model,
    file,
    input: input as unknown as InputSpec,
    labels: training?.labels as unknown as LabelMapping | undefined,
    classNames: classes.map((each) => each.name),
    maps: known.maps,
    weights: file?.weights ?? ownWeights(model, signature, { name, bytes }),
    notes: [],
  };
}

/** The weights of a file that holds a network of ours. */
function ownWeights(model: ModelSpec, { inputs }: Signature, { name, bytes }: StartFile): Weights {
  const image = (inputs[0] as { readonly name: string }).name;
  const graph = readOnnx(bytes, { shapes: { [image]: shapeOfSide(model, ({ min }) => min) } });
  const held = Object.fromEntries(
    parametersOf(graph).map((value) => [value.name, graph.constants.get(value) as NdArray]),
  );
  const names = tensorsOfNetwork(model).map((parameter) => parameter.name);
  const weights = unfoldStandardised(held, names);
  const missing = names.find((parameter) => weights[parameter] === undefined);
  if (missing === undefined) return weights;
  throw new ModelError(`the network '${model.name}' of the file has no weight '${missing}'.`, {
    file: name,
    remedy: 'Use the unmodified model of a run.',
  });
}

/** The parameters of a network, and its statistics. */
export function tensorsOfNetwork(model: ModelSpec, file?: OnnxNetwork): readonly Value[] {
  const shape = shapeOfSide(model, ({ nearest }) => nearest(LIKELY_SIDE));
  const { parameters, statistics } = buildNetwork(model, shape, { file });
  return [...parameters, ...statistics].map(({ value }) => value);
}

type Regions = Pick<LabelMapping, 'regions'>;

/** Whether maps of one of two trainings are of regions and of the other of classes, or of other regions. */
export function areOtherMaps(labels: Regions | undefined, { regions }: Regions): boolean {
  const valuesOf = (all: LabelMapping['regions']): string => JSON.stringify(all?.map(({ values }) => values)) ?? '';
  return valuesOf(labels?.regions) !== valuesOf(regions);
}

/** The axis along which a tensor of the last layer has one row for each class; undefined for tensors of other layers. */
export function classAxisOf(file: OnnxNetwork | undefined): (tensor: string) => number | undefined {
  if (file === undefined) return (tensor) => (tensor.startsWith(OUTPUT) ? 0 : undefined);
  const axes = new Map('why' in file.head ? [] : file.head.map(({ name, axis }) => [name, axis]));
  return (tensor) => axes.get(tensor);
}

/** What decides which weights fit. */
interface FittedTo {
  readonly model: ModelSpec;
  readonly labels: Regions;
  /** As in the recipe. */
  readonly start?: { readonly head?: 'new' | undefined; readonly rows?: ClassRows | undefined };
}

/** The weights of a model that match a network's parameters in name and shape, and mean the same. */
export function fittingWeights(
  { model, labels, start: { head, rows } = {} }: FittedTo,
  { weights, file, labels: own }: Pick<StartModel, 'weights' | 'file' | 'labels'>,
): Weights {
  const isDrawn = head === 'new' || areOtherMaps(own, labels);
  const classAxis = classAxisOf(file);
  return Object.fromEntries(
    tensorsOfNetwork(model, file).flatMap(({ name, shape }) => {
      const axis = classAxis(name);
      const kept = weights[name];
      const array = kept && rows && axis !== undefined ? pickRows(kept, axis, rows) : kept;
      const fits = array?.shape.join() === shape.join() && !(isDrawn && axis !== undefined);
      return fits ? [[name, array]] : [];
    }),
  );
}
