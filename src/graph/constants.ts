/** Conversion between a network in training (parameters are inputs) and in use (they are constants). */
import type { NdArray } from '../array/ndarray.ts';
import { GraphError } from '../errors.ts';
import { describeValue, type Graph, type Node, type Value } from './ir.ts';
import { rowOf } from './ops/table.ts';

function isFloat({ dtype }: Value): boolean {
  return dtype === 'float32' || dtype === 'float64' || dtype === 'float16';
}

function trains(node: Node, position: number, value: Value): boolean {
  const { kind, trainable } = rowOf(node.op).traits;
  // A bias or a scale per channel, but not a scalar.
  return trainable.includes(position as never) && (kind !== 'arithmetic' || value.shape.some((n) => n > 1));
}

/** The constants of a graph that fine-tuning would change: kernels, biases, normalisation scales. */
export function parametersOf(graph: Graph): readonly Value[] {
  const source = new Map<Value, Value>();
  for (const value of graph.constants.keys()) if (isFloat(value)) source.set(value, value);
  const trained = new Set<Value>();
  for (const node of graph.nodes) {
    node.inputs.forEach((value, i) => {
      const constant = value && source.get(value);
      if (constant === undefined) return;
      if (trains(node, i, constant)) trained.add(constant);
      else if (i === 0 && rowOf(node.op).traits.trainable === 'through') source.set(node.outputs[0], constant);
    });
  }
  return [...graph.constants.keys()].filter((value) => trained.has(value));
}

/**
 * The same graph with constants converted to inputs, after its other inputs and in the order of `names`, for training.
 * Values stay the same objects, so they can be passed to `gradient`.
 * @throws GraphError if a name is not a constant of the graph.
 *
 * @example const { graph, values } = constantsToInputs(read, parametersOf(read).map(({ name }) => name));
 */
export function constantsToInputs(
  graph: Graph,
  names: readonly string[],
): { readonly graph: Graph; readonly values: ReadonlyMap<Value, NdArray> } {
  const byName = new Map([...graph.constants.keys()].map((value) => [value.name, value]));
  const chosen = names.map((name) => {
    const value = byName.get(name);
    if (value === undefined) throw new GraphError(`The graph '${graph.name}' has no constant '${name}'.`);
    return value;
  });
  const values = new Map(chosen.map((value) => [value, graph.constants.get(value) as NdArray]));
  const constants = new Map([...graph.constants].filter(([value]) => !values.has(value)));
  return { graph: { ...graph, inputs: [...graph.inputs, ...chosen], constants }, values };
}

/**
 * The same graph with inputs converted to constants: the trained network for export.
 * @throws GraphError if a name is not an input, or its content has another shape or dtype.
 */
export function inputsToConstants(graph: Graph, values: { readonly [input: string]: NdArray }): Graph {
  const byName = new Map(graph.inputs.map((value) => [value.name, value]));
  const constants = new Map(graph.constants);
  for (const [name, array] of Object.entries(values)) {
    const value = byName.get(name);
    if (value === undefined) throw new GraphError(`The graph '${graph.name}' has no input '${name}'.`);
    if (array.dtype !== value.dtype || array.shape.join() !== value.shape.join()) {
      throw new GraphError(`${describeValue(value)} cannot hold ${array.dtype}[${array.shape.join(', ')}].`);
    }
    constants.set(value, array);
  }
  return { ...graph, inputs: graph.inputs.filter(({ name }) => !Object.hasOwn(values, name)), constants };
}
