/**
 * The table of operations: one row an op. The type demands a row for every name in `AttributesOf`, and
 * every rule in the row, so that a missing one does not compile.
 *
 * To add an op: its attributes in attributes.ts, its row in the file of its family, its test case in
 * test/graph/cases.ts.
 */
import type { OpName } from '../attributes.ts';
import type { OpRow } from '../op-row.ts';
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
