/**
 * One walk over the graph with a table of formulations, tried in order. A node that none of them handles is computed
 * elementwise in its layout, or by the reference.
 */
import { addTo } from '../array/lists.ts';
import type { NdArray, Shape } from '../array/ndarray.ts';
import type { OpName } from '../graph/attributes.ts';
import { GraphBuilder } from '../graph/builder.ts';
import type { Graph, Node, Value } from '../graph/ir.ts';
import { decomposeNode } from '../graph/rewrite.ts';
import type { Formulation, Formulations, Lowering } from './context.ts';
import type { WinogradUse } from './conv/minimal-filters.ts';
import { elementwise } from './layouts/elementwise.ts';
import { Forms, packKernel, unpackKernel } from './layouts/forms.ts';
import { statesAsKernels } from './layouts/state.ts';
import { BLOCKED_TABLE } from './tables/blocked.ts';
import { STANDARD } from './tables/standard.ts';

/** State stored in a different layout from the caller's. */
export interface Packing {
  pack(array: NdArray): NdArray;
  unpack(array: NdArray): NdArray;
}

export interface LoweredGraph {
  readonly graph: Graph;
  /** How each state input is stored, by name. */
  readonly packed: ReadonlyMap<string, Packing>;
}

export interface LowerOptions {
  /** State inputs, each with the output that is its next value: their layout is free to choose. */
  readonly state?: { readonly [input: string]: string };
  /** Inputs and outputs whose layout is free to choose: what has the shape of an input has its layout as an output. */
  readonly carried?: readonly string[];
  /** Default `auto`. */
  readonly winograd?: WinogradUse;
  /** Compute gradients of small images through columns, which is faster on CPUs. Default: false. */
  readonly columns?: boolean;
}

/** The graph with convolutions, and the ops between them, in blocks of `block` channels. */
export function lowerBlocked(graph: Graph, block: number, options: LowerOptions = {}): LoweredGraph {
  return walk(graph, BLOCKED_TABLE, block, options);
}

/** The graph in standard ops, the fastest choice without blocked kernels (WebAssembly, GPUs). */
export function lowerStandard(graph: Graph, options: Omit<LowerOptions, 'state'> = {}): Graph {
  return walk(graph, STANDARD, Number.POSITIVE_INFINITY, options).graph;
}

function walk(
  graph: Graph,
  table: Formulations,
  block: number,
  { state = {}, carried = [], winograd = 'auto', columns = false }: LowerOptions,
): LoweredGraph {
  const b = new GraphBuilder(graph.name);
  const forms = new Forms(b, block);
  const kernels = statesAsKernels(graph, state, (value) => forms.canBeKernel(value));
  const isBlocked = (value: Value): boolean => carried.includes(value.name) && forms.canBlock(value);
  const inputs = graph.inputs.map((value) => {
    const { name, dtype, shape } = value;
    return [value, b.input(name, dtype, isBlocked(value) ? inBlocks(shape, block) : shape)] as const;
  });
  // An output may be a constant; its name is then that of the output.
  for (const [value, array] of graph.constants) {
    forms.set(value, 'plain', b.constant(array, graph.outputs.includes(value) ? undefined : value.name));
  }

  for (const [value, input] of inputs) {
    const { name, shape } = value;
    if (isBlocked(value))
      forms.set(
        value,
        'blocked',
        b.scoped(name, () => b.reshape(input, shape)),
      );
    else forms.set(value, kernels.has(value) ? 'kernel' : 'plain', input);
  }

  const lowering = contextOf(graph, b, forms, table, { winograd, columns });
  for (const node of graph.nodes) b.scoped(node.name, () => lowering.lowerNode(node));

  const outputs = graph.outputs.map((value) => {
    if (isBlocked(value)) {
      const stored = b.scoped(value.name, () => b.reshape(forms.blocked(value), inBlocks(value.shape, block)));
      return b.output(stored, value.name);
    }
    return b.output(kernels.has(value) ? forms.kernel(value) : forms.plain(value), value.name);
  });
  const packing = {
    pack: (array: NdArray) => packKernel(array, block),
    unpack: (array: NdArray) => unpackKernel(array, block),
  };
  const packed = new Map(graph.inputs.filter((value) => kernels.has(value)).map((value) => [value.name, packing]));
  return { graph: b.build(outputs), packed };
}

/** The shape of a map as it lies in memory in blocks of channels. */
const inBlocks = ([n, channels, height, width]: Shape, block: number): Shape => [
  n,
  channels / block,
  height,
  width,
  block,
];

function contextOf(
  graph: Graph,
  b: GraphBuilder,
  forms: Forms,
  table: Formulations,
  options: Pick<Lowering, 'winograd' | 'columns'>,
): Lowering & { lowerNode(node: Node): void } {
  const readers = new Map<Value, Node[]>();
  const makers = new Map<Value, Node>();
  for (const node of graph.nodes) {
    for (const value of node.outputs) makers.set(value, node);
    for (const value of new Set(node.inputs)) {
      if (value !== undefined) addTo(readers, value, node);
    }
  }
  const outputs = new Set(graph.outputs);
  const done = new Set<Node>();

  // Dropout in a network for prediction; WebGPU in a browser has no kernel for it.
  const isIdentity = ({ op, outputs: [, mask] }: Node): boolean =>
    op === 'Identity' || (op === 'Dropout' && (mask === undefined || !(readers.has(mask) || outputs.has(mask))));

  const lowering: Lowering & { lowerNode(node: Node): void } = {
    b,
    forms,
    graph,
    ...options,
    consumers: (value) => readers.get(value) ?? [],
    isOutput: (value) => outputs.has(value),
    maker: (value) => makers.get(value),
    skip: (node) => {
      done.add(node);
    },
    isReluMask: (value) => {
      const greater = makers.get(value);
      const [y, zero] = greater?.inputs ?? [];
      if (greater?.op !== 'Greater' || y === undefined || zero === undefined) return false;
      const constant = graph.constants.get(zero);
      return makers.get(y)?.op === 'Relu' && constant?.data.length === 1 && Number(constant.data[0]) === 0;
    },
    lowerNode: (node) => {
      if (done.has(node)) return;
      if (isIdentity(node)) {
        forms.alias(node.outputs[0], node.inputs[0] as Value);
        return;
      }
      const tried = (table[node.op] ?? []) as readonly Formulation<OpName>[];
      if (tried.some((formulation) => formulation(lowering, node))) return;
      if (elementwise(lowering, node)) return;
      const inputs = node.inputs.map((value) => (value === undefined ? undefined : forms.plain(value)));
      const made = decomposeNode(b, node, inputs) ?? b.ops(node.op, inputs, node.attributes, node.outputs.length);
      node.outputs.forEach((value, i) => {
        forms.set(value, 'plain', made[i]);
      });
    },
  };
  return lowering;
}
