/**
 * The table of operations: one row per op. The type requires a row for every name in `AttributesOf`, and every rule in
 * the row, so that a missing one does not compile.
 *
 * To add an op: its attributes in attributes.ts, its row in the file of its family, its test case in
 * test/graph/cases.ts.
 */
import type { OpName } from '../attributes.ts';
import type { OpKind, OpRow } from '../op-row.ts';
import { BLOCKED } from './blocked.ts';
import { CONVOLUTIONS } from './convolution.ts';
import { ELEMENTWISE } from './elementwise.ts';
import { MOVEMENTS } from './movement.ts';
import { NORMALISATIONS } from './normalisation.ts';
import { POOLINGS } from './pooling.ts';
import { PRODUCTS } from './product.ts';
import { REDUCTIONS } from './reduction.ts';
import { RESIZES } from './resize.ts';
import { SHAPES } from './shape.ts';

/** Ops whose output elements depend only on the elements at the same position. */
const ELEMENT_BY_ELEMENT: ReadonlySet<OpKind> = new Set<OpKind>(['activation', 'arithmetic', 'elementwise']);

/** The row of an op, for rules that apply to all ops. */
export function rowOf(op: OpName): OpRow<OpName> {
  return OPS[op] as OpRow<OpName>;
}

/** What an op is to a person. */
export function opKind(op: OpName): OpKind {
  return rowOf(op).traits.kind;
}

export function isElementwise(op: OpName): boolean {
  return ELEMENT_BY_ELEMENT.has(opKind(op));
}

export const OPS: { readonly [K in OpName]: OpRow<K> } = {
  ...ELEMENTWISE,
  ...REDUCTIONS,
  ...SHAPES,
  ...MOVEMENTS,
  ...PRODUCTS,
  ...CONVOLUTIONS,
  ...POOLINGS,
  ...NORMALISATIONS,
  ...RESIZES,
  ...BLOCKED,
};
