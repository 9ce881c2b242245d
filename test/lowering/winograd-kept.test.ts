/** Which transformed inputs of convolutions by Winograd's algorithm the gradient of the weights finds. */
import { expect, test } from 'vitest';
import { backward } from '../../src/graph/autodiff.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { lowerStandard } from '../../src/lowering/walk.ts';

/** Transforms of inputs in one convolution and the gradient of its weights. */
function transforms(side: number): number {
  const b = new GraphBuilder('conv');
  const x = b.input('x', 'float32', [1, 32, side, side]);
  const w = b.input('w', 'float32', [32, 32, 3, 3]);
  const y = b.op('Conv', [x, w], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
  const loss = b.sum(b.mul(y, y), [0, 1, 2, 3]);
  const [dw] = backward(b, b.build([loss]).nodes, loss, [w]);
  const { nodes } = lowerStandard(b.build([b.output(loss, 'loss'), b.output(dw as NonNullable<typeof dw>, 'dw')]));
  const kernels = nodes.filter(({ op }) => op === 'Conv').map(({ inputs }) => inputs[1]?.shape);
  return kernels.filter((shape) => shape?.join() === '36,1,6,6').length;
}

test('a small one is computed once, one of more than 10 MB once for each', () => {
  // 36 floats a tile of 4 x 4 pixels: 1.2 and 4.7 million.
  expect(transforms(128)).toBe(1);
  expect(transforms(256)).toBe(2);
});
