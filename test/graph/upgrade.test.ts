import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { float32, int64, type NdArray, type Shape } from '../../src/array/ndarray.ts';
import { AttributeProtoSchema, ModelProtoSchema, AttributeType as Type } from '../../src/graph/onnx/messages.ts';
import { create, toBinary } from '../../src/graph/onnx/protobuf.ts';
import { readOnnx } from '../../src/graph/onnx/read.ts';
import { encodeText, tensorToProto } from '../../src/graph/onnx/tensor.ts';
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

/** A file with one node that reads x and constants, as an old or more general exporter wrote it. */
function file(
  opset: number,
  op: string,
  attributes: { readonly [name: string]: Attribute },
  {
    shape = [1, 2, 5, 6],
    constants = [],
    outputs = 1,
  }: { shape?: Shape; constants?: readonly (NdArray | null)[]; outputs?: number } = {},
): Uint8Array {
  const type = { tensorType: { elemType: 1 } };
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
        output: names.map((name) => ({ name, type })),
      },
    }),
  );
}

function weights(shape: Shape): NdArray {
  return float32(shape, spread(shape, -1, 1, 5));
}

const pair = float32([2], [0.7, 1.3]);

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
      expectAllClose((actual[output.name] as Tensor).data, wanted.data as Float32Array, { rtol: 1e-5, atol: 1e-5 });
    }
  });

  it('what is not known is named, with its file and node', () => {
    const bytes = file(13, 'Hardmax', {});
    expect(() => readOnnx(bytes, { file: 'old.onnx' })).toThrow(
      "old.onnx: Hardmax 'node': this operation is not supported.",
    );
    expect(() => readOnnx(file(13, 'Softmax', { temperature: 3 }))).toThrow(/Softmax 'node'.*'temperature'/);
    expect(() => readOnnx(file(11, 'Resize', { mode: 'cubic' }, { constants: [float32([0]), pair] }))).toThrow(
      /'cubic'/,
    );
    const four = { constants: [pair, pair, pair, pair] };
    expect(() => readOnnx(file(9, 'BatchNormalization', {}, { ...four, outputs: 3 }))).toThrow(/in training mode/);
  });
});
