import type { Shape4 } from '../array/ndarray.ts';
import type { Value } from '../graph/ir.ts';
import { xavierUniform } from '../nn/initialise.ts';
import { conv2d, dense, maxPool } from '../nn/layers.ts';
import { type Network, NetworkBuilder } from '../nn/network.ts';
import type { NetworkDefinition, NetworkSpec } from './definition.ts';
import { windowSizes } from './sizes.ts';

/** The networks that classify the central pixel of a window. */
export type WindowName = 'n1' | 'n2' | 'n3' | 'n4';

/** The pixel classifiers of Ciresan et al. 2012: `n4` as published, the others with fewer stages. */
export interface SlidingWindowSpec<N extends WindowName = WindowName> extends NetworkSpec {
  readonly name: N;
  /** Feature maps per convolution; default 48. */
  readonly baseChannels?: number;
}

/** Sides of the kernels; each stage is a convolution and a pooling. */
const KERNELS: { readonly [N in WindowName]: readonly number[] } = {
  n1: [4],
  n2: [4, 5],
  n3: [4, 5, 4],
  n4: [4, 5, 4, 4],
};

/** From the smallest window to the largest. */
export const WINDOW_NAMES = Object.keys(KERNELS) as readonly WindowName[];

/** Whether a network is a sliding-window classifier. */
export function isWindowName(name: string): name is WindowName {
  return Object.hasOwn(KERNELS, name);
}

/** Units of the hidden dense layer. */
const HIDDEN = 200;
/** Side of the last feature maps, the input of the hidden layer. */
const LAST = 3;

/** Side of the window: 9, 23, 47 and 95 pixels for n1 to n4. */
export function windowSide(name: WindowName): number {
  return KERNELS[name].reduceRight((side, kernel) => 2 * side + kernel - 1, LAST);
}

/**
 * y = 1.7159 tanh(0.6666 x), LeCun et al. 1998. As an increasing function it commutes with max pooling; after it, a
 * quarter of the values remain.
 */
function scaledTanh(net: NetworkBuilder, x: Value): Value {
  return net.mul(net.op('Tanh', [net.mul(x, net.scalar(0.6666))]), net.scalar(1.7159));
}

/**
 * The pixel classifiers of Ciresan et al. 2012: the class of the central pixel of a window. N4 is the paper's: 95 x 95;
 * 48 maps 4x4, pooling, 5x5, pooling, 4x4, pooling, 4x4, pooling; 200 units; 219,290 parameters for one channel and two
 * classes. The paper does not define the others: here n1, n2 and n3 are the first one, two and three stages of N4, with
 * windows of 9, 23 and 47 pixels, which leave 3 x 3 for the hidden layer, as in N4.
 *
 * [N, channels, side, side] -> [N, numClasses, 1, 1]
 */
export function slidingWindow(
  { name, channels, numClasses, baseChannels = 48 }: SlidingWindowSpec,
  [batch, , height, width]: Shape4,
  { training = false }: { training?: boolean } = {},
): Network {
  const net = new NetworkBuilder(name, { training });
  const input = net.input('image', 'float32', [batch, channels, height, width]);
  const initialise = xavierUniform();
  let x = input;
  KERNELS[name].forEach((kernel, i) => {
    x = conv2d(net, x, baseChannels, { name: `conv${i + 1}`, kernel, padding: 'valid', initialise });
    x = scaledTanh(net, maxPool(net, x));
  });
  x = net.op('Flatten', [x], { axis: 1 });
  x = scaledTanh(net, dense(net, x, HIDDEN, { name: 'hidden', initialise }));
  x = dense(net, x, numClasses, { name: 'output', initialise });
  return net.finish(input, net.op('Unsqueeze', [x, net.ints([2, 3])]));
}

function windowNetwork<N extends WindowName>(name: N, what: string): NetworkDefinition<SlidingWindowSpec<N>> {
  const side = windowSide(name);
  return {
    title: name === 'n4' ? 'The pixel classifier N4 of 2012' : `A pixel classifier ${name.toUpperCase()}`,
    summary: `${what}, a window of ${side} x ${side}`,
    build: slidingWindow,
    sizes: () => windowSizes(side),
    options: ['baseChannels'],
    typical: { spec: { name, channels: 1, numClasses: 2 }, size: [side, side] },
    // The paper uses plain gradient descent over days on a GPU; this gets further in minutes.
    training: {
      loss: { name: 'ce' },
      optimizer: { name: 'adamw', weightDecay: 0.01 },
      learningRate: 1e-3,
      schedule: { name: 'cosine', warmUp: 50 },
      batch: 64,
      minutes: 10,
      patch: side,
      separation: null,
      clipNorm: 1,
      averageDecay: 0.99,
    },
  };
}

export const WINDOW_NETWORKS = {
  n1: windowNetwork('n1', 'one stage of n4'),
  n2: windowNetwork('n2', 'two stages of n4'),
  n3: windowNetwork('n3', 'three stages of n4'),
  n4: windowNetwork('n4', 'pixel classifier of Ciresan et al. 2012 as published'),
};
