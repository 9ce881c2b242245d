/**
 * Depthwise convolution (one kernel per channel) and both its gradients by ONNX Runtime's blocked kernels, where the
 * channels are whole blocks. Weights are [C/B][kh][kw][B].
 *
 *   y[c,p]  = sum_i w[c,i] x[c, stride p + dilation i - pad]
 *   dx      = the same, of dy with stride - 1 zeros behind each row and column, by w with its taps reversed
 *   dw[c,i] = sum_{n,p} dy[n,c,p] x[n,c, stride p + dilation i - pad]
 *
 * dw is a depthwise convolution too: dy in blocks has the memory order of kernels as large as an image. It reads x and dy
 * once per row of taps. As a product and a sum per tap (grad-weight-depthwise.ts) both pass through memory nine times.
 */
import { elementCount, ndarray } from '../../array/ndarray.ts';
import type { GraphBuilder } from '../../graph/builder.ts';
import type { Value } from '../../graph/ir.ts';
import { type ConvGeometry, convGeometry } from '../../graph/ops/convolution.ts';
import { type Formulation, type Lowering, onlyConsumer } from '../context.ts';

/** Two spatial axes, as many groups as inputs and outputs, whole blocks. */
function isDepthwise({ forms }: Lowering, x: Value, y: Value, g: ConvGeometry): boolean {
  const channels = x.shape[1] as number;
  return g.kernel.length === 2 && g.group === channels && y.shape[1] === channels && channels > 1 && forms.canBlock(x);
}

export const convDepthwiseBlocked: Formulation<'Conv'> = (lowering, node) => {
  const { b, forms } = lowering;
  const [x, w, bias] = node.inputs as readonly [Value, Value, Value | undefined];
  const y = node.outputs[0];
  const g = convGeometry(node.attributes, w.shape.slice(2));
  if (x.dtype !== 'float32' || !isDepthwise(lowering, x, y, g)) return false;
  const relu = onlyConsumer(lowering, y);
  const fused = relu?.op === 'Relu' ? relu : undefined;
  const inputs = [forms.blocked(x), kernelOf(b, forms.plain(w), forms.block)];
  const made = b.op('nchwc.Conv', bias === undefined ? inputs : [...inputs, forms.plain(bias)], {
    kernel_shape: g.kernel,
    pads: [...g.padsBegin, ...g.padsEnd],
    strides: g.strides,
    dilations: g.dilations,
    group: g.group,
    ...(fused && { activation: 'Relu' as const }),
  });
  forms.set(fused?.outputs[0] ?? y, 'blocked', made);
  if (fused !== undefined) lowering.skip(fused);
  return true;
};

export const convGradInputDepthwiseBlocked: Formulation<'lamella.ConvGradInput'> = (lowering, node) => {
  const { b, forms } = lowering;
  const [dy, w] = node.inputs as readonly [Value, Value];
  const dx = node.outputs[0];
  const g = convGeometry(node.attributes, w.shape.slice(2));
  if (!isDepthwise(lowering, dx, dy, g)) return false;
  const padsBegin = g.padsBegin.map((pad, i) => (g.dilations[i] as number) * ((g.kernel[i] as number) - 1) - pad);
  // Rows and columns that no output reads count as padding.
  const padsEnd = g.strides.map(
    (stride, i) => (dx.shape[i + 2] as number) - stride * (dy.shape[i + 2] as number) + (g.padsBegin[i] as number),
  );
  if ([...padsBegin, ...padsEnd].some((pad) => pad < 0)) return false;
  const made = b.op('nchwc.Conv', [spread(lowering, dy, g.strides), kernelOf(b, forms.plain(w), forms.block, true)], {
    kernel_shape: g.kernel,
    pads: [...padsBegin, ...padsEnd],
    dilations: g.dilations,
    group: g.group,
  });
  forms.set(dx, 'blocked', made);
  return true;
};

export const convGradWeightDepthwiseBlocked: Formulation<'lamella.ConvGradWeight'> = (lowering, node) => {
  const { b, forms } = lowering;
  const [dy, x] = node.inputs as readonly [Value, Value];
  const dw = node.outputs[0];
  const g = convGeometry(node.attributes, node.attributes.kernel_shape);
  if (!isDepthwise(lowering, x, dy, g)) return false;
  const [n, c, h, w] = x.shape as readonly [number, number, number, number];
  const window = dy.shape.slice(2);
  // Images of a batch are further channels.
  const inputs = [b.reshape(forms.blocked(x), [1, n * c, h, w]), b.reshape(forms.blocked(dy), [n * c, 1, ...window])];
  const made = b.op('nchwc.Conv', inputs, {
    kernel_shape: window,
    pads: [...g.padsBegin, ...g.padsEnd],
    strides: g.dilations,
    dilations: g.strides,
    group: n * c,
  });
  const [kh, kw] = g.kernel as readonly [number, number];
  const [, , rows, columns] = made.shape as readonly [number, number, number, number];
  // Strides may leave more positions than the kernel has.
  const all = b.reshape(made, [(n * c) / forms.block, rows, columns, forms.block]);
  const taps = rows === kh && columns === kw ? all : b.slice(all, [0, 0], [kh, kw], [1, 2]);
  const sum = n === 1 ? taps : b.sum(b.reshape(taps, [n, c * kh * kw]), [0]);
  const plain = b.transpose(b.reshape(sum, [c / forms.block, kh * kw, forms.block]), [0, 2, 1]);
  forms.set(dw, 'plain', b.reshape(plain, dw.shape));
  return true;
};

/** Plain weights [C, 1, kh, kw] as [C/B][kh][kw][B]. */
function kernelOf(b: GraphBuilder, w: Value, block: number, isReversed = false): Value {
  const [c, , kh, kw] = w.shape as readonly [number, number, number, number];
  const taps = kh * kw;
  const turned = b.transpose(b.reshape(w, [c / block, block, taps]), [0, 2, 1]);
  const reversed = () => b.ints(Array.from({ length: taps }, (_, i) => taps - 1 - i));
  return b.reshape(isReversed && taps > 1 ? b.op('Gather', [turned, reversed()], { axis: 1 }) : turned, w.shape);
}

/** A blocked value with stride - 1 rows of zeros behind each row, and as many columns behind each column. */
function spread({ b, forms }: Lowering, x: Value, [sy, sx]: readonly number[]): Value {
  const [n, c, h, w] = x.shape as readonly [number, number, number, number];
  const [strideY, strideX] = [sy as number, sx as number];
  const withZeros = (value: Value, length: number, zeros: number): Value => {
    if (zeros === 0) return value;
    const count = elementCount(value.shape) / length;
    const behind = b.constant(ndarray('float32', [count, zeros]));
    return b.op('Concat', [b.reshape(value, [count, length]), behind], { axis: 1 });
  };
  const row = w * strideX * forms.block;
  const wide = withZeros(forms.blocked(x), forms.block, (strideX - 1) * forms.block);
  const high = withZeros(wide, row, (strideY - 1) * row);
  return b.reshape(high, [n, c, h * strideY, w * strideX]);
}
