/**
 * Convolution, its transpose, and the two gradients that lowering reformulates.
 *
 * With y = Conv(x, w) linear in both, all gradients are again among these operations:
 *   dx = ConvGradInput(dy, w),  dw = ConvGradWeight(dy, x),  ConvTranspose(x, w) = ConvGradInput(x, w).
 */
import { elementCount } from '../../array/ndarray.ts';
import { type AxisRule, strided, transposedWindows, windows } from '../analysis/axis-map.ts';
import { sampled } from '../analysis/axis-rules.ts';
import type { Node, Value } from '../ir.ts';
import { type Build, backwardRow, type OpRow, onnxRow } from '../op-row.ts';

/** Spatial attributes of convolutions; defaults: no padding, stride 1, dilation 1, one group. */
export interface ConvAttributes {
  readonly kernel_shape?: readonly number[];
  /** Begin of each spatial axis, then end of each. */
  readonly pads?: readonly number[];
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  readonly group?: number;
}

/** The attributes of each op. */
export interface Convolution {
  Conv: ConvAttributes;
  ConvTranspose: ConvAttributes & { readonly output_padding?: readonly number[] };
  'lamella.ConvGradInput': ConvAttributes & { readonly input_shape: readonly number[] };
  'lamella.ConvGradWeight': ConvAttributes & { readonly kernel_shape: readonly number[] };
}

export const CONV_KINDS = {
  kernel_shape: 'ints',
  pads: 'ints',
  strides: 'ints',
  dilations: 'ints',
  group: 'int',
} as const;

export interface ConvGeometry {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
  readonly group: number;
}

/** The attributes of a convolution with all defaults filled in. */
export function convGeometry(attributes: ConvAttributes, kernel: readonly number[]): ConvGeometry {
  const rank = kernel.length;
  const ones = kernel.map(() => 1);
  const pads = attributes.pads ?? [...ones, ...ones].map(() => 0);
  return {
    kernel,
    strides: attributes.strides ?? ones,
    dilations: attributes.dilations ?? ones,
    padsBegin: pads.slice(0, rank),
    padsEnd: pads.slice(rank),
    group: attributes.group ?? 1,
  };
}

/** floor((size + pads - dilation (kernel - 1) - 1) / stride) + 1 for each spatial axis. */
export function convolvedSizes(sizes: readonly number[], g: ConvGeometry): number[] {
  return sizes.map((size, i) => {
    const covered = size + at(g.padsBegin, i) + at(g.padsEnd, i) - at(g.dilations, i) * (at(g.kernel, i) - 1) - 1;
    return Math.floor(covered / at(g.strides, i)) + 1;
  });
}

function at(list: readonly number[], i: number): number {
  return list[i];
}

/** The attributes common to all three operations, without `kernel_shape`. */
function shared({ pads, strides, dilations, group }: ConvAttributes): ConvAttributes {
  return {
    ...(pads && { pads }),
    ...(strides && { strides }),
    ...(dilations && { dilations }),
    ...(group !== undefined && { group }),
  };
}

/** Sum over all axes except the channel axis: the gradient of a bias. */
function biasGradient(b: Build, d: Value, bias: Value | undefined): Value | undefined {
  if (bias === undefined) return undefined;
  return b.sum(
    d,
    d.shape.map((_, i) => i).filter((i) => i !== 1),
  );
}

/** Each spatial axis separately, in windows of the kernel or their adjoint. */
function convolvedAxes(shapeOf: typeof windows): AxisRule<'Conv' | 'ConvTranspose'> {
  return (node, context) => {
    const g = convGeometry(node.attributes, (node.inputs[1] as Value).shape.slice(2));
    return sampled(node, context, (axis) => {
      const i = axis - 2;
      return i < 0 ? strided(0, 1) : shapeOf(g.kernel[i], g.strides[i], g.dilations[i], g.padsBegin[i]);
    });
  };
}

export const CONVOLUTIONS: { readonly [K in keyof Convolution]: OpRow<K> } = {
  // y[n,k,p] = sum_{c,i} w[k,c,i] x[n,c, stride p + dilation i - pad] + bias[k]
  Conv: onnxRow({
    opset: 11,
    arity: [2, 3],
    attributes: CONV_KINDS,
    axes: convolvedAxes(windows),
    traits: {
      kind: 'convolution',
      macs: (_, w, y) => elementCount(y.shape) * elementCount(w.shape.slice(1)),
      trainable: [1, 2],
    },
    infer: (context) => {
      const [x, w] = [context.input(0), context.input(1)];
      const g = convGeometry(context.node.attributes, w.shape.slice(2));
      if (x.shape.length !== w.shape.length) context.fail('input and weights must have the same rank.');
      if (x.shape[1] !== at(w.shape, 1) * g.group) {
        context.fail(`the input has ${x.shape[1]} channels, the weights expect ${at(w.shape, 1)} x ${g.group} groups.`);
      }
      const bias = context.node.inputs[2];
      if (bias !== undefined && (bias.shape.length !== 1 || bias.shape[0] !== w.shape[0])) {
        context.fail('the bias must have one element per output channel.');
      }
      const sizes = convolvedSizes(x.shape.slice(2), g);
      if (sizes.some((size) => size < 1))
        context.fail(`the kernel [${g.kernel.join(', ')}] is larger than the padded input.`);
      return [{ dtype: x.dtype, shape: [at(x.shape, 0), at(w.shape, 0), ...sizes] }];
    },
    gradient: (b, node, d) => {
      const [x, w, bias] = node.inputs as readonly [Value, Value, Value | undefined];
      const attributes = shared(node.attributes);
      return [
        b.op('lamella.ConvGradInput', [d, w], { ...attributes, input_shape: x.shape }),
        b.op('lamella.ConvGradWeight', [d, x], { ...attributes, kernel_shape: w.shape.slice(2) }),
        biasGradient(b, d, bias),
      ];
    },
  }),

  ConvTranspose: onnxRow({
    opset: 11,
    arity: [2, 3],
    attributes: { ...CONV_KINDS, output_padding: 'ints' },
    axes: convolvedAxes(transposedWindows),
    traits: {
      kind: 'upconvolution',
      macs: (x, w) => elementCount(x.shape) * elementCount(w.shape.slice(1)),
      trainable: [1, 2],
    },
    infer: (context) => {
      const [x, w] = [context.input(0), context.input(1)];
      const g = convGeometry(context.node.attributes, w.shape.slice(2));
      if (x.shape[1] !== w.shape[0])
        context.fail(`the input has ${x.shape[1]} channels, the weights expect ${w.shape[0]}.`);
      const extra = context.node.attributes.output_padding ?? g.kernel.map(() => 0);
      const sizes = x.shape
        .slice(2)
        .map(
          (size, i) =>
            at(g.strides, i) * (size - 1) +
            at(extra, i) +
            at(g.dilations, i) * (at(g.kernel, i) - 1) +
            1 -
            at(g.padsBegin, i) -
            at(g.padsEnd, i),
        );
      return [{ dtype: x.dtype, shape: [at(x.shape, 0), at(w.shape, 1) * g.group, ...sizes] }];
    },
    gradient: (b, node, d) => {
      const [x, w, bias] = node.inputs as readonly [Value, Value, Value | undefined];
      const attributes = shared(node.attributes);
      return [
        b.op('Conv', [d, w], attributes),
        b.op('lamella.ConvGradWeight', [x, d], { ...attributes, kernel_shape: w.shape.slice(2) }),
        biasGradient(b, d, bias),
      ];
    },
  }),

  // (dy [N,K,..], w [K,C/group,..]) -> dx of shape input_shape
  'lamella.ConvGradInput': backwardRow({
    arity: [2, 2],
    attributes: { ...CONV_KINDS, input_shape: 'ints' },
    macs: (dy, w) => elementCount(dy.shape) * elementCount(w.shape.slice(1)),
    infer: (context) => {
      const [dy, w] = [context.input(0), context.input(1)];
      const shape = context.node.attributes.input_shape;
      const expected = convolvedSizes(shape.slice(2), convGeometry(context.node.attributes, w.shape.slice(2)));
      if (dy.shape[1] !== w.shape[0] || expected.join() !== dy.shape.slice(2).join()) {
        context.fail(`a gradient of shape [.., ${w.shape[0]}, ${expected.join(', ')}] is expected.`);
      }
      return [{ dtype: dy.dtype, shape }];
    },
    gradient: (b, node, g) => {
      const [dy, w] = node.inputs as readonly [Value, Value];
      const attributes = shared(node.attributes);
      return [
        b.op('Conv', [g, w], attributes),
        b.op('lamella.ConvGradWeight', [dy, g], { ...attributes, kernel_shape: w.shape.slice(2) }),
      ];
    },
    decompose: (b, node) => [gradInputReference(b, node)],
  }),

  // (dy [N,K,..], x [N,C,..]) -> dw [K, C/group, kernel..]
  'lamella.ConvGradWeight': backwardRow({
    arity: [2, 2],
    attributes: CONV_KINDS,
    macs: (dy, _, dw) => elementCount(dy.shape) * elementCount(dw.shape.slice(1)),
    infer: (context) => {
      const [dy, x] = [context.input(0), context.input(1)];
      const { kernel_shape: kernel, group = 1 } = context.node.attributes;
      const expected = convolvedSizes(x.shape.slice(2), convGeometry(context.node.attributes, kernel));
      if (dy.shape[0] !== x.shape[0] || expected.join() !== dy.shape.slice(2).join()) {
        context.fail(`a gradient of spatial shape [${expected.join(', ')}] is expected.`);
      }
      return [{ dtype: dy.dtype, shape: [at(dy.shape, 1), at(x.shape, 1) / group, ...kernel] }];
    },
    gradient: (b, node, g) => {
      const [dy, x] = node.inputs as readonly [Value, Value];
      const attributes = shared(node.attributes);
      return [
        b.op('Conv', [x, g], attributes),
        b.op('lamella.ConvGradInput', [dy, g], { ...attributes, input_shape: x.shape }),
      ];
    },
    decompose: (b, node) => [gradWeightReference(b, node)],
  }),
};

/** ConvTranspose is the adjoint of Conv; output_padding restores what the stride's rounding down dropped. */
function gradInputReference(b: Build, node: Node<'lamella.ConvGradInput'>): Value {
  const [dy, w] = node.inputs as readonly [Value, Value];
  const g = convGeometry(node.attributes, w.shape.slice(2));
  const output_padding = node.attributes.input_shape.slice(2).map((size, i) => {
    const reached = at(g.strides, i) * (at(dy.shape, 2 + i) - 1) + at(g.dilations, i) * (at(g.kernel, i) - 1) + 1;
    return size + at(g.padsBegin, i) + at(g.padsEnd, i) - reached;
  });
  return b.op('ConvTranspose', [dy, w], { ...shared(node.attributes), output_padding });
}

/**
 * dW[k,c,i] = sum_{n,p} dy[n,k,p] x[n,c, stride p + dilation i - pad]: a convolution of x with dy as the kernel, batch
 * and channels exchanged, stride and dilation exchanged; once per group.
 */
function gradWeightReference(b: Build, node: Node<'lamella.ConvGradWeight'>): Value {
  const [dy, x] = node.inputs as readonly [Value, Value];
  const kernel = node.attributes.kernel_shape;
  const g = convGeometry(node.attributes, kernel);
  const swap = [1, 0, ...kernel.map((_, i) => i + 2)];
  const [outputs, inputs] = [at(dy.shape, 1) / g.group, at(x.shape, 1) / g.group];
  const parts = Array.from({ length: g.group }, (_, group) => {
    const only = (value: Value, count: number) =>
      g.group === 1 ? value : b.slice(value, [group * count], [(group + 1) * count], [1]);
    const correlated = b.op('Conv', [b.transpose(only(x, inputs), swap), b.transpose(only(dy, outputs), swap)], {
      pads: [...g.padsBegin, ...g.padsEnd],
      strides: g.dilations,
      dilations: g.strides,
    });
    const axes = kernel.map((_, i) => i + 2);
    const fits = kernel.every((size, i) => size === correlated.shape[2 + i]);
    const cropped = fits
      ? correlated
      : b.slice(
          correlated,
          kernel.map(() => 0),
          kernel,
          axes,
        );
    return b.transpose(cropped, swap);
  });
  return parts.length === 1 ? parts[0] : b.op('Concat', parts, { axis: 0 });
}
