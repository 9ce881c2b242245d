import { GraphError } from '../errors.ts';
import { inferTypes } from './builder.ts';
import { describeValue, type Graph, type Value } from './ir.ts';

/**
 * Verifies that a graph is well formed: names are unique, every value is computed before it is used, shapes and dtypes
 * are as inferred, outputs are present.
 * @throws GraphError naming the node and the shapes.
 */
export function checkGraph(graph: Graph): void {
  const names = new Set<string>();
  const known = new Set<Value>();
  const define = (value: Value): void => {
    if (value.name === '') throw new GraphError(`A value of the graph '${graph.name}' has no name.`);
    if (names.has(value.name))
      throw new GraphError(`The name '${value.name}' is used twice in the graph '${graph.name}'.`);
    names.add(value.name);
    known.add(value);
  };
  graph.inputs.forEach(define);
  for (const [value, array] of graph.constants) {
    if (array.shape.join() !== value.shape.join() || array.dtype !== value.dtype) {
      throw new GraphError(`The constant ${describeValue(value)} holds ${array.dtype}[${array.shape.join(', ')}].`);
    }
    define(value);
  }
  for (const node of graph.nodes) {
    for (const value of node.inputs) {
      if (value !== undefined && !known.has(value)) {
        throw new GraphError(`${node.op} '${node.name}' reads ${describeValue(value)} before it is computed.`);
      }
    }
    const inferred = inferTypes(node, node.outputs.length, (value) =>
      value === undefined ? undefined : graph.constants.get(value),
    );
    node.outputs.forEach((value, i) => {
      const type = inferred[i];
      if (type === undefined) throw new GraphError(`${node.op} '${node.name}' has no output ${i}.`);
      if (type.dtype !== value.dtype || type.shape.join() !== value.shape.join()) {
        throw new GraphError(
          `${node.op} '${node.name}' (${node.inputs.map(describeValue).join(', ')}) makes ` +
            `${type.dtype}[${type.shape.join(', ')}], but is declared as ${describeValue(value)}.`,
        );
      }
      define(value);
    });
  }
  for (const value of graph.outputs) {
    if (!known.has(value)) throw new GraphError(`The output ${describeValue(value)} is never computed.`);
  }
}
