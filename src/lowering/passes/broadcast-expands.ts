import type { Graph, Value } from '../../graph/ir.ts';
import { isElementwise } from '../../graph/ops/table.ts';
import { rewrite } from '../../graph/rewrite.ts';

export function broadcastExpands(graph: Graph): Graph {
  if (!graph.nodes.some(({ op }) => op === 'Expand')) return graph;
  const narrow = new Map<Value, Value>();
  return rewrite(graph, (b, node, inputs) => {
    if (node.op === 'Expand') {
      const expanded = b.op('Expand', inputs);
      narrow.set(expanded, inputs[0] as Value);
      return [expanded];
    }
    const broadcast = inputs.map((value) => value && (narrow.get(value) ?? value));
    if (!isElementwise(node.op) || broadcast.every((value, i) => value === inputs[i])) return undefined;
    const made = b.op(node.op, broadcast, node.attributes);
    // If all are Expands, one is needed, and what was created here is dropped as unused.
    return made.shape.join() === node.outputs[0]?.shape.join() ? [made] : undefined;
  });
}
