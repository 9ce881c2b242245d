/** ONNX operations that the table lacks, or variants that its rows lack, expressed by operations that it has. */
import { elementCount, type NdArray, type Shape } from '../../array/ndarray.ts';
import type { GraphBuilder } from '../builder.ts';
import type { Value } from '../ir.ts';
import { axesFrom, integers, normaliseAxis } from '../op-row.ts';
import { einsum } from './einsum.ts';
import { gatherElements, gatherNd, gridSample, scatterNd, topK } from './indexing.ts';
import { attributeNumber, pack, type RawNode, type Reading, textOf } from './raw-node.ts';
import { resample } from './resample.ts';

/** Elements that a CumSum may go over: its matrix has their square. */
const MOST_SUMMED = 4096;
/** Values that a TopK may take: each is a node of its own. */
const MOST_LARGEST = 32;

/** The node's result, or several, or undefined if the row supports the node unchanged. */
type Translate = (node: RawNode, reading: Reading, inputs: readonly Value[]) => Value | readonly Value[] | undefined;

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
  ReduceL1: (node, reading, inputs) => {
    const [x] = inputs as [Value];
    return reduced(node, reading, inputs, reading.b.op('Abs', [x]));
  },
  ReduceL2: (node, reading, inputs) => {
    const [x] = inputs as [Value];
    return reading.b.op('Sqrt', [reduced(node, reading, inputs, reading.b.mul(x, x))]);
  },
  // x where x > 0, else slope x
  PRelu: (_node, { b }, [x, slope]) =>
    x && slope && b.op('Where', [b.op('Greater', [x, scalarLike(b, x, 0)]), x, b.mul(x, slope)]),
  Elu: (node, { b }, [x]) => x && elu(b, x, attributeNumber(node.attributes.alpha) ?? 1),
  Selu: (node, { b }, [x]) => {
    const { alpha, gamma } = node.attributes;
    const grown = x && elu(b, x, attributeNumber(alpha) ?? 1.6732631921768188);
    return grown && b.mul(grown, scalarLike(b, grown, attributeNumber(gamma) ?? 1.0507010221481323));
  },
  // max(0, x) + min(0, alpha (exp(x / alpha) - 1))
  Celu: (node, { b }, [x]) => {
    const alpha = attributeNumber(node.attributes.alpha) ?? 1;
    return x && b.mul(elu(b, b.div(x, scalarLike(b, x, alpha)), 1), scalarLike(b, x, alpha));
  },
  // x / (1 + |x|)
  Softsign: (_node, { b }, [x]) => x && b.div(x, b.add(b.op('Abs', [x]), scalarLike(b, x, 1))),
  ThresholdedRelu: (node, { b }, [x]) => {
    const alpha = attributeNumber(node.attributes.alpha) ?? 1;
    return x && b.op('Where', [b.op('Greater', [x, scalarLike(b, x, alpha)]), x, scalarLike(b, x, 0)]);
  },
  Ceil: (_node, { b }, [x]) => x && b.neg(b.op('Floor', [b.neg(x)])),
  CastLike: (_node, { b }, [x, like]) => x && like && b.op('Cast', [x], { to: like.dtype }),
  ArgMin: (node, { b }, [x]) => {
    const keepdims = attributeNumber(node.attributes.keepdims) === 0 ? 0 : 1;
    const last = attributeNumber(node.attributes.select_last_index) === 1 ? 1 : 0;
    const axis = attributeNumber(node.attributes.axis) ?? 0;
    return x && b.op('ArgMax', [b.neg(x)], { axis, keepdims, select_last_index: last });
  },
  // x / its norm along the axis
  LpNormalization: (node, { b }, [x]) => {
    if (x === undefined) return undefined;
    const axes = b.ints([attributeNumber(node.attributes.axis) ?? -1]);
    const sum = (v: Value): Value => b.op('ReduceSum', [v, axes], { keepdims: 1 });
    const norm = attributeNumber(node.attributes.p) === 1 ? sum(b.op('Abs', [x])) : b.op('Sqrt', [sum(b.mul(x, x))]);
    return b.div(x, norm);
  },
  // x / sqrt(mean(x^2) + epsilon), scaled
  RMSNormalization: (node, { b }, [x, scale]) => {
    if (x === undefined || scale === undefined) return undefined;
    const given = attributeNumber(node.attributes.axis) ?? -1;
    const axes = b.ints(axesFrom(x, given < 0 ? given + x.shape.length : given));
    const mean = b.op('ReduceMean', [b.mul(x, x), axes], { keepdims: 1 });
    const epsilon = scalarLike(b, x, attributeNumber(node.attributes.epsilon) ?? 1e-5);
    return b.mul(b.div(x, b.op('Sqrt', [b.add(mean, epsilon)])), scale);
  },
  // The sums up to each place: a product with a triangle of ones
  CumSum: (node, { b, known, fail, fixSizes }, [x, given]) => {
    const place = known(given);
    if (x === undefined || place === undefined) return fail('its axis depends on data.');
    const axis = normaliseAxis(integers(place)[0] as number, x.shape.length, 'CumSum');
    const size = x.shape[axis] as number;
    if (size > MOST_SUMMED) return fail(`it sums over ${size} elements; at most ${MOST_SUMMED} are supported.`);
    fixSizes();
    const { exclusive, reverse } = node.attributes;
    const own = attributeNumber(exclusive) === 1 ? 1 : 0;
    const isBefore = (from: number, to: number): boolean =>
      attributeNumber(reverse) === 1 ? from >= to + own : from + own <= to;
    const ones = Array.from({ length: size * size }, (_, i) => Number(isBefore(Math.floor(i / size), i % size)));
    const triangle = b.constant(pack(x.dtype, [size, size], ones));
    const last = x.shape.length - 1;
    const perm = x.shape.map((_, i) => (i === axis ? last : i === last ? axis : i));
    return b.transpose(b.op('MatMul', [b.transpose(x, perm), triangle]), perm);
  },
  // The triangle below or above a diagonal; zeros elsewhere
  Trilu: (node, { b, known, fail, fixSizes }, [x, given]) => {
    const place = given === undefined ? undefined : known(given);
    if (x === undefined || (given !== undefined && place === undefined)) return fail('its diagonal depends on data.');
    fixSizes();
    const k = place === undefined ? 0 : (integers(place)[0] as number);
    const [rows, columns] = x.shape.slice(-2) as [number, number];
    const isUpper = attributeNumber(node.attributes.upper) !== 0;
    const kept = Array.from({ length: rows * columns }, (_, i) => {
      const distance = (i % columns) - Math.floor(i / columns);
      return Number(isUpper ? distance >= k : distance <= k);
    });
    return b.op('Where', [b.constant(pack('bool', [rows, columns], kept)), x, scalarLike(b, x, 0)]);
  },
  Einsum: (node, { b, fail, fixSizes }, inputs) => {
    fixSizes();
    return einsum(b, textOf(node.attributes.equation) ?? '', inputs, fail);
  },
  GatherElements: (node, { b, fixSizes }, [x, indices]) => {
    fixSizes();
    return x && indices && gatherElements(b, x, indices, attributeNumber(node.attributes.axis) ?? 0);
  },
  GatherND: (node, { b, fixSizes }, [x, indices]) => {
    fixSizes();
    return x && indices && gatherNd(b, x, indices, attributeNumber(node.attributes.batch_dims) ?? 0);
  },
  ScatterND: (node, { b, known, fail, fixSizes }, [data, indices, updates]) => {
    const places = known(indices);
    if (data === undefined || updates === undefined || places === undefined) return fail('its indices depend on data.');
    const reduction = textOf(node.attributes.reduction) ?? 'none';
    if (reduction !== 'none') return fail(`the reduction '${reduction}' is not supported.`);
    fixSizes();
    return scatterNd(b, data, places, updates);
  },
  TopK: (node, { b, known, fail, fixSizes }, [x, given]) => {
    const count = known(given);
    const k = count === undefined ? attributeNumber(node.attributes.k) : integers(count)[0];
    if (x === undefined || k === undefined) return fail('its number of values depends on data.');
    if (k > MOST_LARGEST) return fail(`it takes ${k} values; at most ${MOST_LARGEST} are supported.`);
    if (x.dtype !== 'float32') return fail(`it is of ${x.dtype}; only float32 is supported.`);
    fixSizes();
    const axis = attributeNumber(node.attributes.axis) ?? -1;
    if (attributeNumber(node.attributes.largest) !== 0) return topK(b, x, k, axis);
    const [values, indices] = topK(b, b.neg(x), k, axis);
    return [b.neg(values), indices];
  },
  GridSample: (node, { b, fail, fixSizes }, [x, grid]) => {
    if (x === undefined || grid === undefined) return undefined;
    const mode = textOf(node.attributes.mode) ?? 'linear';
    const padding = textOf(node.attributes.padding_mode) ?? 'zeros';
    const isNearest = mode === 'nearest';
    if (!isNearest && mode !== 'linear' && mode !== 'bilinear') return fail(`the mode '${mode}' is not supported.`);
    if (padding !== 'zeros' && padding !== 'border') return fail(`the padding_mode '${padding}' is not supported.`);
    if (x.shape.length !== 4) return fail('only images are supported, no volumes.');
    fixSizes();
    const alignCorners = attributeNumber(node.attributes.align_corners) === 1;
    return gridSample(b, x, grid, { nearest: isNearest, zeros: padding === 'zeros', alignCorners });
  },
  // Forms that the table lacks
  Resize: ({ attributes, inputs }, { b, known, fail, fixSizes }) => {
    const [x, , scales, sizes] = inputs;
    const mode = textOf(attributes.mode) ?? 'nearest';
    const transform = textOf(attributes.coordinate_transformation_mode) ?? 'half_pixel';
    const nearest = textOf(attributes.nearest_mode) ?? 'round_prefer_floor';
    const excludesOutside = attributeNumber(attributes.exclude_outside) === 1;
    const antialias = attributeNumber(attributes.antialias) === 1;
    const isSimple =
      transform !== 'half_pixel_symmetric' &&
      transform !== 'tf_crop_and_resize' &&
      (mode === 'nearest' ? nearest === 'floor' || nearest === 'round_prefer_floor' : mode === 'linear') &&
      !excludesOutside &&
      !antialias;
    if (x === undefined || isSimple) return undefined;
    const [factors, lengths] = [known(scales), known(sizes)];
    if (factors === undefined && lengths === undefined) return fail('its sizes depend on data.');
    fixSizes();
    const outputs =
      lengths === undefined ? x.shape.map((n, i) => Math.floor(n * Number(factors?.data[i]))) : integers(lengths);
    const each = x.shape.map((n, i) => (factors === undefined ? (outputs[i] as number) / n : Number(factors.data[i])));
    const cubic = attributeNumber(attributes.cubic_coeff_a) ?? -0.75;
    const made = resample(b, x, outputs, each, { mode, transform, nearest, cubic, excludesOutside, antialias });
    return made ?? fail(`the mode '${mode}' with '${transform}' and '${nearest}' is not supported.`);
  },
  // max(0, min(1, alpha x + beta))
  HardSigmoid: (node, { b }, [x]) =>
    x && hardSigmoid(b, x, attributeNumber(node.attributes.alpha) ?? 0.2, attributeNumber(node.attributes.beta) ?? 0.5),
  HardSwish: (_node, { b }, [x]) => x && b.mul(x, hardSigmoid(b, x, 1 / 6, 0.5)),
  Swish: (node, { b }, [x]) =>
    x && b.mul(x, b.op('Sigmoid', [b.mul(x, scalarLike(b, x, attributeNumber(node.attributes.alpha) ?? 1))])),
  Mish: (_node, { b }, [x]) => x && b.mul(x, b.op('Tanh', [b.op('Softplus', [x])])),
  // x / 2 (1 + erf(x / sqrt 2))
  Gelu: (node, { b }, [x]) => {
    if (x === undefined) return undefined;
    if (textOf(node.attributes.approximate) === 'tanh') {
      // x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
      const cube = b.mul(scalarLike(b, x, 0.044715), b.mul(x, b.mul(x, x)));
      const tanh = b.op('Tanh', [b.mul(scalarLike(b, x, Math.sqrt(2 / Math.PI)), b.add(x, cube))]);
      return b.mul(b.mul(x, scalarLike(b, x, 0.5)), b.add(tanh, scalarLike(b, x, 1)));
    }
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

/** x where x > 0, else alpha (exp(x) - 1); the exponent is clamped at 0 so that its gradient does not overflow. */
function elu(b: GraphBuilder, x: Value, alpha: number): Value {
  const zero = scalarLike(b, x, 0);
  const decay = b.sub(b.op('Exp', [b.op('Min', [x, zero])]), scalarLike(b, x, 1));
  return b.op('Where', [b.op('Greater', [x, zero]), x, b.mul(decay, scalarLike(b, x, alpha))]);
}

function hardSigmoid(b: GraphBuilder, x: Value, alpha: number, beta: number): Value {
  const line = b.add(b.mul(x, scalarLike(b, x, alpha)), scalarLike(b, x, beta));
  return b.op('Clip', [line, scalarLike(b, x, 0), scalarLike(b, x, 1)]);
}

/** The result of a node that no row supports unchanged, composed of nodes of the table; undefined for all others. */
export function translate(node: RawNode, reading: Reading): Value | readonly Value[] | undefined {
  return FOREIGN[node.type]?.(node, reading, node.inputs as readonly Value[]);
}
