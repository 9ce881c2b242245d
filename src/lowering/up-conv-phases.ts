/**
 * The transposed convolution of kernel 4, stride 2 and pad 1 with known weights: the pixels of the result fall into four
 * phases by whether their row and column are even, and each phase is a 2x2 convolution of x. In blocks of channels:
 *
 *   four Convs                                            [phase][N][K/B][h][w][B]
 *   a Gather of pieces of B floats puts them in order     [N][K/B][h][2][w][2][B]
 *
 * Along each axis y[2m] = W3 x[m - 1] + W1 x[m] and y[2m + 1] = W2 x[m] + W0 x[m + 1]. Gather, because ONNX Runtime's
 * Transpose, as fast on one thread, uses one only. Times: conv-of-upsampled.ts, which makes these.
 */
import { float32, type NdArray, ndarray } from '../array/ndarray.ts';
import type { Value } from '../graph/ir.ts';
import { convGeometry } from '../graph/ops/convolution.ts';
import type { Formulation } from './context.ts';
import { packKernel } from './forms.ts';

type Four = readonly [number, number, number, number];

/** Taps of W that a phase uses, in the order of x. */
const TAPS = [
  [3, 1],
  [2, 0],
] as const;

export const upConvByPhases: Formulation<'ConvTranspose'> = ({ b, forms, graph }, node) => {
  const [x, w, bias] = node.inputs as readonly [Value, Value, Value | undefined];
  const y = node.outputs[0] as Value;
  const g = convGeometry(node.attributes, w.shape.slice(2));
  const weights = graph.constants.get(w);
  const applies =
    weights !== undefined &&
    x.shape.length === 4 &&
    g.group === 1 &&
    g.kernel.every((n) => n === 4) &&
    g.strides.every((n) => n === 2) &&
    [...g.dilations, ...g.padsBegin, ...g.padsEnd].every((n) => n === 1) &&
    (node.attributes.output_padding ?? []).every((n) => n === 0);
  if (!applies || !forms.canBlock(x) || !forms.canBeKernel(w)) return false;
  const { block } = forms;
  const [n, , height, width] = x.shape as Four;
  const k = y.shape[1] as number;
  const phases = [0, 1].flatMap((row) =>
    [0, 1].map((column) => {
      const kernel = b.constant(packKernel(phaseOf(weights, row, column), block));
      const inputs = [forms.blocked(x), kernel];
      if (bias !== undefined) inputs.push(forms.plain(bias));
      return b.op('nchwc.Conv', inputs, { kernel_shape: [2, 2], pads: [1 - row, 1 - column, row, column] });
    }),
  );
  const pieces = b.reshape(b.op('Concat', phases, { axis: 0 }), [(4 * n * k * height * width) / block, block]);
  const order = b.constant(inOrder((n * k) / block, height, width));
  forms.set(y, 'blocked', b.reshape(b.op('Gather', [pieces, order], { axis: 0 }), y.shape));
  return true;
};

/** The weights [K, C, 2, 2] of a phase from W [C, K, 4, 4]. */
function phaseOf({ shape, data }: NdArray, row: number, column: number): NdArray {
  const [c, k] = shape as readonly [number, number];
  const phase = float32([k, c, 2, 2]);
  const taps = [0, 1, 2, 3].map((i) => 4 * (TAPS[row]?.[i >> 1] as number) + (TAPS[column]?.[i & 1] as number));
  let at = 0;
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < c; j++) for (const tap of taps) phase.data[at++] = data[(j * k + i) * 16 + tap] as number;
  }
  return phase;
}

/** Where each piece of [maps][2 h][2 w] lies in [phase][maps][h][w]. */
function inOrder(maps: number, height: number, width: number): NdArray {
  const order = new Int32Array(4 * maps * height * width);
  let at = 0;
  for (let map = 0; map < maps; map++) {
    for (let y = 0; y < 2 * height; y++) {
      for (let x = 0; x < 2 * width; x++) {
        const phase = 2 * (y & 1) + (x & 1);
        order[at++] = ((phase * maps + map) * height + (y >> 1)) * width + (x >> 1);
      }
    }
  }
  return ndarray('int32', [order.length], order);
}
