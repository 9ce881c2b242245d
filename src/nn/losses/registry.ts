/** The losses by name, as used by `--loss` and a run's configuration. To add one: its file, and its line here. */
import { unknownName } from '../../errors.ts';
import { crossEntropy, sigmoidCrossEntropy } from './cross-entropy.ts';
import { dice, diceCrossEntropy } from './dice.ts';
import { focal } from './focal.ts';
import type { Loss } from './loss.ts';
import { perceptronCriterion } from './perceptron.ts';

interface Row {
  /** Creates the loss from the options in its specification. */
  readonly make: (options: never) => Loss;
  /** One sentence for `--help`. */
  readonly summary: string;
  /** Whether it is a weighted mean over the images, so that the loss of a batch is the mean over its parts. */
  readonly mean: boolean;
}

export const LOSSES = {
  ce: { make: crossEntropy, mean: true, summary: 'softmax cross entropy (sigmoid for a single output)' },
  'sigmoid-ce': { make: sigmoidCrossEntropy, mean: true, summary: 'sigmoid cross entropy of each class by itself' },
  dice: { make: dice, mean: false, summary: 'soft Dice' },
  'dice-ce': { make: diceCrossEntropy, mean: false, summary: 'soft Dice plus cross entropy' },
  focal: { make: focal, mean: true, summary: 'focal loss: easy pixels count less' },
  perceptron: { make: perceptronCriterion, mean: true, summary: "Rosenblatt's rule: only what is wrong counts" },
} as const satisfies { readonly [name: string]: Row };

export type LossName = keyof typeof LOSSES;
type OptionsOf<M> = M extends (options: infer O) => Loss ? O : never;
/** A loss in JSON: `{ name: 'focal', gamma: 1.5 }`. */
export type LossSpec = {
  [N in LossName]: { readonly name: N } & OptionsOf<(typeof LOSSES)[N]['make']>;
}[LossName];

/** The loss of a specification. @throws UsageError if the name is unknown. */
export function lossOf(spec: LossSpec): Loss {
  if (!Object.hasOwn(LOSSES, spec.name)) throw unknownName('loss', spec.name, LOSSES);
  return (LOSSES[spec.name].make as (options: LossSpec) => Loss)(spec);
}
