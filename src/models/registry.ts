/** The networks by name. To add one: its file, and its line here. */

import type { Shape4, Shape5 } from '../array/ndarray.ts';
import { UsageError, unknownName } from '../errors.ts';
import type { Network } from '../nn/network.ts';
import { ALEXNET } from './alexnet.ts';
import type { BuildOptions, ImageNetworkSpec, NetworkDefinition } from './definition.ts';
import { FILTER_BANK } from './filter-bank.ts';
import { MLP } from './mlp.ts';
import { ONNX, type OnnxSpec } from './onnx/definition.ts';
import { PERCEPTRON } from './perceptron.ts';
import type { SizeConstraints } from './sizes.ts';
import { WINDOW_NETWORKS } from './sliding-window.ts';
import { UNET } from './unet.ts';
import { UNET3D } from './unet3d.ts';
import { UNET_2015 } from './unet2015.ts';

export const MODELS = {
  unet: UNET,
  unet2015: UNET_2015,
  unet3d: UNET3D,
  'filter-bank': FILTER_BANK,
  ...WINDOW_NETWORKS,
  perceptron: PERCEPTRON,
  mlp: MLP,
  alexnet: ALEXNET,
};

/** Networks that can be chosen by name. */
export type ModelName = keyof typeof MODELS;
type SpecOf<D> = D extends NetworkDefinition<infer S> ? S : never;
/** Which network, in JSON: `{ name: 'unet', channels: 1, numClasses: 2 }`; `onnx` is one that a file holds. */
export type ModelSpec = { [N in ModelName]: SpecOf<(typeof MODELS)[N]> }[ModelName] | OnnxSpec;
export type NetworkName = ModelSpec['name'];
export type ClassifierSpec = Extract<ModelSpec, ImageNetworkSpec>;

/** The definition of a network. @throws UsageError if the name is unknown. */
export function networkNamed(name: NetworkName): Omit<NetworkDefinition<ModelSpec>, 'typical'> {
  if (name === 'onnx') return ONNX as Omit<NetworkDefinition<ModelSpec>, 'typical'>;
  if (!Object.hasOwn(MODELS, name)) throw unknownName('network', name, MODELS);
  return MODELS[name] as NetworkDefinition<ModelSpec>;
}

/** Whether the network of this name is an image classifier, with one class per image instead of per pixel. */
export function isClassifier(name: NetworkName): name is ClassifierSpec['name'] {
  return networkNamed(name).sizes === undefined;
}

/** Whether the network of this name takes volumes, not images. */
export const isOfVolumes = (name: NetworkName): boolean => networkNamed(name).depths !== undefined;

/** A shape of one input of a network of whole images: [1, C, side, side], with as many slices for networks of volumes. */
export const shapeOfSide = (spec: ModelSpec, sideOf: (sizes: SizeConstraints) => number): Shape4 | Shape5 => {
  const side = sideOf(sizesOf(spec));
  const depths = networkNamed(spec.name).depths?.(spec);
  return depths === undefined ? [1, spec.channels, side, side] : [1, spec.channels, sideOf(depths), side, side];
};

/** Image classifiers: networks with one class per image. */
export const CLASSIFIER_NAMES: readonly ClassifierSpec['name'][] = (Object.keys(MODELS) as ModelName[]).filter(
  isClassifier,
);

/**
 * Image sides that the network of `spec` supports.
 * @throws UsageError for image classifiers, which have one input size.
 */
export function sizesOf(spec: ModelSpec): SizeConstraints {
  const network = networkNamed(spec.name);
  if (network.sizes === undefined) {
    throw new UsageError(`The network '${spec.name}' is an image classifier and cannot be tiled.`, {
      remedy: 'Use a U-Net to classify pixels.',
    });
  }
  return network.sizes(spec);
}

/**
 * Builds the network of `spec` for images of one shape, [N, C, H, W], or volumes, [N, C, D, H, W].
 * @throws UsageError if the shape is not supported; the message names the nearest supported size.
 */
export function buildNetwork(spec: ModelSpec, shape: Shape4 | Shape5, options: BuildOptions = {}): Network {
  const network = networkNamed(spec.name);
  if (shape[1] !== spec.channels) {
    throw new UsageError(`The images have ${shape[1]} channels, the network expects ${spec.channels}.`);
  }
  if (network.sizes === undefined) {
    requireInput(spec as ClassifierSpec, shape as Shape4, network.minSide ?? 1);
    return network.build(spec, shape, options);
  }
  const sizes = network.sizes(spec);
  // A network of volumes names what fits along each axis itself.
  for (const side of network.depths === undefined ? shape.slice(2) : []) {
    if (sizes.nearest(side) === side) continue;
    throw new UsageError(
      `A size of ${shape[2]} x ${shape[3]} does not fit the network '${spec.name}', which takes ${sizes.rule}.`,
      {
        remedy: `The nearest that does is ${sizes.nearest(shape[2])} x ${sizes.nearest(shape[3])}.`,
      },
    );
  }
  return network.build(spec, shape, options);
}

function requireInput({ name, input: [height, width] }: ClassifierSpec, shape: Shape4, min: number): void {
  if (Math.min(height, width) < min) {
    throw new UsageError(`The network '${name}' cannot be built for images of ${width} x ${height}.`, {
      remedy: `It needs at least ${min} x ${min}.`,
    });
  }
  if (shape[2] !== height || shape[3] !== width) {
    throw new UsageError(
      `The images are ${shape[3]} x ${shape[2]}, the network '${name}' expects ${width} x ${height}.`,
    );
  }
}
