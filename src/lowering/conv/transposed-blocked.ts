/**
 * The transposed convolution whose kernel is as large as its stride (up-convolution of the U-Net): every
 * pixel becomes a block of s x s pixels, none of which overlap. In blocks of channels it is
 *
 *   a 1x1 Conv from C to s s K channels, [N][i][j][K/B][h][w][B], then
 *   a Transpose that moves whole blocks of B floats to [N][K/B][h][i][w][j][B].
 *
 * Its gradients need nothing new: dx is a strided Conv of dy, dw a ConvGradWeight.
 */
import type { Value } from '../../graph/ir.ts';
import { convGeometry } from '../../graph/ops/convolution.ts';
import type { Formulation } from '../context.ts';
import { upKernel } from '../layouts/kernels.ts';

export const upConvBlocked: Formulation<'ConvTranspose'> = ({ b, forms }, node) => {
  const [x, w, bias] = node.inputs as readonly [Value, Value, Value | undefined];
  const y = node.outputs[0];
  const g = convGeometry(node.attributes, w.shape.slice(2));
  const tiling =
    x.shape.length === 4 &&
    x.dtype === 'float32' &&
    g.group === 1 &&
    g.kernel.every((n, i) => n === g.strides[i] && g.dilations[i] === 1) &&
    [...g.padsBegin, ...g.padsEnd, ...(node.attributes.output_padding ?? [])].every((n) => n === 0);
  if (!tiling || !forms.canBlock(x) || !forms.canBeKernel(w)) return false;
  const [batch, , height, width] = x.shape;
  const [, k, sy, sx] = w.shape;
  const { block } = forms;

  const inputs = [forms.blocked(x), upKernel(b, forms.kernel(w), block)];
  if (bias !== undefined) {
    const each = Array.from({ length: sy * sx }, () => forms.plain(bias));
    inputs.push(b.op('Concat', each, { axis: 0 }));
  }
  const wide = b.op('nchwc.Conv', inputs, { kernel_shape: [1, 1] });
  const split = b.reshape(wide, [batch, sy, sx, k / block, height, width, block]);
  forms.set(y, 'blocked', b.reshape(b.transpose(split, [0, 3, 4, 1, 5, 2, 6]), y.shape));
  return true;
};
