import { type Optimizer, withL2 } from './optimizer.ts';

export interface SgdOptions {
  /** mu, 0..1; default 0.9. With 0 no state is kept. */
  readonly momentum?: number;
  readonly nesterov?: boolean;
  /** lambda of lambda/2 |w|^2, on kernels; default 0. */
  readonly weightDecay?: number;
}

/**
 * Stochastic gradient descent with momentum, as torch.optim.SGD:
 *
 *     g = dL/dw + lambda w;   v' = mu v + g;   w' = w - lr v'          (Nesterov: w' = w - lr (g + mu v'))
 */
export function sgd({ momentum = 0.9, nesterov = false, weightDecay = 0 }: SgdOptions = {}): Optimizer {
  return {
    slots: momentum === 0 ? [] : ['momentum'],
    updateAll: (b, parameters, learningRate) =>
      parameters.map((parameter) => {
        const g = withL2(b, parameter, weightDecay);
        const [velocity] = parameter.slots;
        if (velocity === undefined) return { value: b.sub(parameter.value, b.mul(learningRate, g)), slots: [] };
        const mu = b.scalar(momentum);
        const next = b.add(b.mul(mu, velocity), g);
        const direction = nesterov ? b.add(g, b.mul(mu, next)) : next;
        return { value: b.sub(parameter.value, b.mul(learningRate, direction)), slots: [next] };
      }),
  };
}
