/**
 * The optimizers by name, as used by `--optimizer` and a run's configuration. To add one: its file, and its line here.
 */
import { unknownName } from '../../errors.ts';
import { adam, adamW } from './adam.ts';
import type { Optimizer } from './optimizer.ts';
import { sgd } from './sgd.ts';

interface Row {
  /** Creates the optimizer from the options in its specification. */
  readonly make: (options: never) => Optimizer;
  /** The options if only a name is given. */
  readonly options: object;
  /** A base learning rate that works for segmentation with batches of a few images. */
  readonly learningRate: number;
  /** One sentence for `--help`. */
  readonly summary: string;
}

export const OPTIMIZERS = {
  sgd: {
    make: sgd,
    options: { momentum: 0.9, nesterov: true },
    learningRate: 0.01,
    summary: 'stochastic gradient descent with (Nesterov) momentum',
  },
  adam: {
    make: adam,
    options: { weightDecay: 0 },
    learningRate: 1e-3,
    summary: 'Adam, weight decay in the gradient',
  },
  adamw: {
    make: adamW,
    options: { weightDecay: 0.01 },
    learningRate: 1e-3,
    summary: 'Adam with decoupled weight decay',
  },
} as const satisfies { readonly [name: string]: Row };

export type OptimizerName = keyof typeof OPTIMIZERS;
type OptionsOf<M> = M extends (options: infer O) => Optimizer ? O : never;
/** An optimizer in JSON: `{ name: 'sgd', momentum: 0.99 }`. */
export type OptimizerSpec = {
  [N in OptimizerName]: { readonly name: N } & OptionsOf<(typeof OPTIMIZERS)[N]['make']>;
}[OptimizerName];

/** The optimizer of a specification. @throws UsageError if the name is unknown. */
export function optimizerOf(spec: OptimizerSpec): Optimizer {
  if (!Object.hasOwn(OPTIMIZERS, spec.name)) throw unknownName('optimizer', spec.name, OPTIMIZERS);
  return (OPTIMIZERS[spec.name].make as (options: OptimizerSpec) => Optimizer)(spec);
}
