/** Elementwise operations. Gradients of broadcast inputs are summed back to the input's shape. */
import type { DType } from '../../array/ndarray.ts';
import * as axes from '../analysis/axis-rules.ts';
import type { NoAttributes, OpName } from '../attributes.ts';
import type { Value } from '../ir.ts';
import {
  type Build,
  broadcastShapes,
  type GradientRule,
  type InferContext,
  inferSame,
  noGradient,
  type OpKind,
  type OpRow,
  onnxRow,
  sumTo,
  type TensorType,
} from '../op-row.ts';

/** The attributes of each op. */
export interface Elementwise {
  // Two inputs, broadcasting
  Add: NoAttributes;
  Sub: NoAttributes;
  Mul: NoAttributes;
  Div: NoAttributes;
  Pow: NoAttributes;
  Max: NoAttributes;
  Min: NoAttributes;
  Equal: NoAttributes;
  Greater: NoAttributes;
  GreaterOrEqual: NoAttributes;
  Less: NoAttributes;
  LessOrEqual: NoAttributes;
  And: NoAttributes;
  Or: NoAttributes;
  // A condition and two inputs
  Where: NoAttributes;
  // One input
  Not: NoAttributes;
  Neg: NoAttributes;
  Abs: NoAttributes;
  Sign: NoAttributes;
  Sqrt: NoAttributes;
  Reciprocal: NoAttributes;
  Exp: NoAttributes;
  Log: NoAttributes;
  Relu: NoAttributes;
  Sigmoid: NoAttributes;
  Tanh: NoAttributes;
  Softplus: NoAttributes;
  Erf: NoAttributes;
  Sin: NoAttributes;
  Cos: NoAttributes;
  Floor: NoAttributes;
  Identity: NoAttributes;
  LeakyRelu: { readonly alpha?: number };
  HardSigmoid: { readonly alpha?: number; readonly beta?: number };
  Clip: NoAttributes;
  Cast: { readonly to: DType };
  Dropout: { readonly seed?: number };
}

/** The ops without attributes. */
type Plain = { [K in keyof Elementwise]: keyof Elementwise[K] extends never ? K : never }[keyof Elementwise];

function inferBroadcast<K extends OpName>(context: InferContext<K>): TensorType {
  const a = context.input(0);
  const b = context.input(1);
  if (a.dtype !== b.dtype) context.fail('both inputs must have the same dtype.');
  const shape = broadcastShapes(a.shape, b.shape) ?? context.fail('the shapes cannot be broadcast.');
  return { dtype: a.dtype, shape };
}

type BinaryRule = (b: Build, x: Value, y: Value, out: Value, d: Value) => readonly [Value, Value];

function binary<K extends Plain>(opset: number, rule: BinaryRule, kind: OpKind = 'elementwise'): OpRow<K> {
  return onnxRow({
    opset,
    arity: [2, 2],
    attributes: {} as OpRow<K>['attributes'],
    axes: axes.elementwise,
    traits: { kind, trainable: kind === 'arithmetic' ? [0, 1] : [] },
    infer: (context) => [inferBroadcast(context)],
    gradient: (b, node, d) => {
      const [x, y] = node.inputs as readonly [Value, Value];
      const [dx, dy] = rule(b, x, y, node.outputs[0], d);
      return [sumTo(b, dx, x.shape), sumTo(b, dy, y.shape)];
    },
  });
}

function comparison<K extends Plain>(opset: number): OpRow<K> {
  return onnxRow({
    opset,
    arity: [2, 2],
    attributes: {} as OpRow<K>['attributes'],
    axes: axes.elementwise,
    traits: { kind: 'elementwise' },
    infer: (context) => [{ ...inferBroadcast(context), dtype: 'bool' }],
    gradient: noGradient('a comparison is constant almost everywhere'),
  });
}

type UnaryRule = (b: Build, x: Value, out: Value, d: Value) => Value;

function unary<K extends Plain>(opset: number, rule: UnaryRule | string, kind: OpKind = 'elementwise'): OpRow<K> {
  return onnxRow({
    opset,
    arity: [1, 1],
    attributes: {} as OpRow<K>['attributes'],
    axes: axes.elementwise,
    traits: { kind, trainable: kind === 'identity' ? 'through' : [] },
    infer: inferSame,
    gradient:
      typeof rule === 'string'
        ? noGradient(rule)
        : (b, node, d) => [rule(b, node.inputs[0] as Value, node.outputs[0], d)],
  });
}

/** d where the condition holds, else 0. */
function gate(b: Build, condition: Value, d: Value): Value {
  return b.op('Where', [condition, d, b.scalar(0, d.dtype)]);
}

const clipGradient: GradientRule<'Clip'> = (b, node, d) => {
  const [x, low, high] = node.inputs as readonly [Value, Value | undefined, Value | undefined];
  let dx = d;
  // As in PyTorch, the gradient passes where x equals a bound.
  if (low !== undefined) dx = gate(b, b.op('GreaterOrEqual', [x, low]), dx);
  if (high !== undefined) dx = gate(b, b.op('LessOrEqual', [x, high]), dx);
  return [dx, undefined, undefined];
};

export const ELEMENTWISE: { readonly [K in keyof Elementwise]: OpRow<K> } = {
  Add: binary(7, (_, _x, _y, _out, d) => [d, d], 'arithmetic'),
  Sub: binary(7, (b, _x, _y, _out, d) => [d, b.neg(d)], 'arithmetic'),
  Mul: binary(7, (b, x, y, _out, d) => [b.mul(d, y), b.mul(d, x)], 'arithmetic'),
  // d(x/y) = dx/y - (x/y) dy/y
  Div: binary(
    7,
    (b, _x, y, out, d) => {
      const dx = b.div(d, y);
      return [dx, b.neg(b.mul(dx, out))];
    },
    'arithmetic',
  ),
  // d(x^y) = y x^(y-1) dx + x^y log(x) dy; log(x) is taken as 0 where x <= 0
  Pow: binary(15, (b, x, y, out, d) => {
    const one = b.scalar(1, y.dtype);
    const positive = b.op('Greater', [x, b.scalar(0, x.dtype)]);
    const log = b.op('Log', [b.op('Where', [positive, x, b.scalar(1, x.dtype)])]);
    return [b.mul(d, b.mul(y, b.op('Pow', [x, b.sub(y, one)]))), b.mul(d, b.mul(out, log))];
  }),
  // Ties go to the first input.
  Max: binary(13, (b, x, y, _out, d) => {
    const first = b.op('GreaterOrEqual', [x, y]);
    return [gate(b, first, d), gate(b, b.op('Not', [first]), d)];
  }),
  Min: binary(13, (b, x, y, _out, d) => {
    const first = b.op('LessOrEqual', [x, y]);
    return [gate(b, first, d), gate(b, b.op('Not', [first]), d)];
  }),

  Equal: comparison(13),
  Greater: comparison(13),
  GreaterOrEqual: comparison(16),
  Less: comparison(13),
  LessOrEqual: comparison(16),
  And: comparison(7),
  Or: comparison(7),

  // The condition has no gradient; each branch receives it where it was selected.
  Where: onnxRow({
    opset: 16,
    arity: [3, 3],
    attributes: {},
    axes: axes.elementwise,
    traits: { kind: 'elementwise' },
    infer: (context) => {
      const [condition, x, y] = [context.input(0), context.input(1), context.input(2)];
      if (condition.dtype !== 'bool') context.fail('the condition must be bool.');
      if (x.dtype !== y.dtype) context.fail('both branches must have the same dtype.');
      const branches = broadcastShapes(x.shape, y.shape) ?? context.fail('the shapes cannot be broadcast.');
      const shape = broadcastShapes(condition.shape, branches) ?? context.fail('the shapes cannot be broadcast.');
      return [{ dtype: x.dtype, shape }];
    },
    gradient: (b, node, d) => {
      const [condition, x, y] = node.inputs as readonly [Value, Value, Value];
      const zero = b.scalar(0, d.dtype);
      return [
        undefined,
        sumTo(b, b.op('Where', [condition, d, zero]), x.shape),
        sumTo(b, b.op('Where', [condition, zero, d]), y.shape),
      ];
    },
  }),

  Not: unary(1, 'a logical operation'),
  Neg: unary(13, (b, _x, _out, d) => b.neg(d)),
  Abs: unary(13, (b, x, _out, d) => b.mul(d, b.op('Sign', [x]))),
  Sign: unary(13, 'the sign is constant almost everywhere'),
  Floor: unary(13, 'floor is constant almost everywhere'),
  // d sqrt(x) = d / (2 sqrt(x))
  Sqrt: unary(13, (b, _x, out, d) => b.div(d, b.mul(b.scalar(2, out.dtype), out))),
  // d (1/x) = -d / x^2
  Reciprocal: unary(13, (b, _x, out, d) => b.neg(b.mul(d, b.mul(out, out)))),
  Exp: unary(13, (b, _x, out, d) => b.mul(d, out)),
  Log: unary(13, (b, x, _out, d) => b.div(d, x)),
  Relu: unary(14, (b, _x, out, d) => gate(b, b.op('Greater', [out, b.scalar(0, out.dtype)]), d), 'activation'),
  // d s(x) = s (1 - s)
  Sigmoid: unary(13, (b, _x, out, d) => b.mul(d, b.mul(out, b.sub(b.scalar(1, out.dtype), out))), 'activation'),
  // d tanh(x) = 1 - tanh(x)^2
  Tanh: unary(13, (b, _x, out, d) => b.mul(d, b.sub(b.scalar(1, out.dtype), b.mul(out, out))), 'activation'),
  // d log(1 + exp(x)) = sigmoid(x)
  Softplus: unary(1, (b, x, _out, d) => b.mul(d, b.op('Sigmoid', [x])), 'activation'),
  // d erf(x) = 2 / sqrt(pi) exp(-x^2)
  Erf: unary(13, (b, x, _out, d) =>
    b.mul(d, b.mul(b.scalar(2 / Math.sqrt(Math.PI), x.dtype), b.op('Exp', [b.neg(b.mul(x, x))]))),
  ),
  // d sin(x) = cos(x)
  Sin: unary(7, (b, x, _out, d) => b.mul(d, b.op('Cos', [x]))),
  // d cos(x) = -sin(x)
  Cos: unary(7, (b, x, _out, d) => b.neg(b.mul(d, b.op('Sin', [x])))),
  Identity: unary(13, (_b, _x, _out, d) => d, 'identity'),

  LeakyRelu: onnxRow({
    opset: 16,
    arity: [1, 1],
    attributes: { alpha: 'float' },
    axes: axes.elementwise,
    traits: { kind: 'activation' },
    infer: inferSame,
    gradient: (b, node, d) => {
      const x = node.inputs[0] as Value;
      const positive = b.op('Greater', [x, b.scalar(0, x.dtype)]);
      return [b.op('Where', [positive, d, b.mul(d, b.scalar(node.attributes.alpha ?? 0.01, d.dtype))])];
    },
  }),
  // max(0, min(1, alpha x + beta))
  HardSigmoid: onnxRow({
    opset: 6,
    arity: [1, 1],
    attributes: { alpha: 'float', beta: 'float' },
    axes: axes.elementwise,
    traits: { kind: 'activation' },
    infer: inferSame,
    gradient: noGradient('it appears only in lowered graphs; one that is read becomes a Clip'),
  }),
  Clip: onnxRow({
    opset: 13,
    arity: [1, 3],
    attributes: {},
    axes: axes.firstInput,
    traits: { kind: 'activation' },
    infer: inferSame,
    gradient: clipGradient,
  }),
  Cast: onnxRow({
    opset: 13,
    arity: [1, 1],
    attributes: { to: 'dtype' },
    axes: axes.elementwise,
    traits: { kind: 'elementwise', trainable: 'through' },
    infer: (context) => [{ dtype: context.node.attributes.to, shape: context.input(0).shape }],
    gradient: (b, node, d) => {
      const from = (node.inputs[0] as Value).dtype;
      const differentiable = from === 'float32' || from === 'float64' || from === 'float16';
      return [differentiable ? b.op('Cast', [d], { to: from }) : undefined];
    },
  }),
  // In a file for prediction: the identity. In training, nn/dropout takes its mask as an input.
  Dropout: onnxRow({
    opset: 13,
    arity: [1, 3],
    attributes: { seed: 'int' },
    axes: axes.firstInput,
    traits: { kind: 'dropout', known: [2] },
    infer: (context) => {
      if (context.node.inputs[2] !== undefined && Number(context.known(2).data[0]) !== 0) {
        context.fail('dropout in training mode draws its own numbers; use a mask as input instead.');
      }
      const { dtype, shape } = context.input(0);
      return [
        { dtype, shape },
        { dtype: 'bool', shape },
      ];
    },
    gradient: (_b, _node, d) => [d],
  }),
};
