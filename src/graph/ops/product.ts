/** MatMul and Gemm. */
import { elementCount } from '../../array/ndarray.ts';
import * as axes from '../analysis/axis-rules.ts';
import type { NoAttributes } from '../attributes.ts';
import type { Value } from '../ir.ts';
import { type Build, broadcastShapes, type OpRow, onnxRow, sumTo, unknown } from '../op-row.ts';

/** The attributes of each op. */
export interface Product {
  MatMul: NoAttributes;
  Gemm: { readonly alpha?: number; readonly beta?: number; readonly transA?: 0 | 1; readonly transB?: 0 | 1 };
}

function swapLast(b: Build, x: Value): Value {
  const rank = x.shape.length;
  const perm = Array.from({ length: rank }, (_, i) => (i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i));
  return b.transpose(x, perm);
}

export const PRODUCTS: { readonly [K in keyof Product]: OpRow<K> } = {
  // Y = A B on the last two axes;  dA = dY B',  dB = A' dY
  MatMul: onnxRow({
    opset: 13,
    arity: [2, 2],
    attributes: {},
    axes: axes.matMul,
    traits: {
      kind: 'dense',
      macs: (x, _, y) => elementCount(y.shape) * (x.shape.at(-1) as number),
      trainable: [0, 1],
    },
    infer: (context) => {
      const [a, b] = [context.input(0), context.input(1)];
      if (a.shape.length < 2 || b.shape.length < 2) context.fail('both inputs need at least two axes.');
      const [rows, inner] = a.shape.slice(-2) as [number, number];
      const [outer, columns] = b.shape.slice(-2) as [number, number];
      if (inner !== outer) context.fail(`the inner sizes ${inner} and ${outer} differ.`);
      const batch =
        broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2)) ??
        context.fail('the leading axes cannot be broadcast.');
      return [{ dtype: a.dtype, shape: [...batch, rows, columns] }];
    },
    gradient: (b, node, d) => {
      const [x, y] = node.inputs as readonly [Value, Value];
      return [
        sumTo(b, b.op('MatMul', [d, swapLast(b, y)]), x.shape),
        sumTo(b, b.op('MatMul', [swapLast(b, x), d]), y.shape),
      ];
    },
  }),
  // Y = alpha A* B* + beta C, where A* is A or its transpose
  Gemm: onnxRow({
    opset: 13,
    arity: [2, 3],
    attributes: { alpha: 'float', beta: 'float', transA: 'int', transB: 'int' },
    axes: unknown('rows are images'),
    traits: {
      kind: 'dense',
      macs: (x, _, y) => (elementCount(y.shape) * elementCount(x.shape)) / y.shape[0],
      trainable: [0, 1, 2],
    },
    infer: (context) => {
      const [a, b] = [context.input(0), context.input(1)];
      if (a.shape.length !== 2 || b.shape.length !== 2) context.fail('both matrices need two axes.');
      const { transA = 0, transB = 0 } = context.node.attributes;
      const [rows, inner] = (transA ? [...a.shape].reverse() : a.shape) as [number, number];
      const [outer, columns] = (transB ? [...b.shape].reverse() : b.shape) as [number, number];
      if (inner !== outer) context.fail(`the inner sizes ${inner} and ${outer} differ.`);
      return [{ dtype: a.dtype, shape: [rows, columns] }];
    },
    gradient: (b, node, d) => {
      const [x, y, c] = node.inputs as readonly [Value, Value, Value | undefined];
      const { alpha = 1, beta = 1, transA = 0, transB = 0 } = node.attributes;
      const flip = (t: 0 | 1): 0 | 1 => (t ? 0 : 1);
      const dx = transA
        ? b.op('Gemm', [y, d], { alpha, transA: transB, transB: 1 })
        : b.op('Gemm', [d, y], { alpha, transB: flip(transB) });
      const dy = transB
        ? b.op('Gemm', [d, x], { alpha, transA: 1, transB: transA })
        : b.op('Gemm', [x, d], { alpha, transA: flip(transA) });
      if (c === undefined) return [dx, dy];
      const dc = sumTo(b, d, c.shape);
      return [dx, dy, beta === 1 ? dc : b.mul(dc, b.scalar(beta, d.dtype))];
    },
  }),
};
