/** From the scores of the classes to their probabilities: the last part of a graph. */
import { type Graph, type OpKind, opKind, type Value } from 'lamella/graph';
import type { Activation } from 'lamella/predict';

export interface Head {
  /** The scores, [N, outputs] or [N, outputs, H, W]. */
  readonly scores: Value;
  readonly activation: Activation;
  /** The probabilities computed by the graph itself, before any calibration. */
  readonly result?: Value;
}

const WEIGHTED: ReadonlySet<OpKind> = new Set<OpKind>(['convolution', 'upconvolution', 'dense']);

/** The softmax or sigmoid after the last layer with weights; if there is none, the model's known activation. */
export function headOf({ nodes }: Graph, output: Value, activation: Activation): Head {
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    if (WEIGHTED.has(opKind(node.op))) break;
    const [scores] = node.inputs;
    const [result] = node.outputs;
    if (scores === undefined || result === undefined || scores.shape[1] !== output.shape[1]) continue;
    if (node.op === 'Softmax') return { scores, activation: 'softmax', result };
    if (node.op === 'Sigmoid') return { scores, activation: 'sigmoid', result };
  }
  return { scores: output, activation };
}

/**
 * The probabilities of `classes` classes: p_k = exp(z_k) / sum_j exp(z_j), or 1 / (1 + exp(-z)) if a single score
 * belongs to the second of two classes.
 */
export function probabilitiesOf(scores: ArrayLike<number>, { activation }: Head, classes: number): number[] {
  const list = Array.from(scores);
  if (activation === 'softmax' && list.length > 1) {
    const most = Math.max(...list);
    const powers = list.map((z) => Math.exp(z - most));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map((power) => power / sum);
  }
  const each = activation === 'none' ? list : list.map((z) => 1 / (1 + Math.exp(-z)));
  return withBoth(each, classes);
}

/** A single probability belongs to the second of two classes. */
export function withBoth(probabilities: readonly number[], classes: number): number[] {
  const [p] = probabilities;
  return probabilities.length === 1 && classes === 2 ? [1 - p, p] : [...probabilities];
}
