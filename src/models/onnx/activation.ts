/** Where the logits of a network are, and what makes probabilities of them. */

import type { Graph, Node, Value } from '../../graph/ir.ts';
import { normaliseAxis } from '../../graph/op-row.ts';

export interface Logits {
  /** Of the shape of the output. */
  readonly value: Value;
  /** What follows: a softmax over the channels, a sigmoid, or nothing. */
  readonly activation: 'softmax' | 'sigmoid' | 'none';
}

/** The axis of a softmax; that of 4-D x where an old one is over the columns of x as a matrix. */
function softmaxAxis(node: Node<'Softmax' | 'LogSoftmax'>, before: Node | undefined): number | undefined {
  const { shape } = node.inputs[0] as Value;
  const axis = normaliseAxis(node.attributes.axis ?? -1, shape.length, node.op);
  if (shape.length === 4) return axis;
  const x = before?.op === 'Reshape' ? before.inputs[0]?.shape : undefined;
  return shape.length === 2 && axis === 1 && x?.length === 4 && x[3] === shape[1] ? 3 : undefined;
}

/**
 * Looks behind an output [N, C, H, W] for the activation that exporters append, also where its axis is brought to the end
 * for it, as before opset 13.
 */
export function logitsOf(graph: Graph, output: Value): Logits {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((value) => [value, node] as const)));
  let value = output;
  let activation: Logits['activation'] = 'none';
  /** Axis of `value` that each axis of the output is. */
  let axes: readonly number[] = [0, 1, 2, 3];
  let found: Logits = { value: output, activation };
  for (let node = makers.get(value); node !== undefined; node = makers.get(value)) {
    const [x] = node.inputs as readonly [Value];
    if (node.op === 'Transpose' && value.shape.length === 4) {
      const perm = (node as Node<'Transpose'>).attributes.perm ?? [3, 2, 1, 0];
      axes = axes.map((axis) => perm[axis] as number);
    } else if ((node.op === 'Softmax' || node.op === 'LogSoftmax') && activation === 'none') {
      const over = softmaxAxis(node as Node<'Softmax'>, makers.get(x));
      if (over === undefined || axes[1] !== over) break;
      activation = 'softmax';
    } else if (node.op === 'Sigmoid' && activation === 'none') activation = 'sigmoid';
    else if (node.op !== 'Identity' && node.op !== 'Reshape') break;
    value = x;
    const isPlain = axes.every((axis, i) => axis === i) && value.shape.join() === output.shape.join();
    if (activation !== 'none' && isPlain) found = { value, activation };
  }
  return found;
}
