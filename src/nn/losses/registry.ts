/** The losses by name, as `--loss` and a run's configuration call them. To add one: a file and a row. */
import { UsageError } from '../../errors.ts';
import { crossEntropy, sigmoidCrossEntropy } from './cross-entropy.ts';
import { type DiceOptions, dice, diceCrossEntropy } from './dice.ts';
import { type FocalOptions, focal } from './focal.ts';
import type { Loss } from './loss.ts';
import { perceptronCriterion } from './perceptron.ts';

interface OptionsOf {
  // biome-ignore lint/complexity/noBannedTypes: a loss without options takes exactly the empty object
  readonly ce: {};
  // biome-ignore lint/complexity/noBannedTypes: a loss without options takes exactly the empty object
  readonly 'sigmoid-ce': {};
  readonly dice: DiceOptions;
  readonly 'dice-ce': DiceOptions;
  readonly focal: FocalOptions;
  // biome-ignore lint/complexity/noBannedTypes: a loss without options takes exactly the empty object
  readonly perceptron: {};
}

export type LossName = keyof OptionsOf;
/** A loss in JSON: `{ name: 'focal', gamma: 1.5 }`. */
export type LossSpec = { [N in LossName]: { readonly name: N } & OptionsOf[N] }[LossName];

interface Row<N extends LossName> {
  readonly make: (options: OptionsOf[N]) => Loss;
  /** One sentence for `--help`. */
  readonly summary: string;
}

export const LOSSES: { readonly [N in LossName]: Row<N> } = {
  ce: { make: crossEntropy, summary: 'softmax cross entropy (sigmoid for a single output)' },
  'sigmoid-ce': { make: sigmoidCrossEntropy, summary: 'sigmoid cross entropy of each class by itself' },
  dice: { make: dice, summary: 'soft Dice' },
  'dice-ce': { make: diceCrossEntropy, summary: 'soft Dice plus cross entropy' },
  perceptron: { make: perceptronCriterion, summary: "Rosenblatt's rule: only what is wrong counts" },
  focal: { make: focal, summary: 'focal loss: easy pixels count less' },
};

/**
 * The loss of a specification.
 * @throws UsageError when there is none of that name.
 */
export function lossOf(spec: LossSpec): Loss {
  const row = LOSSES[spec.name] as Row<LossName> | undefined;
  if (row === undefined) {
    throw new UsageError(`Unknown loss '${spec.name}'.`, {
      remedy: `Use one of ${Object.keys(LOSSES).join(', ')}.`,
    });
  }
  return row.make(spec);
}
