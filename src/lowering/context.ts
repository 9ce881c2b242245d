import type { OpName } from '../graph/attributes.ts';
import type { GraphBuilder } from '../graph/builder.ts';
import type { Graph, Node, Value } from '../graph/ir.ts';
import type { WinogradUse } from './conv/minimal-filters.ts';
import type { Forms } from './layouts/forms.ts';

/** What a formulation sees of the graph that is lowered. Its values are those of the old graph. */
export interface Lowering {
  readonly b: GraphBuilder;
  readonly forms: Forms;
  readonly graph: Graph;
  readonly winograd: WinogradUse;
  /** Whether gradients of small images may go by columns (conv-columns.ts). */
  readonly columns: boolean;
  /** Nodes that read a value; an output of the graph counts as read once more. */
  consumers(value: Value): readonly Node[];
  isOutput(value: Value): boolean;
  /** The node that makes a value; none for inputs and constants. */
  maker(value: Value): Node | undefined;
  /** Marks a node that was done together with an earlier one. */
  skip(node: Node): void;
  /** Whether a value is y > 0 of a ReLU's output y. */
  isReluMask(value: Value): boolean;
  /** Whether a Resize repeats every pixel a whole number of times. */
  isBlockUpsampling(node: Node<'Resize'>): boolean;
}

/**
 * Writes the node's formulation into `forms` and returns true, or returns false where it does not apply.
 */
export type Formulation<K extends OpName> = (lowering: Lowering, node: Node<K>) => boolean;

/** By op, tried in order; ops without a row go elementwise in their layout, or by the reference. */
export type Formulations = { readonly [K in OpName]?: readonly Formulation<K>[] };

/** The one reader of a value, if there is no other and the value is not an output. */
export function onlyConsumer(lowering: Lowering, value: Value): Node | undefined {
  const consumers = lowering.consumers(value);
  return consumers.length === 1 && !lowering.isOutput(value) ? consumers[0] : undefined;
}
