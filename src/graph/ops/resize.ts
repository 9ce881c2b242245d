/** Resize by constant scales or sizes: nearest and linear. */

import { ndarray } from '../../array/ndarray.ts';
import * as axes from '../analysis/axis-rules.ts';
import type { Graph, Node, Value } from '../ir.ts';
import { integers, type OpRow, onnxRow } from '../op-row.ts';

interface Attributes {
  readonly mode?: 'nearest' | 'linear';
  readonly coordinate_transformation_mode?: 'half_pixel' | 'asymmetric' | 'align_corners' | 'pytorch_half_pixel';
  readonly nearest_mode?: 'floor' | 'round_prefer_floor';
}

/** The attributes of each op. */
export interface Resizing {
  Resize: Attributes;
}

/** Weight of each input sample in each output sample along one axis: [outputs][inputs], row by row. */
function resizeMatrix(inputs: number, outputs: number, scale: number, attributes: Attributes): Float32Array {
  const { mode = 'nearest', coordinate_transformation_mode: transform = 'half_pixel' } = attributes;
  const matrix = new Float32Array(outputs * inputs);
  for (let o = 0; o < outputs; o++) {
    let position = o / scale;
    if (transform === 'align_corners') position = outputs === 1 ? 0 : (o * (inputs - 1)) / (outputs - 1);
    else if (transform === 'half_pixel') position = (o + 0.5) / scale - 0.5;
    else if (transform === 'pytorch_half_pixel') position = outputs > 1 ? (o + 0.5) / scale - 0.5 : 0;
    const clamp = (i: number) => Math.min(inputs - 1, Math.max(0, i));
    if (mode === 'nearest') {
      const nearest = attributes.nearest_mode === 'floor' ? Math.floor(position) : Math.ceil(position - 0.5);
      matrix[o * inputs + clamp(nearest)] = 1;
    } else {
      const low = Math.floor(position);
      const part = position - low;
      for (const [index, weight] of [
        [clamp(low), 1 - part],
        [clamp(low + 1), part],
      ] as const) {
        matrix[o * inputs + index] = matrix[o * inputs + index] + weight;
      }
    }
  }
  return matrix;
}

/** Whether this is upsampling by integer factors, in which every input sample becomes a block of equal samples. */
export function isBlockUpsampling(attributes: Attributes, scales: readonly number[]): boolean {
  const {
    mode = 'nearest',
    coordinate_transformation_mode: transform = 'half_pixel',
    nearest_mode: nearest,
  } = attributes;
  const whole = scales.every((scale) => Number.isInteger(scale) && scale >= 1);
  return (
    mode === 'nearest' && whole && (transform === 'half_pixel' || (transform === 'asymmetric' && nearest === 'floor'))
  );
}

/**
 * The factors by which a Resize repeats every pixel, [1, 1, ...]; undefined if it is another kind of resizing, or its scales
 * are computed.
 */
export function blockUpsamplingFactors(
  { constants }: Pick<Graph, 'constants'>,
  { inputs: [x, , scales], outputs: [y], attributes }: Node<'Resize'>,
): readonly number[] | undefined {
  const known = scales === undefined ? undefined : constants.get(scales);
  const factors = (x as Value).shape.map((n, i) => y.shape[i] / n);
  const given = known === undefined || known.data.length === 0 ? factors : Array.from(known.data, Number);
  const isOfPixels = factors[0] === 1 && factors[1] === 1 && given.join() === factors.join();
  return isOfPixels && isBlockUpsampling(attributes, factors) ? factors : undefined;
}

/** Scale of each axis of a Resize node, from its shapes (scales stored in the file may be rounded). */
function axisScale(x: Value, y: Value, i: number, scales: ArrayLike<number> | undefined): number {
  return scales === undefined || scales.length === 0 ? y.shape[i] / x.shape[i] : scales[i];
}

export const RESIZES: { readonly [K in keyof Resizing]: OpRow<K> } = {
  // Inputs: x, roi (absent), scales, sizes. Along each axis y = A x; so dx = A' d along each axis.
  Resize: onnxRow({
    opset: 18,
    arity: [3, 4],
    attributes: { mode: 'string', coordinate_transformation_mode: 'string', nearest_mode: 'string' },
    axes: axes.resize,
    traits: { kind: 'upsampling', known: [2, 3] },
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      if (context.node.inputs[3] !== undefined) return [{ dtype, shape: integers(context.known(3)) }];
      const scales = context.known(2).data as ArrayLike<number>;
      return [{ dtype, shape: shape.map((n, i) => Math.floor(n * scales[i])) }];
    },
    gradient: (b, node, d) => {
      const x = node.inputs[0] as Value;
      const known = node.inputs[3] === undefined ? b.constantOf(node.inputs[2]) : undefined;
      const scales = known?.data as ArrayLike<number> | undefined;
      const factors = x.shape.map((_, i) => axisScale(x, d, i, scales));
      const spatial = factors.slice(2);
      if (isBlockUpsampling(node.attributes, factors) && factors[0] === 1 && factors[1] === 1) {
        // The adjoint of repeating is summing: the mean over each block times its size.
        const mean = b.op('AveragePool', [d], { kernel_shape: spatial, strides: spatial });
        return [b.mul(mean, b.scalar(spatial.reduce((n, m) => n * m, 1)))];
      }
      let dx = d;
      for (let i = 0; i < x.shape.length; i++) {
        const [inputs, outputs] = [x.shape[i], d.shape[i]];
        if (inputs === outputs && factors[i] === 1) continue;
        const matrix = resizeMatrix(inputs, outputs, factors[i], node.attributes);
        const last = d.shape.length - 1;
        const perm = d.shape.map((_, k) => (k === i ? last : k === last ? i : k));
        const turned = i === last ? dx : b.transpose(dx, perm);
        const product = b.op('MatMul', [turned, b.constant(ndarray('float32', [outputs, inputs], matrix))]);
        dx = i === last ? product : b.transpose(product, perm);
      }
      return [dx];
    },
  }),
};
