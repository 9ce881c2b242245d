/**
 * 3x3 convolutions of stride 1 and their gradients in standard ops by F(4x4, 3x3), a quarter of the multiplications, or
 * F(2x2, 3x3), four ninths (minimal-filters.ts). With tiles of m x m outputs, T tiles and P = (m + 2)^2 points:
 *
 *   V  = B' x B    a Conv of x as single-channel images with the P constant kernels           [P, C, T]
 *   U  = G w G'    a Gemm                                                                    [P, K, C]
 *   M  = U V       one batched MatMul; the Transpose of V before it is fused into it         [P, K, T]
 *   y  = A' M A    a MatMul, a Transpose of whole rows, and Col2Im, whose blocks are the tiles
 *
 * dx is the same with flipped weights: G with its taps reversed, and U transposed, which is fused too, so the weights
 * are never permuted. dw = G' (dM V') G with dM = A dy A', a Conv as for V. V is 2.25 to 4 times as large as x: up to
 * 10 MB it is kept for the gradient, and computed again beyond.
 *
 * ms of forward and both gradients, minimum of many, two cores (EPYC):
 *
 *   C x K, side       direct   F(4x4)   F(2x2)
 *   32 x 32, 256          29       29       43
 *   64 x 64, 128          23       18       26
 *   128 x 128, 64         21       12       17
 *   256 x 256, 32         21       12       13
 *   512 x 512, 16         24       20       17
 *
 * WebAssembly, one thread, forward: 128 channels 25 GFLOP/s direct, 57 by F(4x4); 64 channels 26 and 34. Largest error
 * relative to the largest value: F(2x2) 2e-7 to 6e-7, F(4x4) 3e-6 to 2e-5.
 */
import { elementCount, float32 } from '../../array/ndarray.ts';
import type { GraphBuilder } from '../../graph/builder.ts';
import type { Value } from '../../graph/ir.ts';
import { type ConvGeometry, convGeometry } from '../../graph/ops/convolution.ts';
import type { Formulation, Lowering } from '../context.ts';
import { inputGradientGeometry } from './flipped.ts';
import { F2, F4, type MinimalFilter, matrix, squared, transposed } from './minimal-filters.ts';

export const convWinograd: Formulation<'Conv'> = (lowering, node) => {
  const { b, forms } = lowering;
  const [x, w, bias] = node.inputs as readonly [Value, Value, Value | undefined];
  const y = node.outputs[0];
  const g = convGeometry(node.attributes, w.shape.slice(2));
  const filter = choose(lowering, w, y, g);
  if (filter === undefined) return false;
  const made = convolve(b, forms.plain(x), forms.plain(w), g.padsBegin, y, filter);
  const biased = bias && b.add(made, b.reshape(forms.plain(bias), [1, bias.shape[0], 1, 1]));
  forms.set(y, 'plain', biased ?? made);
  return true;
};

export const convGradInputWinograd: Formulation<'lamella.ConvGradInput'> = (lowering, node) => {
  const { b, forms } = lowering;
  const [dy, w] = node.inputs as readonly [Value, Value];
  const dx = node.outputs[0];
  const g = convGeometry(node.attributes, w.shape.slice(2));
  const filter = choose(lowering, w, dx, g);
  const back = inputGradientGeometry(g);
  if (filter === undefined || back === undefined) return false;
  const made = convolve(b, forms.plain(dy), forms.plain(w), back.padsBegin, dx, filter, true);
  forms.set(dx, 'plain', made);
  return true;
};

export const convGradWeightWinograd: Formulation<'lamella.ConvGradWeight'> = (lowering, node) => {
  const { b, forms } = lowering;
  const [dy, x] = node.inputs as readonly [Value, Value];
  const dw = node.outputs[0];
  const g = convGeometry(node.attributes, node.attributes.kernel_shape);
  const filter = choose(lowering, dw, dy, g);
  if (filter === undefined) return false;
  const [k, c] = dw.shape;
  const tiles = tilesOf(dy, filter);
  const points = filter.points ** 2;
  const v = inputTransform(b, forms.plain(x), g.padsBegin, tiles, filter);
  const m = transform(b, forms.plain(dy), [0, 0], tiles, filter, squared(transposed(filter.output)), filter.tile);
  const right = b.transpose(pointsFirst(b, v), [0, 2, 1]);
  const product = b.reshape(b.op('MatMul', [pointsFirst(b, m), right]), [points, k * c]);
  const back = b.op('Gemm', [product, b.constant(matrix(squared(filter.weights)))], { transA: 1 });
  forms.set(dw, 'plain', b.reshape(back, dw.shape));
  return true;
};

/**
 * From 32 channels on both sides. F(4x4) has four times as many weights as the kernel, which does not pay off for few
 * pixels.
 */
function choose({ winograd }: Lowering, w: Value, y: Value, g: ConvGeometry): MinimalFilter | undefined {
  const [k, c] = w.shape;
  const can =
    winograd !== 'never' &&
    w.dtype === 'float32' &&
    g.group === 1 &&
    g.kernel.length === 2 &&
    g.kernel.every((n) => n === 3) &&
    [...g.strides, ...g.dilations].every((n) => n === 1);
  if (!can) return undefined;
  const pixels = elementCount(y.shape) / y.shape[1];
  if (winograd === 'always') return pixels % 2 === 0 ? F4 : F2;
  if (Math.min(k, c) < 32 || pixels < 256) return undefined;
  return pixels < 1024 ? F2 : F4;
}

/** Number of tiles, down and across, that cover the value. */
function tilesOf(y: Value, { tile }: MinimalFilter): readonly [number, number] {
  return [Math.ceil(y.shape[2] / tile), Math.ceil(y.shape[3] / tile)];
}

/** @param flipped whether to use weights [C, K, 3, 3] with reversed taps, as for dx */
function convolve(
  b: GraphBuilder,
  x: Value,
  w: Value,
  padsBegin: readonly number[],
  y: Value,
  filter: MinimalFilter,
  flipped = false,
): Value {
  const [n, k, height, width] = y.shape;
  const c = x.shape[1];
  const { tile, points } = filter;
  const tiles = tilesOf(y, filter);
  const count = tiles[0] * tiles[1];
  const transformed = inputTransform(b, x, padsBegin, tiles, filter);
  const v = n === 1 ? pointsFirst(b, transformed) : b.transpose(transformed, [0, 2, 1, 3]);
  const g = squared(filter.weights).map((row) => (flipped ? row.toReversed() : row));
  const flat = b.op('Gemm', [b.constant(matrix(g)), b.reshape(w, [k * c, 9])], { transB: 1 });
  const u = b.reshape(flat, [points ** 2, ...(w.shape.slice(0, 2) as [number, number])]);
  const m = b.op('MatMul', [flipped ? b.transpose(u, [0, 2, 1]) : u, v]);
  const outputs = b.op('MatMul', [
    b.constant(matrix(squared(filter.output))),
    b.reshape(m, [n, points ** 2, k * count]),
  ]);
  const inOrder = b.transpose(b.reshape(outputs, [n, tile ** 2, k, count]), [0, 2, 1, 3]);
  const size = [tiles[0] * tile, tiles[1] * tile] as const;
  const image = b.op('Col2Im', [b.reshape(inOrder, [n, k * tile ** 2, count]), b.ints(size), b.ints([tile, tile])], {
    strides: [tile, tile],
  });
  return size[0] === height && size[1] === width ? image : b.slice(image, [0, 0], [height, width], [2, 3]);
}

/** [N, C, P, T] as [P, C, N T]. For one image it is a Transpose that ONNX Runtime fuses into the following MatMul. */
function pointsFirst(b: GraphBuilder, v: Value): Value {
  const [n, c, points, count] = v.shape;
  if (n === 1) return b.transpose(b.reshape(v, [c, points, count]), [1, 0, 2]);
  return b.reshape(b.transpose(v, [2, 1, 0, 3]), [points, c, n * count]);
}

/** Floats of a transformed input that the gradient of the weights still finds. */
const MAX_KEPT = 2.5e6;

/** Transformed inputs of convolutions, until the graph that they belong to is lowered. */
const keptOf = new WeakMap<Value, Map<string, Value>>();

/** B' x B of every tile: [N, C, P, T]. */
function inputTransform(
  b: GraphBuilder,
  x: Value,
  padsBegin: readonly number[],
  tiles: readonly [number, number],
  filter: MinimalFilter,
): Value {
  const kept = keptOf.get(x) ?? new Map<string, Value>();
  keptOf.set(x, kept);
  const key = JSON.stringify([filter.tile, padsBegin, tiles]);
  const found = kept.get(key);
  if (found !== undefined) return found;
  const made = transform(b, x, padsBegin, tiles, filter, squared(filter.input), filter.points);
  if (elementCount(made.shape) <= MAX_KEPT) kept.set(key, made);
  return made;
}

/** Windows of side x side pixels, one tile apart, times `rows`, by a Conv that treats every channel as an image. */
function transform(
  b: GraphBuilder,
  x: Value,
  padsBegin: readonly number[],
  tiles: readonly [number, number],
  { tile }: MinimalFilter,
  rows: readonly (readonly number[])[],
  side: number,
): Value {
  const [n, c, height, width] = x.shape;
  const [top, left] = padsBegin as readonly [number, number];
  // Up to the last row and column that a tile reads.
  const bottom = tile * (tiles[0] - 1) + side - height - top;
  const right = tile * (tiles[1] - 1) + side - width - left;
  const kernels = b.constant(float32([rows.length, 1, side, side], Float32Array.from(rows.flat())));
  const made = b.op('Conv', [b.reshape(x, [n * c, 1, height, width]), kernels], {
    kernel_shape: [side, side],
    strides: [tile, tile],
    pads: [top, left, bottom, right],
  });
  return b.reshape(made, [n, c, rows.length, tiles[0] * tiles[1]]);
}
