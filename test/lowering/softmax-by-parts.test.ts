import { afterAll, beforeAll, expect, it } from 'vitest';
import { float32 } from '../../src/array/ndarray.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { checkGraph } from '../../src/graph/check.ts';
import type { Graph } from '../../src/graph/ir.ts';
import { lower } from '../../src/lowering/lower.ts';
import { lowerStandard } from '../../src/lowering/walk.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

function softmaxOf(shape: readonly number[], axis: number): Graph {
  const b = new GraphBuilder('softmax');
  return b.build([b.output(b.op('Softmax', [b.input('x', 'float32', shape)], { axis }), 'p')]);
}

const opsOf = (graph: Graph) => lower(graph, {}).graph.nodes.map(({ op }) => op);

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ device: 'cpu' });
});
afterAll(() => runtime.dispose());

it('gives e^x / (sum of e^x), also where e^x is beyond the numbers', async () => {
  const graph = softmaxOf([1, 2, 1, 3], 1);
  checkGraph(lowerStandard(graph));
  const program = await runtime.compile(graph);
  const { p } = await program.run({ x: float32([1, 2, 1, 3], [0, 1000, -1000, Math.log(3), 1000, 0]) });
  // 1 / (1 + 3), and differences of 0 and 1000; a few units in the last place.
  expectAllClose(p?.data as Float32Array, [0.25, 0.5, 0, 0.75, 0.5, 1], { rtol: 3e-7, atol: 0 });
  await program.dispose();
});

it.each([1, -3])('equals the kernel of ONNX Runtime over axis %d', async (axis) => {
  const graph = softmaxOf([2, 5, 3, 4], axis);
  const x = float32([2, 5, 3, 4]);
  for (let i = 0; i < x.data.length; i++) x.data[i] = 6 * Math.sin(i * i);
  const results = [];
  for (const exact of [true, false]) {
    const program = await runtime.compile(graph, { exact });
    results.push((await program.run({ x })).p?.data as Float32Array);
    await program.dispose();
  }
  // Five powers are added in another order: a few units in the last place.
  expectAllClose(results[1] as Float32Array, results[0] as Float32Array, { rtol: 5e-7, atol: 0 });
  expect(opsOf(graph)).toEqual(['ReduceMax', 'Sub', 'Exp', 'ReduceSum', 'Div']);
});

it('leaves rows to the kernel', () => {
  expect(opsOf(softmaxOf([4, 10], 1))).toEqual(['Softmax']);
});
