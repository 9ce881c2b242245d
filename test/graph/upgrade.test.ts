import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { elementCount, float32, int64, type NdArray, ndarray, type Shape } from '../../src/array/ndarray.ts';
import { gradient } from '../../src/graph/autodiff.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import type { Value } from '../../src/graph/ir.ts';
import {
  AttributeProtoSchema,
  ModelProtoSchema,
  AttributeType as Type,
  ValueInfoProtoSchema,
} from '../../src/graph/onnx/messages.ts';
import { create, fromBinary, toBinary } from '../../src/graph/onnx/protobuf.ts';
import { readOnnx } from '../../src/graph/onnx/read.ts';
import { tensorToProto } from '../../src/graph/onnx/tensor.ts';
import { encodeText } from '../../src/graph/onnx/wire.ts';
import { pack } from '../../src/graph/pack.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { interpret, type Tensor, tensor } from '../support/interpreter.ts';
import { spread } from './cases.ts';

type Attribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly floats: readonly number[] };

function attribute(name: string, value: Attribute) {
  if (typeof value === 'number') return create(AttributeProtoSchema, { name, type: Type.INT, i: BigInt(value) });
  if (typeof value === 'string') return create(AttributeProtoSchema, { name, type: Type.STRING, s: encodeText(value) });
  if ('float' in value) return create(AttributeProtoSchema, { name, type: Type.FLOAT, f: value.float });
  if ('floats' in value) return create(AttributeProtoSchema, { name, type: Type.FLOATS, floats: [...value.floats] });
  return create(AttributeProtoSchema, { name, type: Type.INTS, ints: value.map(BigInt) });
}

const ints = (shape: Shape, values: readonly number[]): NdArray => ndarray('int64', shape, int64(values).data);

/** Number of a type in ONNX. */
const INT64 = 7;

/** A file with one node that reads x and constants, as an old or more general exporter wrote it. */
function file(
  opset: number,
  op: string,
  attributes: { readonly [name: string]: Attribute },
  {
    shape = [1, 2, 5, 6],
    constants = [],
    outputs = 1,
    types = [],
  }: { shape?: Shape; constants?: readonly (NdArray | null)[]; outputs?: number; types?: readonly number[] } = {},
): Uint8Array {
  const dims = shape.map((n) => ({ dimValue: BigInt(n) }));
  const names = Array.from({ length: outputs }, (_, i) => `y${i}`);
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 4n,
      opsetImport: [{ domain: '', version: BigInt(opset) }],
      graph: {
        name: 'old',
        input: [{ name: 'x', type: { tensorType: { elemType: 1, shape: { dim: dims } } } }],
        initializer: constants.flatMap((array, i) => (array === null ? [] : [tensorToProto(array, `c${i}`)])),
        node: [
          {
            opType: op,
            name: 'node',
            input: ['x', ...constants.map((array, i) => (array === null ? '' : `c${i}`))],
            output: names,
            attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
          },
        ],
        output: names.map((name, i) => ({ name, type: { tensorType: { elemType: types[i] ?? 1 } } })),
      },
    }),
  );
}

/** With its only constant, of one int64, as an input. */
function withFedAxes(bytes: Uint8Array): Uint8Array {
  const model = fromBinary(ModelProtoSchema, bytes);
  const type = { tensorType: { elemType: INT64, shape: { dim: [{ dimValue: 1n }] } } };
  model.graph?.initializer.pop();
  model.graph?.input.push(create(ValueInfoProtoSchema, { name: 'c0', type }));
  return toBinary(ModelProtoSchema, model);
}

function weights(shape: Shape): NdArray {
  return float32(shape, spread(shape, -1, 1, 5));
}

const pair = float32([2], [0.7, 1.3]);

const RESIZED: readonly (readonly [
  name: string,
  attributes: { readonly [name: string]: Attribute },
  sizes: readonly [number, number],
])[] = [
  ['cubic', { mode: 'cubic' }, [10, 9]],
  ['cubic, fewer', { mode: 'cubic', coordinate_transformation_mode: 'align_corners' }, [3, 4]],
  ['cubic without what is outside', { mode: 'cubic', exclude_outside: 1, cubic_coeff_a: { float: -0.5 } }, [8, 11]],
  ['linear, antialiased', { mode: 'linear', antialias: 1 }, [2, 3]],
  ['cubic, antialiased', { mode: 'cubic', antialias: 1 }, [3, 2]],
  ['nearest, halves up', { mode: 'nearest', nearest_mode: 'round_prefer_ceil' }, [8, 3]],
  ['nearest, up', { mode: 'nearest', nearest_mode: 'ceil', coordinate_transformation_mode: 'asymmetric' }, [8, 3]],
  ['linear, symmetric', { mode: 'linear', coordinate_transformation_mode: 'half_pixel_symmetric' }, [8, 7]],
];

const UNPOOLED = { kernel_shape: [2, 2], strides: [2, 2] };

const two = { q_num_heads: 2, kv_num_heads: 2 };
const bools = (shape: Shape, from: (i: number) => boolean): NdArray =>
  ndarray(
    'bool',
    shape,
    Uint8Array.from({ length: elementCount(shape) }, (_, i) => Number(from(i))),
  );
const ATTENTIONS: readonly (readonly [
  name: string,
  attributes: { readonly [name: string]: Attribute },
  constants: readonly (NdArray | null)[],
  shape?: Shape,
])[] = [
  ['of two heads', two, [weights([1, 5, 8]), weights([1, 5, 4])]],
  ['by heads, scaled', { scale: { float: 0.7 } }, [weights([1, 2, 5, 3]), weights([1, 2, 5, 4])], [1, 2, 6, 3]],
  ['of what comes before', { ...two, is_causal: 1 }, [weights([1, 6, 8]), weights([1, 6, 8])]],
  ['with a mask', two, [weights([1, 5, 8]), weights([1, 5, 8]), bools([6, 5], (i) => i % 3 !== 1)]],
  ['with a bias', two, [weights([1, 5, 8]), weights([1, 5, 8]), weights([1, 2, 6, 5])]],
  ['with a cap', { ...two, softcap: { float: 0.5 } }, [weights([1, 5, 8]), weights([1, 5, 8])]],
  ['of shared keys', { q_num_heads: 4, kv_num_heads: 2 }, [weights([1, 5, 4]), weights([1, 5, 6])]],
];

const OLD: readonly [string, Uint8Array][] = [
  ['ReduceMean-11 axes', file(11, 'ReduceMean', { axes: [2, 3], keepdims: 0 })],
  ['ReduceSum-11 axes', file(11, 'ReduceSum', { axes: [-1] })],
  ['ReduceL2-13', file(13, 'ReduceL2', { axes: [1] })],
  ['ReduceSumSquare-13', file(13, 'ReduceSumSquare', { axes: [1], keepdims: 0 })],
  ['Squeeze-11', file(11, 'Squeeze', { axes: [0] })],
  ['Unsqueeze-11', file(11, 'Unsqueeze', { axes: [0, 3] })],
  ['Split-11', file(11, 'Split', { axis: 3, split: [2, 4] }, { outputs: 2 })],
  ['Split-13 in equal parts', file(13, 'Split', { axis: 3 }, { outputs: 3 })],
  ['Slice-9', file(9, 'Slice', { starts: [1, -4], ends: [4, 9999], axes: [2, 3] })],
  ['Pad-2', file(10, 'Pad', { pads: [0, 0, 1, 2, 0, 0, 0, 1], value: { float: 0.5 } })],
  ['Pad-11 reflect', file(11, 'Pad', { mode: 'reflect' }, { constants: [int64([0, 0, 2, 1, 0, 0, 1, 3])] })],
  ['Pad-11 edge', file(11, 'Pad', { mode: 'edge' }, { constants: [int64([0, 0, 2, 1, 0, 0, 1, 3])] })],
  ['Pad-18 with axes', file(18, 'Pad', {}, { constants: [int64([1, 2]), null, int64([-1])] })],
  ['Clip-6', file(10, 'Clip', { min: { float: -0.3 }, max: { float: 0.4 } })],
  ['Dropout-7', file(10, 'Dropout', { ratio: { float: 0.5 } })],
  ['Upsample-9', file(9, 'Upsample', { mode: 'nearest' }, { constants: [float32([4], [1, 1, 2, 3])] })],
  ['Upsample-9 linear', file(9, 'Upsample', { mode: 'linear' }, { constants: [float32([4], [1, 1, 2, 2])] })],
  ['Upsample-7', file(8, 'Upsample', { scales: { floats: [1, 1, 2, 2] } })],
  ['Resize-10', file(10, 'Resize', {}, { constants: [float32([4], [1, 1, 2, 2])] })],
  ['Resize-11', file(11, 'Resize', { mode: 'linear' }, { constants: [float32([0]), float32([4], [1, 1, 2, 1.5])] })],
  [
    'Resize-18 with axes',
    file(18, 'Resize', { axes: [2, 3], mode: 'linear' }, { constants: [null, float32([2], [2, 1.5])] }),
  ],
  ['Softmax-11 over all axes behind', file(11, 'Softmax', { axis: 2 })],
  ['LogSoftmax-11 default', file(11, 'LogSoftmax', {})],
  ...(['SAME_UPPER', 'SAME_LOWER', 'VALID'] as const).flatMap((auto_pad): [string, Uint8Array][] => [
    [`Conv ${auto_pad}`, file(11, 'Conv', { auto_pad, strides: [2, 2] }, { constants: [weights([3, 2, 3, 2])] })],
    [`MaxPool ${auto_pad}`, file(11, 'MaxPool', { auto_pad, kernel_shape: [3, 2], strides: [2, 1] })],
    [`AveragePool ${auto_pad}`, file(11, 'AveragePool', { auto_pad, kernel_shape: [2, 3], strides: [1, 2] })],
  ]),
  [
    'ConvTranspose SAME_UPPER',
    file(11, 'ConvTranspose', { auto_pad: 'SAME_UPPER', strides: [2, 2] }, { constants: [weights([2, 2, 3, 3])] }),
  ],
  [
    'ConvTranspose output_shape',
    file(11, 'ConvTranspose', { output_shape: [9, 12], strides: [2, 2] }, { constants: [weights([2, 2, 3, 4])] }),
  ],
  [
    'BatchNormalization-9',
    file(9, 'BatchNormalization', { momentum: { float: 0.9 } }, { constants: [pair, pair, pair, pair] }),
  ],
  ['Gemm-9', file(9, 'Gemm', {}, { shape: [3, 2], constants: [weights([2, 4]), weights([4])] })],
  ['MatMul with a vector', file(13, 'MatMul', {}, { constants: [weights([6])] })],
  ['Sum', file(13, 'Sum', {}, { constants: [weights([6]), weights([5, 1])] })],
  ['Mean', file(13, 'Mean', {}, { constants: [weights([6]), weights([5, 1])] })],
  ['Max of three', file(13, 'Max', {}, { constants: [weights([6]), weights([5, 1])] })],
  ['Pow by an integer', file(13, 'Pow', {}, { constants: [int64([2])] })],
  ['GlobalMaxPool', file(13, 'GlobalMaxPool', {})],
  ['PRelu', file(13, 'PRelu', {}, { constants: [weights([2, 1, 1])] })],
  ['Elu', file(13, 'Elu', { alpha: { float: 0.7 } })],
  ['HardSigmoid', file(13, 'HardSigmoid', {})],
  ['HardSwish', file(14, 'HardSwish', {})],
  ['Mish', file(18, 'Mish', {})],
  ['Gelu', file(20, 'Gelu', {})],
  ['Gelu by tanh', file(20, 'Gelu', { approximate: 'tanh' })],
  ['Selu', file(13, 'Selu', {})],
  ['Celu', file(13, 'Celu', { alpha: { float: 0.6 } })],
  ['Softsign', file(13, 'Softsign', {})],
  ['ThresholdedRelu', file(13, 'ThresholdedRelu', { alpha: { float: 0.3 } })],
  ['Ceil', file(13, 'Ceil', {})],
  ['Sin', file(13, 'Sin', {})],
  ['Cos', file(13, 'Cos', {})],
  ['ArgMin', file(13, 'ArgMin', { axis: 2, keepdims: 0 }, { types: [INT64] })],
  ['CastLike', file(15, 'CastLike', {}, { constants: [ints([1], [1])], types: [INT64] })],
  ['ReduceL1-13', file(13, 'ReduceL1', { axes: [1], keepdims: 0 })],
  ['ReduceL1-18', file(18, 'ReduceL1', {}, { constants: [int64([2, 3])] })],
  ['ReduceL2-18', file(18, 'ReduceL2', {}, { constants: [int64([2, 3])] })],
  ['ReduceSumSquare-18', file(18, 'ReduceSumSquare', { keepdims: 0 }, { constants: [int64([-1])] })],
  ['LpNormalization by 1', file(13, 'LpNormalization', { axis: 1, p: 1 })],
  ['LpNormalization by 2', file(13, 'LpNormalization', {})],
  ['RMSNormalization', file(23, 'RMSNormalization', { axis: -1 }, { constants: [weights([6])] })],
  ['CumSum', file(14, 'CumSum', {}, { constants: [ints([], [2])] })],
  [
    'CumSum from the end, without itself',
    file(14, 'CumSum', { exclusive: 1, reverse: 1 }, { constants: [ints([], [-1])] }),
  ],
  ['Trilu above', file(14, 'Trilu', {}, { constants: [ints([], [1])] })],
  ['Trilu below', file(14, 'Trilu', { upper: 0 })],
  ['Einsum of matrices', file(13, 'Einsum', { equation: 'bcij,kj->bkci' }, { constants: [weights([4, 6])] })],
  ['Einsum with the result left out', file(13, 'Einsum', { equation: 'bcij, jk' }, { constants: [weights([6, 3])] })],
  [
    'Einsum with an axis of a batch',
    file(13, 'Einsum', { equation: 'bcij,cjk->bcik' }, { constants: [weights([2, 6, 3])] }),
  ],
  [
    'Einsum of axes left out',
    file(13, 'Einsum', { equation: '...ij,...j->...i' }, { constants: [weights([1, 2, 6])] }),
  ],
  ['Einsum of one', file(13, 'Einsum', { equation: 'bcij->jb' })],
  [
    'Einsum of three',
    file(13, 'Einsum', { equation: 'bcij,jk,ci->bk' }, { constants: [weights([6, 3]), weights([2, 5])] }),
  ],
  [
    'GatherElements',
    file(
      13,
      'GatherElements',
      { axis: 2 },
      { constants: [ints([1, 2, 2, 3], [0, -1, 2, 3, 4, 0, 1, 1, -5, 2, 0, 3])] },
    ),
  ],
  ['GatherND', file(13, 'GatherND', {}, { constants: [ints([2, 3], [0, 1, -1, 0, 0, 2])] })],
  ['GatherND of a batch', file(13, 'GatherND', { batch_dims: 2 }, { constants: [ints([1, 2, 1], [4, -2])] })],
  ['ScatterND', file(16, 'ScatterND', {}, { constants: [ints([2, 3], [0, 1, -1, 0, 0, 2]), weights([2, 6])] })],
  ['TopK', file(13, 'TopK', { axis: 2 }, { constants: [int64([3])], outputs: 2, types: [1, INT64] })],
  [
    'TopK of the smallest',
    file(13, 'TopK', { largest: 0 }, { constants: [int64([2])], outputs: 2, types: [1, INT64] }),
  ],
  ...(['zeros', 'border', 'reflection'] as const).flatMap((padding_mode) =>
    [0, 1].flatMap((align_corners) =>
      (['bilinear', 'nearest', 'bicubic'] as const).map((mode): [string, Uint8Array] => [
        `GridSample ${mode}, ${padding_mode}, corners ${align_corners}`,
        file(
          16,
          'GridSample',
          { mode, padding_mode, align_corners },
          { constants: [float32([1, 4, 3, 2], spread([1, 4, 3, 2], -1.3, 1.3, 7))] },
        ),
      ]),
    ),
  ),
  ...(['zeros', 'border', 'reflection'] as const).map((padding_mode): [string, Uint8Array] => [
    `GridSample of a volume, ${padding_mode}`,
    file(
      20,
      'GridSample',
      { mode: 'linear', padding_mode },
      { shape: [1, 2, 3, 4, 5], constants: [float32([1, 2, 3, 2, 3], spread([1, 2, 3, 2, 3], -1.4, 1.4, 7))] },
    ),
  ]),
  ...RESIZED.map(([name, attributes, sizes]): [string, Uint8Array] => [
    `Resize ${name}`,
    file(19, 'Resize', attributes, { constants: [null, null, ints([4], [1, 2, ...sizes])] }),
  ]),
  ...(['linear', 'cubic', 'nearest'] as const).map((mode): [string, Uint8Array] => [
    `Resize a crop, ${mode}`,
    file(
      19,
      'Resize',
      { mode, coordinate_transformation_mode: 'tf_crop_and_resize', extrapolation_value: { float: 0.25 } },
      { constants: [float32([8], [0, 0, 0.1, -0.2, 1, 1, 0.9, 0.7]), null, ints([4], [1, 2, 4, 7])] },
    ),
  ]),
  [
    'Resize a crop of two axes',
    file(
      19,
      'Resize',
      { mode: 'linear', coordinate_transformation_mode: 'tf_crop_and_resize', axes: [2, 3] },
      { constants: [float32([4], [0.2, 0.1, 1.3, 0.8]), null, int64([6, 4])] },
    ),
  ],
  [
    'ScatterND that adds, at one place twice',
    file(
      18,
      'ScatterND',
      { reduction: 'add' },
      { constants: [ints([3, 3], [0, 1, -1, 0, 0, 2, 0, 1, 4]), weights([3, 6])] },
    ),
  ],
  [
    'MaxUnpool',
    file(11, 'MaxUnpool', UNPOOLED, { shape: [1, 1, 2, 2], constants: [ints([1, 1, 2, 2], [5, 7, 13, 2])] }),
  ],
  ...ATTENTIONS.map(([name, attributes, constants, shape = [1, 6, 8]]): [string, Uint8Array] => [
    `Attention ${name}`,
    file(23, 'Attention', attributes, { shape, constants }),
  ]),
  [
    'LayerNormalization with mean and deviation',
    file(17, 'LayerNormalization', { axis: -2 }, { constants: [weights([5, 6]), weights([5, 6])], outputs: 3 }),
  ],
  ['LayerNormalization', file(17, 'LayerNormalization', {}, { constants: [weights([6]), weights([6])] })],
  [
    'GroupNormalization',
    file(21, 'GroupNormalization', { num_groups: 2 }, { shape: [1, 4, 3, 2], constants: [weights([4]), weights([4])] }),
  ],
];

describe('older and more general forms', () => {
  it.each(OLD)('%s means what ONNX Runtime takes it for', async (_, bytes) => {
    const graph = readOnnx(bytes, { file: 'old.onnx' });
    const { name, shape } = graph.inputs[0] as (typeof graph.inputs)[number];
    const x = spread(shape, -1, 1, 3);
    const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 });
    const expected = await session.run({ [name]: new OrtTensor('float32', x, shape) });
    await session.release();
    const actual = interpret(graph, { [name]: tensor(shape, x) });
    for (const output of graph.outputs) {
      const wanted = expected[output.name] as OrtTensor;
      expect(output.shape).toEqual(wanted.dims);
      // float32 against float64
      const numbers = Array.from(wanted.data as Float32Array | BigInt64Array, Number);
      expectAllClose((actual[output.name] as Tensor).data, numbers, { rtol: 1e-5, atol: 1e-5 });
    }
  });

  it.each(OLD.filter(([name]) => !/^(ArgMin|CastLike|Ceil)/.test(name)))(
    '%s has the derivative that differences show',
    (_, bytes) => {
      const read = readOnnx(bytes);
      const [x, y] = [read.inputs[0] as Value, read.outputs[0] as Value];
      const b = GraphBuilder.from(read);
      const factors = spread(y.shape, -1, 1, 11);
      const product = b.mul(y, b.constant(float32(y.shape, factors)));
      const loss = b.output(
        b.sum(
          product,
          y.shape.map((_, i) => i),
        ),
        'the loss',
      );
      const whole = gradient(b.build([loss], read), loss, [x]);
      const values = [...spread(x.shape, -0.97, 1.03, 3)];
      const direction = [...spread(x.shape, -1, 1, 13)];
      const at = (step: number) =>
        interpret(whole, {
          [x.name]: tensor(
            x.shape,
            values.map((value, i) => value + step * (direction[i] as number)),
          ),
        });
      const lossAt = (step: number): number => (at(step)['the loss'] as Tensor).data[0] as number;
      const slope = (at(0)[`d_${x.name}`] as Tensor).data.reduce((sum, d, i) => sum + d * (direction[i] as number), 0);
      expect(Math.abs(slope)).toBeGreaterThan(1e-6);
      // Computed in float64, but for constants of the graph.
      expectAllClose([slope], [(lossAt(1e-5) - lossAt(-1e-5)) / 2e-5], { rtol: 1e-5, atol: 1e-6 });
    },
  );

  it('the norm of zeros is no divisor', () => {
    const graph = readOnnx(file(22, 'LpNormalization', { axis: 1, p: 2 }, { shape: [2, 2] }));
    const { y0 } = interpret(graph, { x: tensor([2, 2], [3, 4, 0, 0]) });
    expectAllClose((y0 as Tensor).data, [0.6, 0.8, 0, 0], { rtol: 1e-6, atol: 0 });
  });

  it('a query that sees no key gives zeros', () => {
    const values = float32([1, 2, 1], [2, 6]);
    const seen = ndarray('bool', [2, 2], Uint8Array.of(0, 0, 1, 1));
    const constants = [float32([1, 2, 1], [1, 1]), values, seen];
    const graph = readOnnx(file(23, 'Attention', { q_num_heads: 1, kv_num_heads: 1 }, { shape: [1, 2, 1], constants }));
    const { y0 } = interpret(graph, { x: tensor([1, 2, 1], [1, 1]) });
    expectAllClose((y0 as Tensor).data, [0, 4], { rtol: 1e-6, atol: 0 });
  });

  it('constants of half precision hold numbers, not their bits', () => {
    const b = new GraphBuilder();
    expect(b.constantOf(b.scalar(1.5, 'float16'))?.data).toEqual(Uint16Array.of(0x3e00));
    expect(pack('float16', [2], [1, -2]).data).toEqual(Uint16Array.of(0x3c00, 0xc000));
  });

  it('what is not known is named, with its file and node', () => {
    const bytes = file(13, 'Hardmax', {});
    expect(() => readOnnx(bytes, { file: 'old.onnx' })).toThrow(
      "old.onnx: Hardmax 'node': this operation is not supported.",
    );
    expect(() => readOnnx(file(13, 'DequantizeLinear', {}))).toThrow(
      /of a quantised network, which can be predicted with/,
    );
    expect(() => readOnnx(file(13, 'Softmax', { temperature: 3 }))).toThrow(/Softmax 'node'.*'temperature'/);
    const reach = { constants: [ints([2, 3], [0, 1, -1, 0, 0, 2]), weights([2, 6])] };
    expect(() => readOnnx(file(18, 'ScatterND', { reduction: 'max' }, reach))).toThrow(/the reduction 'max'/);
    const square = { shape: [1, 1, 2, 2], constants: [ints([1, 1, 2, 2], [5, 7, 13, 2]), int64([1, 1, 5, 5])] };
    expect(() => readOnnx(file(11, 'MaxUnpool', UNPOOLED, square))).toThrow(
      /output_shape \[1, 1, 5, 5\] is not the \[1, 1, 4, 4\]/,
    );
    for (const op of ['ReduceL1', 'ReduceL2', 'ReduceSumSquare'])
      expect(() => readOnnx(withFedAxes(file(18, op, {}, { constants: [int64([1])] })))).toThrow(/axes depend on data/);
    const scaled = { shape: [1, 1, 2, 4], constants: [null, float32([4], [1, 1, 0.6, 0.6])] };
    const corners = { mode: 'linear', coordinate_transformation_mode: 'align_corners' };
    expect(() => readOnnx(file(18, 'Resize', corners, scaled))).toThrow(/its scales give no whole sizes/);
    const keys = { shape: [1, 6, 8], constants: [weights([1, 6, 8]), weights([1, 6, 8])] };
    expect(() => readOnnx(file(26, 'Attention', { ...two, window: 3 }, keys))).toThrow(/the attribute 'window'/);
    const four = { constants: [pair, pair, pair, pair] };
    expect(() => readOnnx(file(9, 'BatchNormalization', {}, { ...four, outputs: 3 }))).toThrow(/in training mode/);
  });
});
