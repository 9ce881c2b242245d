import type { Graph, Node, Value } from '../../graph/ir.ts';

/**
 * Lets the node that computes an output write it directly, without an Identity: ONNX Runtime removes such an Identity
 * only if nothing else reads the value, and otherwise copies the tensor.
 */
export function nameOutputs(graph: Graph): Graph {
  const outputs = new Set(graph.outputs);
  const made = new Set(graph.nodes.filter(({ op }) => op !== 'Identity').flatMap((node) => node.outputs));
  const renamed = new Map<Value, Value>();
  const dropped = new Set<Node>();
  for (const node of graph.nodes) {
    const [source, output] = [node.inputs[0], node.outputs[0]];
    if (node.op !== 'Identity' || source === undefined || output === undefined) continue;
    if (!outputs.has(output) || outputs.has(source) || !made.has(source) || renamed.has(source)) continue;
    renamed.set(source, output);
    dropped.add(node);
  }
  const rename = (value: Value): Value => renamed.get(value) ?? value;
  const nodes = graph.nodes
    .filter((node) => !dropped.has(node))
    .map((node) => ({
      ...node,
      inputs: node.inputs.map((value) => (value === undefined ? undefined : rename(value))),
      outputs: node.outputs.map(rename),
    }));
  return { ...graph, nodes };
}
