/** Convolutions by Winograd's algorithm along the height against direct ones in the reference's order of summation. */
import { afterAll, describe, expect, it } from 'vitest';
import { float32, type NdArray, type Shape } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { backward } from '../../src/graph/autodiff.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { checkGraph } from '../../src/graph/check.ts';
import type { Graph } from '../../src/graph/ir.ts';
import { F6 } from '../../src/lowering/conv/minimal-filters.ts';
import { lowerBlocked } from '../../src/lowering/walk.ts';
import { absent, blockSize, winogradEverywhere } from '../support/blocked-runtime.ts';

const runtime = winogradEverywhere();
afterAll(() => runtime.dispose());

interface Case {
  readonly what: string;
  readonly x: Shape;
  readonly outputs: number;
  /** top, left, bottom, right */
  readonly pads: readonly [number, number, number, number];
  readonly width?: number;
  readonly relu?: boolean;
}

const ONE = [1, 1, 1, 1] as const;
const CASES: readonly Case[] = [
  { what: 'one tile and both edges', x: [1, 16, 8, 5], outputs: 16, pads: ONE },
  { what: 'rows left over at the bottom', x: [1, 32, 19, 8], outputs: 16, pads: ONE },
  { what: 'no padding, tiles alone', x: [1, 16, 14, 7], outputs: 32, pads: [0, 0, 0, 0] },
  { what: 'more padding above than below', x: [1, 16, 9, 6], outputs: 16, pads: [2, 1, 0, 1] },
  { what: 'two images', x: [2, 32, 15, 9], outputs: 48, pads: ONE, relu: true },
  { what: 'kernels of five columns', x: [1, 16, 20, 9], outputs: 16, pads: [1, 2, 1, 2], width: 5, relu: true },
  { what: 'two images in strips', x: [2, 32, 134, 130], outputs: 32, pads: ONE, relu: true },
];

/** y, and the gradient of the input of half the sum of its squares. */
function graphOf({ x: shape, outputs, pads, width = 3, relu = false }: Case): Graph {
  const b = new GraphBuilder('rows');
  const x = b.input('x', 'float32', shape);
  const w = b.input('w', 'float32', [outputs, shape[1] as number, 3, width]);
  const bias = b.input('bias', 'float32', [outputs]);
  const linear = b.op('Conv', [x, w, bias], { kernel_shape: [3, width], pads });
  const y = relu ? b.op('Relu', [linear]) : linear;
  const loss = b.sum(b.mul(b.mul(y, y), b.scalar(0.5)), [0, 1, 2, 3]);
  const [dx] = backward(b, b.build([loss]).nodes, loss, [x]);
  return b.build([b.output(y, 'y'), b.output(dx as NonNullable<typeof dx>, 'dx')]);
}

function normal(shape: Shape, name: string): NdArray<'float32'> {
  const array = float32(shape);
  const random = stream(5, name);
  for (let i = 0; i < array.data.length; i++) array.data[i] = random.normal();
  return array;
}

function largest(values: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i] as number));
  return most;
}

/** So many convolutions in groups, one a strip. */
function stripsOf(graph: Graph): number {
  return graph.nodes.filter(({ op, attributes }) => op === 'nchwc.Conv' && 'group' in attributes).length;
}

describe('F(6, 3)', () => {
  it('is the convolution, tap by tap', () => {
    for (let tap = 0; tap < 3; tap++) {
      for (let at = 0; at < F6.points; at++) {
        for (const [i, row] of F6.output.entries()) {
          let y = 0;
          for (const [p, a] of row.entries()) y += a * (F6.weights[p]?.[tap] as number) * (F6.input[p]?.[at] as number);
          expect(y).toBeCloseTo(at === i + tap ? 1 : 0, 12);
        }
      }
    }
  });
});

describe.skipIf(absent !== '')(`convolutions and the gradients of their inputs by rows${absent}`, () => {
  it.each(CASES)('$what', async (which) => {
    const graph = graphOf(which);
    const lowered = lowerBlocked(graph, blockSize as number, { winograd: 'always' }).graph;
    checkGraph(lowered);
    expect(stripsOf(lowered)).toBeGreaterThanOrEqual(which.what.endsWith('strips') ? 4 : 2);
    const feeds = Object.fromEntries(graph.inputs.map(({ name, shape }) => [name, normal(shape, name)]));
    const results = [];
    for (const exact of [true, false]) {
      const program = await runtime.compile(graph, { exact });
      results.push(await program.run(feeds));
      await program.dispose();
    }
    for (const name of ['y', 'dx']) {
      const [expected, actual] = results.map((result) => result[name]?.data as Float32Array) as [
        Float32Array,
        Float32Array,
      ];
      const error = largest(actual.map((value, i) => value - (expected[i] as number))) / largest(expected);
      // Stated: 1.3e-6 for one convolution; dx takes the error of y, too.
      expect(error).toBeLessThan(name === 'y' ? 2e-6 : 4e-6);
    }
  });

  it('are chosen by shape: not for few channels, nor where weights cost more to transform than they save', () => {
    const strips = (c: number, side: number) => {
      const graph = graphOf({ what: '', x: [1, c, side, side], outputs: c, pads: ONE });
      return stripsOf(lowerBlocked(graph, 16).graph);
    };
    expect(strips(32, 256)).toBe(0);
    expect(strips(64, 128)).toBe(4);
    expect(strips(128, 64)).toBe(2);
    expect(strips(512, 16)).toBe(0);
  });
});
