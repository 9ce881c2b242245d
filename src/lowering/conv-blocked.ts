/**
 * Two-dimensional convolution and its gradients by ONNX Runtime's blocked kernels (com.microsoft.nchwc),
 * which take computed weights. Measured: DESIGN table in docs/performance.md.
 *
 * Forward: Conv of x in blocks with weights [K/B][C/B][kh][kw][B of C][B of K]; with fewer than B input
 * channels x stays plain and the weights are [K/B][C][kh][kw][B of K].
 * Gradient of the input (stride 1): the same Conv of dy with the weights transposed and flipped.
 * Gradient of the weights (stride 1): a Conv of one tensor, seen as images of one channel, with the other
 * as the kernel, whose blocked memory [K/B][H][W][B] is that of a kernel of K outputs as it is.
 */
import { ndarray, type Shape } from '../array/ndarray.ts';
import type { ConvAttributes } from '../graph/attributes.ts';
import type { GraphBuilder } from '../graph/builder.ts';
import type { Value } from '../graph/ir.ts';
import { type ConvGeometry, convGeometry } from '../graph/ops/convolution.ts';
import { type Formulation, type Lowering, onlyConsumer } from './context.ts';
import { flippedKernel, kernelOfFewInputs, kernelOfOddOutputs, padOutputs } from './kernel-layouts.ts';

type Four = readonly [number, number, number, number];

/** Half a megabyte of the kernel at a time: it fits the second-level cache of every recent core. */
const STRIP_FLOATS = 131_072;

/** What the kernels can do: two spatial axes, one group, float32. */
function supported(x: Value, kernel: readonly number[], g: ConvGeometry): boolean {
  return x.shape.length === 4 && kernel.length === 2 && g.group === 1 && x.dtype === 'float32';
}

function attributesOf(g: ConvGeometry, change: Partial<ConvAttributes> = {}): ConvAttributes {
  return {
    kernel_shape: g.kernel,
    pads: [...g.padsBegin, ...g.padsEnd],
    strides: g.strides,
    dilations: g.dilations,
    ...change,
  };
}

/** Conv, with its bias and a ReLU that alone reads it. */
export const convBlocked: Formulation<'Conv'> = (lowering, node) => {
  const { b, forms } = lowering;
  const [x, w, bias] = node.inputs as readonly [Value, Value, Value | undefined];
  const g = convGeometry(node.attributes, w.shape.slice(2));
  const [k, c] = w.shape as Four;
  if (!supported(x, g.kernel, g)) return false;
  const y = node.outputs[0] as Value;
  const relu = onlyConsumer(lowering, y);
  const fused = relu?.op === 'Relu' ? relu : undefined;
  const attributes = { ...attributesOf(g), ...(fused && { activation: 'Relu' as const }) };

  const input = blockedInput(lowering, x, c);
  if (input === undefined) return false;
  const padded = padOutputs(k, forms.block);
  if (k % forms.block !== 0 && padded > 2 * k && c < forms.block) return false;
  const kernel =
    c < forms.block
      ? kernelOfFewInputs(b, forms.plain(w), forms.block)
      : forms.canBeKernel(w)
        ? forms.kernel(w)
        : kernelOfOddOutputs(b, forms.plain(w), forms.block);
  const inputs = [input, kernel];
  if (bias !== undefined) inputs.push(k === padded ? forms.plain(bias) : extend(b, forms.plain(bias), padded));
  const made = b.op('nchwc.Conv', inputs, attributes);
  const result = fused === undefined ? y : (fused.outputs[0] as Value);
  if (k === padded) forms.set(result, 'blocked', made);
  else forms.set(result, 'plain', b.op('nchwc.ReorderOutput', [made], { channels: k }));
  if (fused !== undefined) lowering.skip(fused);
  return true;
};

/** dx = Conv(dy, w transposed and flipped), pads = dilation (kernel - 1) - pad; stride 1 only. */
export const convGradInputBlocked: Formulation<'lamella.ConvGradInput'> = (lowering, node) => {
  const { b, forms } = lowering;
  const [dy, w] = node.inputs as readonly [Value, Value];
  const g = convGeometry(node.attributes, w.shape.slice(2));
  const [k, c] = w.shape as Four;
  if (!supported(dy, g.kernel, g) || g.strides.some((s) => s !== 1)) return false;
  const reach = g.kernel.map((n, i) => (g.dilations[i] as number) * (n - 1));
  const padsBegin = reach.map((n, i) => n - (g.padsBegin[i] as number));
  const padsEnd = reach.map((n, i) => n - (g.padsEnd[i] as number));
  if ([...padsBegin, ...padsEnd].some((pad) => pad < 0)) return false;
  if (c % forms.block !== 0) return false;
  const input = blockedInput(lowering, dy, k);
  if (input === undefined) return false;
  const kernel =
    k < forms.block
      ? kernelOfFewInputs(b, flipPlain(b, forms.plain(w)), forms.block)
      : flippedKernel(b, forms.kernel(w), forms.block);
  const made = b.op('nchwc.Conv', [input, kernel], attributesOf({ ...g, padsBegin, padsEnd }));
  forms.set(node.outputs[0] as Value, 'blocked', made);
  return true;
};

/**
 * dw[k,c,i] = sum_{n,p} dy[n,k,p] x[n,c, p + dilation i - pad] with stride 1.
 *
 * Either x as C images and dy as the kernel (the result is [C][K/B][taps][B of K]), or dy as K images,
 * padded by dilation (kernel - 1) - pad, and x as the kernel (the result is [K][C/B][taps reversed][B of C]).
 * The images must be plain and carry their zero columns in memory: padded by the op it is three times
 * slower. Batches are the input channels of this convolution, fewer than B at a time.
 */
export const convGradWeightBlocked: Formulation<'lamella.ConvGradWeight'> = (lowering, node) => {
  const { forms } = lowering;
  const [dy, x] = node.inputs as readonly [Value, Value];
  const kernel = node.attributes.kernel_shape;
  const g = convGeometry(node.attributes, kernel);
  const dw = node.outputs[0] as Value;
  const [k, c] = dw.shape as Four;
  if (!supported(x, kernel, g)) return false;
  const unit = g.strides.every((s) => s === 1);
  const reach = kernel.map((n, i) => (g.dilations[i] as number) * (n - 1));
  const mirrored = (pads: readonly number[]) => reach.map((n, i) => n - (pads[i] as number));
  const mirrorable = unit && [...mirrored(g.padsBegin), ...mirrored(g.padsEnd)].every((pad) => pad >= 0);
  const canX = k % forms.block === 0;
  const canY = c % forms.block === 0 && mirrorable;
  if (!canX && !canY) return false;
  // Fewer images to reorder and to pad; where dy is plain already, dy.
  const byX = canX && (!canY || (c <= 1.5 * k && !(k < forms.block)));
  const [images, kernels] = byX ? [x, dy] : [dy, x];
  const pads = byX ? [g.padsBegin, g.padsEnd] : [mirrored(g.padsBegin), mirrored(g.padsEnd)];
  const made = correlate(lowering, images, kernels, {
    padsBegin: pads[0] as readonly number[],
    padsEnd: pads[1] as readonly number[],
    steps: g.dilations,
    dilations: g.strides,
    kernel,
  });
  return placeGradient(lowering, dw, made, byX);
};

interface Correlation {
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
  /** Distance between taps in the images. */
  readonly steps: readonly number[];
  /** Distance in the images between neighbours in the kernel. */
  readonly dilations: readonly number[];
  readonly kernel: readonly number[];
}

/**
 * [P, Q, taps] = for each image p and kernel q their correlation, summed over the batch. Memory [P][Q/B][taps][B].
 *
 * The kernel is as large as an image. Every image reads it whole, so it is cut into strips of rows that
 * stay in a core's cache, each added to the sum of those before (fourth input of the op). Measured on a
 * Xeon with 2 MB of L2, one thread, 64 x 64 channels at 128 x 128: 13 GFLOP/s whole, 135 in strips.
 */
function correlate(lowering: Lowering, images: Value, kernels: Value, c: Correlation): Value {
  const { b, forms } = lowering;
  const [batch, count, height] = images.shape as Four;
  const [, outputs, kh, kw] = kernels.shape as Four;
  const padded = withZeroColumns(lowering, images, c.padsBegin[1] as number, c.padsEnd[1] as number);
  const width = padded.shape[3] as number;
  const blocked = forms.blocked(kernels);
  const groups = outputs / forms.block;
  const [step, dilation, top] = [c.steps[0] as number, c.dilations[0] as number, c.padsBegin[0] as number];
  const reach = step * ((c.kernel[0] as number) - 1);

  let sum: Value | undefined;
  const most = forms.block - 1;
  for (let start = 0; start < batch; start += most) {
    const n = Math.min(most, batch - start);
    const part = (value: Value) => (batch === n ? value : b.slice(value, [start], [start + n], [0]));
    const perImage = b.reshape(part(padded), [n, count, height, width]);
    const asImages = n === 1 ? perImage : b.transpose(perImage, [1, 0, 2, 3]);
    const imageView = b.reshape(asImages, [count, n, height, width]);
    const perKernel = b.reshape(part(blocked), [n, groups, kh, kw * forms.block]);
    const asKernels = n === 1 ? perKernel : b.transpose(perKernel, [1, 0, 2, 3]);
    const kernelView = b.reshape(asKernels, [groups, n, kh, kw * forms.block]);

    const rows = Math.max(1, Math.floor(STRIP_FLOATS / (outputs * n * kw)));
    for (let row = 0; row < kh; row += rows) {
      const end = Math.min(kh, row + rows);
      const first = dilation * row - top;
      const last = dilation * (end - 1) + reach - top;
      const [from, to] = [Math.max(0, first), Math.min(height - 1, last)];
      if (from > to) continue;
      const all = from === 0 && to === height - 1;
      const strip = all ? imageView : b.slice(imageView, [from], [to + 1], [2]);
      const kernel = end - row === kh ? kernelView : b.slice(kernelView, [row], [end], [2]);
      const inputs = [strip, b.reshape(kernel, [outputs, n, end - row, kw])];
      sum = b.op('nchwc.Conv', sum === undefined ? inputs : [...inputs, undefined, sum], {
        kernel_shape: [end - row, kw],
        pads: [from - first, 0, last - to, 0],
        strides: c.steps,
        dilations: c.dilations,
      });
    }
  }
  return crop(b, sum as Value, c.kernel, forms.block);
}

/** The first taps only: strides may leave more places than the kernel has. */
function crop(b: GraphBuilder, x: Value, kernel: readonly number[], block: number): Value {
  const [p, q, h, w] = x.shape as Four;
  if (h === kernel[0] && w === kernel[1]) return x;
  const view = b.reshape(x, [p * (q / block), h, w, block]);
  const cut = b.slice(view, [0, 0], kernel, [1, 2]);
  return b.reshape(cut, [p, q, kernel[0] as number, kernel[1] as number]);
}

/** The value plain, with columns of zeros left and right; padded in blocks where it lies in blocks. */
function withZeroColumns({ b, forms }: Lowering, x: Value, left: number, right: number): Value {
  if (left === 0 && right === 0) return forms.plain(x);
  const [n, c, h, w] = x.shape as Four;
  const zeros = (shape: Shape) => b.constant(ndarray('float32', shape));
  const pad = (value: Value, rows: number, run: number): Value => {
    const view = b.reshape(value, [rows, w * run]);
    const parts = [
      ...(left > 0 ? [zeros([rows, left * run])] : []),
      view,
      ...(right > 0 ? [zeros([rows, right * run])] : []),
    ];
    return b.reshape(b.op('Concat', parts, { axis: 1 }), [n, c, h, w + left + right]);
  };
  if (!forms.has(x, 'plain') && forms.canBlock(x)) {
    const wide = pad(forms.blocked(x), (n * c * h) / forms.block, forms.block);
    return b.op('nchwc.ReorderOutput', [wide], { channels: c });
  }
  return pad(forms.plain(x), n * c * h, 1);
}

/** Puts a gradient from `correlate` into the layouts of dw. */
function placeGradient({ b, forms }: Lowering, dw: Value, made: Value, byX: boolean): boolean {
  const [k, c, kh, kw] = dw.shape as Four;
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
    return true;
  }
  // [K][C/B][taps reversed][B of C]
  const reversed = b.ints(Array.from({ length: taps }, (_, i) => taps - 1 - i));
  const flip = (value: Value) => (taps === 1 ? value : b.op('Gather', [value, reversed], { axis: 1 }));
  if (forms.canBeKernel(dw)) {
    const flipped = flip(b.reshape(made, [(k * c) / block, taps, block]));
    const turned = b.transpose(b.reshape(flipped, [k / block, block, c * taps]), [0, 2, 1]);
    forms.set(dw, 'kernel', b.reshape(turned, dw.shape));
  } else {
    const flipped = flip(b.reshape(made, [(k * c) / block, taps, block]));
    const turned = b.transpose(b.reshape(flipped, [k, c / block, taps, block]), [0, 1, 3, 2]);
    forms.set(dw, 'plain', b.reshape(turned, dw.shape));
  }
  return true;
}

/** x as the blocked kernels want it: plain below a block of channels, else in blocks. */
function blockedInput({ forms }: Lowering, x: Value, channels: number): Value | undefined {
  if (channels < forms.block) return forms.plain(x);
  return forms.canBlock(x) ? forms.blocked(x) : undefined;
}

/** [K, C, kh, kw] as [C, K, kh, kw] with the taps reversed, plain. */
function flipPlain(b: GraphBuilder, w: Value): Value {
  const [k, c, kh, kw] = w.shape as Four;
  const taps = kh * kw;
  const turned = b.transpose(b.reshape(w, [k, c, taps]), [1, 0, 2]);
  const reversed = b.ints(Array.from({ length: taps }, (_, i) => taps - 1 - i));
  const flipped = taps === 1 ? turned : b.op('Gather', [turned, reversed], { axis: 2 });
  return b.reshape(flipped, [c, k, kh, kw]);
}

/** A vector with zeros appended. */
function extend(b: GraphBuilder, bias: Value, length: number): Value {
  const zeros = b.constant(ndarray('float32', [length - (bias.shape[0] as number)]));
  return b.op('Concat', [bias, zeros], { axis: 0 });
}
