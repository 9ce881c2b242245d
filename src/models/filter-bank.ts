import { gaussianKernel } from '../array/gaussian.ts';
import { float32, type Shape4 } from '../array/ndarray.ts';
import type { Graph, Value } from '../graph/ir.ts';
import { heNormal, normal } from '../nn/initialise.ts';
import { conv2d, dense, relu } from '../nn/layers.ts';
import { type Network, NetworkBuilder } from '../nn/network.ts';
import type { NetworkDefinition, NetworkSpec } from './definition.ts';
import { paddedSizes } from './sizes.ts';

/** Fixed filters and a small perceptron on what they give at each pixel. */
export interface FilterBankSpec extends NetworkSpec {
  readonly name: 'filter-bank';
  /** Units of each hidden layer; default [32]. */
  readonly hidden?: readonly number[];
}

/** Standard deviations of the Gaussians in pixels. At the last the structure tensor would reach too far. */
const SCALES = [
  { sigmasPx: [0.7, 1.6, 3.5, 5], tensor: true },
  { sigmasPx: [10], tensor: false },
] as const;
/** The tensor is averaged over this share of the scale of its gradient. */
const TENSOR_AVERAGE = 0.5;
/** Gaussian, gradient magnitude, two eigenvalues of the Hessian; and two of the structure tensor. */
const MAPS = SCALES.reduce((sum, { sigmasPx, tensor }) => sum + sigmasPx.length * (tensor ? 6 : 4), 0);
const HIDDEN = [32] as const;

/** Pixels to each side that a feature depends on: three standard deviations of the coarsest, and one for its derivatives. */
export const FILTER_REACH_PX = 31;

/** Features of each pixel: 28 maps for every channel of the image. */
export const featureCount = ({ channels }: Pick<FilterBankSpec, 'channels'>): number => MAPS * channels;

/**
 * Differences by which the derivatives of a smoothed image are taken, 3x3 in (y, x): dx, dy, dxx, dxy, dyy
 * (Lindeberg 1993, discrete derivative approximations).
 */
const DIFFERENCES = [
  [0, 0, 0, -0.5, 0, 0.5, 0, 0, 0],
  [0, -0.5, 0, 0, 0, 0, 0, 0.5, 0],
  [0, 0, 0, 1, -2, 1, 0, 0, 0],
  [0.25, 0, -0.25, 0, 0, 0, -0.25, 0, 0.25],
  [0, 1, 0, 0, -2, 0, 0, 1, 0],
] as const;

/** Every channel by itself, first along x, then along y. */
function blurred(net: NetworkBuilder, x: Value, sigmaPx: number): Value {
  const channels = x.shape[1] as number;
  const kernel = gaussianKernel(sigmaPx);
  const side = kernel.length;
  const radius = (side - 1) / 2;
  const data = new Float32Array(channels * side);
  for (let c = 0; c < channels; c++) data.set(kernel, c * side);
  const along = net.op('Conv', [x, net.constant(float32([channels, 1, 1, side], data))], {
    kernel_shape: [1, side],
    pads: [0, radius, 0, radius],
    group: channels,
  });
  return net.op('Conv', [along, net.constant(float32([channels, 1, side, 1], data))], {
    kernel_shape: [side, 1],
    pads: [radius, 0, radius, 0],
    group: channels,
  });
}

/**
 * The five derivatives of smoothed images, channel by channel.
 * @param scales the sigma of each channel, to whose power of their order derivatives are multiplied
 */
function derivatives(net: NetworkBuilder, smooth: Value, scales: readonly number[]): readonly Value[] {
  return DIFFERENCES.map((difference, kind) => {
    const order = kind < 2 ? 1 : 2;
    const data = scales.flatMap((sigmaPx) => difference.map((weight) => weight * sigmaPx ** order));
    const weight = net.constant(float32([scales.length, 1, 3, 3], data));
    return net.op('Conv', [smooth, weight], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], group: scales.length });
  });
}

/** Keeps the slope of the square root finite. */
const EPSILON = 1e-12;

/** sqrt(a^2 + b^2). */
function hypotenuse(net: NetworkBuilder, a: Value, b: Value): Value {
  return net.op('Sqrt', [net.add(net.add(net.mul(a, a), net.mul(b, b)), net.scalar(EPSILON))]);
}

/** Of the symmetric matrices (a, b; b, d): (a + d) / 2 +- sqrt(((a - d) / 2)^2 + b^2), the larger first. */
function eigenvalues(net: NetworkBuilder, a: Value, b: Value, d: Value): readonly [Value, Value] {
  const half = net.scalar(0.5);
  const mean = net.mul(net.add(a, d), half);
  const root = hypotenuse(net, net.mul(net.sub(a, d), half), b);
  return [net.add(mean, root), net.sub(mean, root)];
}

/**
 * Gaussian, gradient magnitude, larger and smaller eigenvalue of the Hessian, and where wanted the square roots of those
 * of the structure tensor; each at all scales and for all channels. Derivatives are normalised by scale.
 */
function mapsAt(net: NetworkBuilder, image: Value, { sigmasPx, tensor }: (typeof SCALES)[number]): readonly Value[] {
  const channels = image.shape[1] as number;
  const at = (x: Value, i: number): Value => net.slice(x, [i * channels], [(i + 1) * channels], [1]);
  const joined = (values: readonly Value[]): Value => net.op('Concat', values, { axis: 1 });
  // The scales lie behind each other, so that what is done to all of them is done at once.
  const smooth = joined(sigmasPx.map((sigmaPx) => blurred(net, image, sigmaPx)));
  const scales = sigmasPx.flatMap((sigmaPx) => new Array<number>(channels).fill(sigmaPx));
  const [dx, dy, dxx, dxy, dyy] = derivatives(net, smooth, scales) as [Value, Value, Value, Value, Value];
  const maps = [smooth, hypotenuse(net, dx, dy), ...eigenvalues(net, dxx, dxy, dyy)];
  if (!tensor) return maps;
  const products = [net.mul(dx, dx), net.mul(dx, dy), net.mul(dy, dy)];
  const averaged = sigmasPx.map((sigmaPx, i) =>
    blurred(net, joined(products.map((product) => at(product, i))), TENSOR_AVERAGE * sigmaPx),
  );
  const [a, b, d] = products.map((_, kind) => joined(averaged.map((each) => at(each, kind)))) as [Value, Value, Value];
  // Rounding may leave the smaller one a little below 0.
  const roots = eigenvalues(net, a, b, d).map((value) =>
    net.op('Sqrt', [net.add(net.op('Relu', [value]), net.scalar(EPSILON))]),
  );
  return [...maps, ...roots];
}

/** [N, C, H, W] -> [N, 28 C, H, W]; zeros lie around the image, and a pixel depends on those up to 31 away. */
function featureMaps(net: NetworkBuilder, image: Value): Value {
  return net.op(
    'Concat',
    SCALES.flatMap((scale) => mapsAt(net, image, scale)),
    { axis: 1 },
  );
}

/**
 * Fixed filters, then a perceptron on what they give at each pixel: what pixel classifiers such as ilastik (Berg et al.
 * 2019) learn from, as one network. Only the perceptron is trained, so a few strokes and a second are enough.
 *
 * [N, channels, H, W] -> [N, numClasses, H, W]
 */
export function filterBank(spec: FilterBankSpec, [batch, , height, width]: Shape4): Network {
  const net = new NetworkBuilder('filter-bank');
  const input = net.input('image', 'float32', [batch, spec.channels, height, width]);
  const maps = net.scoped('features', () => featureMaps(net, input));
  return net.finish(input, perceptronOf(net, maps, spec));
}

function perceptronOf(net: NetworkBuilder, maps: Value, { numClasses, hidden = HIDDEN }: FilterBankSpec): Value {
  let x = maps;
  hidden.forEach((units, i) => {
    x = relu(net, conv2d(net, x, units, { name: `hidden${i + 1}`, kernel: 1 }));
  });
  return conv2d(net, x, numClasses, { name: 'output', kernel: 1, initialise: normal(0.01) });
}

/**
 * The first half of `filterBank`, for the middle of a tile: `image` [1, channels, side, side] in, `features`
 * [1, 28 channels, side - 62, side - 62] out.
 */
export function filterGraph({ channels }: Pick<FilterBankSpec, 'channels'>, side: number): Graph {
  const net = new NetworkBuilder('filters');
  const maps = featureMaps(net, net.input('image', 'float32', [1, channels, side, side]));
  const [from, to] = [FILTER_REACH_PX, side - FILTER_REACH_PX];
  return net.build([net.output(net.slice(maps, [from, from], [to, to], [2, 3]), 'features')]);
}

/** The second half, with parameters of the same names: [1, 28 channels, side, side] -> [1, numClasses, side, side]. */
export function mapPerceptron(spec: FilterBankSpec, side: number): Network {
  const net = new NetworkBuilder('perceptron');
  const input = net.input('features', 'float32', [1, featureCount(spec), side, side]);
  return net.finish(input, perceptronOf(net, input, spec));
}

/**
 * What the filters give at chosen pixels of an image: `image` [1, channels, H, W] and `pixels`, int64 [n] y W + x, in;
 * `features` [28 channels, n] out. The file takes any n.
 */
export function featureGraph({ channels }: FilterBankSpec, [height, width]: readonly [number, number]): Graph {
  const net = new NetworkBuilder('features');
  const image = net.input('image', 'float32', [1, channels, height, width]);
  const pixels = net.input('pixels', 'int64', [1]);
  const maps = net.reshape(featureMaps(net, image), [featureCount({ channels }), height * width]);
  const features = net.output(net.op('Gather', [maps, pixels], { axis: 1 }), 'features');
  const symbols = new Map([
    [pixels.name, ['n']],
    [features.name, [featureCount({ channels }), 'n']],
  ]);
  return net.build([features], { symbols });
}

/**
 * The perceptron alone, [pixels, 28 channels] -> [1, numClasses, pixels], as of one image: losses are computed along
 * rows of pixels, not of classes. Its parameters have the names of those of `filterBank`.
 */
export function pixelPerceptron(spec: FilterBankSpec, pixels: number): Network {
  const net = new NetworkBuilder('pixels');
  const input = net.input('image', 'float32', [pixels, featureCount(spec)]);
  let x = input;
  (spec.hidden ?? HIDDEN).forEach((units, i) => {
    x = relu(net, dense(net, x, units, { name: `hidden${i + 1}`, initialise: heNormal() }));
  });
  const logits = dense(net, x, spec.numClasses, { name: 'output', initialise: normal(0.01) });
  const rows = net.op('Transpose', [logits], { perm: [1, 0] });
  return net.finish(input, net.reshape(rows, [1, spec.numClasses, pixels]));
}

export const FILTER_BANK: NetworkDefinition<FilterBankSpec> = {
  title: 'A filter bank with a perceptron',
  summary: 'fixed filters and a small perceptron, trained in seconds on a few strokes',
  build: filterBank,
  sizes: () => paddedSizes(0),
  options: ['hidden'],
  typical: { spec: { name: 'filter-bank', channels: 1, numClasses: 2 }, size: [256, 256] },
  training: {
    loss: { name: 'ce' },
    // With few pixels a strong decay, and noise on the features, are worth more than any size: docs/networks.md.
    optimizer: { name: 'adamw', weightDecay: 2 },
    learningRate: 5e-3,
    schedule: { name: 'cosine', warmUp: 10 },
    batch: 1,
    minutes: 1,
    steps: 100,
    patch: 256,
    separation: { w0: 0, sigma: 5 },
    clipNorm: null,
    averageDecay: null,
  },
};
