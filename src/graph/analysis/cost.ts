/** The cost of a graph: MACs, parameters, memory. */
import { bytesPer, elementCount } from '../../array/ndarray.ts';
import { parametersOf } from '../constants.ts';
import type { Graph, Node, Value } from '../ir.ts';
import { rowOf } from '../ops/table.ts';

export interface NodeCost {
  readonly node: Node;
  /** MACs of convolutions and matrix products; 0 for everything else. */
  readonly macs: number;
  /** Number of trainable parameters that this node is the first to use. */
  readonly parameters: number;
  /** Bytes of its outputs. */
  readonly activationBytes: number;
}

export interface GraphCost {
  readonly nodes: readonly NodeCost[];
  readonly macs: number;
  readonly parameters: number;
  /** Bytes of all results together: an upper bound of what training keeps for the backward pass. */
  readonly activationBytes: number;
  /** Peak memory in bytes if every result is freed after its last use. */
  readonly peakBytes: number;
}

function bytesOf({ dtype, shape }: Value): number {
  return elementCount(shape) * bytesPer(dtype);
}

/**
 * Peak of the memory of a graph's results if every result is freed after its last use; inputs are held all the time.
 * @param sizeOf bytes of a value; default: of its elements
 */
export function peakOfResults(graph: Graph, sizeOf: (value: Value) => number = bytesOf): number {
  const lastUse = new Map<Value, number>();
  graph.nodes.forEach((node, i) => {
    for (const value of node.inputs) if (value !== undefined) lastUse.set(value, i);
  });
  for (const value of graph.outputs) lastUse.set(value, graph.nodes.length);
  let live = graph.inputs.reduce((sum, value) => sum + sizeOf(value), 0);
  let peak = live;
  const made = new Set<Value>();
  for (const [i, node] of graph.nodes.entries()) {
    for (const value of node.outputs) {
      live += sizeOf(value);
      made.add(value);
    }
    peak = Math.max(peak, live);
    for (const value of new Set([...node.inputs, ...node.outputs])) {
      if (value !== undefined && made.has(value) && (lastUse.get(value) ?? i) <= i) live -= sizeOf(value);
    }
  }
  return peak;
}

/** MACs of one run of the graph. */
export function graphMacs({ nodes }: Graph): number {
  return nodes.reduce((sum, node) => sum + macsOf(node), 0);
}

/** Total number of elements of these values, such as trainable parameters. */
export function parameterCount(parameters: readonly { readonly value: Value }[]): number {
  return parameters.reduce((sum, { value }) => sum + elementCount(value.shape), 0);
}

function macsOf({ op, inputs: [x, w], outputs: [y] }: Node): number {
  const { macs } = rowOf(op).traits;
  return typeof macs === 'function' && x !== undefined && w !== undefined ? macs(x, w, y) : 0;
}

/**
 * MACs, parameters and memory, per node and in total.
 * @param parameters the trainable values: by default the trainable constants; for a network under construction, its
 * parameter inputs.
 */
export function graphCost(
  graph: Graph,
  { parameters = parametersOf(graph) }: { parameters?: readonly Value[] } = {},
): GraphCost {
  const unused = new Set(parameters);
  const constants = [...graph.constants.keys()].reduce((sum, value) => sum + bytesOf(value), 0);
  const nodes = graph.nodes.map((node): NodeCost => {
    let count = 0;
    for (const value of node.inputs)
      if (value !== undefined && unused.delete(value)) count += elementCount(value.shape);
    const activationBytes = node.outputs.reduce((sum, value) => sum + bytesOf(value), 0);
    return { node, macs: macsOf(node), parameters: count, activationBytes };
  });
  const total = (of: (cost: NodeCost) => number) => nodes.reduce((sum, cost) => sum + of(cost), 0);
  return {
    nodes,
    macs: total(({ macs }) => macs),
    parameters: parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    activationBytes: total(({ activationBytes }) => activationBytes),
    peakBytes: constants + peakOfResults(graph),
  };
}
