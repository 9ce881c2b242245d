/** A square of a label layer with the extents of its labels. */

import { type LayerKind, NOT_ANNOTATED } from './label-values.ts';

/** Pixels along the side of a chunk. */
export const CHUNK_SIZE = 256;

/** Stored as uint8 (classes) or uint32 (objects). */
export type Labels = Uint8Array | Uint32Array;

/** The pixels of one label within a chunk: how many, and the columns and rows that contain them. */
export interface Extent {
  pixels: number;
  left: number;
  top: number;
  /** After the last column and row. */
  right: number;
  bottom: number;
  /** Whether the box is the smallest one; erasing at its edge may leave it too large. */
  tight: boolean;
}

/** Storage for so many labels, all not annotated. */
export function blankLabels(kind: LayerKind, length: number): Labels {
  return (kind === 'classes' ? new Uint8Array(length) : new Uint32Array(length)).fill(NOT_ANNOTATED[kind]);
}

export class Chunk {
  /** Row by row, `CHUNK_SIZE` squared; pixels outside the image are not annotated. */
  readonly data: Labels;
  /** By label; without the value "not annotated". */
  readonly extents: Map<number, Extent>;

  constructor(data: Labels, extents = new Map<number, Extent>()) {
    this.data = data;
    this.extents = extents;
  }

  clone(): Chunk {
    return new Chunk(this.data.slice(), new Map(Array.from(this.extents, ([label, extent]) => [label, { ...extent }])));
  }

  /** Replaces the pixels from..to-1 of a row, which all have the label `old`. */
  replace(row: number, from: number, to: number, old: number, value: number, notAnnotated: number): void {
    this.data.fill(value, row * CHUNK_SIZE + from, row * CHUNK_SIZE + to);
    if (old !== notAnnotated) this.#remove(row, from, to, old);
    if (value !== notAnnotated) this.#add(row, from, to, value);
  }

  #remove(row: number, from: number, to: number, label: number): void {
    const extent = this.extents.get(label) as Extent;
    extent.pixels -= to - from;
    if (extent.pixels === 0) this.extents.delete(label);
    else if (from === extent.left || to === extent.right || row === extent.top || row === extent.bottom - 1) {
      extent.tight = false;
    }
  }

  #add(row: number, from: number, to: number, label: number): void {
    const extent = this.extents.get(label);
    if (extent === undefined) {
      this.extents.set(label, {
        pixels: to - from,
        left: from,
        top: row,
        right: to,
        bottom: row + 1,
        tight: true,
      });
      return;
    }
    extent.pixels += to - from;
    if (from < extent.left) extent.left = from;
    if (to > extent.right) extent.right = to;
    if (row < extent.top) extent.top = row;
    if (row >= extent.bottom) extent.bottom = row + 1;
  }

  /** The extent of a label with the smallest box, which scans its box at most. */
  tightExtent(label: number): Extent | undefined {
    const extent = this.extents.get(label);
    if (extent === undefined || extent.tight) return extent;
    let [left, top, right, bottom] = [CHUNK_SIZE, CHUNK_SIZE, 0, 0];
    for (let y = extent.top; y < extent.bottom; y++) {
      for (let x = extent.left; x < extent.right; x++) {
        if (this.data[y * CHUNK_SIZE + x] !== label) continue;
        if (x < left) left = x;
        if (x >= right) right = x + 1;
        if (y < top) top = y;
        bottom = y + 1;
      }
    }
    Object.assign(extent, { left, top, right, bottom, tight: true });
    return extent;
  }
}
