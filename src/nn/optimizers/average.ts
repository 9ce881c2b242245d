import type { Value } from '../../graph/ir.ts';
import type { Build } from '../../graph/op-row.ts';

/**
 * Exponential moving average of the weights, a' = a + (1 - d) (w' - a), with d = min(decay, (1 + t) / (10 + t)), so
 * that the first steps are forgotten quickly. The average starts at the initial weights.
 */
export function movingAverage(
  b: Build,
  averages: readonly Value[],
  weights: readonly Value[],
  step: Value,
  decay: number,
): Value[] {
  const warm = b.div(b.add(step, b.scalar(1)), b.add(step, b.scalar(10)));
  const fresh = b.sub(b.scalar(1), b.op('Min', [b.scalar(decay), warm]));
  return averages.map((average, i) => b.add(average, b.mul(fresh, b.sub(weights[i], average))));
}
