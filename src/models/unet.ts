import type { Shape4 } from '../array/ndarray.ts';
import type { Value } from '../graph/ir.ts';
import { normal } from '../nn/initialise.ts';
import { concatCropped, conv2d, dropout, instanceNorm, maxPool, relu, upsample } from '../nn/layers.ts';
import { type Network, NetworkBuilder } from '../nn/network.ts';
import type { UnetSpec } from './spec.ts';

/** The defaults of `UnetSpec`, in one place. */
export const UNET_DEFAULTS = {
  baseChannels: 32,
  depth: 4,
  norm: 'none',
  residual: false,
  upsampling: 'nearest',
  maxChannels: 512,
  dropout: 0,
} as const;

/**
 * U-Net with padded convolutions, for everyday use. Against 2015: the output has the size of the input;
 * the decoder goes up by a 1x1 convolution and interpolation instead of a transposed convolution, which
 * is faster and leaves no checkerboard (Odena et al. 2016); normalisation and residual blocks on request.
 *
 * [N, channels, H, W] -> [N, numClasses, H, W], H and W multiples of 2^depth.
 */
export function unet(
  spec: UnetSpec,
  [batch, , height, width]: Shape4,
  { training = false }: { training?: boolean } = {},
): Network {
  const {
    channels,
    numClasses,
    baseChannels = UNET_DEFAULTS.baseChannels,
    depth = UNET_DEFAULTS.depth,
    norm = UNET_DEFAULTS.norm,
    residual = UNET_DEFAULTS.residual,
    upsampling = UNET_DEFAULTS.upsampling,
    maxChannels = UNET_DEFAULTS.maxChannels,
    dropout: rate = UNET_DEFAULTS.dropout,
  } = spec;
  const net = new NetworkBuilder('unet', { training });
  const input = net.input('image', 'float32', [batch, channels, height, width]);
  const widthOf = (level: number): number => Math.min(maxChannels, baseChannels * 2 ** level);

  const convolve = (x: Value, width: number, name: string, kernel = 3): Value => {
    const y = conv2d(net, x, width, { name, kernel, bias: norm !== 'instance', standardise: norm === 'weight' });
    return norm === 'instance' ? instanceNorm(net, y, { name: `${name}/norm` }) : y;
  };
  const block = (x: Value, width: number): Value => {
    const first = relu(net, convolve(x, width, 'conv1'));
    const second = convolve(first, width, 'conv2');
    if (!residual) return relu(net, second);
    const same = x.shape[1] === width ? x : convolve(x, width, 'shortcut', 1);
    return relu(net, net.add(second, same));
  };

  let x = input;
  const skips: Value[] = [];
  for (let level = 0; level <= depth; level++) {
    x = net.scoped(`encoder${level}`, () => {
      const made = block(level === 0 ? x : maxPool(net, x), widthOf(level));
      return level === depth ? dropout(net, made, rate) : made;
    });
    if (level < depth) skips.push(x);
  }
  for (let level = depth - 1; level >= 0; level--) {
    x = net.scoped(`decoder${level}`, () => {
      // The 1x1 convolution comes first: it commutes with interpolation and costs a quarter there.
      const up = upsample(net, conv2d(net, x, widthOf(level), { name: 'up', kernel: 1 }), { mode: upsampling });
      return block(concatCropped(net, skips[level], up), widthOf(level));
    });
  }
  // Small first logits: the loss begins near log(classes) whatever the depth.
  return net.finish(input, conv2d(net, x, numClasses, { name: 'output', kernel: 1, initialise: normal(0.01) }));
}
