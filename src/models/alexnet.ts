import type { Shape4 } from '../array/ndarray.ts';
import type { Value } from '../graph/ir.ts';
import { fanIn, normal } from '../nn/initialise.ts';
import { conv2d, dense, dropout, flatten, localResponseNorm, maxPool, relu } from '../nn/layers.ts';
import { type Initialiser, type Network, NetworkBuilder } from '../nn/network.ts';
import type { ImageNetworkSpec, NetworkDefinition } from './definition.ts';

/** The network of Krizhevsky et al. 2012; the defaults and an input of 224 or 227 are as published. */
export interface AlexNetSpec extends ImageNetworkSpec {
  readonly name: 'alexnet';
  /** Factor on the numbers of channels and hidden units; default 1. */
  readonly scale?: number;
  /** Dropout rate after the first two dense layers; default 0.5. */
  readonly dropout?: number;
}

/** Kernel side and stride of the first convolution. */
const [KERNEL, STRIDE] = [11, 4];

/**
 * Side after the first convolution, whose last window extends beyond an image that the stride does not divide evenly.
 */
const convolvedSide = (side: number): number => Math.ceil((side - KERNEL) / STRIDE) + 1;

/** Fan-in of each layer in the network of the paper. */
const INPUTS = {
  conv1: 3 * 11 ** 2,
  conv2: 48 * 5 ** 2,
  conv3: 256 * 3 ** 2,
  conv4: 192 * 3 ** 2,
  conv5: 192 * 3 ** 2,
  dense6: 256 * 6 ** 2,
  dense7: 4096,
  dense8: 4096,
} as const;
type LayerName = keyof typeof INPUTS;

/**
 * N(0, 0.01), as published. A smaller network sums over fewer inputs, so its initial weights are scaled up to keep the
 * same variance of the sums; with 0.01 the signal would vanish.
 */
function spread(name: LayerName): Initialiser {
  return (shape, random) => normal(0.01 * Math.sqrt(INPUTS[name] / fanIn(shape)))(shape, random);
}

/** The smallest image side that leaves at least one pixel after the third pooling. */
export function minAlexNetSide(): number {
  let pooled = 1;
  for (let i = 0; i < 3; i++) pooled = 2 * pooled + 1;
  return KERNEL + STRIDE * (pooled - 2) + 1;
}

/**
 * AlexNet as in Krizhevsky, Sutskever & Hinton 2012, section 3: five convolutions, the second, fourth and fifth in two
 * groups (one per GPU), response normalisation after the first two, overlapping pooling (3, stride 2) after the first,
 * second and fifth, three dense layers, dropout on the first two; weights from N(0, 0.01), biases 1 in the second,
 * fourth and fifth convolution and the hidden dense layers, 0 elsewhere. 60,965,224 parameters for 1000 classes.
 *
 * Windows of 11 with stride 4 do not cover 224 pixels evenly: as in the authors' program the last window extends three
 * pixels beyond the image, over zeros, which results in the 55 x 55 of the paper. 227 pixels result in the same without
 * padding.
 *
 * [N, channels, S, S] -> [N, numClasses]
 */
export function alexnet(
  { channels, numClasses, input: size, scale = 1, dropout: rate = 0.5 }: AlexNetSpec,
  [batch]: Shape4,
  { training = false }: { training?: boolean } = {},
): Network {
  const [height, width] = size;
  const net = new NetworkBuilder('alexnet', { training });
  const input = net.input('image', 'float32', [batch, channels, height, width]);
  // Even, because it is split into two groups.
  const scaled = (n: number): number => Math.max(2, 2 * Math.round((n * scale) / 2));

  const conv = (x: Value, n: number, options: { name: LayerName; kernel: number; group?: number; bias?: number }) => {
    const { bias = 0, ...rest } = options;
    return relu(net, conv2d(net, x, scaled(n), { ...rest, initialise: spread(rest.name), initialBias: bias }));
  };
  const hidden = (x: Value, name: LayerName): Value => {
    const y = dense(net, x, scaled(4096), { name, initialise: spread(name), initialBias: 1 });
    return dropout(net, relu(net, y), rate, { name: `${name}/dropout` });
  };
  const pool = (x: Value): Value => maxPool(net, x, 3, 2);

  const beyond = (side: number): number => KERNEL + STRIDE * (convolvedSide(side) - 1) - side;
  const first = conv2d(net, input, scaled(96), {
    name: 'conv1',
    kernel: KERNEL,
    stride: STRIDE,
    padding: [
      [0, 0],
      [beyond(height), beyond(width)],
    ],
    initialise: spread('conv1'),
  });
  let x = pool(localResponseNorm(net, relu(net, first)));
  x = pool(localResponseNorm(net, conv(x, 256, { name: 'conv2', kernel: 5, group: 2, bias: 1 })));
  x = conv(x, 384, { name: 'conv3', kernel: 3 });
  x = conv(x, 384, { name: 'conv4', kernel: 3, group: 2, bias: 1 });
  x = pool(conv(x, 256, { name: 'conv5', kernel: 3, group: 2, bias: 1 }));
  x = hidden(hidden(flatten(net, x), 'dense6'), 'dense7');
  return net.finish(input, dense(net, x, numClasses, { name: 'dense8', initialise: spread('dense8') }));
}

export const ALEXNET: NetworkDefinition<AlexNetSpec> = {
  title: 'AlexNet',
  summary: 'Krizhevsky et al. 2012 as published, or smaller; image classifier',
  build: alexnet,
  options: ['dropout', 'scale'],
  typical: { spec: { name: 'alexnet', channels: 3, numClasses: 1000, input: [224, 224] }, size: [224, 224] },
  minSide: minAlexNetSide(),
  crops: { side: 224, stored: 256 },
  // Krizhevsky et al. 2012, section 5; the learning rate is divided by 10 when validation stops improving.
  training: {
    loss: { name: 'ce' },
    optimizer: { name: 'sgd', momentum: 0.9, weightDecay: 5e-4 },
    learningRate: 0.01,
    schedule: { name: 'plateau' },
    batch: 128,
    minutes: 10,
    patch: 0,
    separation: null,
    clipNorm: null,
    averageDecay: null,
  },
};
