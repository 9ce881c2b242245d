import { describe, expect, it } from 'vitest';
import { float32 } from '../../../src/array/ndarray.ts';
import { costOf } from '../../../src/graph/analysis/cost.ts';
import { summarise } from '../../../src/graph/analysis/summary.ts';
import { GraphBuilder } from '../../../src/graph/builder.ts';
import { unet2015 } from '../../../src/models/unet2015.ts';

describe('cost', () => {
  it('of a 3x3 convolution by hand', () => {
    const b = new GraphBuilder('g');
    const x = b.input('x', 'float32', [1, 2, 5, 5]);
    const w = b.constant(float32([4, 2, 3, 3]), 'w');
    const graph = b.build([b.op('Conv', [x, w])]);
    // 4 x 3 x 3 outputs of 2 x 3 x 3 products; 50 input, 72 weight and 36 output floats live at once
    expect(costOf(graph)).toMatchObject({ macs: 648, parameters: 72, activationBytes: 144, peakBytes: 632 });
  });

  it('of the U-Net of 2015 at 572: 31,030,658 parameters, 150.43 GMAC', () => {
    const { builder, logits, parameters } = unet2015({ name: 'unet2015', channels: 1, outputs: 2 }, [1, 1, 572, 572]);
    const cost = costOf(builder.build([logits]), { parameters: parameters.map(({ value }) => value) });
    expect(cost.parameters).toBe(31_030_658);
    expect((cost.macs / 1e9).toFixed(2)).toBe('150.43');
  });

  it('is shown as a table', () => {
    const b = new GraphBuilder('g');
    const x = b.input('x', 'float32', [1, 2, 5, 5]);
    const y = b.op('Conv', [x, b.constant(float32([4, 2, 3, 3]), 'w')]);
    const z = b.op('MaxPool', [b.op('Relu', [y])], { kernel_shape: [2, 2] });
    expect(summarise(b.build([z]))).toBe(
      [
        'layer      op       output         parameters  MAC  sees',
        'Conv_0     Conv     1 x 4 x 3 x 3          72  648  3 x 3',
        'MaxPool_0  MaxPool  1 x 4 x 2 x 2                   4 x 4',
        'total      3 nodes                         72  648',
      ].join('\n'),
    );
  });
});
