/** Parts of the lowering by hand, and layers together; random shapes are in test/conformance. */
import * as ort from 'onnxruntime-node';
import { afterAll, describe, expect, it } from 'vitest';
import { elementCount, float32, type NdArray, type Shape } from '../../src/array/ndarray.ts';
import { backward } from '../../src/graph/autodiff.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { checkGraph } from '../../src/graph/check.ts';
import type { Graph, Value } from '../../src/graph/ir.ts';
import { packKernel, unpackKernel } from '../../src/lowering/layouts/forms.ts';
import { broadcastExpands } from '../../src/lowering/passes/broadcast-expands.ts';
import { lowerBlocked } from '../../src/lowering/walk.ts';
import { findBlockedKernels } from '../../src/runtime/block-size.ts';
import { ortRuntime } from '../../src/runtime/ort.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

const sessionOptions = { intraOpNumThreads: 2, logSeverityLevel: 3 } as const;
const { blocks } = await findBlockedKernels(ort, sessionOptions);
const withoutBlocks = { device: 'cpu', description: 'CPU', sessionOptions, stateMode: 'swap' } as const;
/** Standard ops, as devices without blocked kernels run them. */
const standard = ortRuntime(ort, { ...withoutBlocks, target: {} });
/** Blocked kernels where this processor has them; else standard ops once more. */
const runtime = blocks === undefined ? standard : ortRuntime(ort, { ...withoutBlocks, target: { blocks } });
const block = blocks?.size ?? 16;
afterAll(async () => {
  await runtime.dispose();
  await standard.dispose();
});
const absent = blocks === undefined ? ' (skipped: this processor has no blocked kernels)' : '';

function random(shape: Shape, seed: number): NdArray<'float32'> {
  const array = float32(shape);
  let state = seed * 2654435761 + 12345;
  for (let i = 0; i < array.data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    array.data[i] = state / 2147483648 - 1;
  }
  return array;
}

async function runOn(on: Runtime, graph: Graph, feeds: { readonly [name: string]: NdArray }, exact: boolean) {
  const program = await on.compile(graph, { exact });
  try {
    return await program.run(feeds);
  } finally {
    await program.dispose();
  }
}

/** Sums of up to a few thousand products of numbers below 1 in another order: errors near sqrt(n) 2^-24. */
const ORDER_OF_SUMMATION = { rtol: 1e-4, atol: 2e-4 };

/** The graph by the reference, in blocks and in standard ops gives the same. */
async function expectSame(graph: Graph, seed: number): Promise<void> {
  checkGraph(lowerBlocked(graph, block).graph);
  const feeds: { [name: string]: NdArray } = {};
  graph.inputs.forEach(({ name, shape }, i) => {
    feeds[name] = random(shape, seed + i);
  });
  const expected = await runOn(standard, graph, feeds, true);
  for (const on of [runtime, standard]) {
    const actual = await runOn(on, graph, feeds, false);
    for (const { name } of graph.outputs) {
      expectAllClose(actual[name]?.data as Float32Array, expected[name]?.data as Float32Array, ORDER_OF_SUMMATION);
    }
  }
}

/** The graph of f, of the sum of its squares, and of that sum's gradients. */
function withGradients(build: (b: GraphBuilder) => { y: Value; of: Value[] }): Graph {
  const b = new GraphBuilder('test');
  const { y, of } = build(b);
  const axes = y.shape.map((_, i) => i);
  const loss = b.sum(b.mul(b.mul(y, y), b.scalar(0.5)), axes);
  const nodes = b.build([loss]).nodes;
  const gradients = backward(b, nodes, loss, of);
  return b.build([b.output(y, 'y'), ...gradients.map((value, i) => b.output(value, `d${i}`))]);
}

describe('packed kernels', () => {
  it('come back bit for bit', () => {
    const array = random([32, 16, 3, 2], 7);
    expect(unpackKernel(packKernel(array, 16), 16).data).toEqual(array.data);
    expect(packKernel(array, 8).data).not.toEqual(array.data);
  });
  it('hold [K/B][C/B][taps][B of C][B of K]', () => {
    const array = float32([2, 2, 1, 2], [0, 1, 10, 11, 100, 101, 110, 111]);
    // digits: k, c, tap; packed order: tap, then c, then k
    expect(Array.from(packKernel(array, 2).data as Float32Array)).toEqual([0, 100, 10, 110, 1, 101, 11, 111]);
  });
});

describe('a convolution in blocks', () => {
  it('whose weight gradient is cut into strips equals the reference', async () => {
    const graph = withGradients((b) => {
      const x = b.input('x', 'float32', [2, 16, 40, 130]);
      const w = b.input('w', 'float32', [32, 16, 3, 3]);
      return { y: b.op('Conv', [x, w], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }), of: [w] };
    });
    const strips = lowerBlocked(graph, block).graph.nodes.filter(({ op }) => op === 'nchwc.Conv').length - 1;
    expect(strips).toBeGreaterThan(2);
    await expectSame(graph, 3);
  });
});

describe('weights of 1x1 convolutions beside scalars', () => {
  const graphOf = (layout: 'kernel' | 'plain') => {
    const b = new GraphBuilder('scalars');
    const w = b.input('w', 'float32', layout === 'kernel' ? [32, 16, 1, 1] : [5, 3, 1, 1]);
    const scaled = b.op('Where', [b.op('Greater', [w, b.scalar(0)]), b.mul(w, b.scalar(0.9)), b.scalar(2)]);
    return b.build([b.output(b.sub(b.constant(float32([1, 1, 1, 1], [1])), scaled), 'next')]);
  };

  it.each(['kernel', 'plain'] as const)('meet them as vectors, which ONNX Runtime computes in runs: %s', (layout) => {
    const { nodes } = lowerBlocked(graphOf(layout), block, { state: { w: 'next' } }).graph;
    const computed = nodes.filter(({ op }) => op !== 'Reshape' && op !== 'Transpose' && op !== 'Identity');
    expect(computed.map(({ op }) => op).sort()).toEqual(['Greater', 'Mul', 'Sub', 'Where']);
    for (const { outputs } of computed) expect(outputs[0].shape).toHaveLength(1);
  });
  it.each(['kernel', 'plain'] as const)('are the same numbers: %s', (layout) => expectSame(graphOf(layout), 5));
});

describe('layers between convolutions', () => {
  const conv = (b: GraphBuilder, name: string, x: Value, k: number, of: Value[], side = 3) => {
    const w = b.input(`${name}.w`, 'float32', [k, x.shape[1] as number, side, side]);
    const pad = (side - 1) / 2;
    of.push(w);
    // Small weights keep the sums near 1, where the tolerance is meant.
    return b.op('Conv', [x, b.mul(w, b.scalar(0.1))], { kernel_shape: [side, side], pads: [pad, pad, pad, pad] });
  };

  it('a U-Net with skips, pools, nearest and transposed upsampling, batch 2', async () => {
    const graph = withGradients((b) => {
      const of: Value[] = [];
      const x = b.input('x', 'float32', [2, 1, 16, 16]);
      const e0 = b.op('Relu', [conv(b, 'e0', x, 16, of)]);
      const e1 = b.op('Relu', [
        conv(b, 'e1', b.op('MaxPool', [e0], { kernel_shape: [2, 2], strides: [2, 2] }), 32, of),
      ]);
      const e2 = b.op('Relu', [
        conv(b, 'e2', b.op('AveragePool', [e1], { kernel_shape: [2, 2], strides: [2, 2] }), 32, of),
      ]);
      const scales = b.constant(float32([4], [1, 1, 2, 2]));
      const up = b.op('Resize', [e2, undefined, scales], {
        mode: 'nearest',
        coordinate_transformation_mode: 'asymmetric',
        nearest_mode: 'floor',
      });
      const d1 = b.op('Relu', [conv(b, 'd1', b.op('Concat', [e1, up], { axis: 1 }), 32, of)]);
      const w = b.input('up.w', 'float32', [32, 16, 2, 2]);
      const bias = b.input('up.b', 'float32', [16]);
      of.push(w, bias);
      const t = b.op('ConvTranspose', [d1, b.mul(w, b.scalar(0.1)), bias], { kernel_shape: [2, 2], strides: [2, 2] });
      const d0 = b.op('Relu', [conv(b, 'd0', b.op('Concat', [e0, t], { axis: 1 }), 16, of)]);
      return { y: conv(b, 'head', d0, 3, of, 1), of };
    });
    await expectSame(graph, 11);
  });

  it('crops of skips, as in an unpadded U-Net', async () => {
    const graph = withGradients((b) => {
      const of: Value[] = [];
      const x = b.input('x', 'float32', [1, 1, 20, 20]);
      const a = conv(b, 'a', x, 16, of);
      const c = conv(b, 'c', a, 16, of);
      const cut = b.slice(a, [2, 3], [18, 19], [2, 3]);
      const other = b.slice(c, [0, 0], [16, 16], [2, 3]);
      return { y: conv(b, 'd', b.op('Concat', [cut, other], { axis: 1 }), 16, of), of };
    });
    await expectSame(graph, 12);
  });

  it('normalisation, per-channel scales, dropout masks and smooth activations', async () => {
    const graph = withGradients((b) => {
      const of: Value[] = [];
      const x = b.input('x', 'float32', [2, 16, 9, 7]);
      const y = conv(b, 'a', x, 32, of);
      const scale = b.input('scale', 'float32', [32]);
      const shift = b.input('shift', 'float32', [32]);
      of.push(scale, shift);
      const n = b.op('InstanceNormalization', [y, scale, shift]);
      const masked = b.mul(b.op('LeakyRelu', [n], { alpha: 0.1 }), b.input('mask', 'float32', [2, 32, 1, 1]));
      return { y: conv(b, 'b', b.op('Sigmoid', [masked]), 16, of), of };
    });
    await expectSame(graph, 13);
  });

  it('standardised weights, which move to another layout once for the gradient of the input and never back', async () => {
    const graph = withGradients((b) => {
      const x = b.input('x', 'float32', [1, 16, 8, 8]);
      const w = b.input('w', 'float32', [32, 16, 3, 3]);
      const gain = b.input('gain', 'float32', [32, 1, 1, 1]);
      const axes = b.ints([1, 2, 3]);
      const centred = b.sub(w, b.op('ReduceMean', [w, axes]));
      const variance = b.op('ReduceMean', [b.mul(centred, centred), axes]);
      const scaled = b.mul(centred, b.div(gain, b.op('Sqrt', [b.add(variance, b.scalar(1e-8))])));
      return { y: b.op('Conv', [x, scaled], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }), of: [x, w, gain] };
    });
    await expectSame(graph, 14);
    const state = { w: 'd1' };
    const { graph: lowered, packed } = lowerBlocked(broadcastExpands(graph), block, { state });
    expect([...packed.keys()]).toEqual(['w']);
    expect(lowered.nodes.filter(({ op, outputs }) => op === 'Expand' && outputs[0]?.shape[0] === 32)).toEqual([]);
    const moved = lowered.nodes.filter(
      ({ op, inputs }) => op === 'Transpose' && elementCount(inputs[0]?.shape ?? []) === 4608,
    );
    expect(moved.map(({ name }) => name).filter((name) => !/GradInput|GradWeight/.test(name))).toEqual([]);
  });
});

describe.skipIf(absent !== '')(`state kept as blocked kernels${absent}`, () => {
  it('gives the caller plain weights that follow the reference for five steps', async () => {
    const b = new GraphBuilder('sgd');
    const x = b.input('x', 'float32', [1, 16, 8, 8]);
    const w = b.input('w', 'float32', [16, 16, 3, 3]);
    const v = b.input('v', 'float32', [16, 16, 3, 3]);
    const y = b.op('Relu', [b.op('Conv', [x, w], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })]);
    const loss = b.op('ReduceMean', [b.mul(y, y), b.ints([0, 1, 2, 3])], { keepdims: 0 });
    const [dw] = backward(b, b.build([loss]).nodes, loss, [w]) as [Value];
    const velocity = b.add(b.mul(v, b.scalar(0.9)), dw);
    const next = b.sub(w, b.mul(velocity, b.scalar(0.01)));
    const graph = b.build([b.output(loss, 'loss'), b.output(velocity, 'v+'), b.output(next, 'w+')]);
    const state = { w: 'w+', v: 'v+' };
    expect([...lowerBlocked(graph, block, { state }).packed.keys()]).toEqual(['w', 'v']);

    const start = { w: random([16, 16, 3, 3], 1), v: float32([16, 16, 3, 3]) };
    const feeds = { x: random([1, 16, 8, 8], 2) };
    const results = [];
    for (const exact of [true, false]) {
      const program = await runtime.compile(graph, { state, exact });
      await program.writeState(start);
      expect((await program.readState()).w?.data).toEqual(start.w.data);
      const losses: number[] = [];
      for (let i = 0; i < 5; i++) losses.push((await program.run(feeds)).loss?.data[0] as number);
      results.push({ losses, weights: (await program.readState()).w?.data as Float32Array });
      await program.dispose();
    }
    expect(results[0]?.losses[4]).toBeLessThan(results[0]?.losses[0] as number);
    expectAllClose(results[1]?.losses as number[], results[0]?.losses as number[], { rtol: 1e-5 });
    expectAllClose(results[1]?.weights as Float32Array, results[0]?.weights as Float32Array, {
      rtol: 1e-5,
      atol: 1e-6,
    });
  });
});

it('an output may be a constant', async () => {
  const b = new GraphBuilder('constant output');
  const x = b.input('x', 'float32', [1, 2]);
  const c = b.constant(float32([2], [3, 4]), 'c');
  const graph = b.build([b.output(b.add(x, c), 'y'), c]);
  for (const on of [runtime, standard]) {
    const program = await on.compile(graph);
    const { y, c: given } = await program.run({ x: float32([1, 2], [1, 2]) });
    expect(y?.data).toEqual(Float32Array.of(4, 6));
    expect(given?.data).toEqual(Float32Array.of(3, 4));
    await program.dispose();
  }
});
