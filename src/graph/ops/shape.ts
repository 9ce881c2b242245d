/** Operations that describe, rename, reorder or repeat axes without computing on elements. */

import { elementCount, type NdArray } from '../../array/ndarray.ts';
import * as axes from '../analysis/axis-rules.ts';
import type { NoAttributes, OpName } from '../attributes.ts';
import type { Value } from '../ir.ts';
import {
  type Build,
  broadcastShapes,
  type InferContext,
  integers,
  noGradient,
  normaliseAxis,
  type OpRow,
  onnxRow,
  sumTo,
  unknown,
} from '../op-row.ts';

/** The attributes of each op. */
export interface Shaping {
  Shape: { readonly start?: number; readonly end?: number };
  ConstantOfShape: { readonly value?: NdArray };
  Reshape: { readonly allowzero?: 0 | 1 };
  Flatten: { readonly axis?: number };
  Squeeze: NoAttributes;
  Unsqueeze: NoAttributes;
  Transpose: { readonly perm?: readonly number[] };
  Expand: NoAttributes;
  Tile: NoAttributes;
}

/** The gradient of an op that only renames axes: the same elements in the input's shape. */
function reshapeBack(b: Build, node: { readonly inputs: readonly (Value | undefined)[] }, d: Value) {
  return [b.reshape(d, (node.inputs[0] as Value).shape)];
}
function sizes<K extends OpName>(context: InferContext<K>, i: number): number[] {
  return integers(context.known(i));
}

export const SHAPES: { readonly [K in keyof Shaping]: OpRow<K> } = {
  Shape: onnxRow({
    opset: 15,
    arity: [1, 1],
    attributes: { start: 'int', end: 'int' },
    axes: 'sizes',
    traits: { kind: 'shape' },
    infer: (context) => {
      const { start = 0, end } = context.node.attributes;
      return [{ dtype: 'int64', shape: [context.input(0).shape.slice(start, end).length] }];
    },
    gradient: noGradient('a shape does not depend on the values'),
  }),
  ConstantOfShape: onnxRow({
    opset: 9,
    arity: [1, 1],
    attributes: { value: 'tensor' },
    axes: 'sizes',
    traits: { kind: 'shape', known: [0] },
    infer: (context) => [{ dtype: context.node.attributes.value?.dtype ?? 'float32', shape: sizes(context, 0) }],
    gradient: noGradient('the value is constant'),
  }),
  Reshape: onnxRow({
    opset: 14,
    arity: [2, 2],
    attributes: { allowzero: 'int' },
    axes: axes.reshaped,
    traits: { kind: 'movement', trainable: 'through', known: [1] },
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      const wanted = sizes(context, 1).map((n, i) =>
        n === 0 && !context.node.attributes.allowzero
          ? (shape[i] ?? context.fail('0 copies an axis that does not exist.'))
          : n,
      );
      const total = elementCount(shape);
      const known = wanted.reduce((product, n) => (n === -1 ? product : product * n), 1);
      const filled = wanted.map((n) => (n === -1 ? total / known : n));
      if (elementCount(filled) !== total) context.fail(`cannot be reshaped to [${wanted.join(', ')}].`);
      return [{ dtype, shape: filled }];
    },
    gradient: reshapeBack,
  }),
  Flatten: onnxRow({
    opset: 13,
    arity: [1, 1],
    attributes: { axis: 'int' },
    axes: axes.reshaped,
    traits: { kind: 'movement' },
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      const { axis = 1 } = context.node.attributes;
      const at = axis < 0 ? axis + shape.length : axis;
      return [{ dtype, shape: [elementCount(shape.slice(0, at)), elementCount(shape.slice(at))] }];
    },
    gradient: reshapeBack,
  }),
  Squeeze: onnxRow({
    opset: 13,
    arity: [1, 2],
    attributes: {},
    axes: axes.reshaped,
    traits: { kind: 'movement', trainable: 'through', known: [1] },
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      if (context.node.inputs[1] === undefined) return [{ dtype, shape: shape.filter((n) => n !== 1) }];
      const axes = sizes(context, 1).map((axis) => normaliseAxis(axis, shape.length, 'Squeeze'));
      if (axes.some((axis) => shape[axis] !== 1)) context.fail('only axes of size 1 can be squeezed.');
      return [{ dtype, shape: shape.filter((_, i) => !axes.includes(i)) }];
    },
    gradient: reshapeBack,
  }),
  Unsqueeze: onnxRow({
    opset: 13,
    arity: [2, 2],
    attributes: {},
    axes: axes.reshaped,
    traits: { kind: 'movement', trainable: 'through', known: [1] },
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      const wanted = sizes(context, 1);
      const rank = shape.length + wanted.length;
      const axes = new Set(wanted.map((axis) => normaliseAxis(axis, rank, 'Unsqueeze')));
      const rest = [...shape];
      return [{ dtype, shape: Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : (rest.shift() as number))) }];
    },
    gradient: reshapeBack,
  }),
  Transpose: onnxRow({
    opset: 13,
    arity: [1, 1],
    attributes: { perm: 'ints' },
    axes: axes.transpose,
    traits: { kind: 'movement', trainable: 'through' },
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      const perm = context.node.attributes.perm ?? shape.map((_, i) => shape.length - 1 - i);
      if ([...perm].sort((p, q) => p - q).some((p, i) => p !== i) || perm.length !== shape.length) {
        context.fail(`[${perm.join(', ')}] is not a permutation of its axes.`);
      }
      return [{ dtype, shape: perm.map((p) => shape[p]) }];
    },
    gradient: (b, node, d) => {
      const perm = node.attributes.perm ?? d.shape.map((_, i) => d.shape.length - 1 - i);
      return [
        b.transpose(
          d,
          perm.map((_, i) => perm.indexOf(i)),
        ),
      ];
    },
  }),
  Expand: onnxRow({
    opset: 13,
    arity: [2, 2],
    attributes: {},
    axes: axes.expand,
    traits: { kind: 'movement', known: [1] },
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      return [
        {
          dtype,
          shape: broadcastShapes(shape, sizes(context, 1)) ?? context.fail('cannot be expanded to that shape.'),
        },
      ];
    },
    gradient: (b, node, d) => [sumTo(b, d, (node.inputs[0] as Value).shape)],
  }),
  Tile: onnxRow({
    opset: 13,
    arity: [2, 2],
    attributes: {},
    axes: unknown('repeats of the image lie beside each other'),
    traits: { kind: 'movement', known: [1] },
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      const repeats = sizes(context, 1);
      return [{ dtype, shape: shape.map((n, i) => n * repeats[i]) }];
    },
    // [r, n] for every axis, summed over the repeats
    gradient: (b, node, d) => {
      const { shape } = node.inputs[0] as Value;
      const split = shape.flatMap((n, i) => [d.shape[i] / n, n]);
      return [
        b.sum(
          b.reshape(d, split),
          shape.map((_, i) => 2 * i),
        ),
      ];
    },
  }),
};
