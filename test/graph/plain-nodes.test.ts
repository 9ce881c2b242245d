/** Files whose nodes are in no order, call functions of the file, or choose a branch, and such whose weights are bfloat16. */

import { describe, expect, it } from 'vitest';
import { float32, ndarray } from '../../src/array/ndarray.ts';
import { FormatError, GraphError } from '../../src/errors.ts';
import {
  AttributeProtoSchema,
  AttributeType,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from '../../src/graph/onnx/messages.ts';
import { create, toBinary } from '../../src/graph/onnx/protobuf.ts';
import { readOnnx } from '../../src/graph/onnx/read.ts';
import { tensorToProto } from '../../src/graph/onnx/tensor.ts';
import { dimensionsToProto } from '../../src/graph/onnx/write.ts';
import { interpret, type Tensor, tensor } from '../support/interpreter.ts';

const node = (opType: string, input: string[], output: string[], more: object = {}) =>
  create(NodeProtoSchema, { opType, input, output, ...more });
const value = (name: string) =>
  create(ValueInfoProtoSchema, { name, type: { tensorType: { elemType: 1, shape: dimensionsToProto([2]) } } });

/** A file from x [2] to y [2]. */
function file(
  nodes: ReturnType<typeof node>[],
  more: object = {},
  initializer = [tensorToProto(float32([2], [10, 20]), 'c')],
): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: '', version: 18n }],
      graph: { name: 'file', node: nodes, initializer, input: [value('x')], output: [value('y')] },
      ...more,
    }),
  );
}

const result = (bytes: Uint8Array): readonly number[] => [
  ...(interpret(readOnnx(bytes), { x: tensor([2], [1, 2]) }).y as Tensor).data,
];

describe('nodes in any order', () => {
  it('are read as if each came after what it needs', () => {
    const nodes = [
      node('Neg', ['sum'], ['y']),
      node('Add', ['double', 'c'], ['sum']),
      node('Add', ['x', 'x'], ['double']),
    ];
    expect(result(file(nodes))).toEqual([-12, -24]);
  });
  it('are refused where they need each other', () => {
    const nodes = [node('Neg', ['b'], ['a']), node('Neg', ['a'], ['b']), node('Add', ['x', 'a'], ['y'])];
    expect(() => readOnnx(file(nodes))).toThrow(FormatError);
    expect(() => readOnnx(file(nodes))).toThrow(/need each other in a circle, such as Neg 'a'/);
  });
});

describe('functions of the file', () => {
  const leaky = {
    name: 'Twice',
    domain: 'own',
    input: ['in', 'more'],
    output: ['out'],
    attribute: ['slope'],
    node: [
      node('Add', ['t', 'more'], ['out']),
      node('LeakyRelu', ['in'], ['t'], {
        attribute: [create(AttributeProtoSchema, { name: 'alpha', type: AttributeType.FLOAT, refAttrName: 'slope' })],
      }),
    ],
  };
  const call = (input: string, output: string, slope: number) =>
    node('Twice', [input, 'c'], [output], {
      domain: 'own',
      attribute: [create(AttributeProtoSchema, { name: 'slope', type: AttributeType.FLOAT, f: slope })],
    });

  it('are written out where they are called, with the attributes of the call', () => {
    const nodes = [
      node('Neg', ['x'], ['n']),
      call('n', 'first', 0.5),
      call('n', 'second', 0.25),
      node('Sub', ['first', 'second'], ['y']),
    ];
    expect(result(file(nodes, { functions: [leaky] }))).toEqual([-0.25, -0.5]);
  });
  it('are refused where they call themselves', () => {
    const endless = { ...leaky, node: [node('Twice', ['in', 'more'], ['out'], { domain: 'own' })] };
    expect(() => readOnnx(file([call('x', 'y', 1)], { functions: [endless] }))).toThrow(
      /'Twice' of the file calls itself/,
    );
  });
});

describe('If', () => {
  const branch = (name: string, op: string) =>
    create(AttributeProtoSchema, {
      name,
      type: 5,
      g: create(GraphProtoSchema, {
        name,
        node: [node(op, ['x', 'c'], [`${name}_out`])],
        output: [create(ValueInfoProtoSchema, { name: `${name}_out` })],
      }),
    });
  const choosing = (condition: string) =>
    node('If', [condition], ['y'], { attribute: [branch('then_branch', 'Add'), branch('else_branch', 'Mul')] });
  const constants = (truth: number) => [
    tensorToProto(float32([2], [10, 20]), 'c'),
    tensorToProto(ndarray('bool', [], Uint8Array.of(truth)), 'truth'),
  ];

  it('is the branch that a constant chooses', () => {
    expect(result(file([choosing('truth')], {}, constants(1)))).toEqual([11, 22]);
    expect(result(file([choosing('truth')], {}, constants(0)))).toEqual([10, 40]);
  });
  it('that depends on data is refused', () => {
    const nodes = [
      node('ReduceMax', ['x'], ['most']),
      node('Cast', ['most'], ['is'], {
        attribute: [create(AttributeProtoSchema, { name: 'to', type: AttributeType.INT, i: 9n })],
      }),
      choosing('is'),
    ];
    expect(() => readOnnx(file(nodes))).toThrow(GraphError);
    expect(() => readOnnx(file(nodes))).toThrow(/If 'y': its condition depends on data/);
  });
});

it('weights in bfloat16 are read as float32', () => {
  // 1.5 and -2: the upper halves of 0x3fc00000 and 0xc0000000.
  const stored = create(TensorProtoSchema, {
    name: 'c',
    dims: [2n],
    dataType: 16,
    rawData: Uint8Array.of(0xc0, 0x3f, 0x00, 0xc0),
  });
  const cast = node('Cast', ['c'], ['f'], {
    attribute: [create(AttributeProtoSchema, { name: 'to', type: AttributeType.INT, i: 1n })],
  });
  expect(result(file([cast, node('Mul', ['x', 'f'], ['y'])], {}, [stored]))).toEqual([1.5, -4]);
});
