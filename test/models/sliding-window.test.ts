import { describe, expect, test } from 'vitest';
import { graphMacs, parameterCount } from '../../src/graph/analysis/cost.ts';
import { exportNetwork } from '../../src/models/prediction.ts';
import type { ModelSpec } from '../../src/models/registry.ts';
import { buildNetwork, sizesOf } from '../../src/models/registry.ts';
import type { WindowName } from '../../src/models/sliding-window.ts';
import { windowSide } from '../../src/models/sliding-window.ts';
import { denseGraph } from '../../src/predict/dense.ts';
import { initialWeights } from '../../src/train/step.ts';

const n4: ModelSpec = { name: 'n4', channels: 1, numClasses: 2 };

describe('n4', () => {
  const network = buildNetwork(n4, [1, 1, 95, 95]);
  const graph = network.builder.build([network.logits]);

  test('has the maps, parameters and multiplications of the paper', () => {
    const sides = graph.nodes
      .filter(({ op }) => op === 'Conv' || op === 'MaxPool')
      .map(({ outputs }) => outputs[0]?.shape.slice(1));
    // The table of Ciresan et al. 2012: 92, 46, 42, 21, 18, 9, 6, 3.
    expect(sides).toEqual([92, 46, 42, 21, 18, 9, 6, 3].map((side) => [48, side, side]));
    expect(parameterCount(network.parameters)).toBe(219_290);
    expect(Math.round(graphMacs(graph) / 1e5) / 10).toBe(121.5);
    expect(network.logits.shape).toEqual([1, 2, 1, 1]);
  });

  test('at every pixel at once it takes 475 times fewer multiplications in 512 x 512', () => {
    const exported = exportNetwork(n4, initialWeights(network.parameters, 0));
    const dense = denseGraph(exported, { size: [512 + 94, 512 + 94] });
    expect(dense.outputs[0]?.shape).toEqual([1, 2, 512, 512]);
    // Each number of a map is computed once. Side by side: 603, 594, 580, 552, 512.
    const [a, b, c, d, e] = [603, 594, 580, 552, 512].map((side) => side * side) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const expected = a * 48 * 16 + b * 48 * 48 * 25 + c * 48 * 48 * 16 + d * 48 * 48 * 16 + e * (432 * 200 + 400);
    expect(graphMacs(dense)).toBe(expected);
    expect(Math.floor((graphMacs(exported) * 512 ** 2) / expected)).toBe(475);
  });
});

test.each<[WindowName, number]>([
  ['n1', 9],
  ['n2', 23],
  ['n3', 47],
  ['n4', 95],
])('%s looks at %i pixels, of which its hidden layer sees 3 x 3', (name, side) => {
  expect(windowSide(name)).toBe(side);
  const network = buildNetwork({ name, channels: 2, numClasses: 3 }, [4, 2, side, side]);
  const { nodes } = network.builder.build([network.logits]);
  expect(nodes.findLast(({ op }) => op === 'MaxPool')?.outputs[0]?.shape).toEqual([4, 48, 3, 3]);
  expect(network.logits.shape).toEqual([4, 3, 1, 1]);
  expect(sizesOf({ name, channels: 1, numClasses: 2 })).toMatchObject({ min: side, margin: side - 1, window: true });
});

test('another size is refused with the window that it takes', () => {
  expect(() => buildNetwork(n4, [1, 1, 96, 96])).toThrow(/takes windows of 95 x 95.*95 x 95/);
});

test('the file says one window in and one pixel out', () => {
  const { parameters } = buildNetwork(n4, [1, 1, 95, 95]);
  const { symbols } = exportNetwork(n4, initialWeights(parameters, 0));
  expect([...(symbols ?? [])]).toEqual([
    ['image', ['batch', 1, 95, 95]],
    ['probabilities', ['batch', 2, 1, 1]],
  ]);
});
