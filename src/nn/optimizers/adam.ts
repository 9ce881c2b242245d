import type { Value } from '../../graph/ir.ts';
import type { Build } from '../../graph/op-row.ts';
import { type Optimizer, type Trained, type Updated, withL2 } from './optimizer.ts';

export interface AdamOptions {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  /** lambda, on kernels. Default 0 for Adam, 0.01 for AdamW. */
  readonly weightDecay?: number;
}

/**
 * Adam (Kingma & Ba 2015), as torch.optim.Adam; weight decay is added to the gradient:
 *
 *     m' = b1 m + (1 - b1) g;   v' = b2 v + (1 - b2) g^2
 *     w' = w - lr (m' / (1 - b1^t)) / (sqrt(v' / (1 - b2^t)) + epsilon)
 */
export function adam({ weightDecay = 0, ...options }: AdamOptions = {}): Optimizer {
  return {
    slots: SLOTS,
    updateAll: (b, parameters, learningRate, step) => {
      const scalars = scalarsOf(b, learningRate, step, options);
      return parameters.map((parameter) =>
        update(b, { ...parameter, gradient: withL2(b, parameter, weightDecay) }, scalars, parameter.value),
      );
    },
  };
}

/**
 * AdamW (Loshchilov & Hutter 2019), as torch.optim.AdamW: weight decay is applied to the weight itself, w' = (1 - lr
 * lambda) w - (Adam's step).
 */
export function adamW({ weightDecay = 0.01, ...options }: AdamOptions = {}): Optimizer {
  return {
    slots: SLOTS,
    updateAll: (b, parameters, learningRate, step) => {
      const scalars = scalarsOf(b, learningRate, step, options);
      const kept = b.sub(b.scalar(1), b.mul(learningRate, b.scalar(weightDecay)));
      return parameters.map((parameter) => {
        const decays = parameter.decay && weightDecay !== 0;
        return update(b, parameter, scalars, decays ? b.mul(parameter.value, kept) : parameter.value);
      });
    },
  };
}

const SLOTS = ['mean', 'square'] as const;

interface Scalars {
  readonly beta1: Value;
  readonly beta2: Value;
  readonly epsilon: Value;
  readonly rate: Value;
}

/**
 * The slots store M = m / (1 - b1) and V = v / (1 - b2), which saves two passes over every parameter:
 *
 *     M' = b1 M + g;   V' = b2 V + g^2;   w' = w - rate M' / (sqrt(V') + e)
 *     c = sqrt((1 - b2^t) / (1 - b2));   e = epsilon c;   rate = lr c (1 - b1) / (1 - b1^t)
 */
function scalarsOf(
  b: Build,
  learningRate: Value,
  step: Value,
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions,
): Scalars {
  const [b1, b2, one] = [b.scalar(beta1), b.scalar(beta2), b.scalar(1)];
  const correction1 = b.sub(one, b.op('Pow', [b1, step]));
  const correction2 = b.sub(one, b.op('Pow', [b2, step]));
  const c = b.op('Sqrt', [b.mul(correction2, b.scalar(1 / (1 - beta2)))]);
  return {
    beta1: b1,
    beta2: b2,
    epsilon: b.mul(b.scalar(epsilon), c),
    rate: b.div(b.mul(b.mul(learningRate, c), b.scalar(1 - beta1)), correction1),
  };
}

function update(
  b: Build,
  { gradient, slots }: Trained,
  { beta1, beta2, epsilon, rate }: Scalars,
  from: Value,
): Updated {
  const [mean, square] = slots as readonly [Value, Value];
  const nextMean = b.add(b.mul(beta1, mean), gradient);
  const nextSquare = b.add(b.mul(beta2, square), b.mul(gradient, gradient));
  const direction = b.div(nextMean, b.add(b.op('Sqrt', [nextSquare]), epsilon));
  return { value: b.sub(from, b.mul(rate, direction)), slots: [nextMean, nextSquare] };
}
