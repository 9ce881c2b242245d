/** Normalisation layers as defined by ONNX. Their gradients are compositions of standard ops. */

import { ndarray } from '../../array/ndarray.ts';
import * as axes from '../analysis/axis-rules.ts';
import type { Value } from '../ir.ts';
import { type Build, inferSame, type OpRow } from '../op-row.ts';

/** The attributes of each op. */
export interface Normalisation {
  BatchNormalization: { readonly epsilon?: number; readonly momentum?: number; readonly training_mode?: 0 };
  InstanceNormalization: { readonly epsilon?: number };
  LRN: { readonly size: number; readonly alpha?: number; readonly beta?: number; readonly bias?: number };
}

/** [C] as [1, C, 1, ...], to broadcast over a tensor of the given rank. */
function perChannel(b: Build, vector: Value, rank: number): Value {
  return b.reshape(vector, [1, vector.shape[0], ...Array.from({ length: rank - 2 }, () => 1)]);
}

function spatialAxes(x: Value): number[] {
  return x.shape.map((_, i) => i).slice(2);
}

function mean(b: Build, x: Value, axes: readonly number[]): Value {
  return b.op('ReduceMean', [x, b.ints(axes)], { keepdims: 1 });
}

export const NORMALISATIONS: { readonly [K in keyof Normalisation]: OpRow<K> } = {
  // y = scale (x - mean) / sqrt(variance + epsilon) + bias, with stored statistics (as in prediction)
  BatchNormalization: {
    domain: '',
    opset: 15,
    arity: [5, 5],
    attributes: { epsilon: 'float', momentum: 'float', training_mode: 'int' },
    axes: axes.firstInput,
    traits: { kind: 'normalisation', macs: 0, trainable: [1, 2], known: [] },
    infer: inferSame,
    gradient: (b, node, d) => {
      const [x, scale, , average, variance] = node.inputs as readonly [Value, Value, Value, Value, Value];
      const rank = x.shape.length;
      const others = x.shape.map((_, i) => i).filter((i) => i !== 1);
      const inverse = b.op('Reciprocal', [
        b.op('Sqrt', [b.add(variance, b.scalar(node.attributes.epsilon ?? 1e-5, x.dtype))]),
      ]);
      const normal = b.mul(b.sub(x, perChannel(b, average, rank)), perChannel(b, inverse, rank));
      return [
        b.mul(d, perChannel(b, b.mul(scale, inverse), rank)),
        b.sum(b.mul(d, normal), others),
        b.sum(d, others),
        undefined,
        undefined,
      ];
    },
  },

  // Mean and variance of each image and channel.
  // dx = scale / s (d - mean(d) - n mean(d n)), n = (x - mean) / s, s = sqrt(var + epsilon)
  InstanceNormalization: {
    domain: '',
    opset: 6,
    arity: [3, 3],
    attributes: { epsilon: 'float' },
    axes: axes.wholeImage,
    traits: { kind: 'normalisation', macs: 0, trainable: [1, 2], known: [] },
    infer: inferSame,
    gradient: (b, node, d) => {
      const [x, scale] = node.inputs as readonly [Value, Value];
      const axes = spatialAxes(x);
      const centred = b.sub(x, mean(b, x, axes));
      const variance = mean(b, b.mul(centred, centred), axes);
      const inverse = b.op('Reciprocal', [
        b.op('Sqrt', [b.add(variance, b.scalar(node.attributes.epsilon ?? 1e-5, x.dtype))]),
      ]);
      const normal = b.mul(centred, inverse);
      const product = b.mul(d, normal);
      const inner = b.sub(b.sub(d, mean(b, d, axes)), b.mul(normal, mean(b, product, axes)));
      return [
        b.mul(b.mul(inner, inverse), perChannel(b, scale, x.shape.length)),
        b.sum(product, [0, ...axes]),
        b.sum(d, [0, ...axes]),
      ];
    },
  },

  // y_c = x_c s_c^-beta, s_c = bias + alpha/size sum_{j near c} x_j^2   (Krizhevsky 2012, section 3.3)
  // dx_c = d_c s_c^-beta - 2 alpha beta / size  x_c sum_{j: c near j} d_j x_j s_j^(-beta-1)
  LRN: {
    domain: '',
    opset: 13,
    arity: [1, 1],
    attributes: { size: 'int', alpha: 'float', beta: 'float', bias: 'float' },
    axes: axes.channelsOnly,
    traits: { kind: 'normalisation', macs: 0, trainable: [], known: [] },
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
  },
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
