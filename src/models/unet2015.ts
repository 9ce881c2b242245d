import type { Shape4 } from '../array/ndarray.ts';
import type { Value } from '../graph/ir.ts';
import { concatCropped, conv2d, dropout, maxPool, relu, upConv } from '../nn/layers.ts';
import { type Network, NetworkBuilder } from '../nn/network.ts';
import type { NetworkDefinition, NetworkSpec } from './definition.ts';
import { unpaddedSizes } from './sizes.ts';

/** The network of Ronneberger et al. 2015; the defaults 64 and 0.5 are as published. */
export interface Unet2015Spec extends NetworkSpec {
  readonly name: 'unet2015';
  /** Channels at the first level, doubled at each level below; default 64. */
  readonly baseChannels?: number;
  /** Dropout rate at the end of the contracting path; default 0.5. */
  readonly dropout?: number;
}

/** Number of downsampling steps. */
const DEPTH = 4;

/**
 * U-Net as in Ronneberger, Fischer & Brox 2015, figure 1: two unpadded 3x3 convolutions with ReLU per level, 2x2
 * max-pooling, 2x2 up-convolution that halves the channels, the encoder's maps cropped and concatenated before the
 * decoder's, a 1x1 convolution at the end; 23 convolutions, 31,030,658 parameters for one channel, two classes and 64
 * channels. Dropout at the end of the contracting path: after the last two levels, as in the authors' network file.
 *
 * [N, channels, S, S] -> [N, numClasses, S - 184, S - 184], S >= 188 and S = 12 (mod 16) in both axes.
 */
export function unet2015(
  { channels, numClasses, baseChannels = 64, dropout: rate = 0.5 }: Unet2015Spec,
  [batch, , height, width]: Shape4,
  { training = false }: { training?: boolean } = {},
): Network {
  const net = new NetworkBuilder('unet2015', { training });
  const input = net.input('image', 'float32', [batch, channels, height, width]);

  const twice = (x: Value, width: number): Value => {
    const first = relu(net, conv2d(net, x, width, { name: 'conv1', padding: 'valid' }));
    return relu(net, conv2d(net, first, width, { name: 'conv2', padding: 'valid' }));
  };

  let x = input;
  const skips: Value[] = [];
  for (let level = 0; level <= DEPTH; level++) {
    x = net.scoped(`encoder${level}`, () => {
      const made = twice(level === 0 ? x : maxPool(net, x), baseChannels * 2 ** level);
      return level >= DEPTH - 1 ? dropout(net, made, rate) : made;
    });
    if (level < DEPTH) skips.push(x);
  }
  for (let level = DEPTH - 1; level >= 0; level--) {
    x = net.scoped(`decoder${level}`, () => {
      const up = upConv(net, x, baseChannels * 2 ** level);
      return twice(concatCropped(net, skips[level], up), baseChannels * 2 ** level);
    });
  }
  return net.finish(input, conv2d(net, x, numClasses, { name: 'output', kernel: 1 }));
}

export const UNET_2015: NetworkDefinition<Unet2015Spec> = {
  title: 'The U-Net of 2015',
  summary: 'U-Net of Ronneberger et al. 2015 as published: unpadded, 572 to 388',
  build: unet2015,
  sizes: () => unpaddedSizes(DEPTH),
  options: ['baseChannels'],
  typical: { spec: { name: 'unet2015', channels: 1, numClasses: 2 }, size: [572, 572] },
  // Ronneberger et al. 2015, sections 2 to 3. The paper gives neither the learning rate nor the number of steps; with
  // momentum 0.99 and a loss divided by its weights, 1e-3 trains and 1e-2 diverges.
  training: {
    loss: { name: 'ce' },
    optimizer: { name: 'sgd', momentum: 0.99 },
    learningRate: 1e-3,
    schedule: { name: 'constant' },
    batch: 1,
    minutes: 10,
    patch: 572,
    separation: { w0: 10, sigma: 5 },
    clipNorm: null,
    averageDecay: null,
  },
};
