/** Reverse-mode differentiation: a walk from the loss to the parameters using the table's gradient rules. */
import { elementCount, ndarray } from '../array/ndarray.ts';
import { GraphError } from '../errors.ts';
import { GraphBuilder } from './builder.ts';
import { describeValue, type Graph, type Node, type Value } from './ir.ts';
import type { Build } from './op-row.ts';
import { rowOf } from './ops/table.ts';

/**
 * Appends to `b` the gradient of `loss` with respect to each of `parameters` and returns them in order.
 * @param nodes the nodes that compute `loss`, in topological order.
 * @throws GraphError if the loss is not a scalar, does not depend on a parameter, or depends on it only through an op
 * without a gradient.
 */
export function backward(b: Build, nodes: readonly Node[], loss: Value, parameters: readonly Value[]): Value[] {
  if (elementCount(loss.shape) !== 1) throw new GraphError(`The loss must be a scalar, not ${describeValue(loss)}.`);

  // Only what depends on a parameter needs a gradient.
  const active = new Set<Value>(parameters);
  for (const node of nodes) {
    if (node.inputs.some((value) => value !== undefined && active.has(value)))
      for (const out of node.outputs) active.add(out);
  }

  const one = ndarray(loss.dtype, loss.shape);
  (one.data as Float32Array)[0] = 1;
  const gradients = new Map<Value, Value>([[loss, b.constant(one)]]);
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    const dOutputs = node.outputs.map((value) => gradients.get(value));
    if (dOutputs.every((d) => d === undefined)) continue;
    if (!node.inputs.some((value) => value !== undefined && active.has(value))) continue;
    const { gradient } = rowOf(node.op);
    if (typeof gradient !== 'function') continue;
    // Named after its layer, so that profiles and messages can attribute the gradient.
    const layer = node.name.slice(0, Math.max(0, node.name.lastIndexOf('/')));
    const build = (): readonly (Value | undefined)[] =>
      gradient(b, node, dOutputs[0] ?? zeros(b, node.outputs[0]), dOutputs);
    const dInputs = layer === '' ? build() : b.scoped(layer, build);
    node.inputs.forEach((value, k) => {
      const d = dInputs[k];
      if (value === undefined || d === undefined || !active.has(value)) return;
      if (d.shape.join() !== value.shape.join()) {
        throw new GraphError(
          `The gradient of ${describeValue(value)} in ${node.op} '${node.name}' came out as ${describeValue(d)}.`,
        );
      }
      const sofar = gradients.get(value);
      gradients.set(value, sofar === undefined ? d : b.add(sofar, d));
    });
  }
  return parameters.map((parameter) => gradients.get(parameter) ?? missing(parameter, loss, nodes, gradients));
}

function zeros(b: Build, { dtype, shape }: Value): Value {
  return b.op('ConstantOfShape', [b.ints(shape)], { value: ndarray(dtype, [1]) });
}

function missing(parameter: Value, loss: Value, nodes: readonly Node[], gradients: ReadonlyMap<Value, Value>): never {
  const blocked = nodes.find((node) => {
    const { gradient } = rowOf(node.op);
    return typeof gradient !== 'function' && node.outputs.some((value) => gradients.has(value));
  });
  const why =
    blocked === undefined
      ? ''
      : ` ${blocked.op} '${blocked.name}' has no gradient: ${(rowOf(blocked.op).gradient as { why: string }).why}.`;
  throw new GraphError(`No gradient reaches ${describeValue(parameter)} from ${loss.name}.${why}`);
}

/**
 * The graph that computes `graph`'s outputs and the gradient of `loss` with respect to each of `parameters`, named
 * `d_<parameter>` (`d_<parameter>.1` if that name is taken). `loss` is an output of the graph, or one of its values,
 * with one element.
 *
 * @example const g = gradient(graph, graph.outputs[0], graph.inputs.slice(1));
 */
export function gradient(graph: Graph, loss: Value, parameters: readonly Value[]): Graph {
  const b = GraphBuilder.from(graph);
  const gradients = b.scoped('backward', () => backward(b, graph.nodes, loss, parameters));
  const named = gradients.map((value, i) => b.output(value, b.fresh(`d_${parameters[i].name}`)));
  return b.build([...graph.outputs, ...named], graph);
}
