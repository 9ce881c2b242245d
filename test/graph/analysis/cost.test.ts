import { describe, expect, it } from 'vitest';
import { float32 } from '../../../src/array/ndarray.ts';
import { graphCost } from '../../../src/graph/analysis/cost.ts';
import { graphLayers } from '../../../src/graph/analysis/summary.ts';
import { GraphBuilder } from '../../../src/graph/builder.ts';
import type { ModelName } from '../../../src/models/registry.ts';
import { buildNetwork, MODELS } from '../../../src/models/registry.ts';
import { unet2015 } from '../../../src/models/unet2015.ts';

/** Ronneberger et al. 2015, figure 1: sides after each convolution on the way down and up. */
function unet2015Macs(): number {
  const three = (side: number, inputs: number, outputs: number) => side ** 2 * 9 * inputs * outputs;
  const two = (side: number, inputs: number, outputs: number) =>
    three(side - 2, inputs, outputs) + three(side - 4, outputs, outputs);
  const down = [572, 284, 140, 68, 32].map((side, i) => two(side, i === 0 ? 1 : 32 * 2 ** i, 64 * 2 ** i));
  // A 2x2 up-convolution reads each pixel once for four; then two convolutions of twice the channels.
  const up = [28, 52, 100, 196].map((side, i) => {
    const channels = 512 / 2 ** i;
    return side ** 2 * 2 * channels * channels * 4 + two(2 * side, 2 * channels, channels);
  });
  return [...down, ...up].reduce((a, b) => a + b) + 388 ** 2 * 64 * 2;
}

describe('cost', () => {
  it('of a 3x3 convolution by hand', () => {
    const b = new GraphBuilder('g');
    const x = b.input('x', 'float32', [1, 2, 5, 5]);
    const w = b.constant(float32([4, 2, 3, 3]), 'w');
    const graph = b.build([b.op('Conv', [x, w])]);
    // 4 x 3 x 3 outputs of 2 x 3 x 3 products; 50 input, 72 weight and 36 output floats live at once
    expect(graphCost(graph)).toMatchObject({ macs: 648, parameters: 72, activationBytes: 144, peakBytes: 632 });
  });

  it('of the U-Net of 2015 at 572: 31,030,658 parameters, 150.43 GMAC', () => {
    const { builder, logits, parameters } = unet2015(
      { name: 'unet2015', channels: 1, numClasses: 2 },
      [1, 1, 572, 572],
    );
    const cost = graphCost(builder.build([logits]), { parameters: parameters.map(({ value }) => value) });
    expect(cost.parameters).toBe(31_030_658);
    expect((cost.macs / 1e9).toFixed(2)).toBe('150.43');
  });

  it('is divided among layers: each with the elementwise operations after it', () => {
    const b = new GraphBuilder('g');
    const x = b.input('x', 'float32', [1, 2, 5, 5]);
    const y = b.scoped('conv', () => b.op('Conv', [x, b.constant(float32([4, 2, 3, 3]), 'w')]));
    const pooled = b.op('MaxPool', [b.op('Relu', [y])], { kernel_shape: [2, 2] });
    const joined = b.op('Concat', [pooled, b.slice(y, [0, 0], [2, 2], [2, 3])], { axis: 1 });
    const layers = graphLayers(b.build([b.add(joined, b.scalar(1))]));
    expect(layers.map(({ nodes: _, fields, ...row }) => ({ ...row, sees: fields.map(({ size }) => size) }))).toEqual([
      // 36 floats of the convolution, 36 of the ReLU, 16 of the slice
      {
        name: 'conv',
        op: 'Conv',
        shape: [1, 4, 3, 3],
        parameters: 72,
        macs: 648,
        bytes: 352,
        reads: [-1],
        sees: [3, 3],
      },
      {
        name: 'MaxPool_0',
        op: 'MaxPool',
        shape: [1, 4, 2, 2],
        parameters: 0,
        macs: 0,
        bytes: 64,
        reads: [0],
        sees: [4, 4],
      },
      {
        name: 'Concat_0',
        op: 'Concat',
        shape: [1, 8, 2, 2],
        parameters: 0,
        macs: 0,
        bytes: 256,
        reads: [1, 0],
        sees: [4, 4],
      },
    ]);
  });

  it.each<[ModelName, number, number]>([
    // Parameters as published; multiplications: outputs times kernel times inputs of a group, by the papers' tables.
    ['unet2015', 31_030_658, unet2015Macs()],
    ['n4', 219_290, 48 * (92 ** 2 * 16 + 48 * (42 ** 2 * 25 + 18 ** 2 * 16 + 6 ** 2 * 16)) + 432 * 200 + 200 * 2],
    [
      'alexnet',
      60_965_224,
      55 ** 2 * 96 * 363 +
        27 ** 2 * 256 * 48 * 25 +
        13 ** 2 * 9 * (384 * 256 + 384 * 192 + 256 * 192) +
        9216 * 4096 +
        4096 * 4096 +
        4096 * 1000,
    ],
    ['mlp', 669_706, 28 * 28 * 512 + 512 * 512 + 512 * 10],
  ])('of %s is the sum over its layers', (name, parameters, macs) => {
    const { spec, size } = MODELS[name].typical;
    const network = buildNetwork(spec, [1, spec.channels, ...size]);
    const graph = network.builder.build([network.logits]);
    const values = network.parameters.map(({ value }) => value);
    const layers = graphLayers(graph, { parameters: values });
    const sum = (of: 'parameters' | 'macs' | 'bytes') => layers.reduce((total, layer) => total + layer[of], 0);
    const cost = graphCost(graph, { parameters: values });
    expect(sum('parameters')).toBe(parameters);
    expect(sum('macs')).toBe(cost.macs);
    expect(sum('macs')).toBe(macs);
    expect(sum('bytes')).toBe(cost.activationBytes);
    expect(layers.reduce((count, { nodes }) => count + nodes.length, 0)).toBe(graph.nodes.length);
  });
});
