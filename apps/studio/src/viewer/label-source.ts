/** Where the labels on the screen come from, as chunks. */

import { CHUNK_SIZE, type LabelLayer, type LayerKind } from 'lamella/studio';
import type { ShownLabels } from './label-layer.ts';
import { CHUNK, createLabelMips, type Labels } from './label-mips.ts';

if (CHUNK_SIZE !== CHUNK) throw new Error('A texture holds a chunk of another size.');

/** A slice of the layer that is edited. */
export function sliceOfLayer(layer: LabelLayer, slice: number): ShownLabels {
  const { kind, width, height, notAnnotated } = layer;
  const chunk = (column: number, row: number): Labels | undefined => layer.chunk({ slice, row, column });
  return { kind, width, height, notAnnotated, mips: createLabelMips({ width, height, notAnnotated, chunk }) };
}
interface Page {
  readonly kind: LayerKind;
  readonly width: number;
  readonly height: number;
  readonly data: Labels;
  /** The value that is not drawn. */
  readonly notAnnotated: number;
}

/** A page of labels that nobody edits, such as a segmentation. */
export function fixedPage({ kind, width, height, data, notAnnotated }: Page): ShownLabels {
  const chunks = new Map<string, Labels>();
  const cut = (column: number, row: number): Labels => {
    const chunk = data instanceof Uint8Array ? new Uint8Array(CHUNK * CHUNK) : new Uint32Array(CHUNK * CHUNK);
    chunk.fill(notAnnotated);
    const [x, y] = [column * CHUNK, row * CHUNK];
    const right = Math.min(width, x + CHUNK);
    for (let line = y; line < Math.min(height, y + CHUNK); line++) {
      chunk.set(data.subarray(line * width + x, line * width + right), (line - y) * CHUNK);
    }
    return chunk;
  };
  const chunk = (column: number, row: number): Labels => {
    const key = `${column}/${row}`;
    const known = chunks.get(key) ?? cut(column, row);
    chunks.set(key, known);
    return known;
  };
  return { kind, width, height, notAnnotated, mips: createLabelMips({ width, height, notAnnotated, chunk }) };
}
