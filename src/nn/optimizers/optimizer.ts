/**
 * The interface of an optimizer: a pure function that appends the update of all parameters to a graph. Its state is a
 * fixed number of slots per parameter, each of the parameter's shape and initially 0.
 */
import type { Value } from '../../graph/ir.ts';
import type { Build } from '../../graph/op-row.ts';

export interface Trained {
  readonly value: Value;
  readonly gradient: Value;
  /** Whether weight decay applies. */
  readonly decay: boolean;
  /** The state of this parameter, in the order of `Optimizer.slots`. */
  readonly slots: readonly Value[];
}

export interface Updated {
  readonly value: Value;
  readonly slots: readonly Value[];
}

export interface Optimizer {
  /** Names of the slots, such as `momentum`. */
  readonly slots: readonly string[];
  /**
   * The next value and state of every parameter.
   * @param learningRate float32 [].
   * @param step float32 []: 1 in the first step.
   */
  updateAll(b: Build, parameters: readonly Trained[], learningRate: Value, step: Value): readonly Updated[];
}

/** gradient + rate * value where weight decay applies: the gradient of rate/2 |value|^2 added to the loss. */
export function withL2(b: Build, { value, gradient, decay }: Trained, rate: number): Value {
  return decay && rate !== 0 ? b.add(gradient, b.mul(b.scalar(rate), value)) : gradient;
}
