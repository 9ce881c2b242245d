/** The rules that translate each operation of a patch classifier to all patches at once. */
import { elementCount, float32, type NdArray, type Shape } from '../array/ndarray.ts';
import type { AttributesOf, OpName } from '../graph/attributes.ts';
import type { Node, Value } from '../graph/ir.ts';
import { integers, normaliseAxis } from '../graph/op-row.ts';
import { type ConvAttributes, convGeometry } from '../graph/ops/convolution.ts';
import type { PoolAttributes } from '../graph/ops/pooling.ts';
import { isElementwise } from '../graph/ops/table.ts';
import {
  type AxisPair,
  cropped,
  type DenseContext,
  type Field,
  isPixel,
  pair,
  refuse,
  reshaped,
  trimmed,
} from './dense-field.ts';

type Rule<K extends OpName = OpName> = (node: Node<K>, context: DenseContext) => Field;

/** The field of the first input; all other inputs must not depend on the image. */
function dataOf(node: Node, { field }: DenseContext): Field {
  return field(node.inputs[0]) ?? refuse(node, 'takes the image where its weights are expected');
}

function requireFixed(node: Node, context: DenseContext, from = 1): void {
  for (const value of node.inputs.slice(from)) {
    if (context.field(value) !== undefined) refuse(node, 'takes weights that depend on the image');
  }
}

/** The node of the dense graph corresponding to `node`, with its name. */
function named<K extends OpName>(
  node: Node,
  { b }: DenseContext,
  op: K,
  inputs: readonly (Value | undefined)[],
  attributes: AttributesOf[K],
): Value {
  return b.ops(op, inputs, attributes, 1, node.name)[0];
}

/** Output sizes of windows of `kernel` with `stride` and `dilation` within one patch. */
interface Windows {
  readonly kernel: AxisPair;
  readonly stride: AxisPair;
  readonly dilation: AxisPair;
}

/** The field after windows that moved by their stride within a patch and now move by one pixel. */
function slid(x: Field, { kernel, stride, dilation }: Windows, map: Value, channels = x.channels): Field {
  const reach = pair((i) => x.extent[i] - 1 - dilation[i] * (kernel[i] - 1));
  const extent = pair((i) => Math.floor(reach[i] / stride[i]) + 1);
  return {
    map,
    channels,
    extent,
    flat: false,
    dilation: pair((i) => x.dilation[i] * stride[i]),
    // What the stride's rounding down left out.
    spare: pair((i) => x.spare[i] + x.dilation[i] * (reach[i] - stride[i] * (extent[i] - 1))),
  };
}

function two(list: readonly number[] | undefined, otherwise = 1): AxisPair {
  return [list?.[0] ?? otherwise, list?.[1] ?? otherwise];
}

function requireUnpadded(node: Node, pads: readonly number[] | undefined): void {
  if (pads?.some((pad) => pad !== 0) === true) {
    refuse(node, 'pads every patch at its border, where the image goes on');
  }
}

function requireMap(node: Node, x: Field): void {
  if (x.flat && !isPixel(x)) refuse(node, 'takes a patch that was flattened');
}

/** `dataOf`, as a map and not a flattened vector. */
function mapOf(node: Node, context: DenseContext): Field {
  const x = dataOf(node, context);
  requireMap(node, x);
  return x;
}

/** Fields combined element by element: those of equal patches, cut to the same size. */
function matched(node: Node, { b }: DenseContext, fields: readonly Field[]): readonly Field[] {
  const [first] = fields;
  for (const other of fields) {
    const same = (key: 'extent' | 'dilation'): boolean => other[key].join() === first[key].join();
    if (other.flat !== first.flat || !same('extent') || !(isPixel(first) || same('dilation'))) {
      refuse(node, 'joins maps of different resolution');
    }
  }
  const spare = pair((i) => Math.min(...fields.map((field) => field.spare[i])));
  return fields.map((field) => trimmed(b, field, spare));
}

/** Dilations as an attribute, if any. */
function dilated(dilation: AxisPair): Pick<ConvAttributes, 'dilations'> {
  return dilation[0] === 1 && dilation[1] === 1 ? {} : { dilations: dilation };
}

const conv: Rule<'Conv'> = (node, context) => {
  const x = mapOf(node, context);
  requireFixed(node, context);
  const w = node.inputs[1] as Value;
  const g = convGeometry(node.attributes, w.shape.slice(2));
  requireUnpadded(node, [...g.padsBegin, ...g.padsEnd]);
  const windows = { kernel: two(g.kernel), stride: two(g.strides), dilation: two(g.dilations) };
  const weights = node.inputs.slice(1).map((value) => context.fixed(value));
  const map = named(node, context, 'Conv', [x.map, ...weights], {
    kernel_shape: windows.kernel,
    ...dilated(pair((i) => windows.dilation[i] * x.dilation[i])),
    ...(g.group === 1 ? {} : { group: g.group }),
  });
  return slid(x, windows, map, w.shape[0]);
};

type Pooling = 'MaxPool' | 'AveragePool';

const pool: Rule<Pooling> = (node, context) => {
  const x = mapOf(node, context);
  const { kernel_shape, pads, strides, dilations }: PoolAttributes = node.attributes;
  requireUnpadded(node, pads);
  const windows = { kernel: two(kernel_shape), stride: two(strides), dilation: two(dilations) };
  const made = pooled(node, context, x, windows, node.op === 'MaxPool' ? 'max' : 'mean');
  // With ceil_mode a last window may extend beyond the patch.
  const { shape } = node.outputs[0];
  if (made.extent[0] !== shape[2] || made.extent[1] !== shape[3]) refuse(node, 'reaches beyond the patch (ceil_mode)');
  return made;
};

/** The maximum or mean over windows of a field. */
function pooled(node: Node, context: DenseContext, x: Field, windows: Windows, kind: 'max' | 'mean'): Field {
  const { kernel } = windows;
  const spread = dilated(pair((i) => windows.dilation[i] * x.dilation[i]));
  if (elementCount(kernel) === 1) return slid(x, windows, x.map);
  if (kind === 'max') {
    const map = named(node, context, 'MaxPool', [x.map], { kernel_shape: kernel, strides: [1, 1], ...spread });
    return slid(x, windows, map);
  }
  // Few devices support dilated average pooling; a depthwise convolution is equivalent.
  const map = named(node, context, 'Conv', [x.map, context.b.constant(meanKernel(x.channels, kernel))], {
    kernel_shape: kernel,
    ...spread,
    ...(x.channels === 1 ? {} : { group: x.channels }),
  });
  return slid(x, windows, map);
}

function meanKernel(channels: number, kernel: AxisPair): NdArray<'float32'> {
  const array = float32([channels, 1, ...kernel]);
  array.data.fill(1 / elementCount(kernel));
  return array;
}

/** The maximum or mean over the whole of each patch. */
function overPatch(node: Node, context: DenseContext, kind: 'max' | 'mean'): Field {
  const x = mapOf(node, context);
  return pooled(node, context, x, { kernel: x.extent, stride: [1, 1], dilation: [1, 1] }, kind);
}

const globalAverage: Rule<'GlobalAveragePool'> = (node, context) => overPatch(node, context, 'mean');

const reduction =
  (kind: 'max' | 'mean'): Rule<'ReduceMean' | 'ReduceMax'> =>
  (node, context) => {
    const x = dataOf(node, context);
    const listed = node.inputs[1] && context.graph.constants.get(node.inputs[1]);
    const rank = (node.inputs[0] as Value).shape.length;
    const axes = listed === undefined ? [] : integers(listed).map((axis) => normaliseAxis(axis, rank, node.op));
    if (rank !== 4 || axes.toSorted().join() !== '2,3')
      refuse(node, 'does not go over the height and width of a patch');
    return { ...overPatch(node, context, kind), flat: node.attributes.keepdims === 0 || x.flat };
  };

/** y = alpha x W + beta c as a convolution whose kernel covers the patch: W[k, (c, i, j)] is W[k, c, i, j]. */
function product(
  node: Node<'Gemm' | 'MatMul'>,
  context: DenseContext,
  { alpha = 1, beta = 1, transA = 0, transB = 0 }: AttributesOf['Gemm'],
): Field {
  const { b } = context;
  const x = dataOf(node, context);
  requireFixed(node, context);
  const source = node.inputs[1] as Value;
  if (!x.flat || transA === 1 || source.shape.length !== 2) refuse(node, 'does not multiply each flattened patch');
  const weights = b.constantOf(context.fixed(source));
  if (weights?.dtype !== 'float32') return refuse(node, 'has weights that are computed');
  const inputs = x.channels * elementCount(x.extent);
  const outputs = source.shape[transB ? 0 : 1];
  const kernel = float32([outputs, x.channels, ...x.extent]);
  const from = weights.data as Float32Array;
  for (let k = 0; k < outputs; k++) {
    for (let i = 0; i < inputs; i++) {
      kernel.data[k * inputs + i] = alpha * from[transB ? k * inputs + i : i * outputs + k];
    }
  }
  const bias = node.inputs[2];
  const offset = bias === undefined ? undefined : biasOf(node, b.constantOf(context.fixed(bias)), outputs, beta);
  const map = named(node, context, 'Conv', [x.map, b.constant(kernel), offset && b.constant(offset)], {
    kernel_shape: x.extent,
    ...(isPixel(x) ? {} : dilated(x.dilation)),
  });
  return { ...slid(x, { kernel: x.extent, stride: [1, 1], dilation: [1, 1] }, map, outputs), flat: true };
}

function biasOf(node: Node, known: NdArray | undefined, outputs: number, beta: number): NdArray<'float32'> {
  if (known?.dtype !== 'float32') return refuse(node, 'has a bias that is computed');
  const data = known.data as Float32Array;
  if (data.length !== outputs && data.length !== 1) refuse(node, 'has another bias for each patch');
  return float32(
    [outputs],
    Float32Array.from({ length: outputs }, (_, k) => beta * data[data.length === 1 ? 0 : k]),
  );
}

/** A fixed operand of an elementwise op, broadcast over the map of `x`. */
function operand(node: Node, { b, fixed }: DenseContext, value: Value, x: Field): Value {
  const held = fixed(value) as Value;
  if (elementCount(value.shape) === 1) return reshaped(b, held, []);
  // The channel axis, counted from the end.
  const place = x.flat ? 1 : 3;
  const channels = value.shape.at(-place);
  if (channels !== elementCount(value.shape) || (x.flat && !isPixel(x))) {
    return refuse(node, 'takes a constant that is not the same for every pixel of a patch');
  }
  return reshaped(b, held, [1, channels, 1, 1]);
}

/** Elements are combined with those at the same position. */
const elementwise: Rule = (node, context) => {
  const values = [...new Set(node.inputs)].filter((value) => context.field(value) !== undefined);
  const fields = matched(
    node,
    context,
    values.map((value) => context.field(value) as Field),
  );
  const [first] = fields;
  const inputs = node.inputs.map((value) => {
    if (value === undefined) return undefined;
    return fields[values.indexOf(value)]?.map ?? operand(node, context, value, first);
  });
  const map = named(node, context, node.op, inputs, node.attributes);
  return { ...first, map, channels: first.flat && !isPixel(first) ? first.channels : channelsOf(map) };
};

function channelsOf(map: Value): number {
  return map.shape[1];
}

/** One tensor and per-channel parameters. */
const perChannel: Rule = (node, context) => {
  const x = mapOf(node, context);
  requireFixed(node, context);
  const inputs = [x.map, ...node.inputs.slice(1).map((value) => context.fixed(value))];
  const map = named(node, context, node.op, inputs, node.attributes);
  return { ...x, map };
};

const softmax: Rule<'Softmax' | 'LogSoftmax'> = (node, context) => {
  const x = mapOf(node, context);
  const rank = (node.inputs[0] as Value).shape.length;
  if (normaliseAxis(node.attributes.axis ?? -1, rank, node.op) !== 1) refuse(node, 'does not go over the channels');
  const map = named(node, context, node.op, [x.map], { axis: 1 });
  return { ...x, map };
};

/** Between map and vector; the map is unchanged. */
const reshape: Rule<'Reshape' | 'Flatten' | 'Squeeze' | 'Unsqueeze'> = (node, context) => {
  const x = dataOf(node, context);
  const [batch, ...shape] = node.outputs[0].shape;
  const full: Shape = [x.channels, ...x.extent];
  if (batch === context.batch && shape.length === 1 && shape[0] === elementCount(full)) return { ...x, flat: true };
  if (batch === context.batch && shape.join() === full.join()) return { ...x, flat: false };
  return refuse(node, 'mixes the channels and pixels of a patch');
};

const concat: Rule<'Concat'> = (node, context) => {
  const rank = node.outputs[0].shape.length;
  const joined = node.inputs.map((value) => context.field(value) ?? refuse(node, 'joins the image and a constant'));
  for (const field of joined) requireMap(node, field);
  const fields = matched(node, context, joined);
  if (normaliseAxis(node.attributes.axis, rank, 'Concat') !== 1) refuse(node, 'does not join channels');
  const maps = fields.map((field) => field.map);
  const map = named(node, context, 'Concat', maps, { axis: 1 });
  return { ...fields[0], map, channels: channelsOf(map) };
};

/** Selects channels, and crops rows and columns of a patch. */
const slice: Rule<'Slice'> = (node, context) => {
  const { b } = context;
  const x = mapOf(node, context);
  const list = (i: number) => {
    const array = node.inputs[i] && context.graph.constants.get(node.inputs[i]);
    return array && integers(array);
  };
  const { shape } = node.inputs[0] as Value;
  const [starts, ends] = [list(1) ?? [], list(2) ?? []];
  const axes = list(3) ?? starts.map((_, i) => i);
  const steps = list(4) ?? starts.map(() => 1);
  let made = x;
  axes.forEach((given, k) => {
    const axis = normaliseAxis(given, shape.length, 'Slice');
    const n = shape[axis];
    const bounded = (at: number): number => Math.min(n, Math.max(0, at < 0 ? at + n : at));
    const [start, end, step] = [bounded(starts[k]), bounded(ends[k]), steps[k]];
    if (step < 1 || axis === 0 || end <= start)
      refuse(node, 'takes patches apart in another way than by channels and pixels');
    if (axis === 1) {
      const map = b.op('Slice', [made.map, b.ints([start]), b.ints([end]), b.ints([1]), b.ints([step])]);
      made = { ...made, map, channels: channelsOf(map) };
      return;
    }
    const i = (axis - 2) as 0 | 1;
    const extent = Math.ceil((end - start) / step);
    const change = (of: AxisPair, value: number): AxisPair => (i === 0 ? [value, of[1]] : [of[0], value]);
    const begin = change([0, 0], start * made.dilation[i]);
    made = {
      ...made,
      map: cropped(b, made.map, begin, [0, 0]),
      extent: change(made.extent, extent),
      dilation: change(made.dilation, made.dilation[i] * step),
      spare: change(made.spare, made.spare[i] + made.dilation[i] * (n - 1 - start - step * (extent - 1))),
    };
  });
  return made;
};

/** Operations without effect in prediction. */
const same: Rule<'Identity' | 'Dropout'> = (node, context) => dataOf(node, context);

const RULES: { readonly [K in OpName]?: Rule<K> } = {
  Conv: conv,
  MaxPool: pool,
  AveragePool: pool,
  GlobalAveragePool: globalAverage,
  ReduceMean: reduction('mean'),
  ReduceMax: reduction('max'),
  Gemm: (node, context) => product(node, context, node.attributes),
  MatMul: (node, context) => product(node, context, {}),
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Concat: concat,
  Slice: slice,
  Softmax: softmax,
  LogSoftmax: softmax,
  BatchNormalization: (node, context) => {
    if (node.attributes.training_mode === 1) refuse(node, 'normalises by the batch');
    return perChannel(node, context);
  },
  LRN: perChannel,
  Identity: same,
  Dropout: same,
};

/** The rule of an operation, or undefined if there is none. */
export function denseRule(op: OpName): Rule | undefined {
  return (RULES[op] as Rule | undefined) ?? (isElementwise(op) ? elementwise : undefined);
}
