/**
 * The gradient of a convolution's weights as one matrix product, in standard ops ("separable shifts").
 *
 *   dw[k,c,i,j] = sum_p dy[k,p] x[c, p + (i,j) dilation - pad],  stride 1
 *
 * Pad the rows of x with their zero columns (width V = W + pads), pad the rows of dy to the same width, and flatten
 * both. A tap (i, j) is then a shift by i rows and j columns that never crosses into another row. So stack dy at its
 * row shifts to [kh K, L] and x at its column shifts to [kw C, L], L = N H V: their product over L contains every tap
 * as [kh, K, kw, C], without wasted multiplications. The reference, a Conv with dy as its kernel, is 3 to 6 times
 * slower in ONNX Runtime's standard kernels.
 */
import { ndarray } from '../../array/ndarray.ts';
import type { GraphBuilder } from '../../graph/builder.ts';
import type { Value } from '../../graph/ir.ts';
import { convGeometry } from '../../graph/ops/convolution.ts';
import type { Formulation } from '../context.ts';

export const convGradWeightByShifts: Formulation<'lamella.ConvGradWeight'> = ({ b, forms }, node) => {
  const [dy, x] = node.inputs as readonly [Value, Value];
  const dw = node.outputs[0];
  const g = convGeometry(node.attributes, node.attributes.kernel_shape);
  if (x.shape.length !== 4 || g.group !== 1 || g.strides.some((stride) => stride !== 1)) return false;
  const [k, c, kh, kw] = dw.shape;
  const [n, , height] = x.shape;
  const [, , rows] = dy.shape;
  const [padTop, padLeft] = g.padsBegin as readonly [number, number];
  const [stepY, stepX] = g.dilations as readonly [number, number];

  const wide = withZeros(b, b.transpose(forms.plain(x), [1, 0, 2, 3]), 3, padLeft, g.padsEnd[1]);
  const width = wide.shape[3];
  const turned = b.transpose(forms.plain(dy), [1, 0, 2, 3]);
  const wideDy = withZeros(b, turned, 3, 0, width - turned.shape[3]);
  const length = n * height * width;

  // Row r of dy multiplies row r + i stepY - padTop of x: move it there, and drop what falls outside.
  const shiftedDy = Array.from({ length: kh }, (_, i) => {
    const shift = i * stepY - padTop;
    const [from, to] = [Math.max(0, -shift), Math.min(rows, height - shift)];
    if (to <= from) return b.constant(ndarray('float32', [k, length]));
    const inside = from === 0 && to === rows ? wideDy : b.slice(wideDy, [from], [to], [2]);
    return b.reshape(withZeros(b, inside, 2, from + shift, height - to - shift), [k, length]);
  });
  const flat = b.reshape(wide, [c, length]);
  const shiftedX = Array.from({ length: kw }, (_, j) => {
    const shift = j * stepX;
    return shift === 0 ? flat : withZeros(b, b.slice(flat, [shift], [length], [1]), 1, 0, shift);
  });
  const stack = (parts: readonly Value[]) => (parts.length === 1 ? parts[0] : b.op('Concat', parts, { axis: 0 }));
  const product = b.op('Gemm', [stack(shiftedDy), stack(shiftedX)], { transB: 1 });
  const split = b.reshape(product, [kh, k, kw, c]);
  forms.set(dw, 'plain', b.transpose(split, [1, 3, 0, 2]));
  return true;
};

/**
 * Where the kernel is as large as the stride, windows do not overlap: the gradient is the matrix of the input's windows
 * times dy (downsampling convolutions; the up-convolution of a U-Net).
 */
export const convGradWeightByWindows: Formulation<'lamella.ConvGradWeight'> = ({ b, forms }, node) => {
  const [dy, x] = node.inputs as readonly [Value, Value];
  const dw = node.outputs[0];
  const g = convGeometry(node.attributes, node.attributes.kernel_shape);
  const tiling =
    x.shape.length === 4 &&
    g.group === 1 &&
    g.kernel.every((size, i) => size === g.strides[i] && g.dilations[i] === 1) &&
    [...g.padsBegin, ...g.padsEnd].every((pad) => pad === 0) &&
    g.kernel.every((size, i) => x.shape[i + 2] === size * dy.shape[i + 2]);
  if (!tiling) return false;
  const [k, c, kh, kw] = dw.shape;
  const [n, , h, w] = dy.shape;
  const windows = b.transpose(b.reshape(forms.plain(x), [n, c, h, kh, w, kw]), [1, 3, 5, 0, 2, 4]);
  const length = n * h * w;
  const left = b.reshape(b.transpose(forms.plain(dy), [1, 0, 2, 3]), [k, length]);
  const product = b.op('Gemm', [left, b.reshape(windows, [c * kh * kw, length])], { transB: 1 });
  forms.set(dw, 'plain', b.reshape(product, dw.shape));
  return true;
};

/** Zeros before and after along one axis, by Concat. */
function withZeros(b: GraphBuilder, x: Value, axis: number, before: number, after: number): Value {
  if (before === 0 && after === 0) return x;
  const zeros = (count: number) => {
    const shape = x.shape.map((size, i) => (i === axis ? count : size));
    return count === 0 ? [] : [b.constant(ndarray('float32', shape))];
  };
  return b.op('Concat', [...zeros(before), x, ...zeros(after)], { axis });
}
