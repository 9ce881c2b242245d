/**
 * The gradient of a depthwise convolution's weights, tap by tap for all channels at once:
 *
 *   dw[c m, 0, i, j] = sum_{n,p} dy[n, c m, p] x[n, c, stride p + dilation (i, j) - pad]
 *
 * The reference has one convolution per channel: of MobileNetV2 it makes 45,000 nodes, which take minutes to compile.
 */
import type { Value } from '../../graph/ir.ts';
import { convGeometry } from '../../graph/ops/convolution.ts';
import type { Formulation } from '../context.ts';

export const convGradWeightDepthwise: Formulation<'lamella.ConvGradWeight'> = ({ b, forms }, node) => {
  const [dy, x] = node.inputs as readonly [Value, Value];
  const dw = node.outputs[0];
  const g = convGeometry(node.attributes, node.attributes.kernel_shape);
  const [n, c] = x.shape as readonly [number, number];
  if (x.shape.length !== 4 || g.group !== c || c === 1) return false;
  const [, k, rows, columns] = dy.shape as readonly [number, number, number, number];
  const [kh, kw] = g.kernel as readonly [number, number];
  const [padTop, padLeft] = g.padsBegin as readonly [number, number];
  const [padBottom, padRight] = g.padsEnd as readonly [number, number];
  const pads = [0, 0, padTop, padLeft, 0, 0, padBottom, padRight];
  const padded = pads.some((pad) => pad > 0) ? b.op('Pad', [forms.plain(x), b.ints(pads)]) : forms.plain(x);
  // Where each channel has several kernels, they are an axis of their own.
  const perChannel = k === c ? [n, c, rows, columns] : [n, c, k / c, rows, columns];
  const gradient = k === c ? forms.plain(dy) : b.reshape(forms.plain(dy), perChannel);
  const taps = Array.from({ length: kh * kw }, (_, tap) => {
    const from = [Math.floor(tap / kw) * (g.dilations[0] as number), (tap % kw) * (g.dilations[1] as number)];
    const to = from.map((start, i) => start + (g.strides[i] as number) * (([rows, columns][i] as number) - 1) + 1);
    const seen = b.op('Slice', [padded, b.ints(from), b.ints(to), b.ints([2, 3]), b.ints(g.strides)]);
    const products = b.mul(gradient, k === c ? seen : b.reshape(seen, [n, c, 1, rows, columns]));
    return b.reshape(b.sum(products, k === c ? [0, 2, 3] : [0, 3, 4]), [k, 1]);
  });
  const all = taps.length === 1 ? (taps[0] as Value) : b.op('Concat', taps, { axis: 1 });
  forms.set(dw, 'plain', b.reshape(all, dw.shape));
  return true;
};
