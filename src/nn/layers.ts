/**
 * Layers: each takes the network under construction, a value and options, and returns a value. No layer puts a spatial
 * size into a constant, so an exported network runs on any size.
 */
import { float32 } from '../array/ndarray.ts';
import type { Value } from '../graph/ir.ts';
import { axesFrom } from '../graph/op-row.ts';
import { constant, heNormal } from './initialise.ts';
import type { Initialiser, NetworkBuilder } from './network.ts';
import { standardisedKernel } from './standardise.ts';

export interface ConvOptions {
  /** Scope of its parameters; default `conv`. */
  readonly name?: string;
  /** Side of the square kernel; default 3. */
  readonly kernel?: number;
  readonly stride?: number;
  readonly dilation?: number;
  readonly group?: number;
  /**
   * `same` (default): zero padding that keeps the size at stride 1; `valid`: no padding; or the numbers of zeros
   * [[top, left], [bottom, right]].
   */
  readonly padding?: 'same' | 'valid' | readonly [readonly [number, number], readonly [number, number]];
  readonly bias?: boolean;
  readonly initialise?: Initialiser;
  /** Initial value of the bias; default 0. */
  readonly initialBias?: number;
  /** Whether weights are standardised before use, with a matching initialisation (`standardise.ts`); default false. */
  readonly standardise?: boolean;
}

/** One number for all spatial axes, or one for each: [z, y, x] of a volume. */
export type PerAxis = number | readonly number[];

export interface Conv3dOptions extends Omit<ConvOptions, 'kernel' | 'padding'> {
  /** Sides of the kernel; default 3. [1, 3, 3] sees each slice by itself. */
  readonly kernel?: PerAxis;
  /** `same` (default): zero padding that keeps the size at stride 1; `valid`: no padding. */
  readonly padding?: 'same' | 'valid';
}

function channelsOf(x: Value): number {
  return x.shape[1];
}

function perAxis(value: PerAxis, { shape }: Value): readonly number[] {
  return typeof value === 'number' ? shape.slice(2).map(() => value) : value;
}

/** 2-D convolution (cross-correlation, as usual in deep learning): [N,C,H,W] -> [N,outputs,H',W']. */
export function conv2d(net: NetworkBuilder, x: Value, outputs: number, options: ConvOptions = {}): Value {
  return convolve(net, x, outputs, options);
}

/** 3-D convolution: [N,C,D,H,W] -> [N,outputs,D',H',W']. */
export function conv3d(net: NetworkBuilder, x: Value, outputs: number, options: Conv3dOptions = {}): Value {
  return convolve(net, x, outputs, options);
}

function convolve(
  net: NetworkBuilder,
  x: Value,
  outputs: number,
  {
    name = 'conv',
    kernel = 3,
    stride = 1,
    dilation = 1,
    group = 1,
    padding = 'same',
    bias = true,
    initialise = heNormal(),
    initialBias = 0,
    standardise = false,
  }: Omit<ConvOptions, 'kernel'> & Pick<Conv3dOptions, 'kernel'>,
): Value {
  return net.scoped(name, () => {
    const sides = perAxis(kernel, x);
    const shape = [outputs, channelsOf(x) / group, ...sides];
    const weight = standardise
      ? standardisedKernel(net, shape)
      : net.parameter('weight', shape, initialise, { decay: true });
    const offset = bias ? net.parameter('bias', [outputs], constant(initialBias), { decay: false }) : undefined;
    const reaches = sides.map((side) => (padding === 'same' ? dilation * (side - 1) : 0));
    const halves = reaches.map((reach) => Math.floor(reach / 2));
    const same = [...halves, ...reaches.map((reach, i) => reach - halves[i])];
    return net.op('Conv', offset === undefined ? [x, weight] : [x, weight, offset], {
      kernel_shape: sides,
      pads: typeof padding === 'string' ? same : padding.flat(),
      ...(stride !== 1 && { strides: sides.map(() => stride) }),
      ...(dilation !== 1 && { dilations: sides.map(() => dilation) }),
      ...(group !== 1 && { group }),
    });
  });
}

/** Transposed convolution with kernel = stride = `factor`: each pixel becomes a block, [N,C,H,W] -> [N,outputs,fH,fW]. */
export function upConv(
  net: NetworkBuilder,
  x: Value,
  outputs: number,
  { name = 'up', factor = 2, initialise }: { name?: string; factor?: number; initialise?: Initialiser } = {},
): Value {
  return net.scoped(name, () => {
    // Without overlap every output sums over the input channels only.
    const first = initialise ?? heNormal(channelsOf(x));
    const weight = net.parameter('weight', [channelsOf(x), outputs, factor, factor], first, { decay: true });
    const bias = net.parameter('bias', [outputs], constant(0), { decay: false });
    return net.op('ConvTranspose', [x, weight, bias], { kernel_shape: [factor, factor], strides: [factor, factor] });
  });
}

/** [N, C, H, W] -> [N, C H W]. */
export function flatten(net: NetworkBuilder, x: Value): Value {
  return net.op('Flatten', [x], { axis: 1 });
}

/** y = x W' + b: [N, inputs] -> [N, outputs]. */
export function dense(
  net: NetworkBuilder,
  x: Value,
  outputs: number,
  {
    name = 'dense',
    initialise = heNormal(),
    initialBias = 0,
  }: { name?: string; initialise?: Initialiser; initialBias?: number } = {},
): Value {
  return net.scoped(name, () => {
    const weight = net.parameter('weight', [outputs, x.shape[1]], initialise, { decay: true });
    const bias = net.parameter('bias', [outputs], constant(initialBias), { decay: false });
    return net.op('Gemm', [x, weight, bias], { transB: 1 });
  });
}

/**
 * Dropout: x times a mask of 0 and 1 / (1 - rate) that is an input of the training graph (`drawMasks`); the identity
 * outside training. `perChannel` drops whole feature maps.
 */
export function dropout(
  net: NetworkBuilder,
  x: Value,
  rate: number,
  { name = 'dropout', perChannel = false }: { name?: string; perChannel?: boolean } = {},
): Value {
  if (!net.training || rate === 0) return x;
  const shape = perChannel ? x.shape.map((n, i) => (i < 2 ? n : 1)) : x.shape;
  return net.scoped(name, () => net.mul(x, net.mask(shape, 1 - rate)));
}

/** Normalises each image and channel to mean 0 and variance 1, then applies a learned scale and shift. */
export function instanceNorm(net: NetworkBuilder, x: Value, { name = 'norm' }: { name?: string } = {}): Value {
  return net.scoped(name, () => {
    const scale = net.parameter('scale', [channelsOf(x)], constant(1), { decay: false });
    const bias = net.parameter('bias', [channelsOf(x)], constant(0), { decay: false });
    return net.op('InstanceNormalization', [x, scale, bias], { epsilon: 1e-5 });
  });
}

/**
 * Local response normalisation over neighbouring channels, Krizhevsky et al. 2012, section 3.3:
 *
 *     y_c = x_c / (k + alpha sum_{j within size/2 of c} x_j^2)^beta
 *
 * ONNX, PyTorch and Caffe divide alpha by the size; the paper and this function do not.
 */
export function localResponseNorm(
  net: NetworkBuilder,
  x: Value,
  { size = 5, k = 2, alpha = 1e-4, beta = 0.75 }: { size?: number; k?: number; alpha?: number; beta?: number } = {},
): Value {
  return net.op('LRN', [x], { size, alpha: alpha * size, beta, bias: k });
}

/** max(x, 0). */
export function relu(net: NetworkBuilder, x: Value): Value {
  return net.op('Relu', [x]);
}

/**
 * Maximum over windows of `kernel` with stride `stride` (default: the kernel). Incomplete windows at the border are
 * dropped.
 */
export function maxPool(net: NetworkBuilder, x: Value, kernel: PerAxis = 2, stride = kernel): Value {
  return net.op('MaxPool', [x], { kernel_shape: perAxis(kernel, x), strides: perAxis(stride, x) });
}

/** Upsampling by integer factors, nearest or linear between pixel centres: [N,C,H,W] -> [N,C,fH,fW]; volumes likewise. */
export function upsample(
  net: NetworkBuilder,
  x: Value,
  { factor = 2, mode = 'nearest' }: { factor?: PerAxis; mode?: 'nearest' | 'linear' } = {},
): Value {
  const scales = net.constant(float32([x.shape.length], [1, 1, ...perAxis(factor, x)]));
  return net.op(
    'Resize',
    [x, undefined, scales],
    mode === 'nearest'
      ? { mode, coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }
      : { mode, coordinate_transformation_mode: 'half_pixel' },
  );
}

/**
 * The centre of `x`, cropped to the spatial size of `like`; if the difference is odd, the extra row or column is cut at
 * the end.
 */
export function centreCrop(net: NetworkBuilder, x: Value, like: Value): Value {
  const cuts = axesFrom(x, 2).flatMap((axis) => {
    const surplus = x.shape[axis] - like.shape[axis];
    const start = Math.floor(surplus / 2);
    return surplus === 0 ? [] : [{ axis, start, end: start - surplus }];
  });
  if (cuts.length === 0) return x;
  // Ends are counted from the end, so that the same graph crops any size.
  return net.slice(
    x,
    cuts.map(({ start }) => start),
    cuts.map(({ end }) => end),
    cuts.map(({ axis }) => axis),
  );
}

/** Concatenates the channels of both, the first cropped to the size of the second. */
export function concatCropped(net: NetworkBuilder, skip: Value, x: Value): Value {
  return net.op('Concat', [centreCrop(net, skip, x), x], { axis: 1 });
}
