/**
 * One or more small graphs for every op of the table, shared by the suites: shape rule, interpreter and
 * ONNX Runtime agree; gradients agree with finite differences; decompositions agree with what they replace.
 */
import { elementCount, float32, ndarray, type Shape } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import type { AttributesOf, OpName } from '../../src/graph/attributes.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import type { Graph, Value } from '../../src/graph/ir.ts';
import { type Evaluate, interpretAs } from '../support/interpreter.ts';

export interface Case {
  readonly op: OpName;
  readonly name: string;
  readonly graph: Graph;
  /** The values that are differentiated: all inputs, unless the op has no gradient. */
  readonly parameters: readonly Value[];
  readonly feeds: { readonly [input: string]: Float32Array };
  /** Why ONNX Runtime cannot run it on the CPU. */
  readonly notInOrt?: string;
}

/** Shape and range of an input; -1..1 unless told. */
type Operand = readonly [shape: Shape, low?: number, high?: number];

/** Distinct values, evenly spread over the range in random order: no ties, none at the middle. */
export function spread(shape: Shape, low: number, high: number, seed: number): Float32Array {
  const size = elementCount(shape);
  const order = stream(seed, 'cases').permutation(size + (size % 2));
  return Float32Array.from(
    { length: size },
    (_, i) => low + (((order[i] as number) + 0.5) / order.length) * (high - low),
  );
}

/** Mean and variance of two channels. */
const STORED = [
  [0.1, -0.2],
  [1, 0.5],
] as const;
const TRAINS = { training_mode: 1, epsilon: 1e-3, momentum: 0.8 } as const;

export function makeCase(
  op: OpName,
  name: string,
  operands: readonly Operand[],
  body: (b: GraphBuilder, ...inputs: Value[]) => Value | readonly Value[],
  {
    constant = false,
    only,
    evaluate,
  }: {
    constant?: boolean;
    only?: readonly number[];
    /** What the op computes, where the interpreter does not know it. */
    evaluate?: Evaluate;
  } = {},
): Case {
  if (evaluate !== undefined) interpretAs(op, evaluate);
  const b = new GraphBuilder(`case ${op}`);
  const inputs = operands.map(([shape], i) => b.input(`x${i}`, 'float32', shape));
  const made = body(b, ...inputs);
  const outputs = Array.isArray(made) ? (made as readonly Value[]) : [made as Value];
  const graph = b.build(outputs.map((value, i) => b.output(value, `y${i}`)));
  const feeds = Object.fromEntries(
    operands.map(([shape, low = -1, high = 1], i) => [`x${i}`, spread(shape, low, high, 11 + i)]),
  );
  return {
    op,
    name: `${op} ${name}`.trim(),
    graph,
    parameters: constant ? [] : (only?.map((i) => inputs[i] as Value) ?? inputs),
    feeds,
  };
}

/** The op applied to its inputs, in the order given. */
function simple<K extends OpName>(op: K, operands: readonly Operand[], attributes?: AttributesOf[K], name = ''): Case {
  return makeCase(op, name, operands, (b, ...inputs) => b.op(op, inputs, attributes));
}

function constant<K extends OpName>(
  op: K,
  name: string,
  operands: readonly Operand[],
  body: Parameters<typeof makeCase>[3],
): Case {
  return makeCase(op, name, operands, body, { constant: true });
}

/** Float inputs as numbers that a comparison or a logical op takes. */
const positive = (b: GraphBuilder, x: Value) => b.op('Greater', [x, b.scalar(0)]);

const A: Operand = [[2, 3, 4]];
const ROW: Operand = [[3, 1]];
const IMAGE: Operand = [[2, 4, 7, 6]];
const VOLUME: Operand = [[1, 2, 3, 4, 4]];

const scales = (b: GraphBuilder, ...list: number[]) => b.constant(float32([list.length], list));

export const CASES: readonly Case[] = [
  ...(['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min'] as const).flatMap((op) => [
    simple(op, [A, [[2, 3, 4], 0.5, 2]]),
    simple(op, [A, [[3, 1], 0.31, 2]], {}, 'broadcast'),
    simple(op, [ROW, [[2, 1, 4], 0.31, 2]], {}, 'both broadcast'),
  ]),
  simple('Pow', [
    [[2, 3], 0.5, 2],
    [[3], -1, 2],
  ]),
  ...(['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'] as const).map((op) =>
    constant(op, '', [A, ROW], (b, x, y) => b.op(op, [x as Value, y as Value])),
  ),
  ...(['And', 'Or'] as const).map((op) =>
    constant(op, '', [A, ROW], (b, x, y) => b.op(op, [positive(b, x as Value), positive(b, y as Value)])),
  ),
  constant('Not', '', [A], (b, x) => b.op('Not', [positive(b, x as Value)])),
  makeCase('Where', '', [A, ROW], (b, x, y) => b.op('Where', [positive(b, x as Value), x as Value, y as Value])),
  ...(
    ['Neg', 'Abs', 'Exp', 'Relu', 'Sigmoid', 'Tanh', 'Softplus', 'Erf', 'Sin', 'Cos', 'Identity', 'LeakyRelu'] as const
  ).map((op) => simple(op, [[[2, 3, 4], -2, 2]])),
  ...(['Sqrt', 'Reciprocal', 'Log'] as const).map((op) => simple(op, [[[2, 3], 0.5, 3]])),
  ...(['Sign', 'Floor'] as const).map((op) => constant(op, '', [[[2, 3], -3, 3]], (b, x) => b.op(op, [x as Value]))),
  constant('HardSigmoid', '', [[[2, 3], -3, 3]], (b, x) =>
    b.op('HardSigmoid', [x as Value], { alpha: 0.25, beta: 0.4 }),
  ),
  makeCase('Clip', '', [A], (b, x) => b.op('Clip', [x, b.scalar(-0.4), b.scalar(0.51)])),
  makeCase('Clip', 'from above', [A], (b, x) => b.op('Clip', [x, undefined, b.scalar(0.51)])),
  makeCase('Cast', 'to float64 and back', [A], (b, x) =>
    b.op('Cast', [b.op('Cast', [x], { to: 'float64' })], { to: 'float32' }),
  ),
  simple('Dropout', [A]),
  ...(['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin'] as const).flatMap((op) => [
    makeCase(op, 'over some axes', [A], (b, x) => b.op(op, [x, b.ints([0, -1])], { keepdims: 0 })),
    makeCase(op, 'keeping axes', [A], (b, x) => b.op(op, [x, b.ints([1])], { keepdims: 1 })),
    makeCase(op, 'over all', [A], (b, x) => b.op(op, [x])),
  ]),
  constant('ArgMax', '', [A], (b, x) => b.op('ArgMax', [x as Value], { axis: 1, keepdims: 0 })),
  simple('Softmax', [[[2, 3, 4], -3, 3]], { axis: 1 }),
  simple('LogSoftmax', [[[2, 3, 4], -3, 3]], { axis: -1 }),
  constant('Shape', '', [A], (b, x) => b.op('Shape', [x as Value], { start: 1 })),
  constant('ConstantOfShape', '', [A], (b) =>
    b.op('ConstantOfShape', [b.ints([2, 3])], { value: ndarray('float32', [1], Float32Array.of(1.5)) }),
  ),
  makeCase('Reshape', '', [A], (b, x) => b.reshape(x as Value, [4, -1])),
  simple('Flatten', [A], { axis: 2 }),
  makeCase('Squeeze', '', [[[1, 3, 1]]], (b, x) => b.op('Squeeze', [x, b.ints([0])])),
  makeCase('Unsqueeze', '', [[[2, 3]]], (b, x) => b.op('Unsqueeze', [x, b.ints([1, -1])])),
  simple('Transpose', [A], { perm: [2, 0, 1] }),
  simple('Transpose', [A], {}, 'reversed'),
  makeCase('Expand', '', [ROW], (b, x) => b.op('Expand', [x, b.ints([2, 1, 4])])),
  makeCase('Tile', '', [[[2, 3]]], (b, x) => b.op('Tile', [x, b.ints([2, 3])])),
  simple('Concat', [[[2, 1, 2]], [[2, 3, 2]]], { axis: 1 }),
  makeCase('Split', '', [[[2, 7]]], (b, x) => b.ops('Split', [x, b.ints([2, 4, 1])], { axis: 1 }, 3)),
  makeCase('Split', 'in equal parts', [[[5, 2]]], (b, x) => b.ops('Split', [x], { axis: 0, num_outputs: 2 }, 2)),
  makeCase('Slice', '', [[[5, 6]]], (b, x) => b.slice(x as Value, [1, -4], [4, -1], [0, 1])),
  makeCase('Slice', 'with steps', [[[5, 6]]], (b, x) =>
    b.op('Slice', [x, b.ints([4, 0]), b.ints([-6, 6]), b.ints([0, 1]), b.ints([-2, 3])]),
  ),
  makeCase('Pad', '', [[[2, 3]]], (b, x) => b.op('Pad', [x, b.ints([1, 0, 2, 3])])),
  makeCase('Pad', 'with a value, cropping', [[[2, 4]]], (b, x) =>
    b.op('Pad', [x, b.ints([1, -1, 0, 2]), b.scalar(0.5)]),
  ),
  makeCase('Gather', '', [[[4, 3]]], (b, x) => b.op('Gather', [x, b.ints([2, 0, 2])], { axis: 0 })),
  makeCase('Gather', 'along the last axis', [[[2, 4]]], (b, x) => b.op('Gather', [x, b.ints([3, 3, 1])], { axis: -1 })),
  makeCase('Gather', 'from the end', [[[2, 4]]], (b, x) => b.op('Gather', [x, b.ints([-1, 0])], { axis: 1 })),
  ...(['add', 'none'] as const).map((reduction) =>
    makeCase('ScatterElements', reduction, [[[4, 3]], [[2, 3]]], (b, x, y) =>
      b.op('ScatterElements', [x, b.reshape(b.ints([0, 3, 1, -2, 2, -4]), [2, 3]), y], { axis: 0, reduction }),
    ),
  ),
  makeCase('ScatterElements', 'twice at one place', [[[2, 4]], [[2, 3]]], (b, x, y) =>
    b.op('ScatterElements', [x, b.reshape(b.ints([0, 3, 0, 1, 1, 1]), [2, 3]), y], { axis: -1, reduction: 'add' }),
  ),
  simple('DepthToSpace', [[[1, 8, 2, 3]]], { blocksize: 2, mode: 'DCR' }),
  simple('DepthToSpace', [[[1, 8, 2, 3]]], { blocksize: 2, mode: 'CRD' }, 'CRD'),
  simple('SpaceToDepth', [[[1, 2, 4, 6]]], { blocksize: 2 }),
  makeCase('Col2Im', '', [[[1, 8, 9]]], (b, x) => b.op('Col2Im', [x, b.ints([4, 4]), b.ints([2, 2])])),
  makeCase('Col2Im', 'strided, dilated, padded', [[[2, 12, 9]]], (b, x) =>
    b.op('Col2Im', [x, b.ints([5, 6]), b.ints([2, 3])], { strides: [2, 1], dilations: [1, 2], pads: [1, 0, 1, 1] }),
  ),
  ...(['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel'] as const).map((transform) =>
    makeCase('Resize', `linear ${transform}`, [[[1, 2, 3, 4]]], (b, x) =>
      b.op('Resize', [x, undefined, scales(b, 1, 1, 2, 1.5)], {
        mode: 'linear',
        coordinate_transformation_mode: transform,
      }),
    ),
  ),
  makeCase('Resize', 'nearest by 2 and 3', [[[2, 2, 3, 2]]], (b, x) =>
    b.op('Resize', [x, undefined, scales(b, 1, 1, 2, 3)], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    }),
  ),
  makeCase('Resize', 'nearest to a size', [[[1, 2, 5, 4]]], (b, x) =>
    b.op('Resize', [x, undefined, undefined, b.ints([1, 2, 3, 7])], {
      mode: 'nearest',
      nearest_mode: 'round_prefer_floor',
    }),
  ),
  makeCase('Resize', 'of a volume, nearest by 1, 2 and 3', [[[1, 2, 2, 3, 2]]], (b, x) =>
    b.op('Resize', [x, undefined, scales(b, 1, 1, 1, 2, 3)], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    }),
  ),
  makeCase('Resize', 'of a volume, linear by 2', [[[1, 2, 2, 3, 2]]], (b, x) =>
    b.op('Resize', [x, undefined, scales(b, 1, 1, 2, 2, 2)], {
      mode: 'linear',
      coordinate_transformation_mode: 'half_pixel',
    }),
  ),
  simple('MatMul', [[[2, 3, 4]], [[4, 2]]]),
  simple('MatMul', [[[1, 2, 3]], [[4, 3, 2]]], {}, 'batched'),
  ...([0, 1] as const).flatMap((transA) =>
    ([0, 1] as const).map((transB) =>
      simple(
        'Gemm',
        [[transA ? [4, 2] : [2, 4]], [transB ? [3, 4] : [4, 3]], [[3]]],
        { alpha: 0.5, beta: 1.5, transA, transB },
        `transA ${transA} transB ${transB}`,
      ),
    ),
  ),
  simple('Conv', [IMAGE, [[3, 4, 3, 3]], [[3]]], { pads: [1, 1, 1, 1] }),
  simple('Conv', [IMAGE, [[4, 2, 3, 2]]], { group: 2, strides: [2, 3], pads: [1, 0, 2, 1] }, 'grouped, strided'),
  simple('Conv', [IMAGE, [[2, 4, 2, 3]]], { dilations: [2, 1], strides: [2, 1] }, 'dilated, a rest dropped'),
  simple('Conv', [IMAGE, [[4, 1, 3, 3]]], { group: 4, pads: [1, 1, 1, 1] }, 'depthwise'),
  simple('Conv', [[[2, 2, 9]], [[3, 2, 3]]], { strides: [2] }, 'along one axis'),
  simple('Conv', [VOLUME, [[2, 2, 3, 3, 3]], [[2]]], { pads: [1, 1, 1, 1, 1, 1] }, 'of a volume'),
  simple('Conv', [VOLUME, [[2, 2, 1, 3, 3]], [[2]]], { pads: [0, 1, 1, 0, 1, 1] }, 'of a volume, slice by slice'),
  simple(
    'Conv',
    [VOLUME, [[4, 1, 2, 3, 2]]],
    { group: 2, strides: [1, 2, 2], pads: [1, 0, 1, 0, 1, 0], dilations: [2, 1, 1] },
    'of a volume, grouped, strided, dilated',
  ),
  simple('ConvTranspose', [[[2, 3, 3, 4]], [[3, 2, 2, 2]], [[2]]], { strides: [2, 2] }),
  simple(
    'ConvTranspose',
    [[[1, 3, 2, 2, 3]], [[3, 2, 2, 2, 2]], [[2]]],
    { strides: [1, 2, 2], pads: [1, 0, 0, 0, 0, 1], output_padding: [0, 1, 0] },
    'of a volume',
  ),
  simple(
    'ConvTranspose',
    [[[1, 4, 3, 4]], [[4, 2, 3, 3]]],
    { group: 2, strides: [2, 3], pads: [1, 0, 1, 1], dilations: [1, 2], output_padding: [1, 0] },
    'grouped, padded, dilated',
  ),
  simple('MaxPool', [IMAGE], { kernel_shape: [2, 2], strides: [2, 2] }),
  simple('MaxPool', [IMAGE], { kernel_shape: [3, 3], strides: [2, 1], pads: [1, 1, 1, 0] }, 'overlapping'),
  simple(
    'MaxPool',
    [IMAGE],
    { kernel_shape: [2, 2], strides: [3, 2], dilations: [2, 1], ceil_mode: 1 },
    'dilated, ceil',
  ),
  simple('MaxPool', [VOLUME], { kernel_shape: [2, 2, 2], strides: [2, 2, 2] }, 'of a volume'),
  simple('MaxPool', [VOLUME], { kernel_shape: [1, 3, 2], strides: [1, 2, 2], pads: [0, 1, 0, 0, 1, 0] }, 'of slices'),
  simple('AveragePool', [VOLUME], { kernel_shape: [2, 2, 2], strides: [2, 2, 2] }, 'of a volume'),
  simple('AveragePool', [IMAGE], { kernel_shape: [2, 3], strides: [2, 2], pads: [1, 1, 0, 1] }),
  simple(
    'AveragePool',
    [IMAGE],
    { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], count_include_pad: 1 },
    'with padding',
  ),
  simple('GlobalAveragePool', [IMAGE]),
  makeCase('BatchNormalization', '', [[[2, 3, 4]], [[3]], [[3]]], (b, x, scale, bias) =>
    b.op(
      'BatchNormalization',
      [x, scale, bias, b.constant(float32([3], [0.1, -0.2, 0.3])), b.constant(float32([3], [1, 0.5, 2]))],
      {
        epsilon: 1e-3,
      },
    ),
  ),
  makeCase('BatchNormalization', 'of a batch in training', [[[3, 2, 2, 3]], [[2]], [[2]]], (b, x, scale, bias) => {
    const [y] = b.ops(
      'BatchNormalization',
      [x, scale, bias, ...STORED.map((v) => b.constant(float32([2], v)))],
      TRAINS,
      3,
    );
    return y as Value;
  }),
  makeCase(
    'BatchNormalization',
    'with what it stores',
    [[[3, 2, 2, 3]]],
    (b, x) => {
      const stored = [...STORED, ...STORED].map((v) => b.constant(float32([2], v)));
      return b.ops('BatchNormalization', [x, ...stored], TRAINS, 3);
    },
    { constant: true },
  ),
  simple('InstanceNormalization', [IMAGE, [[4]], [[4]]], { epsilon: 1e-3 }),
  simple('InstanceNormalization', [VOLUME, [[2]], [[2]]], { epsilon: 1e-3 }, 'of a volume'),
  makeCase('BatchNormalization', 'of volumes in training', [[[2, 2, 2, 2, 3]], [[2]], [[2]]], (b, x, scale, bias) => {
    const stored = STORED.map((v) => b.constant(float32([2], v)));
    return b.ops('BatchNormalization', [x, scale, bias, ...stored], TRAINS, 3)[0] as Value;
  }),
  simple('LRN', [[[2, 6, 2, 3], -2, 2]], { size: 5, alpha: 0.3, beta: 0.75, bias: 2 }),
  {
    ...simple('LRN', [[[1, 5, 2, 2], -2, 2]], { size: 4, alpha: 0.3 }, 'of an even size'),
    notInOrt: 'wants an odd size',
  },
  simple('lamella.ConvGradInput', [[[2, 4, 4, 3]], [[4, 2, 3, 2]]], {
    group: 2,
    strides: [2, 3],
    pads: [1, 0, 2, 1],
    input_shape: [2, 4, 7, 7],
  }),
  simple('lamella.ConvGradWeight', [[[2, 4, 4, 3]], [[2, 4, 7, 7]]], {
    group: 2,
    strides: [2, 3],
    pads: [1, 0, 2, 1],
    kernel_shape: [3, 2],
  }),
  simple(
    'lamella.ConvGradInput',
    [[[1, 2, 4, 3, 2]], [[2, 3, 3, 2, 3]]],
    { strides: [1, 2, 2], pads: [1, 0, 1, 1, 1, 1], input_shape: [1, 3, 4, 5, 4] },
    'of a volume',
  ),
  simple(
    'lamella.ConvGradWeight',
    [[[1, 2, 4, 3, 2]], [[1, 3, 4, 5, 4]]],
    { strides: [1, 2, 2], pads: [1, 0, 1, 1, 1, 1], kernel_shape: [3, 2, 3] },
    'of a volume',
  ),
  simple(
    'lamella.ConvGradWeight',
    [[[2, 2, 3, 4, 4]], [[2, 3, 3, 4, 4]]],
    { pads: [1, 1, 1, 1, 1, 1], kernel_shape: [3, 3, 3] },
    'of a volume, stride 1',
  ),
  makeCase(
    'lamella.MaxPoolGrad',
    '',
    [[[1, 2, 5, 5]], [[1, 2, 3, 3]]],
    (b, x, d) => {
      const attributes = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
      return b.op('lamella.MaxPoolGrad', [x, d, b.op('MaxPool', [x as Value], attributes)], attributes);
    },
    // Which element is the maximum does not vary smoothly.
    { only: [1] },
  ),
  makeCase(
    'lamella.MaxPoolGrad',
    'of a volume',
    [[[1, 2, 2, 4, 4]], [[1, 2, 2, 2, 2]]],
    (b, x, d) => {
      const attributes = { kernel_shape: [1, 2, 2], strides: [1, 2, 2] };
      return b.op('lamella.MaxPoolGrad', [x, d, b.op('MaxPool', [x as Value], attributes)], attributes);
    },
    { only: [1] },
  ),
];

/** Ops without a case here, and why. */
export const WITHOUT_CASE: { readonly [op: string]: string } = {
  'nchwc.ReorderInput': 'blocked memory; tested with the lowering',
  'nchwc.ReorderOutput': 'blocked memory; tested with the lowering',
  'nchwc.Conv': 'blocked memory; tested with the lowering',
  'nchwc.MaxPool': 'blocked memory; tested with the lowering',
  'nchwc.AveragePool': 'blocked memory; tested with the lowering',
  'nchwc.Upsample': 'blocked memory; tested with the lowering',
  'microsoft.FusedMatMul': 'read where blocks lie; tested with the lowering',
};
