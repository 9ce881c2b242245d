/**
 * The gradient of a convolution's input with stride 1 as a standard Conv: weights transposed and flipped,
 * pads = dilation (kernel - 1) - pad. ConvTranspose, the reference, is two to three times slower on a CPU.
 */

import { elementCount } from '../../array/ndarray.ts';
import type { GraphBuilder } from '../../graph/builder.ts';
import type { Value } from '../../graph/ir.ts';
import { type ConvGeometry, convGeometry } from '../../graph/ops/convolution.ts';
import type { Formulation } from '../context.ts';

export const convGradInputFlipped: Formulation<'lamella.ConvGradInput'> = ({ b, forms }, node) => {
  const [dy, w] = node.inputs as readonly [Value, Value];
  const g = inputGradientGeometry(convGeometry(node.attributes, w.shape.slice(2)));
  if (g === undefined) return false;
  const made = b.op('Conv', [forms.plain(dy), flippedWeights(b, forms.plain(w), g.group)], {
    kernel_shape: g.kernel,
    pads: [...g.padsBegin, ...g.padsEnd],
    dilations: g.dilations,
    group: g.group,
  });
  forms.set(node.outputs[0], 'plain', made);
  return true;
};

/**
 * The geometry of the Conv with flipped weights that is the gradient of a convolution's input; undefined if it has strides
 * or is padded beyond its reach.
 */
export function inputGradientGeometry(g: ConvGeometry): ConvGeometry | undefined {
  const mirrored = (pads: readonly number[]) => pads.map((pad, i) => g.dilations[i] * (g.kernel[i] - 1) - pad);
  const [padsBegin, padsEnd] = [mirrored(g.padsBegin), mirrored(g.padsEnd)];
  const possible = g.strides.every((stride) => stride === 1) && [...padsBegin, ...padsEnd].every((pad) => pad >= 0);
  return possible ? { ...g, padsBegin, padsEnd } : undefined;
}

/** [K, C/group, ...] as [C, K/group, ...] with the taps reversed. */
export function flippedWeights(b: GraphBuilder, w: Value, group: number): Value {
  const [k, c, ...kernel] = w.shape as [number, number, ...number[]];
  const taps = elementCount(kernel);
  const turned = b.transpose(b.reshape(w, [group, k / group, c, taps]), [0, 2, 1, 3]);
  const reversed = b.ints(Array.from({ length: taps }, (_, i) => taps - 1 - i));
  const flipped = taps === 1 ? turned : b.op('Gather', [turned, reversed], { axis: 3 });
  return b.reshape(flipped, [c * group, k / group, ...kernel]);
}
