/** Pooling. */

import { elementCount, ndarray } from '../../array/ndarray.ts';
import * as axes from '../analysis/axis-rules.ts';
import type { NoAttributes } from '../attributes.ts';
import type { Value } from '../ir.ts';
import { type Build, backwardRow, type OpRow, onnxRow } from '../op-row.ts';

export interface PoolAttributes {
  readonly kernel_shape: readonly number[];
  readonly pads?: readonly number[];
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  readonly ceil_mode?: 0 | 1;
}

/** The attributes of each op. */
export interface Pooling {
  MaxPool: PoolAttributes & { readonly storage_order?: 0 };
  'lamella.MaxPoolGrad': PoolAttributes;
  AveragePool: PoolAttributes & { readonly count_include_pad?: 0 | 1 };
  GlobalAveragePool: NoAttributes;
}

export const POOL_KINDS = {
  kernel_shape: 'ints',
  pads: 'ints',
  strides: 'ints',
  dilations: 'ints',
  ceil_mode: 'int',
} as const;

type Geometry = Required<Omit<PoolAttributes, 'ceil_mode'>>;

function geometry(attributes: PoolAttributes): Geometry {
  const ones = attributes.kernel_shape.map(() => 1);
  return {
    kernel_shape: attributes.kernel_shape,
    pads: attributes.pads ?? [...ones, ...ones].map(() => 0),
    strides: attributes.strides ?? ones,
    dilations: attributes.dilations ?? ones,
  };
}

/** Spatial sizes after pooling; with ceil_mode a last window must start inside the input or its left padding. */
export function pooledSizes(sizes: readonly number[], attributes: PoolAttributes): number[] {
  const { kernel_shape: kernel, pads, strides, dilations } = geometry(attributes);
  return sizes.map((size, i) => {
    const begin = pads[i];
    const end = pads[i + kernel.length];
    const stride = strides[i];
    const steps = (size + begin + end - dilations[i] * (kernel[i] - 1) - 1) / stride;
    if (!attributes.ceil_mode) return Math.floor(steps) + 1;
    const count = Math.ceil(steps) + 1;
    return (count - 1) * stride >= size + begin ? count - 1 : count;
  });
}

function inferPool(context: Parameters<OpRow<'MaxPool'>['infer']>[0] | Parameters<OpRow<'AveragePool'>['infer']>[0]) {
  const { dtype, shape } = context.input(0);
  if (shape.length !== context.node.attributes.kernel_shape.length + 2)
    context.fail('the kernel does not fit the rank.');
  const sizes = pooledSizes(shape.slice(2), context.node.attributes);
  if (sizes.some((size) => size < 1)) context.fail('the window is larger than the input.');
  return { dtype, shape: [...shape.slice(0, 2), ...sizes] };
}

/** The number of input elements in each window of an average pool, as a constant [1, 1, ...]. */
function windowCounts(
  b: Build,
  sizes: readonly number[],
  pooled: readonly number[],
  g: Geometry,
  includePad: boolean,
): Value {
  const perAxis = sizes.map((size, i) =>
    Array.from({ length: pooled[i] }, (_, p) => {
      const [low, high] = includePad ? [-g.pads[i], size + g.pads[i + sizes.length]] : [0, size];
      let count = 0;
      for (let k = 0; k < g.kernel_shape[i]; k++) {
        const position = p * g.strides[i] - g.pads[i] + k * g.dilations[i];
        if (position >= low && position < high) count++;
      }
      return count;
    }),
  );
  const counts = perAxis.reduce<number[]>((outer, axis) => outer.flatMap((o) => axis.map((c) => o * c)), [1]);
  return b.constant(ndarray('float32', [1, 1, ...pooled], Float32Array.from(counts)));
}

export const POOLINGS: { readonly [K in keyof Pooling]: OpRow<K> } = {
  // y = max over the window; the second output is the flat index of the maximum in the whole input
  MaxPool: onnxRow({
    opset: 12,
    arity: [1, 1],
    attributes: { ...POOL_KINDS, storage_order: 'int' },
    axes: axes.pool,
    traits: { kind: 'pooling' },
    infer: (context) => {
      const pooled = inferPool(context);
      return [pooled, { dtype: 'int64', shape: pooled.shape }];
    },
    gradient: (b, node, d) => {
      const { storage_order: _, ...attributes } = node.attributes;
      return [b.op('lamella.MaxPoolGrad', [node.inputs[0], d, node.outputs[0]], attributes)];
    },
  }),

  // (x, dy, y) -> dx: each window's gradient goes to the first element that is its maximum
  'lamella.MaxPoolGrad': backwardRow({
    arity: [3, 3],
    attributes: POOL_KINDS,
    infer: (context) => [{ dtype: context.input(1).dtype, shape: context.input(0).shape }],
    // Linear in dy: the gradient gathers g at the positions of the maxima.
    gradient: (b, node, g) => {
      const [x, dy] = node.inputs as readonly [Value, Value];
      const flat = b.reshape(g, [elementCount(g.shape)]);
      return [
        undefined,
        b.reshape(b.op('Gather', [flat, maximumIndices(b, x, node.attributes)], { axis: 0 }), dy.shape),
      ];
    },
    decompose: (b, node) => {
      const [x, dy] = node.inputs as readonly [Value, Value];
      const zeros = b.op('ConstantOfShape', [b.ints([elementCount(x.shape)])]);
      const flatDy = b.reshape(dy, [elementCount(dy.shape)]);
      const scattered = b.op('ScatterElements', [zeros, maximumIndices(b, x, node.attributes), flatDy], {
        axis: 0,
        reduction: 'add',
      });
      return [b.reshape(scattered, x.shape)];
    },
  }),

  // y = mean over the window (over its part inside the input unless count_include_pad)
  AveragePool: onnxRow({
    opset: 11,
    arity: [1, 1],
    attributes: { ...POOL_KINDS, count_include_pad: 'int' },
    axes: axes.pool,
    traits: { kind: 'pooling' },
    infer: (context) => [inferPool(context)],
    // A depthwise convolution with ones, divided by the counts; its adjoint likewise.
    gradient: (b, node, d) => {
      const x = node.inputs[0] as Value;
      const g = geometry(node.attributes);
      const channels = x.shape[1];
      const ones = ndarray('float32', [channels, 1, ...g.kernel_shape]);
      ones.data.fill(1);
      // With ceil_mode the last window extends beyond the padding.
      const rank = g.kernel_shape.length;
      const pads = g.pads.map((pad, k) => {
        const i = k - rank;
        if (i < 0) return pad;
        const reach = g.dilations[i] * (g.kernel_shape[i] - 1) + 1;
        const last = (d.shape[i + 2] - 1) * g.strides[i] + reach;
        return Math.max(pad, last - x.shape[i + 2] - g.pads[i]);
      });
      const counts = windowCounts(b, x.shape.slice(2), d.shape.slice(2), g, node.attributes.count_include_pad === 1);
      return [
        b.op('lamella.ConvGradInput', [b.div(d, counts), b.constant(ones)], {
          pads,
          strides: g.strides,
          dilations: g.dilations,
          group: channels,
          input_shape: x.shape,
        }),
      ];
    },
  }),

  GlobalAveragePool: onnxRow({
    opset: 1,
    arity: [1, 1],
    attributes: {},
    axes: axes.wholeImage,
    traits: { kind: 'pooling' },
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      return [{ dtype, shape: shape.map((n, i) => (i < 2 ? n : 1)) }];
    },
    gradient: (b, node, d) => {
      const x = node.inputs[0] as Value;
      const mean = b.mul(d, b.scalar(1 / elementCount(x.shape.slice(2)), d.dtype));
      return [b.op('Expand', [mean, b.ints(x.shape)])];
    },
  }),
};

/** Flat positions of the maxima, one per output element. */
function maximumIndices(b: Build, x: Value, attributes: PoolAttributes): Value {
  const indices = b.ops('MaxPool', [x], attributes, 2)[1];
  return b.reshape(indices, [elementCount(indices.shape)]);
}
