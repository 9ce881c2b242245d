import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { float32, type Shape } from '../../src/array/ndarray.ts';
import { GraphError } from '../../src/errors.ts';
import { tileRule } from '../../src/graph/analysis/receptive-field.ts';
import { gradient } from '../../src/graph/autodiff.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { constantsToInputs, inputsToConstants, parametersOf } from '../../src/graph/constants.ts';
import type { Value } from '../../src/graph/ir.ts';
import { readSignature } from '../../src/graph/onnx/model.ts';
import { readOnnx } from '../../src/graph/onnx/read.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { printGraph } from '../../src/graph/print.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { interpret, type Tensor, tensor } from '../support/interpreter.ts';

interface Numbers {
  readonly shape: Shape;
  readonly data: readonly number[];
}
const folder = new URL('../golden/', import.meta.url);
const golden = JSON.parse(readFileSync(new URL('exported.json', folder), 'utf8')) as {
  readonly x: Numbers;
  readonly y: Numbers;
  readonly dY: Numbers;
  readonly gradients: { readonly [name: string]: Numbers };
};

/** What the open sizes are called, by exporter. */
function bindings(bytes: Uint8Array): { [symbol: string]: number } {
  const [input] = readSignature(bytes).inputs;
  const [, , height, width] = input?.dims ?? [];
  return { [String(height)]: golden.x.shape[2] as number, [String(width)]: golden.x.shape[3] as number };
}

describe.each(['dynamo', 'script-11', 'script-17'])('a network exported by PyTorch (%s)', (name) => {
  const bytes = new Uint8Array(readFileSync(new URL(`exported-${name}.onnx`, folder)));
  const read = () => readOnnx(bytes, { file: `${name}.onnx`, bind: bindings(bytes) });

  it('says what it is', () => {
    const signature = readSignature(bytes);
    expect(signature.producer).toBe('pytorch');
    expect(signature.inputs.map((input) => input.name)).toEqual(['x']);
    expect(signature.inputs[0]?.dims?.map((n) => typeof n)).toEqual(['number', 'number', 'string', 'string']);
    expect(signature.operations.get('ConvTranspose')).toBe(1);
  });

  it('gives what PyTorch gives', () => {
    const graph = read();
    const results = interpret(graph, { x: tensor(golden.x.shape, golden.x.data) });
    // PyTorch computed in float32
    expectAllClose((results.y as Tensor).data, golden.y.data, { rtol: 1e-5, atol: 1e-6 });
  });

  it('has the gradients that PyTorch has', () => {
    const read1 = read();
    const names = parametersOf(read1).map((value) => value.name);
    const { graph, values } = constantsToInputs(read1, names);
    const b = GraphBuilder.from(graph);
    const d = b.constant(float32(golden.dY.shape, golden.dY.data));
    const loss = b.output(b.op('ReduceSum', [b.mul(graph.outputs[0] as Value, d)], { keepdims: 0 }), 'loss');
    const parameters = [...values.keys()];
    const backward = gradient(b.build([...graph.outputs, loss]), loss, parameters);
    const feeds: { [input: string]: Tensor } = { x: tensor(golden.x.shape, golden.x.data) };
    for (const [value, array] of values) feeds[value.name] = tensor(array.shape, array.data as Float32Array);
    const results = interpret(backward, feeds);
    let compared = 0;
    for (const [parameter, { data }] of Object.entries(golden.gradients)) {
      const made = results[`d_${parameter}`];
      // The exporter merges the batch normalisation into the convolution before it.
      if (made === undefined || parameter.startsWith('down.') || parameter.startsWith('norm.')) continue;
      expectAllClose(made.data, data, { rtol: 1e-4, atol: 1e-6 });
      compared++;
    }
    expect(compared).toBeGreaterThanOrEqual(6);
  });

  it('is written as opset 18 and runs so', async () => {
    const written = writeOnnx(read());
    expect(readSignature(written).opsets).toEqual({ '': 18 });
    expect(printGraph(readOnnx(written))).toBe(printGraph(read()));
    const session = await InferenceSession.create(written, { intraOpNumThreads: 1 });
    const feed = new OrtTensor('float32', Float32Array.from(golden.x.data), golden.x.shape);
    const { y } = await session.run({ x: feed });
    expectAllClose((y as OrtTensor).data as Float32Array, golden.y.data, { rtol: 1e-4, atol: 1e-6 });
    await session.release();
  });

  it('is known to look at the whole image', () => {
    const graph = read();
    const outputs = graph.nodes.filter(({ op }) => op === 'ConvTranspose').map((node) => node.outputs[0] as Value);
    const rule = tileRule(graph, graph.inputs[0] as Value, outputs[0] as Value);
    expect(rule.exact).toBe(false);
    expect(rule.globalOps.some((op) => op.startsWith('InstanceNormalization'))).toBe(true);
  });
});

describe('constants and inputs', () => {
  function line() {
    const b = new GraphBuilder('line');
    const x = b.input('x', 'float32', [1, 2]);
    const w = b.constant(float32([2, 1], [3, 4]), 'w');
    const y = b.op('Clip', [b.op('MatMul', [x, w]), b.constant(float32([], [0]), 'low')]);
    return b.build([b.output(y, 'y')]);
  }

  it('parameters are what products and normalisations take, not bounds', () => {
    expect(parametersOf(line()).map(({ name }) => name)).toEqual(['w']);
  });

  it('go back and forth', () => {
    const graph = line();
    const trained = constantsToInputs(graph, ['w']);
    expect(trained.graph.inputs.map(({ name }) => name)).toEqual(['x', 'w']);
    const back = inputsToConstants(trained.graph, { w: float32([2, 1], [5, 6]) });
    expect(back.inputs.map(({ name }) => name)).toEqual(['x']);
    expect((interpret(back, { x: tensor([1, 2], [1, 1]) }).y as Tensor).data).toEqual(Float64Array.of(11));
  });

  it('that do not fit are refused', () => {
    expect(() => constantsToInputs(line(), ['v'])).toThrow(GraphError);
    expect(() => inputsToConstants(line(), { x: float32([3]) })).toThrow(/x: float32\[1, 2\] cannot hold float32\[3\]/);
    expect(() => inputsToConstants(line(), { z: float32([3]) })).toThrow(/has no input 'z'/);
  });
});
