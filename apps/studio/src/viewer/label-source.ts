/** Where the labels on the screen come from, as chunks. */

import { CHUNK_SIZE, type LabelLayer } from 'lamella/studio';
import type { ShownLabels } from './label-layer.ts';
import { CHUNK, createLabelMips, type Labels } from './label-mips.ts';

if (CHUNK_SIZE !== CHUNK) throw new Error('A texture holds a chunk of another size.');

/** A slice of the layer that is edited. */
export function sliceOfLayer(layer: LabelLayer, slice: number): ShownLabels {
  const { kind, width, height, notAnnotated, rows, columns } = layer;
  const chunk = (column: number, row: number): Labels | undefined =>
    column >= 0 && row >= 0 && column < columns && row < rows ? layer.chunk({ slice, row, column }) : undefined;
  return { kind, width, height, notAnnotated, mips: createLabelMips({ width, height, notAnnotated, chunk }) };
}
