/** Between a network that is trained (parameters are inputs) and one that is used (they are constants). */
import type { NdArray } from '../array/ndarray.ts';
import { GraphError } from '../errors.ts';
import type { OpName } from './attributes.ts';
import { describeValue, type Graph, type Node, type Value } from './ir.ts';

/** Inputs of an op that may be trained; of ops not listed, none. */
const TRAINABLE: { readonly [K in OpName]?: readonly number[] } = {
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gemm: [0, 1, 2],
  MatMul: [0, 1],
  // Mean and variance (3 and 4) are statistics.
  BatchNormalization: [1, 2],
  InstanceNormalization: [1, 2],
};
/** Elementwise operands: a bias or a scale of each channel, but no lone number. */
const ELEMENTWISE: ReadonlySet<OpName> = new Set<OpName>(['Add', 'Sub', 'Mul', 'Div']);
/** What stands between a stored weight and its use. */
const PASSING: ReadonlySet<OpName> = new Set<OpName>([
  'Identity',
  'Transpose',
  'Reshape',
  'Unsqueeze',
  'Squeeze',
  'Cast',
]);

function isFloat({ dtype }: Value): boolean {
  return dtype === 'float32' || dtype === 'float64' || dtype === 'float16';
}

function trains(node: Node, position: number, value: Value): boolean {
  if (TRAINABLE[node.op]?.includes(position)) return true;
  return ELEMENTWISE.has(node.op) && value.shape.some((n) => n > 1);
}

/** The constants of a graph that fine-tuning would change: kernels, biases, scales of normalisation. */
export function parametersOf(graph: Graph): readonly Value[] {
  const source = new Map<Value, Value>();
  for (const value of graph.constants.keys()) if (isFloat(value)) source.set(value, value);
  const trained = new Set<Value>();
  for (const node of graph.nodes) {
    node.inputs.forEach((value, i) => {
      const constant = value && source.get(value);
      if (constant === undefined) return;
      if (trains(node, i, constant)) trained.add(constant);
      else if (i === 0 && PASSING.has(node.op)) source.set(node.outputs[0], constant);
    });
  }
  return [...graph.constants.keys()].filter((value) => trained.has(value));
}

/**
 * The same graph with constants made inputs, after its other inputs and in the order of `names`: what
 * training needs. Values stay the same objects, so `gradient` takes them.
 * @throws GraphError when a name is no constant of the graph.
 *
 * @example
 * const { graph, values } = constantsToInputs(read, parametersOf(read).map(({ name }) => name));
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
 * The same graph with inputs made constants: the trained network as it is exported.
 * @throws GraphError when a name is no input, or its content has another shape or dtype.
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
