/** Normalisation layers as defined by ONNX. Their gradients are compositions of standard ops. */

import { ndarray } from '../../array/ndarray.ts';
import * as axes from '../analysis/axis-rules.ts';
import type { Node, Value } from '../ir.ts';
import { axesFrom, type Build, inferSame, type OpRow, onnxRow } from '../op-row.ts';

/** The attributes of each op. */
export interface Normalisation {
  BatchNormalization: { readonly epsilon?: number; readonly momentum?: number; readonly training_mode?: 0 | 1 };
  InstanceNormalization: { readonly epsilon?: number };
  LRN: { readonly size: number; readonly alpha?: number; readonly beta?: number; readonly bias?: number };
}

/** [C] as [1, C, 1, ...], to broadcast over a tensor of the given rank. */
function perChannel(b: Build, vector: Value, rank: number): Value {
  return b.reshape(vector, [1, vector.shape[0], ...Array.from({ length: rank - 2 }, () => 1)]);
}

/** 1 / sqrt(variance + epsilon). */
function inverseDeviation(b: Build, variance: Value, epsilon = 1e-5): Value {
  return b.op('Reciprocal', [b.op('Sqrt', [b.add(variance, b.scalar(epsilon, variance.dtype))])]);
}

function mean(b: Build, x: Value, axes: readonly number[]): Value {
  return b.op('ReduceMean', [x, b.ints(axes)], { keepdims: 1 });
}

type BatchNorm = Node<'BatchNormalization'>;

/** Whether statistics are those of the batch. */
const trains = ({ attributes }: Pick<BatchNorm, 'attributes'>): boolean => attributes.training_mode === 1;

/** All axes but that of the channels. */
const batchAxes = (x: Value): number[] => x.shape.map((_, i) => i).filter((i) => i !== 1);

/** The normalised input of a batch normalisation, and the statistics that it is normalised by, [C]. */
function normalised(
  b: Build,
  node: BatchNorm,
): { readonly normal: Value; readonly inverse: Value; readonly average: Value; readonly variance: Value } {
  const [x, , , storedMean, storedVariance] = node.inputs as readonly [Value, Value, Value, Value, Value];
  const rank = x.shape.length;
  const overBatch = (values: Value) => b.op('ReduceMean', [values, b.ints(batchAxes(x))], { keepdims: 0 });
  const average = trains(node) ? overBatch(x) : storedMean;
  const centred = b.sub(x, perChannel(b, average, rank));
  const variance = trains(node) ? overBatch(b.mul(centred, centred)) : storedVariance;
  const inverse = inverseDeviation(b, variance, node.attributes.epsilon);
  return { normal: b.mul(centred, perChannel(b, inverse, rank)), inverse, average, variance };
}

export const NORMALISATIONS: { readonly [K in keyof Normalisation]: OpRow<K> } = {
  // y = scale n + bias, n = (x - mean) / s, s = sqrt(variance + epsilon); without training_mode with the stored mean and
  // variance, and dx = scale / s d. In training mode with those of the batch, per channel over N, H and W:
  // dx = scale / s (d - mean(d) - n mean(d n)); outputs 1 and 2 are the stored ones moved towards them,
  // momentum stored + (1 - momentum) batch, with the variance over all M values, not M - 1.   (Ioffe & Szegedy 2015)
  BatchNormalization: onnxRow({
    opset: 15,
    arity: [5, 5],
    attributes: { epsilon: 'float', momentum: 'float', training_mode: 'int' },
    axes: (node, context) => (trains(node) ? axes.wholeImage(node, context) : axes.firstInput(node, context)),
    traits: { kind: 'normalisation', trainable: [1, 2] },
    infer: (context) => {
      const [y] = inferSame(context);
      const stored = [3, 4].map((i) => ({ dtype: context.input(i).dtype, shape: context.input(i).shape }));
      return trains(context.node) ? [y, ...stored] : [y];
    },
    gradient: (b, node, d) => {
      const [x, scale] = node.inputs as readonly [Value, Value];
      const rank = x.shape.length;
      const others = batchAxes(x);
      const { normal, inverse } = normalised(b, node);
      const product = b.mul(d, normal);
      const inner = trains(node) ? b.sub(b.sub(d, mean(b, d, others)), b.mul(normal, mean(b, product, others))) : d;
      return [
        b.mul(inner, perChannel(b, b.mul(scale, inverse), rank)),
        b.sum(product, others),
        b.sum(d, others),
        undefined,
        undefined,
      ];
    },
    // ONNX Runtime has training mode on some devices only.
    decompose: (b, node) => {
      if (!trains(node)) return undefined;
      const [x, scale, bias, storedMean, storedVariance] = node.inputs as readonly [Value, Value, Value, Value, Value];
      const rank = x.shape.length;
      const { normal, average, variance } = normalised(b, node);
      const keep = b.scalar(node.attributes.momentum ?? 0.9, x.dtype);
      const take = b.sub(b.scalar(1, x.dtype), keep);
      const moved = (stored: Value, batch: Value) => b.add(b.mul(stored, keep), b.mul(batch, take));
      return [
        b.add(b.mul(normal, perChannel(b, scale, rank)), perChannel(b, bias, rank)),
        moved(storedMean, average),
        moved(storedVariance, variance),
      ];
    },
  }),

  // Mean and variance of each image and channel.
  // dx = scale / s (d - mean(d) - n mean(d n)), n = (x - mean) / s, s = sqrt(var + epsilon)
  InstanceNormalization: onnxRow({
    opset: 6,
    arity: [3, 3],
    attributes: { epsilon: 'float' },
    axes: axes.wholeImage,
    traits: { kind: 'normalisation', trainable: [1, 2] },
    infer: inferSame,
    gradient: (b, node, d) => {
      const [x, scale] = node.inputs as readonly [Value, Value];
      const axes = axesFrom(x, 2);
      const centred = b.sub(x, mean(b, x, axes));
      const variance = mean(b, b.mul(centred, centred), axes);
      const inverse = inverseDeviation(b, variance, node.attributes.epsilon);
      const normal = b.mul(centred, inverse);
      const product = b.mul(d, normal);
      const inner = b.sub(b.sub(d, mean(b, d, axes)), b.mul(normal, mean(b, product, axes)));
      return [
        b.mul(b.mul(inner, inverse), perChannel(b, scale, x.shape.length)),
        b.sum(product, [0, ...axes]),
        b.sum(d, [0, ...axes]),
      ];
    },
  }),

  // y_c = x_c s_c^-beta, s_c = bias + alpha/size sum_{j near c} x_j^2   (Krizhevsky 2012, section 3.3)
  // dx_c = d_c s_c^-beta - 2 alpha beta / size  x_c sum_{j: c near j} d_j x_j s_j^(-beta-1)
  LRN: onnxRow({
    opset: 13,
    arity: [1, 1],
    attributes: { size: 'int', alpha: 'float', beta: 'float', bias: 'float' },
    axes: axes.channelsOnly,
    traits: { kind: 'normalisation' },
    infer: inferSame,
    gradient: (b, node, d) => {
      const x = node.inputs[0] as Value;
      const { size, alpha = 1e-4, beta = 0.75, bias = 1 } = node.attributes;
      const before = Math.floor((size - 1) / 2);
      const sums = bandMatrix(b, x.shape[1], before, size - 1 - before);
      const adjoint = bandMatrix(b, x.shape[1], size - 1 - before, before);
      const s = b.add(
        b.scalar(bias, x.dtype),
        b.mul(b.scalar(alpha / size, x.dtype), alongChannels(b, sums, b.mul(x, x))),
      );
      const power = b.op('Pow', [s, b.scalar(-beta, x.dtype)]);
      const inner = alongChannels(b, adjoint, b.div(b.mul(b.mul(d, x), power), s));
      return [b.sub(b.mul(d, power), b.mul(b.scalar((2 * alpha * beta) / size, x.dtype), b.mul(x, inner)))];
    },
  }),
};

/** [C, C] with ones where column j is within `before` below or `after` above row c. */
function bandMatrix(b: Build, channels: number, before: number, after: number): Value {
  const band = ndarray('float32', [channels, channels]);
  for (let c = 0; c < channels; c++) {
    for (let j = Math.max(0, c - before); j <= Math.min(channels - 1, c + after); j++) band.data[c * channels + j] = 1;
  }
  return b.constant(band);
}

/** The product of a matrix [C, C] and x [N, C, ...] along the channels. */
function alongChannels(b: Build, matrix: Value, x: Value): Value {
  const [batch, channels] = x.shape as readonly [number, number];
  const flat = b.reshape(x, [batch, channels, x.shape.slice(2).reduce((n, m) => n * m, 1)]);
  return b.reshape(b.op('MatMul', [matrix, flat]), x.shape);
}
