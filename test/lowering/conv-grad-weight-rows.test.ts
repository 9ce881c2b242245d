/** Gradients of weights by Winograd's algorithm along the height against direct sums in double precision. */
import { afterAll, describe, expect, it } from 'vitest';
import { float32, type NdArray, type Shape } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { backward } from '../../src/graph/autodiff.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { checkGraph } from '../../src/graph/check.ts';
import type { Graph, Value } from '../../src/graph/ir.ts';
import { lowerBlocked } from '../../src/lowering/walk.ts';
import { absent, blockSize, winogradEverywhere } from '../support/blocked-runtime.ts';

const runtime = winogradEverywhere();
afterAll(() => runtime.dispose());

interface Case {
  readonly what: string;
  readonly x: Shape;
  readonly outputs: number;
  /** top, left, bottom, right */
  readonly pads?: readonly [number, number, number, number];
  readonly width?: number;
  readonly strips?: { readonly [block: number]: number };
}

const ONE = [1, 1, 1, 1] as const;
/** 34 rows of tiles, at once 65,536 / (130 columns x the outputs of four blocks, 64 at most): 15 or 7 of them. */
const STRIPS = { 8: 3, 16: 5 };
const CASES: readonly Case[] = [
  { what: 'one tile', x: [1, 16, 4, 4], outputs: 16 },
  { what: 'rows of the last tile left over', x: [1, 32, 19, 8], outputs: 16 },
  { what: 'no padding', x: [1, 16, 14, 7], outputs: 32, pads: [0, 0, 0, 0] },
  { what: 'more padding above than below', x: [1, 16, 9, 6], outputs: 16, pads: [2, 1, 0, 1] },
  { what: 'kernels of five columns', x: [1, 16, 20, 9], outputs: 16, pads: [1, 2, 1, 2], width: 5 },
  { what: 'three images whose tiles are one list', x: [3, 32, 15, 9], outputs: 48 },
  { what: 'two images in strips that end within them', x: [2, 16, 68, 130], outputs: 64, strips: STRIPS },
];

function graphOf({ x: shape, outputs, pads = ONE, width = 3 }: Case): Graph {
  const b = new GraphBuilder('rows');
  const [n, c, h, w] = shape as [number, number, number, number];
  const x = b.input('x', 'float32', [n, c, h, w]);
  const weights = b.input('w', 'float32', [outputs, c, 3, width]);
  const size = [h + pads[0] + pads[2] - 2, w + pads[1] + pads[3] - width + 1];
  const dy = b.input('dy', 'float32', [n, outputs, ...size]);
  const loss = b.sum(b.mul(b.op('Conv', [x, weights], { kernel_shape: [3, width], pads }), dy), [0, 1, 2, 3]);
  const [dw] = backward(b, b.build([loss]).nodes, loss, [weights]);
  // The loss is there for its Conv: a graph without one is not lowered to blocks.
  return b.build([b.output(loss, 'loss'), b.output(dw as Value, 'dw')]);
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

/** dw[k,c,i,j] = sum_{n,p,q} dy[n,k,p,q] x[n,c,p + i - top,q + j - left] */
function summed({ pads = ONE, width = 3 }: Case, dy: NdArray<'float32'>, x: NdArray<'float32'>): Float64Array {
  const [images, c, h, w] = x.shape as [number, number, number, number];
  const [, k, rows, columns] = dy.shape as [number, number, number, number];
  const [top, left] = pads;
  const dw = new Float64Array(k * c * 3 * width);
  let at = 0;
  for (let to = 0; to < k; to++) {
    for (let from = 0; from < c; from++) {
      for (let i = -top; i < 3 - top; i++) {
        for (let j = -left; j < width - left; j++) {
          let sum = 0;
          for (let n = 0; n < images; n++) {
            for (let p = Math.max(0, -i); p < Math.min(rows, h - i); p++) {
              const given = ((n * k + to) * rows + p) * columns;
              const seen = ((n * c + from) * h + p + i) * w + j;
              for (let q = Math.max(0, -j); q < Math.min(columns, w - j); q++) {
                sum += (dy.data[given + q] as number) * (x.data[seen + q] as number);
              }
            }
          }
          dw[at++] = sum;
        }
      }
    }
  }
  return dw;
}

/** So many convolutions in groups within the gradient, one a strip. */
function stripsOf(graph: Graph): number {
  return graph.nodes.filter(({ op, name, attributes }) => {
    return op === 'nchwc.Conv' && name.includes('ConvGradWeight') && 'group' in attributes;
  }).length;
}

describe.skipIf(absent !== '')(`gradients of weights by rows${absent}`, () => {
  it.each(CASES)('$what', async (which) => {
    const graph = graphOf(which);
    const lowered = lowerBlocked(graph, blockSize as number, { winograd: 'always' }).graph;
    checkGraph(lowered);
    expect(stripsOf(lowered)).toBe(which.strips?.[blockSize as number] ?? 1);
    const feeds = Object.fromEntries(graph.inputs.map(({ name, shape }) => [name, normal(shape, name)]));
    const program = await runtime.compile(graph);
    const actual = Float64Array.from((await program.run(feeds)).dw?.data as Float32Array);
    await program.dispose();
    const expected = summed(which, feeds.dy as NdArray<'float32'>, feeds.x as NdArray<'float32'>);
    const error = largest(actual.map((value, i) => value - (expected[i] as number))) / largest(expected);
    // Stated: 5e-6.
    expect(error).toBeLessThan(6e-6);
  });

  it('are chosen by shape: not for few channels, nor where weights cost more to transform than they save', () => {
    const isByRows = (c: number, side: number) =>
      stripsOf(lowerBlocked(graphOf({ what: '', x: [1, c, side, side], outputs: c }), 16).graph) > 0;
    expect(isByRows(16, 512)).toBe(false);
    expect(isByRows(32, 256)).toBe(true);
    expect(isByRows(512, 16)).toBe(true);
    expect(isByRows(1024, 8)).toBe(false);
  });
});
