import type { Shape4 } from '../array/ndarray.ts';
import { counted } from '../errors.ts';
import { graphMacs } from '../graph/analysis/cost.ts';
import type { Value } from '../graph/ir.ts';
import { normal } from '../nn/initialise.ts';
import { concatCropped, conv3d, dropout, instanceNorm, maxPool, type PerAxis, relu, upsample } from '../nn/layers.ts';
import { type Network, NetworkBuilder } from '../nn/network.ts';
import type { Choice, Circumstances, NetworkDefinition, NetworkSpec } from './definition.ts';
import { paddedSizes } from './sizes.ts';

export const NORM_LAYERS = ['none', 'weight', 'instance'] as const;

/** U-Net with padded convolutions: the output has the size of the input. */
export interface UnetSpec extends NetworkSpec, UnetOptions {
  readonly name: 'unet';
  /** Number of downsampling steps; default 4. */
  readonly depth?: number;
}

/** What U-Nets of images and of volumes have in common. */
export interface UnetOptions {
  /** Channels at the first level, doubled at each level below; default 32. */
  readonly baseChannels?: number;
  /**
   * `none` (default); `weight`: weight standardisation, at almost no cost; `instance`: instance normalisation (mean 0,
   * variance 1 per image and channel), with which tiling is inexact.
   */
  readonly norm?: (typeof NORM_LAYERS)[number];
  /**
   * Whether the network sees how bright a flat image is from the first step on; default false. Standardised kernels have
   * mean 0, and see of the image its edges alone: with it the convolution of the image is not standardised, and the last
   * layer begins with N(0, 1 / N) instead of N(0, 0.01^2). Better after few steps on few strokes, and slower at first on
   * complete labels: docs/networks.md.
   */
  readonly brightness?: boolean;
  /** Adds each level's input (by a 1x1 convolution where channels differ) to its output; default false. */
  readonly residual?: boolean;
  /**
   * How the decoder upsamples by two after a 1x1 convolution; default `nearest`. Neither causes checkerboard artefacts.
   */
  readonly upsampling?: 'nearest' | 'linear';
  /** Maximum number of channels at any level; default 512. */
  readonly maxChannels?: number;
  /** Dropout rate at the lowest level; default 0. */
  readonly dropout?: number;
}

/** Default number of downsampling steps. */
const DEPTH = 4;

/**
 * U-Net with padded convolutions, for everyday use. Differences from 2015: the output has the size of the input; the
 * decoder upsamples by a 1x1 convolution and interpolation instead of a transposed convolution, which is faster and
 * avoids checkerboard artefacts (Odena et al. 2016); normalisation and residual blocks are optional.
 *
 * [N, channels, H, W] -> [N, numClasses, H, W], H and W multiples of 2^depth.
 */
export function unet(
  spec: UnetSpec,
  [batch, , height, width]: Shape4,
  { training = false }: { training?: boolean } = {},
): Network {
  const { channels, depth = DEPTH } = spec;
  const net = new NetworkBuilder('unet', { training });
  const input = net.input('image', 'float32', [batch, channels, height, width]);
  return unetOver(net, input, spec, { depth, kernelAt: () => 3, factorAfter: () => 2 });
}

/** The shape of a U-Net, level by level from 0, the full resolution. */
export interface UnetLevels {
  /** Number of downsampling steps. */
  readonly depth: number;
  /** Sides of the kernels of a level. */
  kernelAt(level: number): PerAxis;
  /** By how much the level below is smaller. */
  factorAfter(level: number): PerAxis;
}

/** The U-Net above `input`, [N, channels, spatial...]. */
export function unetOver(
  net: NetworkBuilder,
  input: Value,
  spec: UnetOptions & Pick<NetworkSpec, 'numClasses'>,
  { depth, kernelAt, factorAfter }: UnetLevels,
): Network {
  const {
    numClasses,
    baseChannels = 32,
    norm = 'none',
    brightness = false,
    residual = false,
    upsampling = 'nearest',
    maxChannels = 512,
    dropout: rate = 0,
  } = spec;
  const widthOf = (level: number): number => Math.min(maxChannels, baseChannels * 2 ** level);

  const convolve = (x: Value, width: number, name: string, kernel: PerAxis): Value => {
    const standardise = norm === 'weight' && !(brightness && x === input);
    const y = conv3d(net, x, width, { name, kernel, bias: norm !== 'instance', standardise });
    return norm === 'instance' ? instanceNorm(net, y, { name: `${name}/norm` }) : y;
  };
  const block = (x: Value, level: number): Value => {
    const [width, kernel] = [widthOf(level), kernelAt(level)];
    const first = relu(net, convolve(x, width, 'conv1', kernel));
    const second = convolve(first, width, 'conv2', kernel);
    if (!residual) return relu(net, second);
    const same = x.shape[1] === width ? x : convolve(x, width, 'shortcut', 1);
    return relu(net, net.add(second, same));
  };

  let x = input;
  const skips: Value[] = [];
  for (let level = 0; level <= depth; level++) {
    x = net.scoped(`encoder${level}`, () => {
      const made = block(level === 0 ? x : maxPool(net, x, factorAfter(level - 1)), level);
      return level === depth ? dropout(net, made, rate) : made;
    });
    if (level < depth) skips.push(x);
  }
  for (let level = depth - 1; level >= 0; level--) {
    x = net.scoped(`decoder${level}`, () => {
      // The 1x1 convolution comes first: it commutes with interpolation and costs a quarter at the lower resolution.
      const narrow = conv3d(net, x, widthOf(level), { name: 'up', kernel: 1 });
      const up = upsample(net, narrow, { factor: factorAfter(level), mode: upsampling });
      return block(concatCropped(net, skips[level], up), level);
    });
  }
  // Small initial logits: the initial loss is near log(classes) for any depth. From weights near 0, though, the first steps
  // of Adam give all features one sign, and the layers below learn to amplify instead of to tell classes apart.
  const initialise = normal(brightness ? 1 / Math.sqrt(x.shape[1]) : 0.01);
  return net.finish(input, conv3d(net, x, numClasses, { name: 'output', kernel: 1, initialise }));
}

/** Measured on one core of an EPYC with AVX-512: forward, backward and update together. */
const FLOPS_PER_CORE = 80e9;
/** Convolution channels come in blocks of 16 or 8, so sizes in between would not be faster. */
const BASES = [64, 48, 32, 16, 8] as const;
/** Number of pixels that a network should be trained on: about 3,000 patches of 256 x 256. */
const PIXELS_WANTED = 200e6;
/** Minimum number of pixels across the lowest level. */
const LOWEST = 8;
/** Less of the pixels annotated than this are strokes, or a few regions. */
const SPARSE = 0.5;
const DEEPEST = 4;

/**
 * Chooses a `unet`: as deep as the patch allows (at least 8 pixels across the lowest level, at most 4 downsampling
 * steps), and as wide as the time allows (to see enough pixels).
 */
export function chooseUnet(circumstances: Circumstances): Choice<UnetSpec> {
  const { channels, numClasses, image, minutes = 15, cores, flops = FLOPS_PER_CORE * cores } = circumstances;
  const brightness = (circumstances.annotated ?? 1) < SPARSE;
  const wanted = circumstances.patch ?? Math.min(256, ...image);
  const fitting = Math.max(1, Math.min(DEEPEST, Math.floor(Math.log2(wanted / LOWEST))));
  const depth = circumstances.depth ?? fitting;
  // A patch set by the user is kept: if it is not supported, buildNetwork names the nearest size that is.
  const patch = circumstances.patch ?? Math.max(1, Math.floor(wanted / 2 ** depth)) * 2 ** depth;

  const specOf = (baseChannels: number): UnetSpec => ({
    name: 'unet',
    channels,
    numClasses,
    baseChannels,
    depth,
    // Gets further in the same time: docs/networks.md.
    norm: 'weight',
    ...(brightness && { brightness }),
  });
  const pixelsSeen = (baseChannels: number): number =>
    (minutes * 60 * flops) / trainingFlopsPerPixel(specOf(baseChannels));
  const baseChannels =
    circumstances.baseChannels ?? BASES.find((b) => pixelsSeen(b) >= PIXELS_WANTED) ?? (BASES.at(-1) as number);

  const lowest = patch / 2 ** depth;
  const deep =
    circumstances.depth === undefined
      ? `depth ${depth}, since patches of ${patch} x ${patch} pixels are then ${lowest} pixels wide at the lowest level`
      : `depth ${depth} as asked for`;
  const assumed = circumstances.minutes === undefined ? ' (no time is given)' : '';
  const speed =
    circumstances.flops === undefined ? `on ${counted(cores, 'core')}` : `at the ${describeFlops(flops)} measured here`;
  const time = `${counted(minutes, 'minute')}${assumed} ${speed}`;
  const seen = `about ${Math.round(pixelsSeen(baseChannels) / 1e6)} million pixels (at least ${PIXELS_WANTED / 1e6} are wanted)`;
  const enough = pixelsSeen(baseChannels) >= PIXELS_WANTED;
  const wide =
    circumstances.baseChannels === undefined
      ? `${baseChannels} channels at the first level: ${enough ? 'the widest that sees enough' : 'the narrowest there is'}; in ${time} it sees ${seen}`
      : `${baseChannels} channels as asked for`;
  const sees = brightness ? '; its first layer sees brightness, since less than half of the pixels are annotated' : '';
  return { spec: specOf(baseChannels), patch, reason: `U-Net of ${deep}, and ${wide}${sees}.` };
}

/** `143 GFLOP/s`, with two digits below 10. */
const describeFlops = (flops: number): string =>
  `${flops < 1e10 ? (flops / 1e9).toPrecision(2) : Math.round(flops / 1e9)} GFLOP/s`;

/** The forward pass and twice as much for the backward pass, two operations per MAC. */
function trainingFlopsPerPixel(spec: UnetSpec): number {
  const side = 2 ** (spec.depth ?? DEEPEST);
  const { builder, logits } = unet(spec, [1, spec.channels, side, side]);
  return (6 * graphMacs(builder.build([logits]))) / side ** 2;
}

export const UNET: NetworkDefinition<UnetSpec> = {
  title: 'A U-Net',
  summary: 'U-Net with padded convolutions: the output has the size of the input',
  build: unet,
  sizes: ({ depth = DEPTH }) => paddedSizes(depth),
  options: ['baseChannels', 'depth', 'norm', 'residual'],
  typical: { spec: { name: 'unet', channels: 1, numClasses: 2 }, size: [256, 256] },
  choose: chooseUnet,
  training: {
    loss: { name: 'ce' },
    optimizer: { name: 'adamw', weightDecay: 0.01 },
    // Halves the number of diverging runs on lungs: docs/networks.md.
    learningRate: 1.5e-3,
    schedule: { name: 'cosine', warmUp: 50 },
    batch: 1,
    minutes: 10,
    patch: 256,
    separation: null,
    clipNorm: 1,
    averageDecay: 0.99,
  },
};
