/** The layers of a graph as a person would name them. */

import { type Dependence, type Graph, type Node, type OpKind, opKind, receptiveField, type Value } from 'lamella/graph';
import type { Point } from 'lamella/predict';

/** An operation with weights or a pooling, and the elementwise operations after it. */
export interface ExplainedLayer {
  readonly name: string;
  readonly node: Node;
  /** Elementwise operations and normalisations after it, in order. */
  readonly behind: readonly Node[];
  /** The result of the last of them. */
  readonly result: Value;
  readonly kind: 'convolution' | 'dense' | 'pooling';
}

const KINDS: { readonly [K in OpKind]?: ExplainedLayer['kind'] } = {
  convolution: 'convolution',
  upconvolution: 'convolution',
  dense: 'dense',
  pooling: 'pooling',
};

const BEHIND: ReadonlySet<OpKind> = new Set<OpKind>([
  'activation',
  'arithmetic',
  'identity',
  'dropout',
  'normalisation',
]);

/**
 * The layers in the order of the graph. A layer ends where the value is used twice, changes its shape, is combined with
 * another one that depends on the image, or is one of `ends`.
 */
export function layersIn(graph: Graph, dependence: Dependence, ends: readonly Value[]): readonly ExplainedLayer[] {
  const users = new Map<Value, Node[]>();
  for (const node of graph.nodes) {
    for (const value of new Set(node.inputs)) {
      if (value !== undefined) users.set(value, [...(users.get(value) ?? []), node]);
    }
  }
  const dependent = (value: Value | undefined): boolean => value !== undefined && dependence.traces.has(value);
  const follow = (from: Value): { readonly behind: readonly Node[]; readonly result: Value } => {
    const behind: Node[] = [];
    let result = from;
    while (!ends.includes(result)) {
      const [next, ...others] = users.get(result) ?? [];
      const made = next?.outputs[0];
      if (next === undefined || made === undefined || others.length > 0 || !BEHIND.has(opKind(next.op))) break;
      const alone = next.inputs.every((value) => value === result || !dependent(value));
      if (!alone || made.shape.join() !== result.shape.join()) break;
      behind.push(next);
      result = made;
    }
    return { behind, result };
  };
  const counts = new Map<string, number>();
  return graph.nodes.flatMap((node): ExplainedLayer[] => {
    const kind = KINDS[opKind(node.op)];
    const made = node.outputs[0];
    if (kind === undefined || made === undefined || !dependent(node.inputs[0])) return [];
    if (kind !== 'pooling' && dependent(node.inputs[1])) return [];
    return [{ name: unique(nameOf(node, kind), counts), node, kind, ...follow(made) }];
  });
}

/** `encoder0/conv1/Conv_0` is the layer `encoder0/conv1`; poolings have no separate name. */
function nameOf({ name, op }: Node, kind: ExplainedLayer['kind']): string {
  const bare = name
    .replace(/^\/+/, '')
    .replace(new RegExp(`/?${op}(_\\d+)?$`), '')
    .replace(/\/out$/, '');
  const pool = bare === '' ? 'pool' : `${bare}/pool`;
  return kind === 'pooling' ? pool : bare === '' ? op.toLowerCase() : bare;
}

/** The second one of a name gets a 2. */
function unique(name: string, counts: Map<string, number>): string {
  const count = (counts.get(name) ?? 0) + 1;
  counts.set(name, count);
  return count === 1 ? name : `${name}${count}`;
}

/** Whether a value is a stack of maps with more than one pixel each. */
export function isMap({ shape }: Value): boolean {
  return shape.length === 4 && shape[2] * shape[3] > 1;
}

/** The element of a map whose receptive field is centred at a pixel of the input; otherwise the nearest. */
export function elementAt(dependence: Dependence, value: Value, pixel: Point): Point {
  const { fields } = receptiveField(dependence, value);
  const along = (axis: number, at: number): number => {
    const size = value.shape[axis];
    const field = fields.find((candidate) => candidate.axis === axis);
    // Does not follow the image: use the same relative position.
    if (field === undefined) {
      return Math.min(size - 1, Math.floor((at * size) / dependence.input.shape[axis]));
    }
    const { offset, jump, size: seen } = field;
    const element = ((at - offset - (seen - 1) / 2) * jump.denominator) / jump.numerator;
    return Math.max(0, Math.min(size - 1, Math.round(element)));
  };
  return { y: along(2, pixel.y), x: along(3, pixel.x) };
}
