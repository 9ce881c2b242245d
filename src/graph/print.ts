import type { NdArray } from '../array/ndarray.ts';
import { describeValue, type Graph, type Node } from './ir.ts';

function describeAttribute(value: unknown): string {
  if (Array.isArray(value)) return `[${value.join(', ')}]`;
  if (typeof value === 'object' && value !== null) return `tensor[${(value as NdArray).shape.join(', ')}]`;
  return String(value);
}

function describeNode(node: Node): string {
  const inputs = node.inputs.map((value) => value?.name ?? '_').join(', ');
  const attributes = Object.entries(node.attributes).map(([name, value]) => `${name}=${describeAttribute(value)}`);
  const suffix = attributes.length === 0 ? '' : ` {${attributes.join(', ')}}`;
  return `${node.outputs.map(describeValue).join(', ')} = ${node.op}(${inputs})${suffix}`;
}

/** The graph as text, one line per node: `y: float32[1, 8, 16, 16] = Conv(x, w) {pads=[1, 1, 1, 1]}`. */
export function printGraph(graph: Graph): string {
  return [
    `graph ${graph.name}(${graph.inputs.map(describeValue).join(', ')})`,
    ...[...graph.constants].map(([value, array]) => {
      const content =
        array.data.length <= 8 ? ` = [${Array.from(array.data as ArrayLike<number | bigint>).join(', ')}]` : '';
      return `  const ${describeValue(value)}${content}`;
    }),
    ...graph.nodes.map((node) => `  ${describeNode(node)}`),
    `  return ${graph.outputs.map((value) => value.name).join(', ')}`,
  ].join('\n');
}
