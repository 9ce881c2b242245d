/** What a graph costs. */
import { sizeOf } from '../array/ndarray.ts';
import type { ConvAttributes } from '../graph/attributes.ts';
import type { Graph, Node, Value } from '../graph/ir.ts';

/** Multiplications with addition of one node: of convolutions and matrix products, 0 of everything else. */
export function nodeMacs({ op, inputs, outputs, attributes }: Node): number {
  const [x, w, y] = [inputs[0], inputs[1], outputs[0]] as [Value, Value, Value];
  switch (op) {
    case 'Conv':
      return sizeOf(y.shape) * sizeOf(w.shape.slice(1));
    case 'ConvTranspose':
      return sizeOf(x.shape) * sizeOf(w.shape.slice(1));
    case 'lamella.ConvGradInput':
      return sizeOf(x.shape) * sizeOf(w.shape.slice(1));
    case 'lamella.ConvGradWeight': {
      // (dy, x): every output element of dy meets every tap of its group.
      const { kernel_shape: kernel = [], group = 1 } = attributes as ConvAttributes;
      return sizeOf(x.shape) * ((w.shape[1] as number) / group) * sizeOf(kernel);
    }
    case 'Gemm': {
      const { transA = 0 } = attributes as { transA?: 0 | 1 };
      return sizeOf(y.shape) * (x.shape[transA ? 0 : 1] as number);
    }
    case 'MatMul':
      return sizeOf(y.shape) * (x.shape.at(-1) as number);
    default:
      return 0;
  }
}

/** Multiplications with addition of one run of the graph. */
export function graphMacs(graph: Graph): number {
  return graph.nodes.reduce((sum, node) => sum + nodeMacs(node), 0);
}

/** Number of trained numbers. */
export function parameterCount(parameters: readonly { readonly value: Value }[]): number {
  return parameters.reduce((sum, { value }) => sum + sizeOf(value.shape), 0);
}
