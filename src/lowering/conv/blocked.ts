/**
 * Two-dimensional convolution and the gradient of its input by ONNX Runtime's blocked kernels (com.microsoft.nchwc),
 * which accept computed weights. Timings are in docs/performance.md.
 *
 * Forward: Conv of x in blocks with weights [K/B][C/B][kh][kw][B of C][B of K]; With fewer than B input channels x
 * stays plain and the weights are [K/B][C][kh][kw][B of K]. Gradient of the input (stride 1): the same Conv of dy with
 * the weights transposed and flipped.
 */
import { ndarray } from '../../array/ndarray.ts';
import type { GraphBuilder } from '../../graph/builder.ts';
import type { Node, Value } from '../../graph/ir.ts';
import { type ConvAttributes, type ConvGeometry, convGeometry } from '../../graph/ops/convolution.ts';
import { type Formulation, type Lowering, onlyConsumer } from '../context.ts';
import { flippedKernel, kernelOfFewInputs, kernelOfOddOutputs, padOutputs } from '../layouts/kernels.ts';
import { flippedWeights, inputGradientGeometry } from './flipped.ts';
import { isPlanar } from './grad-weight-blocked.ts';

function attributesOf({ kernel, padsBegin, padsEnd, strides, dilations }: ConvGeometry): ConvAttributes {
  return { kernel_shape: kernel, pads: [...padsBegin, ...padsEnd], strides, dilations };
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
  if (!isPlanar(x, g)) return false;
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
  const g = inputGradientGeometry(convGeometry(node.attributes, w.shape.slice(2)));
  const [k, c] = w.shape;
  if (g === undefined || !isPlanar(dy, g) || c % forms.block !== 0) return false;
  const input = blockedInput(lowering, dy, k);
  if (input === undefined) return false;
  const kernel =
    k < forms.block
      ? kernelOfFewInputs(b, flippedWeights(b, forms.plain(w), 1), forms.block)
      : flippedKernel(b, forms.kernel(w), forms.block);
  const made = b.op('nchwc.Conv', [input, kernel], attributesOf(g));
  forms.set(node.outputs[0], 'blocked', made);
  return true;
};

/** x in the layout that the blocked kernels expect: plain if it has fewer channels than a block, otherwise blocked. */
function blockedInput({ forms }: Lowering, x: Value, channels: number): Value | undefined {
  if (channels < forms.block) return forms.plain(x);
  return forms.canBlock(x) ? forms.blocked(x) : undefined;
}

/** A vector with zeros appended. */
function extend(b: GraphBuilder, bias: Value, length: number): Value {
  const zeros = b.constant(ndarray('float32', [length - bias.shape[0]]));
  return b.op('Concat', [bias, zeros], { axis: 0 });
}
