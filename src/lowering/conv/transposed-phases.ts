/**
 * The transposed convolution with kernel 4, stride 2, pad 1 or 2 and known weights: the output pixels fall into four phases
 * by the parity of their row and column, and each phase is a 2x2 convolution of x. In blocks of channels:
 *
 *   one Conv, the phases as channels, x padded by 1       [N][4][K/B][h + 1][w + 1][B]
 *   a Gather of pieces of B floats puts them in order     [N][K/B][h][2][w][2][B]
 *
 * Along each axis y[2m] = W3 x[m - 1] + W1 x[m] and y[2m + 1] = W2 x[m] + W0 x[m + 1], so odd rows and columns begin
 * one pixel later. With pad 2 the first row or column is not there, and x is not padded. The extra row and column per phase cost less than four Convs and a Concat (4 of 220 ms). Gather,
 * because ONNX Runtime's Transpose, equally fast on one thread, is single-threaded. Timings: of-upsampled.ts, which
 * creates these convolutions.
 */
import { elementCount, float32, type NdArray, ndarray, type Shape4 } from '../../array/ndarray.ts';
import type { Value } from '../../graph/ir.ts';
import { convGeometry } from '../../graph/ops/convolution.ts';
import type { Formulation } from '../context.ts';
import { packKernel } from '../layouts/forms.ts';

/** Taps of W that a phase uses, in the order of x. */
const TAPS = [
  [3, 1],
  [2, 0],
] as const;

export const upConvByPhases: Formulation<'ConvTranspose'> = ({ b, forms, graph }, node) => {
  const [x, w, bias] = node.inputs as readonly [Value, Value, Value | undefined];
  const y = node.outputs[0];
  const g = convGeometry(node.attributes, w.shape.slice(2));
  const weights = graph.constants.get(w);
  const applies =
    weights !== undefined &&
    x.shape.length === 4 &&
    g.group === 1 &&
    g.kernel.every((n) => n === 4) &&
    g.strides.every((n) => n === 2) &&
    g.dilations.every((n) => n === 1) &&
    [...g.padsBegin, ...g.padsEnd].every((n) => n === 1 || n === 2) &&
    (node.attributes.output_padding ?? []).every((n) => n === 0);
  if (!applies || !forms.canBlock(x) || !forms.canBeKernel(w)) return false;
  const { block } = forms;
  const [n, k, rows, columns] = y.shape as Shape4;
  const [top, left] = g.padsBegin as readonly [number, number];
  const pads = [...g.padsBegin, ...g.padsEnd].map((pad) => 2 - pad);
  const kernel = b.constant(packKernel(weightsOfPhases(weights), block));
  const inputs = [forms.blocked(x), kernel];
  if (bias !== undefined) inputs.push(b.op('Concat', Array<Value>(4).fill(forms.plain(bias)), { axis: 0 }));
  const phases = b.op('nchwc.Conv', inputs, { kernel_shape: [2, 2], pads });
  const pieces = b.reshape(phases, [elementCount(phases.shape) / block, block]);
  const order = b.constant(inOrder([n, k / block, rows, columns], phases.shape as Shape4, [top - 1, left - 1]));
  forms.set(y, 'blocked', b.reshape(b.op('Gather', [pieces, order], { axis: 0 }), y.shape));
  return true;
};

/** The weights [4 K, C, 2, 2] of all phases from W [C, K, 4, 4]. */
function weightsOfPhases({ shape, data }: NdArray): NdArray {
  const [c, k] = shape as readonly [number, number];
  const phases = float32([4 * k, c, 2, 2]);
  let at = 0;
  for (let phase = 0; phase < 4; phase++) {
    const [row, column] = [phase >> 1, phase & 1];
    const taps = [0, 1, 2, 3].map((i) => 4 * (TAPS[row]?.[i >> 1] as number) + (TAPS[column]?.[i & 1] as number));
    for (let i = 0; i < k; i++) {
      for (let j = 0; j < c; j++) for (const tap of taps) phases.data[at++] = data[(j * k + i) * 16 + tap] as number;
    }
  }
  return phases;
}

/**
 * The position of each piece of y [N][maps][rows][columns] among the phases [N][phase][maps][h][w].
 * @param start the rows and columns that a y with all of them has before
 */
function inOrder(
  [n, maps, rows, columns]: Shape4,
  [, , height, width]: Shape4,
  [top, left]: readonly [number, number],
): NdArray {
  const order = new Int32Array(n * maps * rows * columns);
  let at = 0;
  for (let image = 0; image < n; image++) {
    for (let map = 0; map < maps; map++) {
      for (let y = top; y < top + rows; y++) {
        for (let x = left; x < left + columns; x++) {
          const plane = (4 * image + 2 * (y & 1) + (x & 1)) * maps + map;
          order[at++] = (plane * height + ((y + 1) >> 1) - top) * width + ((x + 1) >> 1) - left;
        }
      }
    }
  }
  return ndarray('int32', [order.length], order);
}
