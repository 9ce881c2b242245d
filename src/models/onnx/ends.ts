/** The first and the last layer of an imported network, which depend on the numbers of channels and classes. */

import { elementCount, type NdArray, ndarray } from '../../array/ndarray.ts';
import type { Graph, Node, Value } from '../../graph/ir.ts';

/** A stored tensor, and its axis that has the length in question. */
interface EndTensor {
  readonly name: string;
  readonly axis: number;
}

/** Tensors that change with the number, or why there is none that could. */
export type End = readonly EndTensor[] | { readonly why: string };

/** What passes maps on, channel by channel. */
const PASSED: ReadonlySet<string> = new Set(['Identity', 'Cast', 'Pad', 'Slice', 'Resize', 'Dropout', 'AveragePool']);

const named = ({ op, name }: Node): string => `${op} '${name}'`;

/** Tensors of a convolution along its outputs or inputs. */
function ofConvolution(node: Node, side: 'outputs' | 'inputs', graph: Graph): End {
  const [, weight, bias] = node.inputs as readonly [Value, Value, Value | undefined];
  const { group = 1 } = node.attributes as { readonly group?: number };
  const own = side === 'outputs' && bias !== undefined ? [weight, bias] : [weight];
  if (group !== 1) return { why: `${named(node)} works on groups of channels` };
  if (own.some((value) => !graph.constants.has(value))) return { why: `the weights of ${named(node)} are computed` };
  const first = (node.op === 'Conv') === (side === 'outputs') ? 0 : 1;
  return own.map((value, i) => ({ name: value.name, axis: i === 0 ? first : 0 }));
}

const isConvolution = ({ op }: Node): boolean => op === 'Conv' || op === 'ConvTranspose';

/** The layer that makes the logits. */
export function lastLayer(graph: Graph, logits: Value): End {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((value) => [value, node] as const)));
  const added: EndTensor[] = [];
  let value = logits;
  for (let node = makers.get(value); node !== undefined; node = makers.get(value)) {
    if (isConvolution(node)) {
      if (value.shape[1] !== logits.shape[1]) return { why: `some maps of ${named(node)} are cut off` };
      const own = ofConvolution(node, 'outputs', graph);
      return 'why' in own ? own : [...own, ...added];
    }
    const [x, other] = node.inputs as readonly [Value, Value];
    if (node.op === 'Add' && graph.constants.has(other)) {
      const axis = other.shape.length - 3;
      const perChannel = axis >= 0 && other.shape[axis] === elementCount(other.shape);
      if (!perChannel) return { why: `${named(node)} follows its last convolution` };
      added.push({ name: other.name, axis });
    } else if (!PASSED.has(node.op)) return { why: `${named(node)} follows its last convolution` };
    value = x;
  }
  return { why: 'it ends with no convolution' };
}

/** The layers that take the image. */
export function firstLayers(graph: Graph, image: Value): End {
  const maps = new Set([image]);
  const found: EndTensor[] = [];
  for (const node of graph.nodes) {
    const [x, other] = node.inputs;
    if (!node.inputs.some((value) => value !== undefined && maps.has(value))) continue;
    const scalar = node.inputs.length === 2 && other !== undefined && elementCount(other.shape) === 1;
    if (x !== undefined && maps.has(x) && isConvolution(node)) {
      const own = ofConvolution(node, 'inputs', graph);
      if ('why' in own) return own;
      found.push(...own);
    } else if (PASSED.has(node.op) || (scalar && x !== undefined && maps.has(x))) {
      for (const value of node.outputs) maps.add(value);
    } else return { why: `${named(node)} takes the image too` };
  }
  return found;
}

/** Tensors of another length along their axis: zeros, to be initialised. */
export function resized(tensors: readonly EndTensor[], graph: Graph, length: number): { [name: string]: NdArray } {
  const byName = new Map([...graph.constants.keys()].map((value) => [value.name, value]));
  return Object.fromEntries(
    tensors.map(({ name, axis }) => {
      const { shape, dtype } = byName.get(name) as Value;
      return [name, ndarray(dtype, shape.with(axis, length))];
    }),
  );
}
