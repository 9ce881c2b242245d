/**
 * 3 x n convolutions of stride 1, and the gradient of their input, in blocks of channels by F(4, 3) along
 * the height (winograd.ts): half the multiplications, and every step but the transforms is a blocked kernel.
 *
 *   rows    six of each tile, gathered              [6][C/B][H/4][W][B]
 *   V       B' rows, one MatMul                     the same
 *   M       a Conv of six groups, kernels 1 x n     [6][K/B][H/4][W][B]
 *   y       A' M, one MatMul, rows put in order     [K/B][H][W][B]
 *
 * Only along the height, because there rows are moved whole; both ways (a quarter of the multiplications)
 * V and M grow 2.25 times instead of 1.5 and are moved in pieces of B floats, which took longer. ms,
 * minimum of 25, ONNX Runtime 1.30, Xeon with AVX-512:
 *
 *   C -> K, side     threads   direct   by rows
 *   64 -> 64, 128          1     7.82      6.64
 *   64 -> 64, 128          2     3.9       3.76
 *   128 -> 128, 64         1     7.69      5.03
 *   128 -> 128, 64         2     3.7       2.83
 *   256 -> 256, 32         1     6.88      5.23
 *   512 -> 512, 16         1     8.9      11.6   (transforming the weights costs more than it saves)
 *
 * Largest error relative to the largest value: 1.0e-6 to 1.3e-6 on normal random numbers.
 */
import { ndarray } from '../array/ndarray.ts';
import type { GraphBuilder } from '../graph/builder.ts';
import type { Value } from '../graph/ir.ts';
import { type ConvGeometry, convGeometry } from '../graph/ops/convolution.ts';
import { type Formulation, type Lowering, onlyConsumer } from './context.ts';
import type { Forms } from './forms.ts';
import { flippedKernel } from './kernel-layouts.ts';
import { F4, matrix } from './winograd.ts';

const { tile: TILE, points: POINTS } = F4;

type Four = readonly [number, number, number, number];

/** Conv, with its bias and a ReLU that alone reads it. */
export const convByRows: Formulation<'Conv'> = (lowering, node) => {
  const { b, forms } = lowering;
  const [x, w, bias] = node.inputs as readonly [Value, Value, Value | undefined];
  const y = node.outputs[0] as Value;
  const g = convGeometry(node.attributes, w.shape.slice(2));
  if (!applies(lowering, x, w, y, g)) return false;
  const relu = onlyConsumer(lowering, y);
  const fused = relu?.op === 'Relu' ? relu : undefined;
  const made = convolve(forms, x, forms.kernel(w), g, y, bias && forms.plain(bias));
  if (fused !== undefined) lowering.skip(fused);
  forms.set(
    (fused?.outputs[0] as Value | undefined) ?? y,
    'blocked',
    fused === undefined ? made : b.op('Relu', [made]),
  );
  return true;
};

/** dx = Conv(dy, w transposed and flipped), pads = dilation (kernel - 1) - pad. */
export const convGradInputByRows: Formulation<'lamella.ConvGradInput'> = (lowering, node) => {
  const { b, forms } = lowering;
  const [dy, w] = node.inputs as readonly [Value, Value];
  const dx = node.outputs[0] as Value;
  const g = convGeometry(node.attributes, w.shape.slice(2));
  const mirrored = (pads: readonly number[]) =>
    pads.map((pad, i) => (g.dilations[i] as number) * ((g.kernel[i] as number) - 1) - pad);
  const back = { ...g, padsBegin: mirrored(g.padsBegin), padsEnd: mirrored(g.padsEnd) };
  if ([...back.padsBegin, ...back.padsEnd].some((pad) => pad < 0) || !applies(lowering, dy, w, dx, g)) return false;
  const kernel = flippedKernel(b, forms.kernel(w), forms.block);
  forms.set(dx, 'blocked', convolve(forms, dy, kernel, back, dx, undefined));
  return true;
};

function applies({ forms, winograd, graph }: Lowering, x: Value, w: Value, y: Value, g: ConvGeometry): boolean {
  const can =
    winograd !== 'nowhere' &&
    x.shape.length === 4 &&
    g.group === 1 &&
    g.kernel[0] === 3 &&
    g.dilations[0] === 1 &&
    g.strides.every((stride) => stride === 1) &&
    forms.canBlock(x) &&
    forms.canBeKernel(w);
  return can && (winograd === 'everywhere' || isFaster(w, y, graph.constants.has(w)));
}

/**
 * Products saved, a pixel and pair of channels, against what the transforms cost, in products: of a pixel's
 * channels, and of a weight where it is not known beforehand. From the table above, with a margin of a quarter.
 */
function isFaster(w: Value, y: Value, known: boolean): boolean {
  const [k, c, kh, kw] = w.shape as Four;
  const [n, , height, width] = y.shape as Four;
  const saved = (kh * kw) / 2;
  const transforms = 120 * (1 / c + 1 / k) + (known ? 0 : (245 * kh * kw) / (n * height * width));
  return saved > 1.25 * transforms;
}

function convolve(forms: Forms, x: Value, kernel: Value, g: ConvGeometry, y: Value, bias: Value | undefined): Value {
  const { b, block } = forms;
  const [n, c, height, width] = x.shape as Four;
  const [, k, outHeight, outWidth] = y.shape as Four;
  const kw = g.kernel[1] as number;
  const tiles = Math.ceil(outHeight / TILE);

  const matrices = (k * c) / block ** 2;
  const weights = b.op('MatMul', [b.constant(matrix(F4.weights)), b.reshape(kernel, [matrices, 3, kw * block ** 2])]);
  const u = b.reshape(b.transpose(weights, [1, 0, 2]), [POINTS * k, c, 1, kw]);

  const rows = b.reshape(forms.blocked(x), [(n * c * height) / block, width * block]);
  const gathered = gatherTiles(b, rows, [n, c / block, height], tiles, g.padsBegin[0] as number);
  const v = b.op('MatMul', [
    b.constant(matrix(F4.input)),
    b.reshape(gathered, [n, POINTS, (c / block) * tiles * width * block]),
  ]);

  const inputs = [b.reshape(v, [n, POINTS * c, tiles, width]), u];
  if (bias !== undefined) inputs.push(atPointOne(b, bias));
  const m = b.op('nchwc.Conv', inputs, {
    kernel_shape: [1, kw],
    pads: [0, g.padsBegin[1] as number, 0, g.padsEnd[1] as number],
    dilations: [1, g.dilations[1] as number],
    group: POINTS,
  });

  const groups = (k / block) * tiles;
  const outputs = b.op('MatMul', [b.constant(matrix(F4.output)), b.reshape(m, [n, POINTS, groups * outWidth * block])]);
  const inOrder = b.transpose(b.reshape(outputs, [n, TILE, groups, outWidth * block]), [0, 2, 1, 3]);
  if (tiles * TILE === outHeight) return b.reshape(inOrder, y.shape);
  const tall = b.reshape(inOrder, [(n * k) / block, tiles * TILE, outWidth * block]);
  return b.reshape(b.slice(tall, [0], [outHeight], [1]), y.shape);
}

/** Six rows of each tile, as [N][6][C/B][tiles][row]; rows above and below the image are zeros. */
function gatherTiles(
  b: GraphBuilder,
  rows: Value,
  [n, groups, height]: readonly [number, number, number],
  tiles: number,
  padTop: number,
): Value {
  const index = new BigInt64Array(n * POINTS * groups * tiles);
  const zeroRow = n * groups * height;
  let at = 0;
  let outside = false;
  for (let image = 0; image < n; image++) {
    for (let point = 0; point < POINTS; point++) {
      for (let group = 0; group < groups; group++) {
        for (let tile = 0; tile < tiles; tile++) {
          const row = TILE * tile - padTop + point;
          const inside = row >= 0 && row < height;
          outside ||= !inside;
          index[at++] = BigInt(inside ? (image * groups + group) * height + row : zeroRow);
        }
      }
    }
  }
  const zeros = b.constant(ndarray('float32', [1, rows.shape[1] as number]));
  const source = outside ? b.op('Concat', [rows, zeros], { axis: 0 }) : rows;
  return b.op('Gather', [source, b.constant(ndarray('int64', [index.length], index))], { axis: 0 });
}

/** The bias of all six groups: at the point 1 it is added to every output. */
function atPointOne(b: GraphBuilder, bias: Value): Value {
  const k = bias.shape[0] as number;
  const zeros = (count: number) => b.constant(ndarray('float32', [count * k]));
  return b.op('Concat', [zeros(1), bias, zeros(POINTS - 2)], { axis: 0 });
}
