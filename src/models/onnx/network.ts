/** A graph that was read from a file, as a network to train. */

import { GraphBuilder } from '../../graph/builder.ts';
import type { Graph, Node, Value } from '../../graph/ir.ts';
import { constant, heNormal, normal } from '../../nn/initialise.ts';
import { type Network, NetworkBuilder, type Statistic } from '../../nn/network.ts';
import type { BuildOptions } from '../definition.ts';
import type { OnnxSpec } from './definition.ts';

export interface ImportOptions extends Required<Omit<BuildOptions, 'file'>> {
  /** Names of its trained tensors. */
  readonly trained: ReadonlySet<string>;
  /** Those of the last layer. */
  readonly head: ReadonlySet<string>;
  readonly batchNorm: OnnxSpec['batchNorm'];
}

/** Names that a training step adds to the graph. */
const RESERVED = ['labels', 'pixelWeights', 'learningRate', 'loss', 'weightSum', 'gradientNorm', 'step'];

/** Initial logits are small, as those of our own networks. */
const initialiserOf = ({ name, shape }: Value, head: ReadonlySet<string>) =>
  shape.length < 2 ? constant(0) : head.has(name) ? normal(0.01) : heNormal();

/**
 * The network of a graph, [N, C, H, W] -> [N, classes, H', W']: trained tensors become parameters, and what a batch
 * normalisation stores becomes statistics where that is trained. Its input is named `image`.
 */
export function networkOf(
  graph: Graph,
  logits: Value,
  { batchNorm, trained, head, training, isFrozen }: ImportOptions,
): Network {
  const net = new NetworkBuilder('onnx', { training });
  const [input] = graph.inputs as readonly [Value];
  const mapped = new Map<Value, Value>([[input, net.input('image', 'float32', input.shape)]]);
  const statistics: Statistic[] = [];
  const learns = (node: Node): boolean =>
    node.op === 'BatchNormalization' && batchNorm === 'train' && !isFrozen((node.inputs[1] as Value).name);
  const running = new Set(graph.nodes.filter(learns).flatMap(({ inputs }) => inputs.slice(3) as Value[]));
  net.reserve(RESERVED);
  for (const [value, array] of graph.constants) {
    if (trained.has(value.name)) {
      const decay = value.shape.filter((length) => length > 1).length > 1;
      mapped.set(value, net.parameter(value.name, value.shape, initialiserOf(value, head), { decay }));
    } else if (running.has(value)) mapped.set(value, net.input(value.name, value.dtype, value.shape));
    else mapped.set(value, net.constant(array, net.fresh(value.name)));
  }
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((value) => (value === undefined ? undefined : mapped.get(value)));
    const updates = training && learns(node);
    const attributes = updates ? { ...node.attributes, training_mode: 1 as const } : node.attributes;
    const made = net.ops(node.op, inputs, attributes, updates ? 3 : node.outputs.length, net.fresh(node.name));
    node.outputs.forEach((value, i) => {
      mapped.set(value, made[i] as Value);
    });
    if (!learns(node)) continue;
    for (const [i, of] of (node.inputs.slice(3) as Value[]).entries()) {
      const value = mapped.get(of) as Value;
      const initial = graph.constants.get(of) as Statistic['initial'];
      statistics.push({ value, initial, ...(updates && { next: made[i + 1] as Value }) });
    }
  }
  return net.finish(mapped.get(input) as Value, mapped.get(logits) as Value, statistics);
}

/** The graph up to one of its values. */
export function cutAt(graph: Graph, name: string): { readonly graph: Graph; readonly logits: Value } {
  const logits = valueNamed(graph, name);
  return { graph: GraphBuilder.from(graph).build([logits]), logits };
}

export function valueNamed(graph: Graph, name: string): Value {
  const all = [...graph.inputs, ...graph.constants.keys(), ...graph.nodes.flatMap(({ outputs }) => outputs)];
  return all.find((value) => value.name === name) as Value;
}
