/** Concatenating, slicing and reducing blocked values: their memory viewed as [N, C/B, H, W, B]. */
import { elementCount } from '../../array/ndarray.ts';
import type { Value } from '../../graph/ir.ts';
import { integers } from '../../graph/op-row.ts';
import type { Formulation, Lowering } from '../context.ts';

/** The memory of a blocked value, with the position in its block as an axis. */
function opened({ b, forms }: Lowering, x: Value): Value {
  const [n, c, h, w] = x.shape;
  return b.reshape(forms.blocked(x), [n, c / forms.block, h, w, forms.block]);
}

/** The numbers of a constant input; undefined if it is missing or computed. */
function known({ graph }: Lowering, value: Value | undefined): readonly number[] | undefined {
  const array = value && graph.constants.get(value);
  return array && integers(array);
}

/** Axes of a value of four, from 0, ascending and without repetitions. */
function axesOf(lowering: Lowering, value: Value | undefined): readonly number[] | undefined {
  const axes = known(lowering, value)?.map((axis) => (axis + 4) % 4);
  return axes && [...new Set(axes)].sort();
}

/** Along channels if all inputs have whole blocks; along height and width always. */
export const concatBlocked: Formulation<'Concat'> = (lowering, node) => {
  const { b, forms } = lowering;
  const parts = node.inputs as readonly Value[];
  const axis = node.attributes.axis;
  if (!parts.every((value) => forms.canBlock(value) && value.dtype === 'float32')) return false;
  if (!parts.some((value) => forms.only(value, 'blocked'))) return false;
  const out = node.outputs[0];
  if (axis < 0) return false;
  const views = parts.map((value) => (axis > 1 ? opened(lowering, value) : forms.blocked(value)));
  const joined = b.op('Concat', views, { axis });
  forms.set(out, 'blocked', axis > 1 ? b.reshape(joined, out.shape) : joined);
  return true;
};

/** Slice with constant bounds and steps of 1; along channels only at block boundaries. */
export const sliceBlocked: Formulation<'Slice'> = (lowering, node) => {
  const { b, forms } = lowering;
  const [x, starts, ends, axes, steps] = node.inputs as readonly [Value, Value, Value, Value?, Value?];
  const out = node.outputs[0];
  if (!forms.only(x, 'blocked') || !forms.canBlock(out)) return false;
  const [from, to, along] = [starts, ends, axes].map((value) => known(lowering, value));
  if (from === undefined || to === undefined || along === undefined) return false;
  if (steps !== undefined && !known(lowering, steps)?.every((step) => step === 1)) return false;
  if (from.some((n) => n < 0) || to.some((n) => n < 0) || along.some((n) => n < 0)) return false;
  const scaled = (list: readonly number[]) =>
    list.map((n, i) => (along[i] === 1 ? Math.min(n, x.shape[1]) / forms.block : n));
  const [first, last] = [scaled(from), scaled(to)];
  if ([...first, ...last].some((n) => !Number.isInteger(n))) return false;
  if (along.join() === '1') {
    forms.set(out, 'blocked', b.reshape(groupsOf(lowering, x, first[0], last[0]), out.shape));
    return true;
  }
  forms.set(out, 'blocked', b.reshape(b.slice(opened(lowering, x), first, last, along), out.shape));
  return true;
};

/**
 * A range of channel blocks, such as half of a concatenated value. ONNX Runtime's Slice is single-threaded, its Gather
 * is not.
 */
function groupsOf({ b, forms }: Lowering, x: Value, first: number, last: number): Value {
  const [n, c, h, w] = x.shape;
  const groups = c / forms.block;
  const kept: number[] = [];
  for (let image = 0; image < n; image++) {
    for (let group = first; group < last; group++) kept.push(image * groups + group);
  }
  const planes = b.reshape(forms.blocked(x), [n * groups, h * w * forms.block]);
  return b.op('Gather', [planes, b.ints(kept)], { axis: 0 });
}

/** Sums and means over height and width, or over batch, height and width (the gradient of a bias). */
export const reduceBlocked: Formulation<'ReduceSum' | 'ReduceMean'> = (lowering, node) => {
  const { b, forms } = lowering;
  const [x, axesInput] = node.inputs as readonly [Value, Value?];
  const out = node.outputs[0];
  const key = axesOf(lowering, axesInput)?.join();
  if (!forms.only(x, 'blocked') || x.dtype !== 'float32') return false;
  if (key !== '2,3' && key !== '0,2,3') return false;
  const [n, c, h, w] = x.shape;
  if (elementCount(out.shape) !== (key === '2,3' ? n * c : c)) return false;
  const groups = c / forms.block;
  const reduce = (value: Value, shape: readonly number[], axis: number) =>
    b.op(node.op, [b.reshape(value, shape), b.ints([axis])], { keepdims: 0 });
  // One image of one block is summed row by row: summing a single matrix [pixels, B] takes 11 ms instead of 0.6 (4 M
  // floats), and reducing two non-adjacent axes is slow too.
  const single = n * groups === 1;
  const sums = reduce(forms.blocked(x), [single ? h : n * groups, single ? w : h * w, forms.block], 1);
  const all = key === '0,2,3' || single;
  const reduced = all ? reduce(sums, single ? [h, forms.block] : [n, c], 0) : sums;
  // One number per channel: blocked and plain memory are the same.
  forms.set(out, 'plain', b.reshape(reduced, out.shape));
  return true;
};

/** Over all inputs of each output of a kernel: the means of weight standardisation. */
export const reduceKernel: Formulation<'ReduceSum' | 'ReduceMean'> = (lowering, node) => {
  const { b, forms } = lowering;
  const [x, axesInput] = node.inputs as readonly [Value, Value?];
  const out = node.outputs[0];
  if (!forms.only(x, 'kernel') || axesOf(lowering, axesInput)?.join() !== '1,2,3') return false;
  const [k, c, kh, kw] = x.shape;
  const view = b.reshape(forms.kernel(x), [k / forms.block, c * kh * kw, forms.block]);
  const reduced = b.op(node.op, [view, b.ints([1])], { keepdims: 0 });
  forms.set(out, 'plain', b.reshape(reduced, out.shape));
  return true;
};

/** A reduction over all axes is independent of the layout: norms of gradients, sums of losses. */
export const reduceAll: Formulation<'ReduceSum' | 'ReduceMean' | 'ReduceMax' | 'ReduceMin'> = (lowering, node) => {
  const { b, forms } = lowering;
  const [x, axesInput] = node.inputs as readonly [Value, Value?];
  const out = node.outputs[0];
  const layout = forms.only(x, 'kernel') ? 'kernel' : forms.only(x, 'blocked') ? 'blocked' : undefined;
  if (layout === undefined || x.dtype !== 'float32' || elementCount(out.shape) !== 1) return false;
  const byDefault = axesInput === undefined && node.attributes.noop_with_empty_axes !== 1;
  if (!byDefault && axesOf(lowering, axesInput)?.length !== 4) return false;
  const flat = b.reshape(forms.get(x, layout), [elementCount(x.shape)]);
  const reduced = b.op(node.op, [flat, b.ints([0])], { keepdims: 0 });
  forms.set(out, 'plain', out.shape.length === 0 ? reduced : b.reshape(reduced, out.shape));
  return true;
};
