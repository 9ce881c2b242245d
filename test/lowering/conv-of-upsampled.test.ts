import * as ort from 'onnxruntime-node';
import { afterAll, describe, expect, it } from 'vitest';
import { float32, type Shape } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { checkGraph } from '../../src/graph/check.ts';
import type { Graph, Value } from '../../src/graph/ir.ts';
import { convsOfUpsampled } from '../../src/lowering/conv/of-upsampled.ts';
import { lowerBlocked } from '../../src/lowering/walk.ts';
import { findBlockedKernels } from '../../src/runtime/block-size.ts';
import { ortRuntime } from '../../src/runtime/ort.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

const sessionOptions = { intraOpNumThreads: 2, logSeverityLevel: 3 } as const;
const { blocks } = await findBlockedKernels(ort, sessionOptions);
const device = { device: 'cpu', description: 'CPU', sessionOptions, stateMode: 'swap' } as const;
const standard = ortRuntime(ort, { ...device, target: {} });
const blocked = ortRuntime(ort, { ...device, target: blocks === undefined ? {} : { blocks } });
afterAll(async () => {
  await standard.dispose();
  await blocked.dispose();
});
const absent = blocks === undefined ? ' (skipped: this processor has no blocked kernels)' : '';

const NEAREST = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' } as const;

function random(shape: Shape, key: string) {
  const array = float32(shape);
  const draw = stream(1, key);
  for (let i = 0; i < array.data.length; i++) array.data[i] = draw.between(-1, 1);
  return array;
}

interface Case {
  /** Channels of what is joined; of a negative number of channels: doubled. */
  readonly parts: readonly number[];
  readonly outputs: number;
  readonly size: readonly [number, number];
  readonly batch?: number;
  readonly bias?: boolean;
  readonly relu?: boolean;
  readonly known?: boolean;
}

function graphOf({ parts, outputs, size: [h, w], batch = 1, bias = true, relu = true, known = true }: Case): Graph {
  const b = new GraphBuilder('up');
  const values: Value[] = parts.map((channels, i) => {
    if (channels >= 0) return b.input(`x${i}`, 'float32', [batch, channels, 2 * h, 2 * w]);
    const half = b.input(`x${i}`, 'float32', [batch, -channels, h, w]);
    return b.op('Resize', [half, undefined, b.constant(float32([4], [1, 1, 2, 2]))], NEAREST);
  });
  const x = values.length === 1 ? (values[0] as Value) : b.op('Concat', values, { axis: 1 });
  const weight = random([outputs, x.shape[1] as number, 3, 3], 'w');
  const inputs = [x, known ? b.constant(weight) : b.input('w', 'float32', weight.shape)];
  if (bias) inputs.push(b.constant(random([outputs], 'bias')));
  const y = b.op('Conv', inputs, { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
  return b.build([b.output(relu ? b.op('Relu', [y]) : y, 'y')]);
}

const feedsOf = (graph: Graph) =>
  Object.fromEntries(graph.inputs.map(({ name, shape }) => [name, random(shape, name)] as const));

async function run(on: typeof standard, graph: Graph, exact: boolean) {
  const program = await on.compile(graph, { exact });
  const { y } = await program.run(feedsOf(graph));
  await program.dispose();
  return y?.data as Float32Array;
}

const ops = ({ nodes }: Graph) => nodes.map(({ op }) => op);

describe('a convolution of what was doubled', () => {
  it('adds up the taps that meet equal pixels', async () => {
    // One pixel of 1, all nine taps 1: inside, four pixels of the doubled map meet 4 of their taps each.
    const b = new GraphBuilder('one');
    const x = b.input('x', 'float32', [1, 1, 1, 1]);
    const up = b.op('Resize', [x, undefined, b.constant(float32([4], [1, 1, 2, 2]))], NEAREST);
    const ones = b.constant(float32([1, 1, 3, 3], new Float32Array(9).fill(1)));
    const y = b.op('Conv', [up, ones], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
    const graph = convsOfUpsampled(b.build([b.output(y, 'y')]));
    expect(ops(graph)).toEqual(['ConvTranspose', 'Identity']);
    const [weights] = [...graph.constants.values()].filter(({ shape }) => shape.length === 4);
    // [1, 2, 2, 1] times itself
    expect(Array.from(weights?.data ?? [], Number)).toEqual([1, 2, 2, 1, 2, 4, 4, 2, 2, 4, 4, 2, 1, 2, 2, 1]);
    const program = await standard.compile(graph, { exact: true });
    const { y: result } = await program.run({ x: float32([1, 1, 1, 1], [1]) });
    expect(Array.from(result?.data ?? [], Number)).toEqual([4, 4, 4, 4]);
  });

  const cases: readonly Case[] = [
    { parts: [16, -32], outputs: 16, size: [3, 5] },
    { parts: [-16, 32], outputs: 32, size: [4, 2], batch: 2, bias: false },
    { parts: [16, -16, 16], outputs: 16, size: [2, 3], relu: false },
    { parts: [-16], outputs: 16, size: [5, 4], batch: 3 },
    { parts: [3, -5], outputs: 7, size: [3, 3] },
    { parts: [64, -64], outputs: 64, size: [8, 8] },
    { parts: [0, -16], outputs: 16, size: [3, 4] },
    { parts: [-16, 0, 16], outputs: 16, size: [2, 4] },
  ];
  for (const [i, one] of cases.entries()) {
    it(`gives the same, case ${i}, also in blocks${absent}`, async () => {
      const graph = graphOf(one);
      const made = convsOfUpsampled(graph);
      expect(ops(made)).not.toContain('Resize');
      expect(ops(made)).toContain('ConvTranspose');
      const expected = await run(standard, graph, true);
      // Sums of up to 1,200 products of numbers below 1, in another order: errors near sqrt(n) 2^-24.
      const tolerance = { rtol: 1e-4, atol: 1e-4 };
      expectAllClose(await run(standard, made, true), expected, tolerance);
      if (blocks === undefined) return;
      const { graph: lowered } = lowerBlocked(made, blocks.size);
      checkGraph(lowered);
      if (one.outputs % 16 === 0) expect(ops(lowered)).not.toContain('ConvTranspose');
      expectAllClose(await run(blocked, graph, false), expected, tolerance);
    });
  }

  it('adds the sum and the ReLU within the convolution of the skip connection', () => {
    const { graph } = lowerBlocked(convsOfUpsampled(graphOf(cases[0] as Case)), 16);
    expect(ops(graph).filter((op) => op === 'Add' || op === 'Relu')).toEqual([]);
  });

  it('leaves a graph in training as it is', () => {
    const graph = graphOf({ parts: [16, -16], outputs: 16, size: [3, 3], known: false });
    expect(convsOfUpsampled(graph)).toBe(graph);
  });
});
