/**
 * Volumes [N, C, D, H, W] by ops on images, where ONNX Runtime's ops on volumes are slower, or missing on some device.
 * 16 channels, 32 x 128 x 128, ms on two threads of a Xeon with AVX-512, ONNX Runtime 1.30:
 *
 *                                      as a volume    by slices
 *   gradient of a 3x3x3 kernel                 450          180    the reference has dy as its kernel
 *   upsampling by 2 x 2 x 2                     49            7    from 16 x 64 x 64
 *   transposed convolution                       -            -    WebGPU has that of images only
 *
 * Convolutions of volumes with stride 1, and the gradients of their input, are as fast as those of images and stay.
 */
import { float32, type Shape } from '../../array/ndarray.ts';
import type { GraphBuilder } from '../../graph/builder.ts';
import type { Graph, Node, Value } from '../../graph/ir.ts';
import { type ConvGeometry, convGeometry } from '../../graph/ops/convolution.ts';
import { blockUpsamplingFactors } from '../../graph/ops/resize.ts';
import { rewrite } from '../../graph/rewrite.ts';
import { inputGradientGeometry } from '../conv/flipped.ts';

const isVolume = ({ shape }: Value): boolean => shape.length === 5;

export function volumesAsSlices(graph: Graph): Graph {
  if (!graph.nodes.some(({ outputs: [y] }) => isVolume(y))) return graph;
  return rewrite(graph, (b, node, inputs) => {
    if (!isVolume(node.outputs[0])) return undefined;
    if (node.op === 'lamella.ConvGradWeight') {
      const [dy, x] = inputs as readonly [Value, Value];
      return [gradWeightBySlices(b, node as Node<'lamella.ConvGradWeight'>, dy, x)];
    }
    if (node.op === 'ConvTranspose') {
      const [x, w, bias] = inputs as readonly [Value, Value, Value | undefined];
      const y = transposedBySlices(b, node as Node<'ConvTranspose'>, x, w);
      return [bias === undefined ? y : b.add(y, b.reshape(bias, [bias.shape[0], 1, 1, 1]))];
    }
    if (node.op === 'lamella.ConvGradInput') {
      const [dy, w] = inputs as readonly [Value, Value];
      const { attributes } = node as Node<'lamella.ConvGradInput'>;
      if (inputGradientGeometry(convGeometry(attributes, w.shape.slice(2))) !== undefined) return undefined;
      return [transposedBySlices(b, node as Node<'lamella.ConvGradInput'>, dy, w)];
    }
    if (node.op !== 'Resize') return undefined;
    const factors = blockUpsamplingFactors(graph, node as Node<'Resize'>);
    return factors && [upsampleBySlices(b, inputs[0] as Value, factors.slice(2))];
  });
}

/**
 * dw[k,c,i,..] = sum_p of the gradient of a kernel for images, of slice p of dy and slice stride p + dilation i - pad of x:
 * one gradient for each tap i along the depth, with the slices as a batch.
 */
function gradWeightBySlices(
  b: GraphBuilder,
  { attributes, outputs: [dw] }: Node<'lamella.ConvGradWeight'>,
  dy: Value,
  x: Value,
): Value {
  const g = convGeometry(attributes, attributes.kernel_shape);
  const [slices, depth] = [dy.shape[2], x.shape[2]];
  const [dyFirst, xFirst] = [slicesFirst(b, dy), slicesFirst(b, x)];
  const [k, c, taps, ...kernel] = dw.shape as readonly [number, number, number, ...number[]];
  const ofTaps = Array.from({ length: taps }, (_, tap) => {
    const seen = (slice: number) => placeOf(g, slice, tap);
    const given = Array.from({ length: slices }, (_, slice) => slice).filter((p) => seen(p) >= 0 && seen(p) < depth);
    const shape = [k, c, 1, ...kernel];
    if (given.length === 0) return b.constant(float32(shape));
    const images = [imagesOf(b, dyFirst, given), imagesOf(b, xFirst, given.map(seen))];
    return b.reshape(b.op('lamella.ConvGradWeight', images, { ...planar(g), kernel_shape: kernel }), shape);
  });
  return taps === 1 ? (ofTaps[0] as Value) : b.op('Concat', ofTaps, { axis: 2 });
}

/** The slice that tap `tap` along the depth reads for slice `slice` of a convolution's output. */
const placeOf = (g: ConvGeometry, slice: number, tap: number): number =>
  g.strides[0] * slice + g.dilations[0] * tap - g.padsBegin[0];

/** What remains of a geometry within slices. */
const planar = (g: ConvGeometry) => ({
  strides: g.strides.slice(1),
  dilations: g.dilations.slice(1),
  pads: [...g.padsBegin.slice(1), ...g.padsEnd.slice(1)],
  group: g.group,
});

/**
 * y[.., stride p + dilation i - pad] = sum over the taps i along the depth of the transposed convolution of slice p with
 * the kernel's slice i: one for each tap, with the slices as a batch, whose results are gathered to where they belong.
 */
function transposedBySlices(
  b: GraphBuilder,
  { op, attributes, outputs: [y] }: Node<'ConvTranspose'> | Node<'lamella.ConvGradInput'>,
  x: Value,
  w: Value,
): Value {
  const g = convGeometry(attributes, w.shape.slice(2));
  const [n, channels, depth, height, width] = y.shape as readonly [number, number, number, number, number];
  const slices = x.shape[2];
  const first = slicesFirst(b, x);
  const images = b.reshape(first, [slices * n, ...first.shape.slice(2)]);
  const [inputs, outputs, taps, ...kernel] = w.shape as readonly [number, number, number, ...number[]];
  const none = b.constant(float32([1, n, channels, height, width]));
  const ofTaps = Array.from({ length: taps }, (_, tap) => {
    const ofTap = taps === 1 ? w : b.slice(w, [tap], [tap + 1], [2]);
    const operands = [images, b.reshape(ofTap, [inputs, outputs, ...kernel])];
    const made =
      op === 'ConvTranspose'
        ? b.op('ConvTranspose', operands, { ...planar(g), ...extra(attributes) })
        : b.op('lamella.ConvGradInput', operands, {
            ...planar(g),
            input_shape: [slices * n, channels, height, width],
          });
    const places = Array.from({ length: slices }, (_, slice) => placeOf(g, slice, tap));
    const order = Array.from({ length: depth }, (_, d) => (places.includes(d) ? places.indexOf(d) : slices));
    const stacked = b.op('Concat', [b.reshape(made, [slices, n, channels, height, width]), none], { axis: 0 });
    return b.op('Gather', [stacked, b.ints(order)], { axis: 0 });
  });
  const sum = ofTaps.reduce((total, ofTap) => b.add(total, ofTap));
  return b.transpose(sum, [1, 2, 0, 3, 4]);
}

/** The padding of the output within slices. */
function extra(attributes: object): { readonly output_padding?: readonly number[] } {
  const { output_padding: padding } = attributes as { readonly output_padding?: readonly number[] };
  return padding === undefined ? {} : { output_padding: padding.slice(1) };
}

/** [N, C, D, H, W] as [D, N, C, H, W]. */
const slicesFirst = (b: GraphBuilder, x: Value): Value => b.transpose(x, [2, 0, 1, 3, 4]);

/** Some slices of [D, N, C, H, W] as a batch of images. ONNX Runtime's Slice is single-threaded, its Gather is not. */
function imagesOf(b: GraphBuilder, x: Value, slices: readonly number[]): Value {
  const [depth, n, ...image] = x.shape as readonly [number, number, ...number[]];
  const isAll = slices.length === depth && slices.every((slice, i) => slice === i);
  return b.reshape(isAll ? x : b.op('Gather', [x, b.ints(slices)], { axis: 0 }), [slices.length * n, ...image]);
}

/** Nearest upsampling of [N, C, D, H, W]: that of every slice, then every slice repeated. */
function upsampleBySlices(b: GraphBuilder, x: Value, [times, ...factors]: readonly number[]): Value {
  const [n, c, depth, height, width] = x.shape as readonly [number, number, number, number, number];
  const [rows, columns] = [height * (factors[0] as number), width * (factors[1] as number)];
  const scales = b.constant(float32([4], [1, 1, ...factors]));
  const images = b.op('Resize', [b.reshape(x, [n, c * depth, height, width]), undefined, scales], {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  });
  const flat = b.reshape(images, [n * c * depth, 1, rows * columns]);
  const repeated =
    times === 1 ? flat : b.op('Expand', [flat, b.ints([n * c * depth, times as number, rows * columns])]);
  return b.reshape(repeated, [n, c, depth * (times as number), rows, columns] satisfies Shape);
}
