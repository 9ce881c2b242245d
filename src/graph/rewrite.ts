import type { Shape } from '../array/ndarray.ts';
import { GraphError } from '../errors.ts';
import { GraphBuilder } from './builder.ts';
import type { Graph, Node, Value } from './ir.ts';
import { rowOf } from './ops/table.ts';

/**
 * The replacement of a node, given its inputs in the new graph: as many values as the node has outputs, or `undefined`
 * to copy the node.
 */
export type Replacement = (
  b: GraphBuilder,
  node: Node,
  inputs: readonly (Value | undefined)[],
) => readonly Value[] | undefined;

/**
 * A new graph obtained by walking `graph` from inputs to outputs and replacing nodes. Inputs and outputs keep their
 * names. With `shapes`, inputs have other shapes and everything is inferred again.
 * @throws GraphError if the new shapes do not match some node.
 */
export function rewrite(graph: Graph, replace: Replacement, shapes: { readonly [input: string]: Shape } = {}): Graph {
  const b = new GraphBuilder(graph.name);
  const mapped = new Map<Value, Value>();
  const outputs = new Set(graph.outputs);
  for (const value of graph.inputs)
    mapped.set(value, b.input(value.name, value.dtype, shapes[value.name] ?? value.shape));
  for (const [value, array] of graph.constants) mapped.set(value, b.constant(array, value.name));
  // An output's name is reserved for the output, whichever node computes it in the new graph.
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((value) => (value === undefined ? undefined : mapped.get(value)));
    const isOutput = node.outputs.some((value) => outputs.has(value));
    // The Identity that names an output is recreated by b.output below.
    const named = node.op === 'Identity' && isOutput ? [inputs[0] as Value] : undefined;
    // The scope avoids clashes between names of new nodes and of nodes still to be copied.
    const replaced = named ?? b.scoped(node.name, () => replace(b, node, inputs));
    const values =
      replaced ??
      b.ops(node.op, inputs, node.attributes, node.outputs.length, isOutput ? `${node.name}/out` : node.name);
    node.outputs.forEach((value, i) => {
      const made = values[i];
      if (made === undefined) throw new GraphError(`The replacement of ${node.op} '${node.name}' lacks output ${i}.`);
      mapped.set(value, outputs.has(value) ? b.output(made, value.name) : made);
    });
  }
  const kept = graph.outputs.map((value) => mapped.get(value) as Value);
  return b.build(kept, graph);
}

/** The same graph for inputs of other shapes: every shape inferred again. */
export function bindShapes(graph: Graph, shapes: { readonly [input: string]: Shape }): Graph {
  return rewrite(graph, () => undefined, shapes);
}

/** The same computation in standard ONNX only: every custom op replaced by its reference decomposition. */
export function decompose(graph: Graph): Graph {
  return rewrite(graph, (b, node, inputs) => decomposeNode(b, node, inputs));
}

/** The reference decomposition of one node on the given inputs, or undefined for a standard op. */
export function decomposeNode(
  b: GraphBuilder,
  node: Node,
  inputs: readonly (Value | undefined)[],
): readonly Value[] | undefined {
  const row = rowOf(node.op);
  return row.decompose?.(b, { ...node, inputs });
}
