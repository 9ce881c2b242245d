/**
 * Which state can be kept as blocked kernels: convolution weights and their optimizer state, if every operation on them
 * between input and output is elementwise.
 */
import { elementCount } from '../../array/ndarray.ts';
import type { Graph, Node, Value } from '../../graph/ir.ts';
import { isElementwise } from '../../graph/ops/table.ts';

/** The state inputs, and their outputs, kept in the layout of blocked kernels. */
export function statesAsKernels(
  graph: Graph,
  state: { readonly [input: string]: string },
  canBeKernel: (value: Value) => boolean,
): ReadonlySet<Value> {
  // Values connected by elementwise operations share a layout.
  const parents = new Map<Value, Value>();
  const rootOf = (value: Value): Value => {
    let root = value;
    for (let next = parents.get(root); next !== undefined; next = parents.get(root)) root = next;
    return root;
  };
  const join = (a: Value, b: Value) => {
    const [p, q] = [rootOf(a), rootOf(b)];
    if (p !== q) parents.set(p, q);
  };
  const seeds: Value[] = [];
  for (const node of graph.nodes) {
    const out = node.outputs[0];
    if (isConv(node) && (node.attributes.group ?? 1) === 1) seeds.push(node.inputs[1] as Value);
    if (!canBeKernel(out) || !(isElementwise(node.op) || node.op === 'Identity')) continue;
    for (const value of node.inputs) {
      if (value !== undefined && value.shape.join() === out.shape.join() && elementCount(value.shape) > 1)
        join(value, out);
    }
  }
  const roots = new Set(seeds.filter(canBeKernel).map(rootOf));
  const chosen = new Set<Value>();
  for (const [inputName, outputName] of Object.entries(state)) {
    const input = graph.inputs.find(({ name }) => name === inputName);
    const output = graph.outputs.find(({ name }) => name === outputName);
    if (input === undefined || output === undefined || !canBeKernel(input)) continue;
    if (!roots.has(rootOf(input)) || rootOf(input) !== rootOf(output)) continue;
    chosen.add(input);
    chosen.add(output);
  }
  return chosen;
}

function isConv(node: Node): node is Node<'Conv'> {
  return node.op === 'Conv';
}
