import { describe, expect, test } from 'vitest';
import { elementCount, type NdArray } from '../../src/array/ndarray.ts';
import { graphMacs, parameterCount } from '../../src/graph/analysis/cost.ts';
import type { AlexNetSpec } from '../../src/models/alexnet.ts';
import { minAlexNetSide } from '../../src/models/alexnet.ts';
import { buildNetwork, isClassifier, sizesOf } from '../../src/models/registry.ts';
import { initialWeights } from '../../src/train/step.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

const paper: AlexNetSpec = { name: 'alexnet', channels: 3, numClasses: 1000, input: [224, 224] };

describe('alexnet', () => {
  const network = buildNetwork(paper, [1, 3, 224, 224]);
  const graph = network.builder.build([network.logits]);
  const shapesOf = (...ops: string[]) =>
    graph.nodes.filter(({ op }) => ops.includes(op)).map(({ outputs }) => outputs[0]?.shape.slice(1));

  test('has 60,965,224 parameters', () => {
    expect(parameterCount(network.parameters)).toBe(60_965_224);
    // conv1 96 x 3 x 11 x 11; conv2 in two groups sees 48; conv3 all 256; conv4 and 5 see 192; then 9216, 4096, 4096.
    const byHand = [
      [96, 3 * 121],
      [256, 48 * 25],
      [384, 256 * 9],
      [384, 192 * 9],
      [256, 192 * 9],
      [4096, 9216],
      [4096, 4096],
      [1000, 4096],
    ].reduce((sum, [outputs = 0, inputs = 0]) => sum + outputs * (inputs + 1), 0);
    expect(byHand).toBe(60_965_224);
  });

  test('has the layers of the paper in their order and sizes', () => {
    expect(shapesOf('Conv')).toEqual([
      [96, 55, 55],
      [256, 27, 27],
      [384, 13, 13],
      [384, 13, 13],
      [256, 13, 13],
    ]);
    expect(shapesOf('MaxPool')).toEqual([
      [96, 27, 27],
      [256, 13, 13],
      [256, 6, 6],
    ]);
    expect(shapesOf('Gemm')).toEqual([[4096], [4096], [1000]]);
    const kinds = graph.nodes
      .map(({ op }) => op)
      .filter((op) => ['Conv', 'Relu', 'LRN', 'MaxPool', 'Gemm'].includes(op));
    const conv = ['Conv', 'Relu'];
    const normal = [...conv, 'LRN', 'MaxPool'];
    const dense = ['Gemm', 'Relu'];
    expect(kinds).toEqual([...normal, ...normal, ...conv, ...conv, ...conv, 'MaxPool', ...dense, ...dense, 'Gemm']);
  });

  test('normalises with k 2, n 5, alpha 1e-4 not divided by n, beta 0.75; pools 3 at steps of 2; has two groups', () => {
    const lrn = graph.nodes.filter(({ op }) => op === 'LRN').map(({ attributes }) => attributes);
    expect(lrn).toEqual([0, 1].map(() => ({ size: 5, alpha: 5e-4, beta: 0.75, bias: 2 })));
    for (const { op, attributes } of graph.nodes) {
      if (op === 'MaxPool') expect(attributes).toMatchObject({ kernel_shape: [3, 3], strides: [2, 2] });
    }
    const groups = graph.nodes
      .filter(({ op }) => op === 'Conv')
      .map(({ attributes }) => (attributes as { group?: number }).group ?? 1);
    expect(groups).toEqual([1, 2, 1, 2, 2]);
  });

  test('takes 227 pixels without anything added, 224 with three rows and columns of zeros at the end', () => {
    const padsOf = (side: number) => {
      const { builder, logits } = buildNetwork({ ...paper, input: [side, side] }, [1, 3, side, side]);
      return builder.build([logits]).nodes.find(({ op }) => op === 'Conv')?.attributes;
    };
    expect(padsOf(227)).toMatchObject({ pads: [0, 0, 0, 0], strides: [4, 4] });
    expect(padsOf(224)).toMatchObject({ pads: [0, 0, 3, 3], strides: [4, 4] });
  });

  test('begins with N(0, 0.01), and biases 1 in convolutions 2, 4, 5 and the hidden dense layers', () => {
    const weights = initialWeights(
      network.parameters.filter(({ value }) => !/dense[67].weight/.test(value.name)),
      0,
    );
    const biases = Object.entries(weights).flatMap(([name, { data }]) =>
      name.endsWith('/bias') ? [[name.split('/')[0], ...new Set(data as Float32Array)]] : [],
    );
    expect(biases).toEqual([
      ['conv1', 0],
      ['conv2', 1],
      ['conv3', 0],
      ['conv4', 1],
      ['conv5', 1],
      ['dense6', 1],
      ['dense7', 1],
      ['dense8', 0],
    ]);
    for (const [name, { data, shape }] of Object.entries(weights)) {
      if (name.endsWith('/bias')) continue;
      const values = data as Float32Array;
      const deviation = Math.sqrt(values.reduce((sum, w) => sum + w * w, 0) / elementCount(shape));
      // The error of a deviation of n draws is 1 / sqrt(2 n); four of them.
      expect(Math.abs(deviation / 0.01 - 1), name).toBeLessThan(4 / Math.sqrt(2 * values.length));
    }
  });

  test('a smaller one begins with weights as much larger as it sums over fewer inputs', () => {
    const { parameters } = buildNetwork({ ...paper, scale: 0.25, input: [64, 64] }, [1, 3, 64, 64]);
    const weights = initialWeights(parameters, 0);
    const deviations = ['conv1', 'conv2', 'dense6', 'dense7'].map((name) => {
      const { data } = weights[`${name}/weight`] as NdArray<'float32'>;
      return Math.sqrt(data.reduce((sum, w) => sum + w * w, 0) / data.length);
    });
    // A quarter of the inputs, and one pixel instead of 6 x 6; 3 % is four errors of the smallest layer.
    expectAllClose(deviations, [0.01, 0.02, 0.01 * 12, 0.02], { rtol: 0.03 });
  });

  test('drops half of the first two dense layers, in training only', () => {
    expect(network.masks).toHaveLength(0);
    const { masks } = buildNetwork(paper, [2, 3, 224, 224], { training: true });
    expect(masks.map(({ value, keep }) => [value.name, value.shape, keep])).toEqual([
      ['dense6/dropout/mask', [2, 4096], 0.5],
      ['dense7/dropout/mask', [2, 4096], 0.5],
    ]);
  });

  test('is smaller by its scale, down to a least input', () => {
    const least = minAlexNetSide();
    expect(least).toBe(64);
    const quarter = { ...paper, scale: 0.25, numClasses: 2, input: [least, least] } as const;
    const { parameters, builder, logits } = buildNetwork(quarter, [1, 3, least, least]);
    expect(parameters[0]?.value.shape).toEqual([24, 3, 11, 11]);
    expect(logits.shape).toEqual([1, 2]);
    expect(graphMacs(builder.build([logits]))).toBeLessThan(1e7);
    expect(() => buildNetwork({ ...quarter, input: [63, 64] }, [1, 3, 63, 64])).toThrow('It needs at least 64 x 64.');
  });
});

describe('mlp', () => {
  test('has a dense layer a hidden one and the last, with the nonlinearity asked for between', () => {
    const spec = {
      name: 'mlp',
      channels: 1,
      numClasses: 10,
      input: [28, 28],
      hidden: [300, 100],
      activation: 'tanh',
    } as const;
    const { parameters, builder, logits } = buildNetwork(spec, [5, 1, 28, 28]);
    expect(parameterCount(parameters)).toBe(300 * 785 + 100 * 301 + 10 * 101);
    expect(builder.build([logits]).nodes.map(({ op }) => op)).toEqual([
      'Flatten',
      'Gemm',
      'Tanh',
      'Gemm',
      'Tanh',
      'Gemm',
    ]);
    expect(logits.shape).toEqual([5, 10]);
  });
});

describe('perceptron', () => {
  test('is one layer from 0: a weight an input and a bias an output', () => {
    const { parameters, logits } = buildNetwork(
      { name: 'perceptron', channels: 1, numClasses: 1, input: [1, 2] },
      [4, 1, 1, 2],
    );
    expect(parameterCount(parameters)).toBe(3);
    expect(logits.shape).toEqual([4, 1]);
    for (const { data } of Object.values(initialWeights(parameters, 7)))
      expect(new Set(data as Float32Array)).toEqual(new Set([0]));
  });
});

test('networks of whole images have one size and cannot be tiled', () => {
  expect((['perceptron', 'mlp', 'alexnet'] as const).every(isClassifier)).toBe(true);
  expect(isClassifier('unet')).toBe(false);
  expect(() => sizesOf(paper)).toThrow("The network 'alexnet' is an image classifier and cannot be tiled");
  expect(() => buildNetwork(paper, [1, 3, 227, 227])).toThrow(
    "The images are 227 x 227, the network 'alexnet' expects 224 x 224.",
  );
});
