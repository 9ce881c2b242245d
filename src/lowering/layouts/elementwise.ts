/**
 * Elementwise operations on values in blocked or kernel layout, which they preserve. All tensors of the output's shape
 * take its layout; scalars, vectors along the channels of activations and vectors along the outputs of kernels are
 * broadcast.
 */
import { elementCount } from '../../array/ndarray.ts';
import type { Node, Value } from '../../graph/ir.ts';
import { isElementwise } from '../../graph/ops/table.ts';
import type { Lowering } from '../context.ts';
import type { Layout } from './forms.ts';

type Role = 'tensor' | 'scalar' | 'channels' | 'outputs' | undefined;

function roleOf(value: Value, out: Value, layout: Layout): Role {
  const { shape } = value;
  if (shape.join() === out.shape.join()) return 'tensor';
  if (elementCount(shape) === 1) return 'scalar';
  if (layout === 'kernel') return shape.join() === `${out.shape[0]},1,1,1` ? 'outputs' : undefined;
  // [1 or N, C, 1, 1] or [C, 1, 1] against [N, C, H, W]
  const [n, c, h, w] = [1, 1, 1, 1, ...shape].slice(-4);
  const fits = c === out.shape[1] && h === 1 && w === 1 && (n === 1 || n === out.shape[0]);
  return fits && shape.length <= 4 ? 'channels' : undefined;
}

export function elementwise(lowering: Lowering, node: Node): boolean {
  if (!isElementwise(node.op) || node.outputs.length !== 1) return false;
  const out = node.outputs[0];
  if (out.shape.length !== 4) return false;
  return inLayout(lowering, node, out, 'blocked') || inLayout(lowering, node, out, 'kernel');
}

function inLayout(lowering: Lowering, node: Node, out: Value, layout: Layout): boolean {
  const { b, forms } = lowering;
  const inputs = node.inputs;
  const roles = inputs.map((value) => (value === undefined ? 'scalar' : roleOf(value, out, layout)));
  if (roles.includes(undefined)) return false;
  const tensors = inputs.filter((_, i) => roles[i] === 'tensor') as Value[];
  if (!tensors.some((value) => forms.only(value, layout))) return false;
  const other: Layout = layout === 'blocked' ? 'kernel' : 'blocked';
  if (tensors.some((value) => forms.only(value, other))) return false;
  if (layout === 'kernel' && tensors.some((value) => value.dtype !== 'float32')) return false;
  if (layout === 'blocked' && !forms.canBlock(out)) return false;

  const [n, c, h, w] = out.shape;
  const { block } = forms;
  const view = layout === 'kernel' ? [n / block, c * h * w, block] : [n, c / block, h * w, block];
  const byVector = roles.includes('channels') || roles.includes('outputs');
  const operands = inputs.map((value, i) => {
    if (value === undefined) return undefined;
    if (roles[i] === 'scalar') return forms.plain(value);
    if (roles[i] === 'tensor') {
      const made = forms.get(value, layout);
      return byVector ? b.reshape(made, view) : made;
    }
    const vector = layout === 'kernel' ? [n / block, 1, block] : [elementCount(value.shape) / c, c / block, 1, block];
    return b.reshape(forms.plain(value), vector);
  });
  const made = b.op(node.op, operands, node.attributes);
  forms.set(out, layout, byVector ? b.reshape(made, out.shape) : made);
  return true;
}

/** Scales every positive number, except the smallest denormals of float32, to at least 1. */
const STEEP = 3.4e38;

/**
 * ReLU's gradient Where(y > 0, dy, 0) as dy times 0 or 1: ONNX Runtime's Where takes five times as long as Greater,
 * Cast and Mul together. (Where dy is not finite, neither is the product.) Its CPU provider's Cast is single-threaded,
 * so there the factor is min(1, y STEEP), as y is never negative: 9 ms instead of 14 of a 295 ms step on two threads.
 */
export function reluGradient(lowering: Lowering, node: Node): boolean {
  if (node.op !== 'Where') return false;
  const { b, forms } = lowering;
  const [condition, d, zero] = node.inputs as readonly [Value, Value, Value];
  const out = node.outputs[0];
  const constant = lowering.graph.constants.get(zero);
  if (constant === undefined || elementCount(zero.shape) !== 1 || Number(constant.data[0]) !== 0) return false;
  if (!lowering.isReluMask(condition) || d.shape.join() !== condition.shape.join() || d.dtype !== 'float32')
    return false;
  const layout: Layout = forms.only(condition, 'blocked') && forms.canBlock(d) ? 'blocked' : 'plain';
  const y = lowering.maker(condition)?.inputs[0] as Value;
  const factor = forms.onBlockedKernels
    ? b.op('HardSigmoid', [forms.get(y, layout)], { alpha: STEEP, beta: 0 })
    : b.op('Cast', [forms.get(condition, layout)], { to: 'float32' });
  forms.set(out, layout, b.mul(forms.get(d, layout), factor));
  return true;
}
