import type { OpName } from '../graph/attributes.ts';
import type { GraphBuilder } from '../graph/builder.ts';
import type { Graph, Node, Value } from '../graph/ir.ts';
import type { WinogradUse } from './conv/minimal-filters.ts';
import type { Forms } from './layouts/forms.ts';

/** What a formulation sees of the graph being lowered. Its values are those of the original graph. */
export interface Lowering {
  readonly b: GraphBuilder;
  readonly forms: Forms;
  readonly graph: Graph;
  readonly winograd: WinogradUse;
  /** Whether gradients of small images may be computed through columns (conv/columns.ts). */
  readonly columns: boolean;
  /** Nodes that read a value; a graph output counts as one more reader. */
  consumers(value: Value): readonly Node[];
  isOutput(value: Value): boolean;
  /** The node that produces a value; undefined for inputs and constants. */
  maker(value: Value): Node | undefined;
  /** Marks a node as already fused into an earlier one. */
  skip(node: Node): void;
  /** Whether a value is `y > 0` for a ReLU's output y. */
  isReluMask(value: Value): boolean;
}

/** Adds the node's formulation to `forms` and returns true, or returns false if it does not apply. */
export type Formulation<K extends OpName> = (lowering: Lowering, node: Node<K>) => boolean;

/**
 * Formulations per op, tried in order; ops without a row are computed elementwise in their layout, or by the reference.
 */
export type Formulations = { readonly [K in OpName]?: readonly Formulation<K>[] };

/** The only reader of a value, if there is exactly one and the value is not an output. */
export function onlyConsumer(lowering: Lowering, value: Value): Node | undefined {
  const consumers = lowering.consumers(value);
  return consumers.length === 1 && !lowering.isOutput(value) ? consumers[0] : undefined;
}
