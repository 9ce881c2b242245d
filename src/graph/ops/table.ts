/**
 * The table of operations: one row per op, from the families beside this file. Ops of ONNX's own domain keep their names;
 * `lamella.X` are ours, each with a reference decomposition into standard ONNX; `nchwc.X` are ONNX Runtime's blocked
 * kernels.
 *
 * To add an op: its attributes and its row in the file of its family, its test case in test/graph/cases.ts. The types
 * require a row for every op with attributes and every rule in the row, so that a missing one does not compile.
 */
import type { OpName } from '../attributes.ts';
import type { OpKind, OpRow } from '../op-row.ts';
import { BLOCKED, type Blocked } from './blocked.ts';
import { CONVOLUTIONS, type Convolution } from './convolution.ts';
import { ELEMENTWISE, type Elementwise } from './elementwise.ts';
import { MOVEMENTS, type Movement } from './movement.ts';
import { NORMALISATIONS, type Normalisation } from './normalisation.ts';
import { POOLINGS, type Pooling } from './pooling.ts';
import { PRODUCTS, type Product } from './product.ts';
import { REDUCTIONS, type Reduction } from './reduction.ts';
import { RESIZES, type Resizing } from './resize.ts';
import { SHAPES, type Shaping } from './shape.ts';

declare module '../attributes.ts' {
  interface AttributesOf
    extends Elementwise,
      Reduction,
      Shaping,
      Movement,
      Product,
      Convolution,
      Pooling,
      Normalisation,
      Resizing,
      Blocked {}
}

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
