/** Quantised networks, and such of 16-bit floats, as the networks of float32 that they stand for. */

import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { float32, type NdArray, ndarray, type Shape } from '../../src/array/ndarray.ts';
import { GraphError } from '../../src/errors.ts';
import { gradient } from '../../src/graph/autodiff.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { constantsToInputs, parametersOf } from '../../src/graph/constants.ts';
import type { Value } from '../../src/graph/ir.ts';
import { floatForm } from '../../src/graph/onnx/float-form.ts';
import { ModelProtoSchema, NodeProtoSchema, ValueInfoProtoSchema } from '../../src/graph/onnx/messages.ts';
import { readSignature } from '../../src/graph/onnx/model.ts';
import { create, toBinary } from '../../src/graph/onnx/protobuf.ts';
import { readOnnx } from '../../src/graph/onnx/read.ts';
import { tensorToProto } from '../../src/graph/onnx/tensor.ts';
import { dimensionsToProto } from '../../src/graph/onnx/write.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { interpret, type Tensor, tensor } from '../support/interpreter.ts';

interface Numbers {
  readonly shape: Shape;
  readonly data: readonly number[];
}
const folder = new URL('../golden/', import.meta.url);
/** From scripts/golden/quantised.py: the network in PyTorch, before quantisation. */
const golden = JSON.parse(readFileSync(new URL('quantised.json', folder), 'utf8')) as {
  readonly [name in 'x' | 'y' | 'c']: Numbers;
} & { readonly [kind in 'weights' | 'gradients']: { readonly [name: string]: Numbers } };
const bytesOf = (kind: string) => new Uint8Array(readFileSync(new URL(`quantised-${kind}.onnx`, folder)));
const most = (numbers: ArrayLike<number>) => Array.from(numbers).reduce((m, n) => Math.max(m, Math.abs(n)), 0);
const distance = (a: NdArray | undefined, b: Numbers) => difference(a?.data as Float32Array, b.data);
const difference = (a: ArrayLike<number>, b: ArrayLike<number>) => most(Array.from(a, (n, i) => n - (b[i] as number)));

async function inOnnxRuntime(bytes: Uint8Array, { shape, data }: Numbers): Promise<readonly number[]> {
  // As `openRuntime` sets it: right without VNNI too.
  const extra = { session: { x64quantprecision: '1' } };
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3, extra });
  const [input = ''] = session.inputNames;
  const results = await session.run({ [input]: new OrtTensor('float32', Float32Array.from(data), shape) });
  await session.release();
  return Array.from(results[session.outputNames[0] as string]?.data as Float32Array);
}

const WHOLE = ['qdq', 'qdq-signed', 'operators', 'dynamic'];

describe.each([...WHOLE, 'half'])('a network in the form %s', (kind) => {
  const { bytes, notes } = floatForm(bytesOf(kind));
  const graph = readOnnx(bytes, { shapes: { image: golden.x.shape } });
  const range = most(golden.y.data);

  it('has float32 only, and says so', () => {
    expect(notes).toHaveLength(1);
    expect([...readSignature(bytes).operations.keys()].filter((op) => /Quantize|Integer|QLinear/.test(op))).toEqual([]);
    expect(readSignature(bytes).inputs.map(({ dtype }) => dtype)).toEqual(['float32']);
    expect(floatForm(bytes)).toEqual({ bytes, notes: [] });
  });

  it('has the weights of the network before, to a step of its numbers', () => {
    const found = parametersOf(graph).map((value) => graph.constants.get(value) as NdArray<'float32'>);
    expect(found).toHaveLength(Object.keys(golden.weights).length);
    for (const { shape, data } of Object.values(golden.weights)) {
      const step = most(data) / 127;
      const alike = found.filter((array) => array.shape.join() === shape.join());
      expect(Math.min(...alike.map((array) => difference(array.data, data)))).toBeLessThan(step);
    }
  });

  it('gives nearly what the network before gives', () => {
    const results = interpret(graph, { image: tensor(golden.x.shape, golden.x.data) });
    // One step of 8 bits is 1/255 of the range.
    expect(difference((results.out as Tensor).data, golden.y.data)).toBeLessThan(0.01 * range);
  });

  it('would change its weights in nearly the same direction', () => {
    const trained = parametersOf(graph);
    const open = constantsToInputs(
      graph,
      trained.map(({ name }) => name),
    );
    const b = GraphBuilder.from(open.graph);
    const weighted = b.mul(graph.outputs[0] as Value, b.constant(float32(golden.c.shape, golden.c.data)));
    const loss = b.output(b.sum(weighted, [0, 1, 2, 3]), 'loss');
    const feeds = Object.fromEntries(
      [...open.values].map(([{ name }, { shape, data }]) => [name, tensor(shape, data as Float32Array)]),
    );
    const image = tensor(golden.x.shape, golden.x.data);
    const results = interpret(gradient(b.build([loss], open.graph), loss, trained), { ...feeds, image });
    for (const [name, { data }] of Object.entries(golden.gradients)) {
      const weights = golden.weights[name] as Numbers;
      const own = trained
        .filter(({ shape }) => shape.join() === weights.shape.join())
        .toSorted((p, q) => distance(open.values.get(p), weights) - distance(open.values.get(q), weights))[0] as Value;
      const made = (results[`d_${own.name}`] as Tensor).data;
      const product = data.reduce((sum, d, i) => sum + d * (made[i] as number), 0);
      // The cosine of the angle between them: a maximum here and there is another one.
      expect(product / (Math.hypot(...made) * Math.hypot(...data)), name).toBeGreaterThan(0.99);
    }
  });
});

it.each(WHOLE)('%s: what ONNX Runtime computes is rounded, and so farther from the network before', async (kind) => {
  const rounded = await inOnnxRuntime(bytesOf(kind), golden.x);
  const graph = readOnnx(floatForm(bytesOf(kind)).bytes, { shapes: { image: golden.x.shape } });
  const results = interpret(graph, { image: tensor(golden.x.shape, golden.x.data) });
  const { data } = results.out as Tensor;
  expect(difference(data, rounded)).toBeLessThan(0.02 * most(golden.y.data));
  expect(difference(data, golden.y.data)).toBeLessThan(difference(rounded, golden.y.data));
});

const node = (opType: string, input: string[], output: string[], more: object = {}) =>
  create(NodeProtoSchema, { opType, name: output[0] as string, input, output, ...more });

/** A file from x to y, of these nodes and constants. */
function file(nodes: ReturnType<typeof node>[], constants: { readonly [name: string]: NdArray }, shape: Shape) {
  const value = (name: string, dims: Shape | undefined) =>
    create(ValueInfoProtoSchema, {
      name,
      type: { tensorType: { elemType: 1, ...(dims && { shape: dimensionsToProto(dims) }) } },
    });
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: '', version: 13n }],
      graph: {
        name: 'quantised',
        node: nodes,
        initializer: Object.entries(constants).map(([name, array]) => tensorToProto(array, name)),
        input: [value('x', shape)],
        output: [value('y', undefined)],
      },
    }),
  );
}

const scalar = (value: number) => float32([], [value]);
const byte = (value: number) => ndarray('uint8', [], Uint8Array.of(value));

it('where nothing is rounded it is what ONNX Runtime computes, within the range of its numbers and at its ends', async () => {
  const bytes = file(
    [
      node('QuantizeLinear', ['x', 'half', 'three'], ['q']),
      node('QLinearConv', ['q', 'half', 'three', 'w', 'several', 'zeros', 'quarter', 'eight', 'bias'], ['c']),
      node('DequantizeLinear', ['c', 'quarter', 'eight'], ['y']),
    ],
    {
      half: scalar(0.5),
      quarter: scalar(0.25),
      three: byte(3),
      eight: byte(8),
      w: ndarray('int8', [2, 1, 1, 2], Int8Array.of(1, -2, 3, 4)),
      several: float32([2], [0.5, 1]),
      zeros: ndarray('int8', [2], Int8Array.of(0, 0)),
      bias: ndarray('int32', [2], Int32Array.of(5, -6)),
    },
    [1, 1, 2, 4],
  );
  // The first is below the least number, -1.5; sums reach beyond the largest result, 61.75, and the least, -2.
  const x = { shape: [1, 1, 2, 4], data: [-9, 0.5, 20, -1.5, 3, 12.5, -0.5, 40] };
  const graph = readOnnx(floatForm(bytes).bytes);
  const { data } = interpret(graph, { x: tensor(x.shape, x.data) }).y as Tensor;
  const expected = await inOnnxRuntime(bytes, x);
  expect(most(expected)).toBe(61.75);
  expect(Math.min(...expected)).toBe(-2);
  expectAllClose(data, expected, { rtol: 0, atol: 0 });
});

describe('what cannot be undone is refused, with its node', () => {
  it('a scale that depends on data', () => {
    const nodes = [node('ReduceMax', ['x'], ['most']), node('QuantizeLinear', ['x', 'most'], ['y'])];
    expect(() => floatForm(file(nodes, {}, [4]))).toThrow(GraphError);
    expect(() => floatForm(file(nodes, {}, [4]))).toThrow(
      /QuantizeLinear 'y' cannot be computed in float32: its scale is computed/,
    );
  });
  it('arithmetic with whole numbers', () => {
    const nodes = [
      node('QuantizeLinear', ['x', 'half', 'zero'], ['q']),
      node('Add', ['q', 'q'], ['sum']),
      node('DequantizeLinear', ['sum', 'half', 'zero'], ['y']),
    ];
    expect(() => floatForm(file(nodes, { half: scalar(0.5), zero: byte(7) }, [4]))).toThrow(
      /Add 'sum' cannot be computed in float32: it computes with the whole numbers of 'q'/,
    );
  });
  it('numbers that are taken for others', () => {
    const nodes = [
      node('QuantizeLinear', ['x', 'half', 'zero'], ['q']),
      node('DequantizeLinear', ['q', 'one', 'zero'], ['y']),
    ];
    const constants = { half: scalar(0.5), one: scalar(1), zero: byte(0) };
    expect(() => floatForm(file(nodes, constants, [4]))).toThrow(/'q' was made with another scale or zero point/);
  });
});
