/** Reductions and softmax. */

import type { Shape } from '../../array/ndarray.ts';
import * as axes from '../analysis/axis-rules.ts';
import type { Value } from '../ir.ts';
import {
  type Build,
  type InferContext,
  inferSame,
  integers,
  noGradient,
  normaliseAxis,
  type OpRow,
  onnxRow,
  type TensorType,
} from '../op-row.ts';

/** Axes are the second input. */
interface ReduceAttributes {
  readonly keepdims?: 0 | 1;
  readonly noop_with_empty_axes?: 0 | 1;
}

/** The attributes of each op. */
export interface Reduction {
  ReduceSum: ReduceAttributes;
  ReduceMean: ReduceAttributes;
  ReduceMax: ReduceAttributes;
  ReduceMin: ReduceAttributes;
  ArgMax: { readonly axis?: number; readonly keepdims?: 0 | 1; readonly select_last_index?: 0 | 1 };
  Softmax: { readonly axis?: number };
  LogSoftmax: { readonly axis?: number };
}

type Reduce = 'ReduceSum' | 'ReduceMean' | 'ReduceMax' | 'ReduceMin';

/** The axes of a reduction, from its second input; all if there is none. */
function reducedAxes<K extends Reduce>(
  context: Pick<InferContext<K>, 'node'>,
  known: readonly number[] | undefined,
): readonly number[] {
  const rank = context.node.inputs[0]?.shape.length ?? 0;
  if (known === undefined || known.length === 0) {
    const { noop_with_empty_axes: noop } = context.node.attributes as { noop_with_empty_axes?: 0 | 1 };
    return noop ? [] : Array.from({ length: rank }, (_, i) => i);
  }
  return known.map((axis) => normaliseAxis(axis, rank, context.node.op));
}

function inferReduce<K extends Reduce>(context: InferContext<K>): TensorType {
  const { dtype, shape } = context.input(0);
  const axes = new Set(
    reducedAxes(context, context.node.inputs[1] === undefined ? undefined : integers(context.known(1))),
  );
  const { keepdims = 1 } = context.node.attributes as { keepdims?: 0 | 1 };
  const reduced = keepdims ? shape.map((n, i) => (axes.has(i) ? 1 : n)) : shape.filter((_, i) => !axes.has(i));
  return { dtype, shape: reduced };
}

function keptShape(shape: Shape, axes: readonly number[]): Shape {
  return shape.map((n, i) => (axes.includes(i) ? 1 : n));
}

type ReduceRule = (b: Build, x: Value, kept: Value, d: Value, count: number) => Value;

function reduce<K extends Reduce>(opset: number, rule: ReduceRule): OpRow<K> {
  return onnxRow({
    opset,
    arity: [1, 2],
    attributes: { keepdims: 'int', noop_with_empty_axes: 'int' } as OpRow<K>['attributes'],
    axes: axes.reduction,
    traits: { kind: 'reduction', known: [1] },
    infer: (context) => [inferReduce(context)],
    gradient: (b, node, d) => {
      const x = node.inputs[0] as Value;
      const known = b.constantOf(node.inputs[1]);
      const axes = reducedAxes({ node }, known === undefined ? undefined : integers(known));
      const kept = keptShape(x.shape, axes);
      const count = axes.reduce((product, axis) => product * x.shape[axis], 1);
      const same = (value: Value) => (value.shape.length === kept.length ? value : b.reshape(value, kept));
      return [rule(b, x, same(node.outputs[0]), same(d), count), undefined];
    },
  });
}

function expand(b: Build, x: Value, shape: Shape): Value {
  return b.op('Expand', [x, b.ints(shape)]);
}

/** The gradient is distributed equally over all elements that equal the extremum (as in JAX and PyTorch's amax). */
const extremum: ReduceRule = (b, x, kept, d) => {
  const chosen = b.op('Cast', [b.op('Equal', [x, kept])], { to: x.dtype });
  const axes = kept.shape.flatMap((n, i) => (n === 1 && x.shape[i] !== 1 ? [i] : []));
  return b.mul(chosen, b.div(d, b.sum(chosen, axes, { keepdims: true })));
};

/** Softmax or its logarithm, with its gradient from the output; `sum` is over the axis of the softmax. */
function softmaxRow<K extends 'Softmax' | 'LogSoftmax'>(
  rule: (b: Build, out: Value, d: Value, sum: (x: Value) => Value) => Value,
): OpRow<K> {
  return onnxRow({
    opset: 13,
    arity: [1, 1],
    attributes: { axis: 'int' } as OpRow<K>['attributes'],
    axes: axes.softmax as OpRow<K>['axes'],
    traits: { kind: 'softmax' },
    infer: inferSame,
    gradient: (b, node, d) => {
      const [out] = node.outputs;
      const { axis } = node.attributes as { axis?: number };
      const axes = [normaliseAxis(axis ?? -1, out.shape.length, node.op)];
      return [rule(b, out, d, (x) => b.sum(x, axes, { keepdims: true }))];
    },
  });
}

export const REDUCTIONS: { readonly [K in keyof Reduction]: OpRow<K> } = {
  ReduceSum: reduce(13, (b, x, _kept, d) => expand(b, d, x.shape)),
  ReduceMean: reduce(18, (b, x, _kept, d, count) => expand(b, b.mul(d, b.scalar(1 / count, d.dtype)), x.shape)),
  ReduceMax: reduce(18, extremum),
  ReduceMin: reduce(18, extremum),
  ArgMax: onnxRow({
    opset: 13,
    arity: [1, 1],
    attributes: { axis: 'int', keepdims: 'int', select_last_index: 'int' },
    axes: axes.reduction,
    traits: { kind: 'reduction' },
    infer: (context) => {
      const { shape } = context.input(0);
      const { axis = 0, keepdims = 1 } = context.node.attributes;
      const at = normaliseAxis(axis, shape.length, 'ArgMax');
      return [{ dtype: 'int64', shape: keepdims ? keptShape(shape, [at]) : shape.filter((_, i) => i !== at) }];
    },
    gradient: noGradient('an index is not a number that varies smoothly'),
  }),
  // p_i = exp(x_i) / sum_j exp(x_j);  dx = p (d - sum_j p_j d_j)
  Softmax: softmaxRow((b, p, d, sum) => b.mul(p, b.sub(d, sum(b.mul(p, d))))),
  // y_i = x_i - log sum_j exp(x_j);  dx = d - exp(y) sum_j d_j
  LogSoftmax: softmaxRow((b, y, d, sum) => b.sub(d, b.mul(b.op('Exp', [y]), sum(d)))),
};
