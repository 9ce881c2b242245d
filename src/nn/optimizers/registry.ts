/** The optimizers by name, as `--optimizer` and a run's configuration call them. To add one: a file and a row. */
import { UsageError } from '../../errors.ts';
import { type AdamOptions, adam, adamW } from './adam.ts';
import type { Optimizer } from './optimizer.ts';
import { type SgdOptions, sgd } from './sgd.ts';

interface OptionsOf {
  readonly sgd: SgdOptions;
  readonly adam: AdamOptions;
  readonly adamw: AdamOptions;
}

export type OptimizerName = keyof OptionsOf;
/** An optimizer in JSON: `{ name: 'sgd', momentum: 0.99 }`. */
export type OptimizerSpec = { [N in OptimizerName]: { readonly name: N } & OptionsOf[N] }[OptimizerName];

interface Row<N extends OptimizerName> {
  readonly make: (options: OptionsOf[N]) => Optimizer;
  /** A base learning rate that works for segmentation with batches of a few images. */
  readonly learningRate: number;
  /** One sentence for `--help`. */
  readonly summary: string;
}

export const OPTIMIZERS: { readonly [N in OptimizerName]: Row<N> } = {
  sgd: { make: sgd, learningRate: 0.01, summary: 'stochastic gradient descent with (Nesterov) momentum' },
  adam: { make: adam, learningRate: 1e-3, summary: 'Adam, weight decay in the gradient' },
  adamw: { make: adamW, learningRate: 1e-3, summary: 'Adam with decoupled weight decay' },
};

/**
 * The optimizer of a specification.
 * @throws UsageError when there is none of that name.
 */
export function optimizerOf(spec: OptimizerSpec): Optimizer {
  const row = OPTIMIZERS[spec.name] as Row<OptimizerName> | undefined;
  if (row === undefined) {
    throw new UsageError(`Unknown optimizer '${spec.name}'.`, {
      remedy: `Use one of ${Object.keys(OPTIMIZERS).join(', ')}.`,
    });
  }
  return row.make(spec);
}
