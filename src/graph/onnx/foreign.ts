/** ONNX operations that the table lacks, or variants that its rows lack, expressed by operations that it has. */
import { elementCount, type NdArray, type Shape } from '../../array/ndarray.ts';
import type { GraphBuilder } from '../builder.ts';
import type { Value } from '../ir.ts';
import { axesFrom, integers } from '../op-row.ts';
import { attributeNumber, type RawNode, type Reading, textOf } from './raw-node.ts';

/** The node's result, or undefined if the row supports the node unchanged. */
type Translate = (node: RawNode, reading: Reading, inputs: readonly Value[]) => Value | undefined;

function scalarLike(b: GraphBuilder, x: Value, n: number): Value {
  return b.scalar(n, x.dtype);
}

function chain(op: 'Add' | 'Max' | 'Min'): Translate {
  return (node, { b }, inputs) => {
    if (op !== 'Add' && inputs.length === 2) return undefined;
    const [first, ...rest] = inputs as [Value, ...Value[]];
    return rest.reduce(
      (sofar, value) => b.op(op, [sofar, value]),
      node.type === op ? first : b.op('Identity', [first]),
    );
  };
}

/** Before opset 13 the axes from `axis` on were flattened: softmax ran over all of them. */
function softmax(op: 'Softmax' | 'LogSoftmax'): Translate {
  return (node, { b, opset }, [x]) => {
    if (x === undefined || opset >= 13) return undefined;
    const given = attributeNumber(node.attributes.axis) ?? 1;
    const axis = given < 0 ? given + x.shape.length : given;
    const matrix = b.reshape(x, [elementCount(x.shape.slice(0, axis)), elementCount(x.shape.slice(axis))]);
    return b.reshape(b.op(op, [matrix], { axis: 1 }), x.shape);
  };
}

/** Position in the input of each position of the padded axis. */
function paddedPositions(mode: string, n: number, before: number, after: number): number[] | undefined {
  const positions = Array.from({ length: before + n + after }, (_, i) => i - before);
  if (mode === 'edge') return positions.map((p) => Math.min(n - 1, Math.max(0, p)));
  if (mode === 'wrap') return positions.map((p) => ((p % n) + n) % n);
  if (mode !== 'reflect') return undefined;
  const period = Math.max(1, 2 * (n - 1));
  return positions.map((p) => {
    const q = ((p % period) + period) % period;
    return q < n ? q : period - q;
  });
}

/** Padding with the image's own content: one Gather per axis. */
const pad: Translate = (node, { b, known, fail, fixSizes }, inputs) => {
  const mode = textOf(node.attributes.mode) ?? 'constant';
  const [x, pads] = inputs;
  if (mode === 'constant' || x === undefined) return undefined;
  const list = known(pads);
  if (list === undefined) return fail('its pads depend on data.');
  const amounts = integers(list);
  fixSizes();
  let padded = x;
  x.shape.forEach((n, axis) => {
    const [before, after] = [amounts[axis], amounts[axis + x.shape.length]];
    if (before === 0 && after === 0) return;
    const positions = paddedPositions(mode, n, before, after);
    if (positions === undefined || before < 0 || after < 0) fail(`the mode '${mode}' is not supported.`);
    else padded = b.op('Gather', [padded, b.ints(positions)], { axis });
  });
  return padded === x ? b.op('Identity', [x]) : padded;
};

/** Vectors as rows or columns. */
const matMul: Translate = (_node, { b }, [x, y]) => {
  if (x === undefined || y === undefined || (x.shape.length > 1 && y.shape.length > 1)) return undefined;
  const row = x.shape.length === 1 ? b.reshape(x, [1, elementCount(x.shape)]) : x;
  const column = y.shape.length === 1 ? b.reshape(y, [elementCount(y.shape), 1]) : y;
  const product = b.op('MatMul', [row, column]);
  let shape: Shape = product.shape;
  if (x.shape.length === 1) shape = [...shape.slice(0, -2), shape.at(-1) as number];
  if (y.shape.length === 1) shape = shape.slice(0, -1);
  return b.reshape(product, shape);
};

/** (x - mean) / sqrt(variance + epsilon) over the axes. */
function standardised(b: GraphBuilder, x: Value, axes: readonly number[], epsilon: number): Value {
  const list = b.ints(axes);
  const centred = b.sub(x, b.op('ReduceMean', [x, list], { keepdims: 1 }));
  const variance = b.op('ReduceMean', [b.mul(centred, centred), list], { keepdims: 1 });
  return b.div(centred, b.op('Sqrt', [b.add(variance, scalarLike(b, x, epsilon))]));
}

function reduced(node: RawNode, reading: Reading, inputs: readonly Value[], x: Value): Value {
  const noop = attributeNumber(node.attributes.noop_with_empty_axes) === 1 ? 1 : 0;
  const keepdims = attributeNumber(node.attributes.keepdims) === 0 ? 0 : 1;
  const list: NdArray | undefined = inputs[1] && reading.known(inputs[1]);
  const axes = list === undefined ? undefined : reading.b.ints(integers(list));
  return reading.b.op('ReduceSum', [x, axes], { keepdims, noop_with_empty_axes: noop });
}

const FOREIGN: { readonly [type: string]: Translate } = {
  Sum: chain('Add'),
  Max: chain('Max'),
  Min: chain('Min'),
  Mean: (node, reading, inputs) => {
    const { b } = reading;
    const [first, ...rest] = inputs as [Value, ...Value[]];
    const sum = rest.reduce((sofar, value) => b.add(sofar, value), first);
    return b.mul(sum, scalarLike(b, sum, 1 / node.inputs.length));
  },
  Softmax: softmax('Softmax'),
  LogSoftmax: softmax('LogSoftmax'),
  Pad: pad,
  MatMul: matMul,
  GlobalMaxPool: (_node, { b }, [x]) => x && b.op('ReduceMax', [x, b.ints(axesFrom(x, 2))], { keepdims: 1 }),
  ReduceSumSquare: (node, reading, inputs) => {
    const [x] = inputs as [Value];
    return reduced(node, reading, inputs, reading.b.mul(x, x));
  },
  ReduceL2: (node, reading, inputs) => {
    const [x] = inputs as [Value];
    return reading.b.op('Sqrt', [reduced(node, reading, inputs, reading.b.mul(x, x))]);
  },
  // x where x > 0, else slope x
  PRelu: (_node, { b }, [x, slope]) =>
    x && slope && b.op('Where', [b.op('Greater', [x, scalarLike(b, x, 0)]), x, b.mul(x, slope)]),
  // x where x > 0, else alpha (exp(x) - 1); the exponent is clamped at 0 so that its gradient does not overflow
  Elu: (node, { b }, [x]) => {
    if (x === undefined) return undefined;
    const zero = scalarLike(b, x, 0);
    const decay = b.sub(b.op('Exp', [b.op('Min', [x, zero])]), scalarLike(b, x, 1));
    const scaled = b.mul(decay, scalarLike(b, x, attributeNumber(node.attributes.alpha) ?? 1));
    return b.op('Where', [b.op('Greater', [x, zero]), x, scaled]);
  },
  // max(0, min(1, alpha x + beta))
  HardSigmoid: (node, { b }, [x]) =>
    x && hardSigmoid(b, x, attributeNumber(node.attributes.alpha) ?? 0.2, attributeNumber(node.attributes.beta) ?? 0.5),
  HardSwish: (_node, { b }, [x]) => x && b.mul(x, hardSigmoid(b, x, 1 / 6, 0.5)),
  Swish: (node, { b }, [x]) =>
    x && b.mul(x, b.op('Sigmoid', [b.mul(x, scalarLike(b, x, attributeNumber(node.attributes.alpha) ?? 1))])),
  Mish: (_node, { b }, [x]) => x && b.mul(x, b.op('Tanh', [b.op('Softplus', [x])])),
  // x / 2 (1 + erf(x / sqrt 2))
  Gelu: (node, { b, fail }, [x]) => {
    if (x === undefined) return undefined;
    if (textOf(node.attributes.approximate) === 'tanh') return fail("approximate 'tanh' is not supported.");
    const erf = b.op('Erf', [b.mul(x, scalarLike(b, x, Math.SQRT1_2))]);
    return b.mul(b.mul(x, scalarLike(b, x, 0.5)), b.add(erf, scalarLike(b, x, 1)));
  },
  LayerNormalization: (node, { b }, [x, scale, bias]) => {
    if (x === undefined || scale === undefined) return undefined;
    const given = attributeNumber(node.attributes.axis) ?? -1;
    const axes = axesFrom(x, given < 0 ? given + x.shape.length : given);
    const scaled = b.mul(standardised(b, x, axes, attributeNumber(node.attributes.epsilon) ?? 1e-5), scale);
    return bias === undefined ? scaled : b.add(scaled, bias);
  },
  // Each group of channels normalised separately; one scale and bias per channel (opset 21) or per group (18)
  GroupNormalization: (node, { b, fail }, [x, scale, bias]) => {
    const groups = attributeNumber(node.attributes.num_groups);
    if (x === undefined || scale === undefined || bias === undefined || groups === undefined) return undefined;
    const [batch, channels] = x.shape as readonly [number, number];
    const size = channels / groups;
    if (!Number.isInteger(size)) fail(`${channels} channels cannot be divided into ${groups} groups.`);
    const grouped = b.reshape(x, [batch, groups, elementCount(x.shape.slice(1)) / groups]);
    const normal = b.reshape(standardised(b, grouped, [2], attributeNumber(node.attributes.epsilon) ?? 1e-5), x.shape);
    const perChannel = (v: Value) => {
      const full =
        v.shape[0] === channels
          ? v
          : b.reshape(b.op('Expand', [b.reshape(v, [groups, 1]), b.ints([groups, size])]), [channels]);
      return b.reshape(full, [1, channels, ...axesFrom(x, 2).map(() => 1)]);
    };
    return b.add(b.mul(normal, perChannel(scale)), perChannel(bias));
  },
};

function hardSigmoid(b: GraphBuilder, x: Value, alpha: number, beta: number): Value {
  const line = b.add(b.mul(x, scalarLike(b, x, alpha)), scalarLike(b, x, beta));
  return b.op('Clip', [line, scalarLike(b, x, 0), scalarLike(b, x, 1)]);
}

/** The result of a node that no row supports unchanged, composed of nodes of the table; undefined for all others. */
export function translate(node: RawNode, reading: Reading): Value | undefined {
  return FOREIGN[node.type]?.(node, reading, node.inputs as readonly Value[]);
}
