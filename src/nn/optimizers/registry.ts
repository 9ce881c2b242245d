/** The optimisers by name, as `--optimizer` and a run's configuration call them. To add one: a file and a row. */
import { UsageError } from '../../errors.ts';
import { type AdamOptions, adam, adamW } from './adam.ts';
import type { Optimiser } from './optimizer.ts';
import { type SgdOptions, sgd } from './sgd.ts';

interface OptionsOf {
  readonly sgd: SgdOptions;
  readonly adam: AdamOptions;
  readonly adamw: AdamOptions;
}

export type OptimiserName = keyof OptionsOf;
/** An optimiser in JSON: `{ name: 'sgd', momentum: 0.99 }`. */
export type OptimiserSpec = { [N in OptimiserName]: { readonly name: N } & OptionsOf[N] }[OptimiserName];

interface Row<N extends OptimiserName> {
  readonly make: (options: OptionsOf[N]) => Optimiser;
  /** A base learning rate that works for segmentation with batches of a few images. */
  readonly learningRate: number;
  /** One sentence for `--help`. */
  readonly summary: string;
}

export const OPTIMISERS: { readonly [N in OptimiserName]: Row<N> } = {
  sgd: { make: sgd, learningRate: 0.01, summary: 'stochastic gradient descent with (Nesterov) momentum' },
  adam: { make: adam, learningRate: 1e-3, summary: 'Adam, weight decay in the gradient' },
  adamw: { make: adamW, learningRate: 1e-3, summary: 'Adam with decoupled weight decay' },
};

/**
 * The optimiser of a specification.
 * @throws UsageError when there is none of that name.
 */
export function optimiserOf(spec: OptimiserSpec): Optimiser {
  const row = OPTIMISERS[spec.name] as Row<OptimiserName> | undefined;
  if (row === undefined) {
    throw new UsageError(`There is no optimiser '${spec.name}'.`, {
      remedy: `Take one of ${Object.keys(OPTIMISERS).join(', ')}.`,
    });
  }
  return row.make(spec);
}
