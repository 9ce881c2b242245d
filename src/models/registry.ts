/** The networks by name. To add one: a file, a row in `MODELS`, its options in `spec.ts`. */

import type { Shape4 } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import type { Network } from '../nn/network.ts';
import { alexnet, minAlexNetSide } from './alexnet.ts';
import { mlp } from './mlp.ts';
import { perceptron } from './perceptron.ts';
import { paddedSizes, type Sizes, unpaddedSizes, windowSizes } from './sizes.ts';
import { slidingWindow, windowSide } from './sliding-window.ts';
import type { ClassifierSpec, ModelName, ModelSpec, SlidingWindowSpec, WindowName } from './spec.ts';
import { UNET_DEFAULTS, unet } from './unet.ts';
import { DEPTH_2015, unet2015 } from './unet2015.ts';

interface Model<S extends ModelSpec> {
  readonly build: (spec: S, shape: Shape4, options: { training?: boolean }) => Network;
  /** Sides of images that the network takes, and of what it returns; absent where it names the class of a whole image. */
  readonly sizes?: (spec: S) => Sizes;
  /** The smallest side of the images that a network of whole images can be built for; default 1. */
  readonly minSide?: number;
  /** One sentence for `--help`. */
  readonly summary: string;
}

export const MODELS: { readonly [N in ModelName]: Model<Extract<ModelSpec, { name: N }>> } = {
  unet: {
    build: unet,
    sizes: ({ depth = UNET_DEFAULTS.depth }) => paddedSizes(depth),
    summary: 'U-Net with padded convolutions: the output has the size of the input',
  },
  unet2015: {
    build: unet2015,
    sizes: () => unpaddedSizes(DEPTH_2015),
    summary: 'U-Net to the letter of Ronneberger et al. 2015: unpadded, 572 to 388',
  },
  n1: windowModel('n1', 'one stage of n4, a window of 9 x 9'),
  n2: windowModel('n2', 'two stages of n4, a window of 23 x 23'),
  n3: windowModel('n3', 'three stages of n4, a window of 47 x 47'),
  n4: windowModel('n4', 'pixel classifier to the letter of Ciresan et al. 2012, a window of 95 x 95'),
  perceptron: { build: perceptron, summary: 'one layer and a sign (Rosenblatt 1958), for classes of whole images' },
  mlp: { build: mlp, summary: 'dense layers with tanh, sigmoid or ReLU between, for classes of whole images' },
  alexnet: {
    build: alexnet,
    minSide: minAlexNetSide(),
    summary: 'Krizhevsky et al. 2012 to the letter, or smaller, for classes of whole images',
  },
};

/** Whether the network of this name gives a class to a whole image, not to every pixel. */
export function isClassifier(name: ModelName): name is ClassifierSpec['name'] {
  return rowOf({ name } as ModelSpec).sizes === undefined;
}

function windowModel(name: WindowName, summary: string): Model<SlidingWindowSpec> {
  return { build: slidingWindow, sizes: () => windowSizes(windowSide(name)), summary };
}

function rowOf<S extends ModelSpec>(spec: S): Model<S> {
  const row = MODELS[spec.name] as Model<ModelSpec> | undefined;
  if (row === undefined) {
    throw new UsageError(`Unknown network '${spec.name}'.`, {
      remedy: `Use one of ${Object.keys(MODELS).join(', ')}.`,
    });
  }
  return row as unknown as Model<S>;
}

/**
 * Sides of images that the network of `spec` takes.
 * @throws UsageError when it takes images of one size and names their class.
 */
export function sizesOf(spec: ModelSpec): Sizes {
  const { sizes } = rowOf(spec);
  if (sizes === undefined) {
    throw new UsageError(`The network '${spec.name}' is an image classifier and cannot be tiled.`, {
      remedy: 'Use a U-Net to classify pixels.',
    });
  }
  return sizes(spec);
}

/**
 * Builds the network of `spec` for images of one shape, [N, C, H, W].
 * @param training whether dropout is active.
 * @throws UsageError when the shape does not fit; the nearest size that does is named.
 */
export function buildNetwork(
  spec: ModelSpec,
  shape: Shape4,
  { training = false }: { training?: boolean } = {},
): Network {
  const row = rowOf(spec);
  if (shape[1] !== spec.channels) {
    throw new UsageError(`The images have ${shape[1]} channels, the network takes ${spec.channels}.`);
  }
  if (row.sizes === undefined) {
    requireInput(spec as ClassifierSpec, shape, row.minSide ?? 1);
    return row.build(spec, shape, { training });
  }
  const sizes = row.sizes(spec);
  for (const side of shape.slice(2)) {
    if (sizes.nearest(side) === side) continue;
    throw new UsageError(
      `A size of ${shape[2]} x ${shape[3]} does not fit the network '${spec.name}', which takes ${sizes.rule}.`,
      {
        remedy: `The nearest that does is ${sizes.nearest(shape[2])} x ${sizes.nearest(shape[3])}.`,
      },
    );
  }
  return row.build(spec, shape, { training });
}

function requireInput({ name, input: [height, width] }: ClassifierSpec, shape: Shape4, min: number): void {
  if (Math.min(height, width) < min) {
    throw new UsageError(`The network '${name}' cannot be built for images of ${width} x ${height}.`, {
      remedy: `It needs at least ${min} x ${min}.`,
    });
  }
  if (shape[2] !== height || shape[3] !== width) {
    throw new UsageError(`The images are ${shape[3]} x ${shape[2]}, the network '${name}' takes ${width} x ${height}.`);
  }
}
