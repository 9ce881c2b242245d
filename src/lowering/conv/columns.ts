/**
 * Gradients of convolutions over few pixels in standard ops on a CPU, with the weights in their existing memory order.
 *
 * The other formulations permute weights float by float, at some 7 ns each: negligible next to the products of a large
 * image, but more than those of a small one with many channels. Therefore
 *
 *   dx   by ConvTranspose, the reference: columns = w' dy, added up where windows overlap
 *   dw   = dy columns(x)', and the columns [C kh kw, N H W] by a Conv of x seen as images of one channel with
 *        kh kw kernels that are one at one tap and zero elsewhere
 *
 * The columns are kh kw times as large as the image.
 */
import { float32 } from '../../array/ndarray.ts';
import type { Value } from '../../graph/ir.ts';
import { convGeometry } from '../../graph/ops/convolution.ts';
import { decomposeNode } from '../../graph/rewrite.ts';
import type { Formulation, Lowering } from '../context.ts';

/** Largest number of pixels in a batch for which this is faster, per output channel of the convolution. */
const PIXELS_PER_CHANNEL = 2;

export const convGradInputByColumns: Formulation<'lamella.ConvGradInput'> = (lowering, node) => {
  const { b, forms } = lowering;
  const [dy, w] = node.inputs as readonly [Value, Value];
  if (!pays(lowering, dy)) return false;
  const made = decomposeNode(b, node, [forms.plain(dy), forms.plain(w)]);
  if (made === undefined) return false;
  forms.set(node.outputs[0], 'plain', made[0]);
  return true;
};

export const convGradWeightByColumns: Formulation<'lamella.ConvGradWeight'> = (lowering, node) => {
  const { b, forms } = lowering;
  const [dy, x] = node.inputs as readonly [Value, Value];
  const dw = node.outputs[0];
  const { group = 1, kernel_shape: kernel } = node.attributes;
  if (!pays(lowering, dy) || group !== 1) return false;
  const g = convGeometry(node.attributes, kernel);
  const [n, c, height, width] = x.shape;
  const [, k, rows, columns] = dy.shape;
  const [taps, pixels] = [kernel[0] * kernel[1], rows * columns];
  const ones = float32([taps, 1, ...kernel]);
  for (let tap = 0; tap < taps; tap++) ones.data[tap * taps + tap] = 1;
  const windows = b.op('Conv', [b.reshape(forms.plain(x), [n * c, 1, height, width]), b.constant(ones)], {
    kernel_shape: kernel,
    strides: g.strides,
    dilations: g.dilations,
    pads: [...g.padsBegin, ...g.padsEnd],
  });
  /** [N, size, pixels] as [size, N pixels] */
  const channelsFirst = (value: Value, size: number): Value => {
    const flat = n === 1 ? value : b.transpose(b.reshape(value, [n, size, pixels]), [1, 0, 2]);
    return b.reshape(flat, [size, n * pixels]);
  };
  const product = b.op('Gemm', [channelsFirst(forms.plain(dy), k), channelsFirst(windows, c * taps)], { transB: 1 });
  forms.set(dw, 'plain', b.reshape(product, dw.shape));
  return true;
};

function pays({ columns }: Lowering, dy: Value): boolean {
  if (!columns || dy.shape.length !== 4) return false;
  const [n, k, rows, width] = dy.shape;
  return n * rows * width <= PIXELS_PER_CHANNEL * k;
}
