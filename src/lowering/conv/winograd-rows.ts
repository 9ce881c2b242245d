/**
 * 3 x n convolutions of stride 1, and the gradient of their input, in blocks of channels by F(6, 3) along the height
 * (minimal-filters.ts): four of nine products, and every step except the transforms is a blocked kernel.
 *
 *   rows    eight of each tile, gathered            [8][C/B][tiles][W][B]
 *   V       B' rows, one MatMul                     the same
 *   M       a Conv of eight groups, kernels 1 x n   [8][K/B][tiles][W][B]
 *   y       A' M, one FusedMatMul                   [K/B][tiles][6][W][B]
 *
 * FusedMatMul reads the eight rows of M in place, so the six rows of a tile come out in order, without an extra pass.
 *
 * Tiles see rows of the image only. What remains at its edges, up to seven rows, is a direct Conv. A large image is
 * processed in strips, so that V and M stay in the cache; a Concat joins all parts.
 *
 * Only along the height, because whole rows are moved there; along both axes V and M grow 1.8 times instead of 1.3 and
 * are moved in pieces of B floats, which was slower. Sum of the kernels in ms, ONNX Runtime 1.30, Xeon with AVX-512;
 * F(4, 3) is the previous version, without strips and with zero rows at the edges:
 *
 *   C -> K, side     threads   direct   F(4, 3)   so
 *   64 -> 64, 256          1     28.7      28.9   24
 *   64 -> 64, 256          2     14.2      13.2   11.7
 *   64 -> 64, 128          1      7.5       5.6    4.9
 *   64 -> 64, 128          2      3.8       2.9    2.6
 *   128 -> 128, 128        2     14.2      10.7    8.7
 *   128 -> 128, 64         2      3.8       2.5    2.4
 *   256 -> 256, 32         2      3.8       2.5    2.4
 *   32 -> 32, 256          2      3.8       4.3    3.8   (not chosen)
 *   512 -> 512, 16         2      3.6       -      4.0   (2.7 where the weights are known)
 *
 * Largest error relative to the largest value: 0.9e-6 to 1.3e-6 on normal random numbers, F(4, 3) 0.8e-6 to 1.1e-6.
 */
import type { Shape4 } from '../../array/ndarray.ts';
import { type NdArray, ndarray } from '../../array/ndarray.ts';
import type { GraphBuilder } from '../../graph/builder.ts';
import type { Value } from '../../graph/ir.ts';
import { type ConvGeometry, convGeometry } from '../../graph/ops/convolution.ts';
import { type Formulation, type Lowering, onlyConsumer } from '../context.ts';
import type { Forms } from '../layouts/forms.ts';
import { flippedKernel } from '../layouts/kernels.ts';
import { inputGradientGeometry } from './flipped.ts';
import { F6, matrix } from './minimal-filters.ts';

const { tile: TILE, points: POINTS } = F6;

/**
 * Approximate bytes of x per strip; V and M are a third larger. Predicting 512 x 512 takes 221 ms; 225 with strips
 * twice as large, 227 without strips.
 */
const STRIP_BYTES = 2 ** 21;

type Pair = readonly [number, number];

/** Conv, with its bias and a ReLU that is its only reader. */
export const convByRows: Formulation<'Conv'> = (lowering, node) => {
  const { forms } = lowering;
  const [x, w, bias] = node.inputs as readonly [Value, Value, Value | undefined];
  const y = node.outputs[0];
  const g = convGeometry(node.attributes, w.shape.slice(2));
  if (!applies(lowering, x, w, y, g)) return false;
  const relu = onlyConsumer(lowering, y);
  const fused = relu?.op === 'Relu' ? relu : undefined;
  if (fused !== undefined) lowering.skip(fused);
  const epilogue = { bias: bias && forms.plain(bias), relu: fused !== undefined };
  forms.set(fused?.outputs[0] ?? y, 'blocked', convolve(forms, x, forms.kernel(w), g, y, epilogue));
  return true;
};

/** dx = Conv(dy, w transposed and flipped), pads = dilation (kernel - 1) - pad. */
export const convGradInputByRows: Formulation<'lamella.ConvGradInput'> = (lowering, node) => {
  const { b, forms } = lowering;
  const [dy, w] = node.inputs as readonly [Value, Value];
  const dx = node.outputs[0];
  const g = convGeometry(node.attributes, w.shape.slice(2));
  const back = inputGradientGeometry(g);
  if (back === undefined || !applies(lowering, dy, w, dx, g)) return false;
  const kernel = flippedKernel(b, forms.kernel(w), forms.block);
  forms.set(dx, 'blocked', convolve(forms, dy, kernel, back, dx));
  return true;
};

function applies({ forms, winograd, graph }: Lowering, x: Value, w: Value, y: Value, g: ConvGeometry): boolean {
  const can =
    winograd !== 'never' &&
    x.shape.length === 4 &&
    g.group === 1 &&
    g.kernel[0] === 3 &&
    g.dilations[0] === 1 &&
    g.strides.every((stride) => stride === 1) &&
    tilesOf(x) > 0 &&
    forms.canBlock(x) &&
    forms.canBeKernel(w);
  return can && (winograd === 'always' || isFaster(x, w, y, graph.constants.has(w)));
}

/** The number of tiles whose rows all lie within the image. */
function tilesOf({ shape }: Value): number {
  return Math.floor((shape[2] - 2) / TILE);
}

/**
 * Products per output channel row, pixel and input channel, compared with the direct Conv. The cost of the transforms
 * in products, per channel of a pixel and per weight not known beforehand, is fitted to the table above, with a margin
 * for the gaps between kernels.
 */
function isFaster(x: Value, w: Value, y: Value, known: boolean): boolean {
  const [k, c, kh, kw] = w.shape;
  const [n, , height, width] = y.shape;
  const tiles = tilesOf(x);
  const direct = kh * kw * height;
  const edges = kh * kw * (height - tiles * TILE);
  const transforms = 90 * (1 / c + 1 / k) * height + (known ? 0 : (100 * kh * kw) / (n * width));
  return edges + POINTS * kw * tiles + transforms < 0.9 * direct;
}

interface Epilogue {
  readonly bias?: Value | undefined;
  readonly relu?: boolean;
}

/** What the parts of one convolution have in common. */
interface Work extends Epilogue {
  readonly forms: Forms;
  readonly g: ConvGeometry;
  /** Shape of x. */
  readonly shape: Shape4;
  /** x as [N C/B, H, W B]. */
  readonly rows: Value;
  /** In the layout of blocked kernels. */
  readonly kernel: Value;
  readonly outputs: number;
  readonly outWidth: number;
}

function convolve(forms: Forms, x: Value, kernel: Value, g: ConvGeometry, y: Value, epilogue: Epilogue = {}): Value {
  const { b, block } = forms;
  const shape = x.shape as Shape4;
  const [n, c, height, width] = shape;
  const [, outputs, outHeight, outWidth] = y.shape;
  const rows = b.reshape(forms.blocked(x), [(n * c) / block, height, width * block]);
  const work = { forms, g, shape, rows, kernel, outputs, outWidth, ...epilogue };
  const tiles = tilesOf(x);
  const [padTop, padBottom] = [g.padsBegin[0], g.padsEnd[0]];
  const parts: Value[] = [];
  if (padTop > 0) parts.push(edge(work, [0, 2], [padTop, 0]));
  parts.push(...strips(work, tiles));
  if (padTop + tiles * TILE < outHeight) parts.push(edge(work, [tiles * TILE, height], [0, padBottom]));
  const all = parts.length === 1 ? parts[0] : b.op('Concat', parts, { axis: 1 });
  return b.reshape(all, y.shape);
}

/**
 * A direct Conv of rows `from` (inclusive) to `to` (exclusive) of x. The result, as for all parts: rows of every
 * channel block of y.
 */
function edge(work: Work, [from, to]: Pair, [padTop, padBottom]: Pair): Value {
  const { forms, g, shape, kernel, bias, relu = false } = work;
  const { b } = forms;
  const [n, c, , width] = shape;
  const x = b.reshape(b.slice(work.rows, [from], [to], [1]), [n, c, to - from, width]);
  const made = b.op('nchwc.Conv', bias === undefined ? [x, kernel] : [x, kernel, bias], {
    kernel_shape: g.kernel,
    pads: [padTop, g.padsBegin[1], padBottom, g.padsEnd[1]],
    dilations: g.dilations,
    ...(relu && { activation: 'Relu' as const }),
  });
  return inRows(work, made, made.shape[2]);
}

/** All tiles, in strips of similar height. */
function strips(work: Work, tiles: number): readonly Value[] {
  const { b } = work.forms;
  const [n, c, height, width] = work.shape;
  const count = Math.min(tiles, Math.max(1, Math.round((4 * n * c * height * width) / STRIP_BYTES)));
  const u = transformedWeights(work);
  const bias = work.bias && atPointOne(b, work.bias);
  const start = (i: number) => Math.floor((tiles * i) / count);
  return Array.from({ length: count }, (_, i) =>
    strip(work, bias === undefined ? [u] : [u, bias], [start(i), start(i + 1)]),
  );
}

function strip(work: Work, weights: readonly Value[], [first, last]: Pair): Value {
  const { forms, g, shape, outputs: k, outWidth, relu = false } = work;
  const { b, block } = forms;
  const [n, c, height, width] = shape;
  const tiles = last - first;
  const rows = b.reshape(work.rows, [(n * c * height) / block, width * block]);
  const gathered = b.op('Gather', [rows, b.constant(rowsOfTiles(work, first, last))], { axis: 0 });
  const seen = b.reshape(gathered, [POINTS, n * c * tiles * width]);
  const v = b.op('MatMul', [b.constant(matrix(F6.input)), seen]);
  const m = b.op('nchwc.Conv', [b.reshape(v, [1, POINTS * c, n * tiles, width]), ...weights], {
    kernel_shape: [1, g.kernel[1]],
    pads: [0, g.padsBegin[1], 0, g.padsEnd[1]],
    dilations: [1, g.dilations[1]],
    group: POINTS,
  });
  const points = b.reshape(m, [POINTS, (n * k * tiles) / block, outWidth * block]);
  const back = b.constant({ ...matrix(F6.output), shape: [1, TILE, POINTS] });
  const made = b.op('microsoft.FusedMatMul', [back, points], { transBatchB: 1 });
  const apart = [k / block, n, tiles * TILE * outWidth * block];
  const ordered = inRows(work, n === 1 ? made : b.transpose(b.reshape(made, apart), [1, 0, 2]), tiles * TILE);
  return relu ? b.op('Relu', [ordered]) : ordered;
}

function inRows({ forms: { b, block }, shape: [n], outputs, outWidth }: Work, made: Value, count: number): Value {
  return b.reshape(made, [(n * outputs) / block, count, outWidth * block]);
}

/** Positions in [N C/B H] of the rows that tiles read: eight per tile, as [8][C/B][N][tiles]. */
function rowsOfTiles({ forms, shape: [n, c, height] }: Work, first: number, last: number): NdArray {
  const groups = c / forms.block;
  const index = new Int32Array(POINTS * groups * n * (last - first));
  let at = 0;
  for (let point = 0; point < POINTS; point++) {
    for (let group = 0; group < groups; group++) {
      for (let image = 0; image < n; image++) {
        for (let tile = first; tile < last; tile++) {
          index[at++] = (image * groups + group) * height + TILE * tile + point;
        }
      }
    }
  }
  return ndarray('int32', [index.length], index);
}

/** Kernels 1 x n of all eight groups, in blocked layout. */
function transformedWeights({ forms: { b, block }, kernel }: Work): Value {
  const [k, c, , kw] = kernel.shape;
  const matrices = (k * c) / block ** 2;
  const taps = b.transpose(b.reshape(kernel, [matrices, 3, kw * block ** 2]), [1, 0, 2]);
  const made = b.op('MatMul', [b.constant(matrix(F6.weights)), b.reshape(taps, [3, k * c * kw])]);
  return b.reshape(made, [POINTS * k, c, 1, kw]);
}

/** The bias of all eight groups: at the point 1 it is added to every output. */
function atPointOne(b: GraphBuilder, bias: Value): Value {
  const k = bias.shape[0];
  const zeros = (count: number) => b.constant(ndarray('float32', [count * k]));
  return b.op('Concat', [zeros(1), bias, zeros(POINTS - 2)], { axis: 0 });
}
