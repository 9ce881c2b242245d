/**
 * Two-dimensional convolution and the gradient of its input by ONNX Runtime's blocked kernels (com.microsoft.nchwc),
 * which accept computed weights. Timings are in docs/performance.md.
 *
 * Forward: Conv of x in blocks with weights [K/B][C/B][kh][kw][B of C][B of K]; With fewer than B input channels x
 * stays plain and the weights are [K/B][C][kh][kw][B of K]. Gradient of the input (stride 1): the same Conv of dy with
 * the weights transposed and flipped.
 */
import { ndarray } from '../../array/ndarray.ts';
import type { ConvAttributes } from '../../graph/attributes.ts';
import type { GraphBuilder } from '../../graph/builder.ts';
import type { Node, Value } from '../../graph/ir.ts';
import { type ConvGeometry, convGeometry } from '../../graph/ops/convolution.ts';
import { type Formulation, type Lowering, onlyConsumer } from '../context.ts';
import { flippedKernel, kernelOfFewInputs, kernelOfOddOutputs, padOutputs } from '../layouts/kernels.ts';

/** The cases the kernels support: two spatial axes, one group, float32. */
function supported(x: Value, kernel: readonly number[], g: ConvGeometry): boolean {
  return x.shape.length === 4 && kernel.length === 2 && g.group === 1 && x.dtype === 'float32';
}

function attributesOf(g: ConvGeometry, change: Partial<ConvAttributes> = {}): ConvAttributes {
  return {
    kernel_shape: g.kernel,
    pads: [...g.padsBegin, ...g.padsEnd],
    strides: g.strides,
    dilations: g.dilations,
    ...change,
  };
}

/**
 * Conv, fused with its bias, with a sum whose other operand is already blocked, and with a ReLU, where each is the only
 * reader of the value before it.
 */
export const convBlocked: Formulation<'Conv'> = (lowering, node) => {
  const { b, forms } = lowering;
  const [x, w, bias] = node.inputs as readonly [Value, Value, Value | undefined];
  const g = convGeometry(node.attributes, w.shape.slice(2));
  const [k, c] = w.shape;
  if (!supported(x, g.kernel, g)) return false;
  const y = node.outputs[0];
  // Only if weights are known, as in prediction: resumed training must stay bit-identical.
  const sum = lowering.graph.constants.has(w) ? addedTo(lowering, y) : undefined;
  const relu = onlyConsumer(lowering, sum?.node.outputs[0] ?? y);
  const fused = relu?.op === 'Relu' ? relu : undefined;
  const attributes = { ...attributesOf(g), ...(fused && { activation: 'Relu' as const }) };

  const input = blockedInput(lowering, x, c);
  if (input === undefined) return false;
  const padded = padOutputs(k, forms.block);
  if (k % forms.block !== 0 && padded > 2 * k && c < forms.block) return false;
  const kernel =
    c < forms.block
      ? kernelOfFewInputs(b, forms.plain(w), forms.block)
      : forms.canBeKernel(w)
        ? forms.kernel(w)
        : kernelOfOddOutputs(b, forms.plain(w), forms.block);
  const inputs: (Value | undefined)[] = [input, kernel];
  const vector = bias && (k === padded ? forms.plain(bias) : extend(b, forms.plain(bias), padded));
  if (sum !== undefined) inputs.push(vector, forms.blocked(sum.other));
  else if (vector !== undefined) inputs.push(vector);
  const made = b.op('nchwc.Conv', inputs, attributes);
  const result = fused?.outputs[0] ?? sum?.node.outputs[0] ?? y;
  if (k === padded) forms.set(result, 'blocked', made);
  else forms.set(result, 'plain', b.op('nchwc.ReorderOutput', [made], { channels: k }));
  for (const done of [fused, sum?.node]) if (done !== undefined) lowering.skip(done);
  return true;
};

/**
 * The sum that is the only reader of y, if its other operand has the same shape, is already blocked and has no other
 * reader.
 */
function addedTo(lowering: Lowering, y: Value): { readonly node: Node; readonly other: Value } | undefined {
  const { forms } = lowering;
  const node = onlyConsumer(lowering, y);
  if (node?.op !== 'Add') return undefined;
  const other = node.inputs.find((value) => value !== y);
  if (other === undefined || other.shape.join() !== y.shape.join() || onlyConsumer(lowering, other) !== node) {
    return undefined;
  }
  return forms.only(other, 'blocked') ? { node, other } : undefined;
}

/** dx = Conv(dy, w transposed and flipped), pads = dilation (kernel - 1) - pad; stride 1 only. */
export const convGradInputBlocked: Formulation<'lamella.ConvGradInput'> = (lowering, node) => {
  const { b, forms } = lowering;
  const [dy, w] = node.inputs as readonly [Value, Value];
  const g = convGeometry(node.attributes, w.shape.slice(2));
  const [k, c] = w.shape;
  if (!supported(dy, g.kernel, g) || g.strides.some((s) => s !== 1)) return false;
  const reach = g.kernel.map((n, i) => g.dilations[i] * (n - 1));
  const padsBegin = reach.map((n, i) => n - g.padsBegin[i]);
  const padsEnd = reach.map((n, i) => n - g.padsEnd[i]);
  if ([...padsBegin, ...padsEnd].some((pad) => pad < 0)) return false;
  if (c % forms.block !== 0) return false;
  const input = blockedInput(lowering, dy, k);
  if (input === undefined) return false;
  const kernel =
    k < forms.block
      ? kernelOfFewInputs(b, flipPlain(b, forms.plain(w)), forms.block)
      : flippedKernel(b, forms.kernel(w), forms.block);
  const made = b.op('nchwc.Conv', [input, kernel], attributesOf({ ...g, padsBegin, padsEnd }));
  forms.set(node.outputs[0], 'blocked', made);
  return true;
};

/** x in the layout that the blocked kernels expect: plain if it has fewer channels than a block, otherwise blocked. */
function blockedInput({ forms }: Lowering, x: Value, channels: number): Value | undefined {
  if (channels < forms.block) return forms.plain(x);
  return forms.canBlock(x) ? forms.blocked(x) : undefined;
}

/** [K, C, kh, kw] as [C, K, kh, kw] with the taps reversed, plain. */
function flipPlain(b: GraphBuilder, w: Value): Value {
  const [k, c, kh, kw] = w.shape;
  const taps = kh * kw;
  const turned = b.transpose(b.reshape(w, [k, c, taps]), [1, 0, 2]);
  const reversed = b.ints(Array.from({ length: taps }, (_, i) => taps - 1 - i));
  const flipped = taps === 1 ? turned : b.op('Gather', [turned, reversed], { axis: 2 });
  return b.reshape(flipped, [c, k, kh, kw]);
}

/** A vector with zeros appended. */
function extend(b: GraphBuilder, bias: Value, length: number): Value {
  const zeros = b.constant(ndarray('float32', [length - bias.shape[0]]));
  return b.op('Concat', [bias, zeros], { axis: 0 });
}
