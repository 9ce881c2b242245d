/** Normalisations without a row of their own, composed of operations that have one. */

import { elementCount } from '../../array/ndarray.ts';
import type { GraphBuilder } from '../builder.ts';
import type { Value } from '../ir.ts';
import { axesFrom } from '../op-row.ts';
import { attributeNumber, scalarLike, type Translate } from './raw-node.ts';

/** (x - mean) / sqrt(variance + epsilon) over the axes, the mean, and that root. */
function standardised(
  b: GraphBuilder,
  x: Value,
  axes: readonly number[],
  epsilon: number,
): readonly [normal: Value, mean: Value, deviation: Value] {
  const list = b.ints(axes);
  const mean = b.op('ReduceMean', [x, list], { keepdims: 1 });
  const centred = b.sub(x, mean);
  const variance = b.op('ReduceMean', [b.mul(centred, centred), list], { keepdims: 1 });
  const deviation = b.op('Sqrt', [b.add(variance, scalarLike(b, x, epsilon))]);
  return [b.div(centred, deviation), mean, deviation];
}

export const NORMALISATIONS: { readonly [type: string]: Translate } = {
  // x / its norm along the axis
  LpNormalization: (node, { b }, [x]) => {
    if (x === undefined) return undefined;
    const axes = b.ints([attributeNumber(node.attributes.axis) ?? -1]);
    const sum = (v: Value): Value => b.op('ReduceSum', [v, axes], { keepdims: 1 });
    const norm = attributeNumber(node.attributes.p) === 1 ? sum(b.op('Abs', [x])) : b.op('Sqrt', [sum(b.mul(x, x))]);
    // Zeros stay zeros.
    return b.div(x, b.op('Where', [b.op('Equal', [norm, scalarLike(b, x, 0)]), scalarLike(b, x, 1), norm]));
  },
  // x / sqrt(mean(x^2) + epsilon), scaled
  RMSNormalization: (node, { b }, [x, scale]) => {
    if (x === undefined || scale === undefined) return undefined;
    const given = attributeNumber(node.attributes.axis) ?? -1;
    const axes = b.ints(axesFrom(x, given < 0 ? given + x.shape.length : given));
    const mean = b.op('ReduceMean', [b.mul(x, x), axes], { keepdims: 1 });
    const epsilon = scalarLike(b, x, attributeNumber(node.attributes.epsilon) ?? 1e-5);
    return b.mul(b.div(x, b.op('Sqrt', [b.add(mean, epsilon)])), scale);
  },
  LayerNormalization: (node, { b }, [x, scale, bias]) => {
    if (x === undefined || scale === undefined) return undefined;
    const given = attributeNumber(node.attributes.axis) ?? -1;
    const axes = axesFrom(x, given < 0 ? given + x.shape.length : given);
    const epsilon = attributeNumber(node.attributes.epsilon) ?? 1e-5;
    const [normal, mean, deviation] = standardised(b, x, axes, epsilon);
    const scaled = b.mul(normal, scale);
    return [bias === undefined ? scaled : b.add(scaled, bias), mean, b.op('Reciprocal', [deviation])];
  },
  // Each group of channels normalised separately; one scale and bias per channel (opset 21) or per group (18)
  GroupNormalization: (node, { b, fail }, [x, scale, bias]) => {
    const groups = attributeNumber(node.attributes.num_groups);
    if (x === undefined || scale === undefined || bias === undefined || groups === undefined) return undefined;
    const [batch, channels] = x.shape as readonly [number, number];
    const size = channels / groups;
    if (!Number.isInteger(size)) fail(`${channels} channels cannot be divided into ${groups} groups.`);
    const grouped = b.reshape(x, [batch, groups, elementCount(x.shape.slice(1)) / groups]);
    const [standard] = standardised(b, grouped, [2], attributeNumber(node.attributes.epsilon) ?? 1e-5);
    const normal = b.reshape(standard, x.shape);
    const perChannel = (v: Value) => {
      const full =
        v.shape[0] === channels
          ? v
          : b.reshape(b.op('Expand', [b.reshape(v, [groups, 1]), b.ints([groups, size])]), [channels]);
      return b.reshape(full, [1, channels, ...axesFrom(x, 2).map(() => 1)]);
    };
    return b.add(b.mul(normal, perChannel(scale)), perChannel(bias));
  },
};
