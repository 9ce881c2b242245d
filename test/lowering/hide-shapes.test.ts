import * as ort from 'onnxruntime-node';
import { afterAll, expect, it } from 'vitest';
import { unetStep } from '../../bench/unet-step.ts';
import { float32, type NdArray } from '../../src/array/ndarray.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import type { LoweringTarget } from '../../src/lowering/lower.ts';
import { hideShapes } from '../../src/lowering/passes/hide-shapes.ts';
import { findBlockedKernels } from '../../src/runtime/block-size.ts';
import { ortRuntime } from '../../src/runtime/ort.ts';

const sessionOptions = { intraOpNumThreads: 1, logSeverityLevel: 3 } as const;
const { blocks: found } = await findBlockedKernels(ort, sessionOptions);
const blocks: LoweringTarget = found === undefined ? {} : { blocks: found };
const open = (target: LoweringTarget) =>
  ortRuntime(ort, { device: 'cpu', description: 'CPU', sessionOptions, stateMode: 'swap', target });
const runtimes: readonly (readonly [string, LoweringTarget])[] = [
  ['blocked', blocks],
  ['standard', {}],
];
const opened = runtimes.map(([name, target]) => ({
  name,
  plain: open(target),
  hidden: open({ ...target, hidesShapes: true }),
}));
afterAll(async () => {
  for (const { plain, hidden } of opened) {
    await plain.dispose();
    await hidden.dispose();
  }
});

it.each(opened)('two training steps are the same to the last bit ($name)', async ({ plain, hidden }) => {
  const { graph, state, initial, feeds } = unetStep({ base: 16, levels: 3, size: 64 });
  const after: { readonly [name: string]: NdArray }[] = [];
  for (const runtime of [plain, hidden]) {
    const program = await runtime.compile(graph, { state });
    await program.writeState(initial);
    await program.run(feeds);
    const { loss } = await program.run(feeds);
    after.push({ ...(await program.readState()), loss: loss as NdArray });
    await program.dispose();
  }
  expect(after[1]).toEqual(after[0]);
});

/** A large convolution whose result is large, with a scalar beside. */
function convolution(withScalar: boolean) {
  const b = new GraphBuilder('g');
  const x = b.input('x', 'float32', [1, 4, 128, 128]);
  const w = b.input('w', 'float32', [4, 4, 1, 1]);
  const y = b.op('Conv', [x, w], { kernel_shape: [1, 1] });
  const scaled = withScalar ? b.mul(y, b.input('rate', 'float32', [])) : y;
  return b.build([b.output(scaled, 'y')]);
}

it('a large convolution reads a view whose shape is no constant', () => {
  const graph = hideShapes(convolution(true));
  const conv = graph.nodes.find(({ op }) => op === 'Conv');
  const view = graph.nodes.find(({ outputs }) => outputs[0] === conv?.inputs[0]);
  expect(view?.op).toBe('Reshape');
  expect(graph.constants.has(view?.inputs[1] as never)).toBe(false);
  expect(graph.inputs).toEqual(convolution(true).inputs);
});

it('a graph without a single float among its inputs stays as it is', () => {
  const graph = convolution(false);
  expect(hideShapes(graph)).toBe(graph);
});

it('NaN as the learning rate leaves the shapes what they are', async () => {
  const { hidden } = opened[0] as (typeof opened)[number];
  const { graph, state, initial, feeds } = unetStep({ base: 16, levels: 2, size: 64 });
  const program = await hidden.compile(graph, { state });
  await program.writeState(initial);
  const { loss } = await program.run({ ...feeds, rate: float32([], [Number.NaN]) });
  expect(Number.isFinite(loss?.data[0])).toBe(true);
  await program.dispose();
});
