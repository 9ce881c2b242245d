/** A graph as a list of layers, for display. */
import type { OpName } from '../attributes.ts';
import type { Graph, Node, Value } from '../ir.ts';
import type { OpKind } from '../op-row.ts';
import { opKind } from '../ops/table.ts';
import { graphCost } from './cost.ts';
import { type ReceptiveField, receptiveField, traceDependence } from './receptive-field.ts';

/** A convolution, matrix product, pooling or similar, with the elementwise operations that follow it. */
export interface Layer {
  /** `conv1`; for layers without weights the node's own name. */
  readonly name: string;
  readonly op: OpName;
  /** Output shape of its first node. */
  readonly shape: readonly number[];
  readonly parameters: number;
  /** MACs. */
  readonly macs: number;
  /** Bytes of all outputs of its nodes. */
  readonly bytes: number;
  /** Along y, x; empty if the result does not follow the image. */
  readonly fields: readonly ReceptiveField[];
  readonly nodes: readonly Node[];
  /** Positions in the list of the layers that it reads; -1 is the network's input. */
  readonly reads: readonly number[];
}

/** Kinds that are layers even without weights. */
const LAYERS: ReadonlySet<OpKind> = new Set<OpKind>([
  'pooling',
  'upsampling',
  'join',
  'normalisation',
  'dropout',
  'softmax',
]);

/** The scope of a node that is named after an op: `conv1` for `conv1/Conv_0`. */
function layerName({ name }: Node, hasWeights: boolean): string {
  return hasWeights ? name.replace(/(?<=.)\/[A-Za-z]+_\d+$/, '') : name;
}

/**
 * The layers of a graph in order, with their cost and receptive field on `input`. Every node belongs to exactly one
 * layer, so that sums over layers equal those of `graphCost`.
 * @param parameters as in `graphCost`
 */
export function graphLayers(
  graph: Graph,
  { input = graph.inputs[0], parameters }: { input?: Value | undefined; parameters?: readonly Value[] } = {},
): readonly Layer[] {
  const dependence = input && traceDependence(graph, input);
  const made = new Map<Value, number>();
  if (input !== undefined) made.set(input, -1);
  type Draft = Omit<{ -readonly [K in keyof Layer]: Layer[K] }, 'nodes' | 'reads'> & {
    nodes: Node[];
    reads: Set<number>;
    last: Value;
  };
  const drafts: Draft[] = [];
  for (const { node, macs, parameters: count, activationBytes } of graphCost(graph, parameters && { parameters })
    .nodes) {
    const sources = node.inputs.flatMap((value) => (value && made.get(value)) ?? []);
    const before = Math.max(-1, ...sources);
    const last = node.outputs[0];
    const own = macs > 0 || count > 0 || LAYERS.has(opKind(node.op)) || before < 0;
    let at = before;
    if (own) {
      at = drafts.length;
      drafts.push({
        name: layerName(node, count > 0),
        op: node.op,
        shape: last.shape,
        parameters: 0,
        macs: 0,
        bytes: 0,
        fields: [],
        nodes: [],
        reads: new Set(),
        last,
      });
    }
    const draft = drafts[at];
    draft.parameters += count;
    draft.macs += macs;
    draft.bytes += activationBytes;
    draft.nodes.push(node);
    for (const source of sources) if (source !== at) draft.reads.add(source);
    draft.last = last;
    for (const value of node.outputs) made.set(value, at);
  }
  return drafts.map(({ last, reads, ...draft }) => ({
    ...draft,
    reads: [...reads],
    fields: dependence === undefined ? [] : receptiveField(dependence, last).fields,
  }));
}
