import type { NdArray } from '../array/ndarray.ts';
import type { Graph, Node, Value } from '../graph/ir.ts';

/** Computes the outputs of a graph without inputs. */
export type Evaluate = (graph: Graph) => Promise<{ readonly [output: string]: NdArray }>;

export interface WithKnownValues {
  readonly graph: Graph;
  /** Those of its constants that were computed. */
  readonly computed: readonly NdArray[];
}

/**
 * The same graph with everything computed that does not depend on its inputs, such as weights in another form. ONNX
 * Runtime's optimizer does the same and then holds ten times the weights: U-Net, 28 MB, 576 x 576, from 139 to 556 MiB.
 */
export async function knownValues(graph: Graph, evaluate: Evaluate): Promise<WithKnownValues> {
  const known = new Set<Value>(graph.constants.keys());
  const [fixed, open]: readonly [Node[], Node[]] = [[], []];
  for (const node of graph.nodes) {
    const isFixed = node.inputs.every((value) => value === undefined || known.has(value));
    (isFixed ? fixed : open).push(node);
    if (isFixed) for (const value of node.outputs) known.add(value);
  }
  const unchanged = { graph, computed: [] };
  if (fixed.length === 0) return unchanged;
  const used = usedBy(open, graph.outputs);
  const computed = fixed.flatMap(({ outputs }) => outputs.filter((value) => used.has(value)));
  const constantsOf = (values: ReadonlySet<Value>) => [...graph.constants].filter(([value]) => values.has(value));
  const outputs = graph.outputs.filter((value) => computed.includes(value));
  if (outputs.length > 0) return unchanged;
  const arrays = await evaluate({
    name: graph.name,
    inputs: [],
    outputs: computed,
    nodes: fixed,
    constants: new Map(constantsOf(usedBy(fixed, []))),
  });
  const constants = new Map([
    ...constantsOf(used),
    ...computed.map((value) => [value, arrays[value.name]] as readonly [Value, NdArray]),
  ]);
  return { graph: { ...graph, nodes: open, constants }, computed: Object.values(arrays) };
}

function usedBy(nodes: readonly Node[], outputs: readonly Value[]): ReadonlySet<Value> {
  const inputs = nodes.flatMap((node) => node.inputs.filter((value) => value !== undefined));
  return new Set([...inputs, ...outputs]);
}
