import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { float32 } from '../../src/array/ndarray.ts';
import { gradient } from '../../src/graph/autodiff.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { checkGraph } from '../../src/graph/check.ts';
import type { Graph, Value } from '../../src/graph/ir.ts';
import { readOnnx } from '../../src/graph/onnx/read.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { OPS } from '../../src/graph/ops/table.ts';
import { printGraph } from '../../src/graph/print.ts';
import { decompose } from '../../src/graph/rewrite.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { interpret, type Tensor, tensor } from '../support/interpreter.ts';
import { runInOrt } from '../support/ort.ts';
import { CASES, type Case, makeCase, spread, WITHOUT_CASE } from './cases.ts';

type Feeds = Case['feeds'];

function asTensors(graph: Graph, feeds: Feeds): { [name: string]: Tensor } {
  return Object.fromEntries(graph.inputs.map(({ name, shape }) => [name, tensor(shape, feeds[name] as Float32Array)]));
}

/** The graph with one more output, `loss`: its float outputs weighted by fixed numbers and summed. */
function withLoss({ graph }: Case): { graph: Graph; loss: Value } {
  const b = GraphBuilder.from(graph);
  const parts = graph.outputs
    .filter(({ dtype }) => dtype === 'float32')
    .map((y, i) => {
      const weights = b.constant(float32(y.shape, spread(y.shape, -1, 2, 97 + i)));
      return b.op('ReduceSum', [b.mul(y, weights)], { keepdims: 0 });
    });
  const loss = b.output(
    parts.reduce((sum, part) => b.add(sum, part)),
    'loss',
  );
  return { graph: b.build([...graph.outputs, loss]), loss };
}

/** (f(x + h) - f(x - h)) / 2h for every element of an input. */
function centralDifference(
  graph: Graph,
  feeds: { [name: string]: Tensor },
  input: string,
  output = 'loss',
): Float64Array {
  const x = feeds[input] as Tensor;
  // In float64 the cut-off error h^2 and the rounding error 1e-16 / h are both near 1e-10.
  const h = 1e-5;
  const at = (i: number, delta: number) => {
    const moved = { shape: x.shape, data: x.data.with(i, (x.data[i] as number) + delta) };
    return (interpret(graph, { ...feeds, [input]: moved })[output] as Tensor).data[0] as number;
  };
  return Float64Array.from(x.data, (_, i) => (at(i, h) - at(i, -h)) / (2 * h));
}

function expectGradientsByDifferences(one: Case): void {
  const { graph, loss } = withLoss(one);
  const backward = gradient(graph, loss, one.parameters);
  checkGraph(backward);
  const feeds = asTensors(graph, one.feeds);
  const results = interpret(backward, feeds);
  for (const { name } of one.parameters) {
    const numeric = centralDifference(graph, feeds, name);
    // Constants of the gradient graph are float32: 6e-8 relative, summed over a window.
    expectAllClose((results[`d_${name}`] as Tensor).data, numeric, { rtol: 1e-6, atol: 2e-7 });
  }
}

const differentiable = CASES.filter(({ parameters }) => parameters.length > 0);

describe('the table of ops', () => {
  it('has a case for every op, or a reason', () => {
    const covered = new Set<string>([...CASES.map(({ op }) => op), ...Object.keys(WITHOUT_CASE)]);
    expect(Object.keys(OPS).filter((op) => !covered.has(op))).toEqual([]);
  });

  it('has a differentiable case for every op with a gradient', () => {
    const covered = new Set<string>([...differentiable.map(({ op }) => op), ...Object.keys(WITHOUT_CASE)]);
    const missing = Object.entries(OPS).filter(([op, row]) => typeof row.gradient === 'function' && !covered.has(op));
    expect(missing.map(([op]) => op)).toEqual([]);
  });
});

function inOrt(cases: readonly Case[]) {
  return cases.filter(({ notInOrt }) => notInOrt === undefined).map((one) => [one.name, one] as const);
}

describe('forward', () => {
  it.each(inOrt(CASES))('%s: rule, interpreter and ONNX Runtime agree', async (_, one) => {
    checkGraph(one.graph);
    const expected = interpret(one.graph, asTensors(one.graph, one.feeds));
    const actual = await runInOrt(one.graph, one.feeds);
    for (const { name, shape } of one.graph.outputs) {
      expect(actual[name]?.dims).toEqual(shape);
      const numbers = Array.from(actual[name]?.data as ArrayLike<number | bigint>, Number);
      // float32 against float64; sums of at most a hundred products of numbers near 1
      expectAllClose(numbers, (expected[name] as Tensor).data, { rtol: 1e-5, atol: 1e-5 });
    }
  });
});

describe('gradient', () => {
  it.each(differentiable.map((one) => [one.name, one] as const))('%s: finite differences', (_, one) => {
    expectGradientsByDifferences(one);
  });

  it.each(inOrt(differentiable))('%s: ONNX Runtime, ours decomposed', async (_, one) => {
    const { graph, loss } = withLoss(one);
    const backward = gradient(graph, loss, one.parameters);
    const plain = decompose(backward);
    checkGraph(plain);
    expect(plain.nodes.filter(({ op }) => op.startsWith('lamella.'))).toEqual([]);
    const expected = interpret(backward, asTensors(graph, one.feeds));
    const actual = await runInOrt(backward, one.feeds);
    for (const { name } of one.parameters) {
      const numbers = Array.from(actual[`d_${name}`]?.data as ArrayLike<number>);
      expectAllClose(numbers, (expected[`d_${name}`] as Tensor).data, { rtol: 1e-4, atol: 2e-5 });
    }
  });

  it.each(differentiable.map((one) => [one.name, one] as const))('%s: the file of it comes back the same', (_, one) => {
    const { graph, loss } = withLoss(one);
    const backward = gradient(graph, loss, one.parameters);
    for (const written of [backward, decompose(backward)]) {
      const bytes = writeOnnx(written);
      const read = readOnnx(bytes);
      expect(printGraph(read)).toBe(printGraph(written));
      expect(writeOnnx(read)).toEqual(bytes);
    }
  });
});

const small = fc.integer({ min: 1, max: 3 });
const pad = fc.integer({ min: 0, max: 2 });
const two = <T>(of: fc.Arbitrary<T>) => fc.tuple(of, of);

it('is zero through an output that the loss does not depend on', () => {
  const b = new GraphBuilder('split');
  const x = b.input('x', 'float32', [4]);
  const [, second] = b.ops('Split', [x, b.ints([1, 3])], { axis: 0 }, 2) as [Value, Value];
  const loss = b.output(b.sum(b.mul(second, second), [0]), 'loss');
  const backward = gradient(b.build([loss]), loss, [x]);
  checkGraph(backward);
  const results = interpret(backward, { x: tensor([4], Float32Array.of(1, 2, 3, 4)) });
  expect([...(results.d_x as Tensor).data]).toEqual([0, 4, 6, 8]);
});

describe('gradient over random geometry', () => {
  it('Conv', () => {
    fc.assert(
      fc.property(
        fc.record({
          n: fc.constantFrom(1, 2),
          group: fc.constantFrom(1, 1, 2),
          c: fc.constantFrom(1, 2),
          k: fc.constantFrom(1, 2),
        }),
        fc.record({
          size: two(fc.integer({ min: 3, max: 7 })),
          kernel: two(small),
          strides: two(small),
          dilations: two(fc.constantFrom(1, 1, 2)),
          pads: fc.tuple(pad, pad, pad, pad),
        }),
        ({ n, group, c, k }, { size, kernel, strides, dilations, pads }) => {
          fc.pre(
            size.every(
              (s, i) =>
                s + (pads[i] as number) + (pads[i + 2] as number) >
                (dilations[i] as number) * ((kernel[i] as number) - 1),
            ),
          );
          expectGradientsByDifferences(
            makeCase(
              'Conv',
              'random',
              [[[n, c * group, ...size]], [[k * group, c, ...kernel]], [[k * group]]],
              (b, x, w, bias) => b.op('Conv', [x, w, bias], { group, strides, dilations, pads }),
            ),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it('ConvTranspose', () => {
    fc.assert(
      fc.property(
        fc.record({
          group: fc.constantFrom(1, 2),
          size: two(fc.integer({ min: 2, max: 4 })),
          kernel: two(small),
          strides: two(small),
          dilations: two(fc.constantFrom(1, 2)),
          pads: fc.tuple(...[0, 1, 2, 3].map(() => fc.constantFrom(0, 1))),
        }),
        ({ group, size, kernel, strides, dilations, pads }) => {
          const out = size.map(
            (s, i) =>
              (strides[i] as number) * (s - 1) +
              (dilations[i] as number) * ((kernel[i] as number) - 1) +
              1 -
              (pads[i] as number) -
              (pads[i + 2] as number),
          );
          fc.pre(out.every((s) => s > 0));
          expectGradientsByDifferences(
            makeCase('ConvTranspose', 'random', [[[2, group, ...size]], [[group, 2, ...kernel]]], (b, x, w) =>
              b.op('ConvTranspose', [x, w], { group, strides, dilations, pads }),
            ),
          );
        },
      ),
      { numRuns: 40 },
    );
  });

  it('pooling', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('MaxPool' as const, 'AveragePool' as const),
        fc.record({
          size: two(fc.integer({ min: 3, max: 7 })),
          kernel: two(fc.integer({ min: 1, max: 3 })),
          strides: two(small),
          ceil: fc.constantFrom(0 as const, 1 as const),
          padded: fc.boolean(),
        }),
        (op, { size, kernel, strides, ceil, padded }) => {
          const pads = [...kernel, ...kernel].map((k) => (padded ? Math.floor((k - 1) / 2) : 0));
          expectGradientsByDifferences(
            makeCase(op, 'random', [[[1, 2, ...size]]], (b, x) =>
              b.op(op, [x], { kernel_shape: kernel, strides, pads, ceil_mode: ceil }),
            ),
          );
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('gradient of a gradient', () => {
  it('of a convolution', () => {
    const one = makeCase('Conv', '', [[[1, 2, 5, 4]], [[2, 2, 3, 2]]], (b, x, w) => {
      const y = b.op('Conv', [x, w], { strides: [2, 1], pads: [1, 0, 1, 1] });
      return b.mul(y, b.mul(y, y));
    });
    const first = withLoss(one);
    const backward = gradient(first.graph, first.loss, one.parameters);
    const b = GraphBuilder.from(backward);
    // A number that depends on both first gradients
    const squares = backward.outputs.slice(-2).map((d) => b.op('ReduceSum', [b.mul(d, d)], { keepdims: 0 }));
    const second = b.output(b.add(squares[0] as Value, squares[1] as Value), 'second');
    const graph = b.build([...backward.outputs, second]);
    const twice = gradient(graph, second, one.parameters);
    const feeds = asTensors(graph, one.feeds);
    const results = interpret(twice, feeds);
    const names = twice.outputs.slice(-2).map(({ name }) => name);
    one.parameters.forEach(({ name }, i) => {
      const numeric = centralDifference(graph, feeds, name, 'second');
      expectAllClose((results[names[i] as string] as Tensor).data, numeric, { rtol: 1e-6, atol: 1e-6 });
    });
  });
});
