import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { float32 } from '../../src/array/ndarray.ts';
import { editOnnx, separateVectors } from '../../src/graph/onnx/edit.ts';
import { type GraphProto, ModelProtoSchema, type NodeProto } from '../../src/graph/onnx/messages.ts';
import { readSignature } from '../../src/graph/onnx/model.ts';
import { create, fromBinary, toBinary } from '../../src/graph/onnx/protobuf.ts';
import { tensorToProto } from '../../src/graph/onnx/tensor.ts';
import { dimensionsToProto } from '../../src/graph/onnx/write.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

type Node = Pick<NodeProto, 'opType' | 'input' | 'output'>;

/** A file whose input is [1, 2, H, W], as an exporter writes it. */
function file(nodes: readonly Node[], { opset = 13, outputs = ['y'] } = {}): Uint8Array {
  const type = (dims: readonly (number | string)[]) => ({
    tensorType: { elemType: 1, shape: dimensionsToProto(dims) },
  });
  const stored = [
    tensorToProto(float32([2, 2, 1, 1], [1, 2, 3, 4]), 'kernel'),
    tensorToProto(float32([2], [0.5, -0.5]), 'vector'),
    tensorToProto(float32([2], [1, 1]), 'ones'),
  ];
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 3n,
      opsetImport: [{ domain: '', version: BigInt(opset) }],
      graph: {
        name: 'edited',
        // Older files list what they store among the inputs.
        input: [
          { name: 'x', type: type([1, 2, 4, 4]) },
          ...stored.map(({ name, dims }) => ({ name, type: type(dims.map(Number)) })),
        ],
        output: outputs.map((name) => ({ name, type: type([1, 2, 4, 4]) })),
        initializer: stored,
        node: [...nodes],
        valueInfo: [{ name: 'a', type: type([1, 2, 4, 4]) }],
      },
    }),
  );
}
const conv = (input: string, output: string, bias = 'vector'): Node => ({
  opType: 'Conv',
  input: [input, 'kernel', bias],
  output: [output],
});
const graphOf = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, bytes).graph as GraphProto;
const image = new Tensor(
  'float32',
  Float32Array.from({ length: 32 }, (_, i) => Math.sin(i)),
  [1, 2, 4, 4],
);
async function run(bytes: Uint8Array): Promise<Float32Array> {
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const results = await session.run({ x: image });
  await session.release();
  return results[session.outputNames[0] as string]?.data as Float32Array;
}

describe('biases and scales that several nodes use', () => {
  it('become one each, statistics too; kernels stay shared', async () => {
    const norm = { opType: 'BatchNormalization', input: ['b', 'ones', 'vector', 'vector', 'ones'], output: ['y'] };
    const same = { opType: 'Identity', input: ['vector'], output: ['renamed'] };
    const bytes = file([same, conv('x', 'a'), conv('a', 'b', 'renamed'), norm]);
    const own = separateVectors(bytes);
    const { node, initializer } = graphOf(own);
    expect(node.map(({ input }) => input)).toEqual([
      ['x', 'kernel', 'vector'],
      ['a', 'kernel', 'renamed'],
      ['b', 'ones', 'vector/2', 'vector/3', 'ones/2'],
    ]);
    expect(initializer.map(({ name }) => name).toSorted()).toEqual([
      'kernel',
      'ones',
      'ones/2',
      'renamed',
      'vector',
      'vector/2',
      'vector/3',
    ]);
    expect(await run(own)).toEqual(await run(bytes));
  });
});

describe('an edited file', () => {
  it('has other tensors and sizes, and no more inputs than have to be fed', async () => {
    const bytes = file([conv('x', 'y')]);
    const edited = editOnnx(bytes, {
      tensors: { vector: float32([2], [9, 9]) },
      inputDims: ['n', 2, 'h', 'w'],
      metadata: { a: 'b' },
    });
    const { inputs, metadata, irVersion } = readSignature(edited);
    expect([inputs, metadata, irVersion]).toEqual([
      [{ name: 'x', dtype: 'float32', dims: ['n', 2, 'h', 'w'] }],
      { a: 'b' },
      4,
    ]);
    expect(graphOf(edited).valueInfo).toEqual([]);
    const [before, after] = [await run(bytes), await run(edited)];
    expectAllClose(
      after,
      [...before].map((v, p) => v + (p < 16 ? 8.5 : 9.5)),
      { rtol: 1e-5, atol: 1e-5 },
    );
  });

  it.each([9, 13])('ends in a softmax over the channels, in opset %s', async (opset) => {
    const bytes = file([conv('x', 'a'), { opType: 'Relu', input: ['a'], output: ['y'] }, conv('y', 'z')], {
      opset,
      outputs: ['y', 'z'],
    });
    const edited = editOnnx(bytes, {
      output: { value: 'a', dims: [1, 2, 4, 4], activation: { kind: 'Softmax', name: 'p' } },
    });
    const { node, initializer } = graphOf(edited);
    expect(node.map(({ opType }) => opType).filter((op) => op !== 'Transpose')).toEqual(['Conv', 'Softmax']);
    expect([initializer.map(({ name }) => name), readSignature(edited).outputs.map(({ name }) => name)]).toEqual([
      ['kernel', 'vector'],
      ['p'],
    ]);
    const logits = await run(editOnnx(bytes, { output: { value: 'a', dims: [1, 2, 4, 4] } }));
    const expected = Array.from(
      { length: 32 },
      (_, p) => 1 / (1 + Math.exp((logits[(p + 16) % 32] as number) - (logits[p] as number))),
    );
    expectAllClose(await run(edited), expected, { rtol: 1e-5, atol: 1e-6 });
  });
});
