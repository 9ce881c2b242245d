/**
 * The gradient of a convolution's weights by ONNX Runtime's blocked kernels, stride 1 or more:
 *
 *   dw[k,c,i] = sum_{n,p} dy[n,k,p] x[n,c, stride p + dilation i - pad]
 *
 * It is a Conv whose kernel is a whole image: blocked dy, [K/B][H][W][B], already has the memory order of a kernel with
 * K outputs. Its input is x as single-channel images, arranged in one of two ways.
 *
 * Blocked (both channel counts multiples of B): [C/B][H][W B], one image per B channels, read with a dilation of B
 * along the rows. Adjacent outputs are then the B channels of tap 0, then of tap 1, and so on: [C/B][K/B][taps][B of
 * C][B of K], blocked kernels except for the order of the groups. Plain: C images [H][W], or with the roles exchanged K
 * images of dy and x as the kernel.
 *
 * The plain way has three outputs per row, the blocked way three times B, and the kernels compute six at a time. With
 * blocked x nothing has to be reordered. GFLOP/s on one core of a Xeon (AVX-512, 170 forward):
 *
 *   channels, side    plain     blocked
 *   32 x 32, 256        120         126
 *   64 x 64, 128        135         153
 *   128 x 128, 64       137         156
 *   256 x 256, 32       126         140
 *   512 x 512, 16        74         137
 *
 * The images carry their zero columns in memory: padding by the op is three times slower. Images of a batch are input
 * channels of this Conv, fewer than B at a time.
 */
import { ndarray, type Shape } from '../../array/ndarray.ts';
import type { GraphBuilder } from '../../graph/builder.ts';
import type { Value } from '../../graph/ir.ts';
import { type ConvGeometry, convGeometry } from '../../graph/ops/convolution.ts';
import type { Formulation, Lowering } from '../context.ts';
import { inputGradientGeometry } from './flipped.ts';

type Pair = readonly [number, number];

/** Half a megabyte of the kernel at a time fits the L2 cache of every recent core. */
const STRIP_FLOATS = 131_072;

/** Number of output blocks that the op computes at a time. */
export const BLOCKS_AT_A_TIME = 4;

export const convGradWeightBlocked: Formulation<'lamella.ConvGradWeight'> = (lowering, node) => {
  const { b, forms } = lowering;
  const [dy, x] = node.inputs as readonly [Value, Value];
  const g = convGeometry(node.attributes, node.attributes.kernel_shape);
  const dw = node.outputs[0];
  const { block } = forms;
  if (!isPlanar(x, g) || g.dilations[1] !== 1 || !forms.canBlock(x) || !forms.canBlock(dy)) return false;

  const [batch, c, height] = x.shape;
  const k = dy.shape[1];
  const wide = withZeroColumns(b, forms.blocked(x), [g.padsBegin[1], g.padsEnd[1]], block);
  const [groups, rowFloats] = [c / block, wide.shape[3] * block];
  const images = b.reshape(wide, [batch, groups, height, rowFloats]);
  const [strideY, strideX] = g.strides as Pair;
  const made = correlate(lowering, images, dy, {
    padTop: g.padsBegin[0],
    steps: [g.dilations[0], 1],
    dilations: [strideY, strideX * block],
    size: [g.kernel[0], g.kernel[1] * block],
    outputsAtATime: Math.min(k, BLOCKS_AT_A_TIME * block),
  });
  const split = b.reshape(made, [groups, k / block, g.kernel[0] * g.kernel[1] * block * block]);
  const ordered = groups === 1 || k === block ? split : b.transpose(split, [1, 0, 2]);
  forms.set(dw, 'kernel', b.reshape(ordered, dw.shape));
  return true;
};

export const convGradWeightOneBlocked: Formulation<'lamella.ConvGradWeight'> = (lowering, node) => {
  const { forms } = lowering;
  const [dy, x] = node.inputs as readonly [Value, Value];
  const g = convGeometry(node.attributes, node.attributes.kernel_shape);
  const dw = node.outputs[0];
  const [k, c] = dw.shape;
  if (!isPlanar(x, g)) return false;
  const mirrored = inputGradientGeometry(g);
  const canX = k % forms.block === 0;
  const canY = c % forms.block === 0 && mirrored !== undefined;
  if (!canX && !canY) return false;
  // Choose the side with fewer images to reorder and pad; dy if it is already plain.
  const byX = canX && (!canY || (c <= 1.5 * k && !(k < forms.block)));
  const [images, kernels] = byX ? [x, dy] : [dy, x];
  const { padsBegin, padsEnd } = byX ? g : (mirrored as ConvGeometry);
  const wide = plainWithZeroColumns(lowering, images, [padsBegin[1], padsEnd[1]]);
  const made = correlate(lowering, wide, kernels, {
    padTop: padsBegin[0],
    steps: g.dilations as Pair,
    dilations: g.strides as Pair,
    size: g.kernel as Pair,
    outputsAtATime: kernels.shape[1],
  });
  placePlain(lowering, dw, made, byX);
  return true;
};

/** The cases the kernels support: two spatial axes, one group, float32. */
export function isPlanar(x: Value, g: ConvGeometry): boolean {
  return x.shape.length === 4 && g.kernel.length === 2 && g.group === 1 && x.dtype === 'float32';
}

interface Correlation {
  /** Rows of zeros above the images; zero columns are already included. */
  readonly padTop: number;
  /** Distance between taps in the images. */
  readonly steps: Pair;
  /** Distance in the images between neighbouring elements of the kernel. */
  readonly dilations: Pair;
  /** Height and width of the result. */
  readonly size: Pair;
  /** Outputs that the op computes at once; determines the strip height. */
  readonly outputsAtATime: number;
}

/**
 * The correlation of each of P `images` [batch, P, H, W] with each of Q channels of `kernels`, summed over the batch:
 * [P, Q, size]. Memory [P][Q/B][size][B].
 *
 * Every image reads the whole kernel, so the kernel is cut into strips of rows that stay in a core's cache; each
 * strip's result is added to the sum of those before (fourth input of the op). Measured on a Xeon with 2 MB of L2, one
 * thread, 64 x 64 channels at 128 x 128: 13 GFLOP/s whole, 135 in strips. As many images of the batch as fit are done
 * at once, so that small images do not each read and write the sum.
 */
function correlate({ b, forms }: Lowering, images: Value, kernels: Value, c: Correlation): Value {
  const [batch, , height] = images.shape;
  const [, outputs, kh, kw] = kernels.shape;
  const groups = outputs / forms.block;
  const blocked = b.reshape(forms.blocked(kernels), [batch, groups, kh, kw * forms.block]);
  const reach = c.steps[0] * (c.size[0] - 1);

  let sum: Value | undefined;
  const fitting = Math.floor(STRIP_FLOATS / (c.outputsAtATime * kh * kw));
  const atOnce = Math.max(1, Math.min(fitting, forms.block - 1));
  const rows = Math.max(1, Math.floor(STRIP_FLOATS / (c.outputsAtATime * Math.min(atOnce, batch) * kw)));
  for (let start = 0; start < batch; start += atOnce) {
    const n = Math.min(atOnce, batch - start);
    // A range of images and rows of [batch, P, H, W], as [P, n, rows, W].
    const part = (value: Value, from: number, to: number): Value => {
      const [, p, , wide] = value.shape;
      const cut = cutOut(b, value, [start, start + n], [from, to]);
      return n === 1 ? b.reshape(cut, [p, 1, to - from, wide]) : b.transpose(cut, [1, 0, 2, 3]);
    };
    for (let row = 0; row < kh; row += rows) {
      const end = Math.min(kh, row + rows);
      const first = c.dilations[0] * row - c.padTop;
      const last = c.dilations[0] * (end - 1) + reach - c.padTop;
      const [from, to] = [Math.max(0, first), Math.min(height - 1, last)];
      if (from > to) continue;
      const kernel = b.reshape(part(blocked, row, end), [outputs, n, end - row, kw]);
      const inputs = [part(images, from, to + 1), kernel];
      sum = b.op('nchwc.Conv', sum === undefined ? inputs : [...inputs, undefined, sum], {
        kernel_shape: [end - row, kw],
        pads: [from - first, 0, last - to, 0],
        strides: c.steps,
        dilations: c.dilations,
      });
    }
  }
  return crop(b, sum as Value, c.size, forms.block);
}

/** A range of images and rows of [N, P, H, W]. ONNX Runtime's Slice is single-threaded, its Gather is not. */
function cutOut(b: GraphBuilder, x: Value, [first, last]: Pair, [from, to]: Pair): Value {
  const [n, p, h, w] = x.shape;
  if (last - first === n && to - from === h) return x;
  const rows: number[] = [];
  for (let plane = first * p; plane < last * p; plane++) {
    for (let row = from; row < to; row++) rows.push(plane * h + row);
  }
  const gathered = b.op('Gather', [b.reshape(x, [n * p * h, w]), b.ints(rows)], { axis: 0 });
  return b.reshape(gathered, [last - first, p, to - from, w]);
}

/** The first rows and columns only: strides may leave more positions than the kernel has. */
function crop(b: GraphBuilder, x: Value, [kh, kw]: Pair, block: number): Value {
  const [p, q, h, w] = x.shape;
  if (h === kh && w === kw) return x;
  const view = b.reshape(x, [p * (q / block), h, w, block]);
  return b.reshape(b.slice(view, [0, 0], [kh, kw], [1, 2]), [p, q, kh, kw]);
}

/** [N, C, H, W] in blocks of `block` channels, or plain (1), with zero columns left and right. */
export function withZeroColumns(b: GraphBuilder, x: Value, [left, right]: Pair, block: number): Value {
  if (left === 0 && right === 0) return x;
  const [n, c, h, w] = x.shape;
  const rows = (n * c * h) / block;
  const zeros = (count: number) =>
    count === 0 ? [] : [b.constant(ndarray('float32', [rows, count * block] satisfies Shape))];
  const parts = [...zeros(left), b.reshape(x, [rows, w * block]), ...zeros(right)];
  return b.reshape(b.op('Concat', parts, { axis: 1 }), [n, c, h, w + left + right]);
}

/** The same, plain, for a value in either layout; padded while blocked if it is blocked. */
function plainWithZeroColumns({ b, forms }: Lowering, x: Value, columns: Pair): Value {
  if (columns[0] === 0 && columns[1] === 0) return forms.plain(x);
  if (forms.has(x, 'plain') || !forms.canBlock(x)) return withZeroColumns(b, forms.plain(x), columns, 1);
  const wide = withZeroColumns(b, forms.blocked(x), columns, forms.block);
  return b.op('nchwc.ReorderOutput', [wide], { channels: x.shape[1] });
}

/** Converts a gradient computed from plain images to a layout of dw. */
function placePlain({ b, forms }: Lowering, dw: Value, made: Value, byX: boolean): void {
  const [k, c, kh, kw] = dw.shape;
  const { block } = forms;
  const taps = kh * kw;
  if (byX) {
    // [C][K/B][taps][B of K]
    if (forms.canBeKernel(dw)) {
      const split = b.reshape(made, [c / block, block, k / block, taps, block]);
      forms.set(dw, 'kernel', b.reshape(b.transpose(split, [2, 0, 3, 1, 4]), dw.shape));
    } else {
      const split = b.reshape(made, [c, k / block, taps, block]);
      forms.set(dw, 'plain', b.reshape(b.transpose(split, [1, 3, 0, 2]), dw.shape));
    }
    return;
  }
  // [K][C/B][taps reversed][B of C]
  const reversed = b.ints(Array.from({ length: taps }, (_, i) => taps - 1 - i));
  const flip = (value: Value) => (taps === 1 ? value : b.op('Gather', [value, reversed], { axis: 1 }));
  const flipped = flip(b.reshape(made, [(k * c) / block, taps, block]));
  if (forms.canBeKernel(dw)) {
    const turned = b.transpose(b.reshape(flipped, [k / block, block, c * taps]), [0, 2, 1]);
    forms.set(dw, 'kernel', b.reshape(turned, dw.shape));
  } else {
    const turned = b.transpose(b.reshape(flipped, [k, c / block, taps, block]), [0, 1, 3, 2]);
    forms.set(dw, 'plain', b.reshape(turned, dw.shape));
  }
}
