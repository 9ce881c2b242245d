/** Activations without a row of their own, composed of operations that have one. */

import type { GraphBuilder } from '../builder.ts';
import type { Value } from '../ir.ts';
import { attributeNumber, scalarLike, type Translate, textOf } from './raw-node.ts';

export const ACTIVATIONS: { readonly [type: string]: Translate } = {
  // x where x > 0, else slope x
  PRelu: (_node, { b }, [x, slope]) =>
    x && slope && b.op('Where', [b.op('Greater', [x, scalarLike(b, x, 0)]), x, b.mul(x, slope)]),
  Elu: (node, { b }, [x]) => x && elu(b, x, attributeNumber(node.attributes.alpha) ?? 1),
  Selu: (node, { b }, [x]) => {
    const { alpha, gamma } = node.attributes;
    const grown = x && elu(b, x, attributeNumber(alpha) ?? 1.6732631921768188);
    return grown && b.mul(grown, scalarLike(b, grown, attributeNumber(gamma) ?? 1.0507010221481323));
  },
  // max(0, x) + min(0, alpha (exp(x / alpha) - 1))
  Celu: (node, { b }, [x]) => {
    const alpha = attributeNumber(node.attributes.alpha) ?? 1;
    return x && b.mul(elu(b, b.div(x, scalarLike(b, x, alpha)), 1), scalarLike(b, x, alpha));
  },
  // x / (1 + |x|)
  Softsign: (_node, { b }, [x]) => x && b.div(x, b.add(b.op('Abs', [x]), scalarLike(b, x, 1))),
  ThresholdedRelu: (node, { b }, [x]) => {
    const alpha = attributeNumber(node.attributes.alpha) ?? 1;
    return x && b.op('Where', [b.op('Greater', [x, scalarLike(b, x, alpha)]), x, scalarLike(b, x, 0)]);
  },
  // max(0, min(1, alpha x + beta))
  HardSigmoid: (node, { b }, [x]) =>
    x && hardSigmoid(b, x, attributeNumber(node.attributes.alpha) ?? 0.2, attributeNumber(node.attributes.beta) ?? 0.5),
  HardSwish: (_node, { b }, [x]) => x && b.mul(x, hardSigmoid(b, x, 1 / 6, 0.5)),
  Swish: (node, { b }, [x]) =>
    x && b.mul(x, b.op('Sigmoid', [b.mul(x, scalarLike(b, x, attributeNumber(node.attributes.alpha) ?? 1))])),
  Mish: (_node, { b }, [x]) => x && b.mul(x, b.op('Tanh', [b.op('Softplus', [x])])),
  // x / 2 (1 + erf(x / sqrt 2))
  Gelu: (node, { b }, [x]) => {
    if (x === undefined) return undefined;
    if (textOf(node.attributes.approximate) === 'tanh') {
      // x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
      const cube = b.mul(scalarLike(b, x, 0.044715), b.mul(x, b.mul(x, x)));
      const tanh = b.op('Tanh', [b.mul(scalarLike(b, x, Math.sqrt(2 / Math.PI)), b.add(x, cube))]);
      return b.mul(b.mul(x, scalarLike(b, x, 0.5)), b.add(tanh, scalarLike(b, x, 1)));
    }
    const erf = b.op('Erf', [b.mul(x, scalarLike(b, x, Math.SQRT1_2))]);
    return b.mul(b.mul(x, scalarLike(b, x, 0.5)), b.add(erf, scalarLike(b, x, 1)));
  },
};

/** x where x > 0, else alpha (exp(x) - 1); the exponent is clamped at 0 so that its gradient does not overflow. */
function elu(b: GraphBuilder, x: Value, alpha: number): Value {
  const zero = scalarLike(b, x, 0);
  const decay = b.sub(b.op('Exp', [b.op('Min', [x, zero])]), scalarLike(b, x, 1));
  return b.op('Where', [b.op('Greater', [x, zero]), x, b.mul(decay, scalarLike(b, x, alpha))]);
}

function hardSigmoid(b: GraphBuilder, x: Value, alpha: number, beta: number): Value {
  const line = b.add(b.mul(x, scalarLike(b, x, alpha)), scalarLike(b, x, beta));
  return b.op('Clip', [line, scalarLike(b, x, 0), scalarLike(b, x, 1)]);
}
