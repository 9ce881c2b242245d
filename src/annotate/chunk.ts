/** A square of a label layer with the extents of its labels. */

import { type LayerKind, NOT_ANNOTATED } from './label-values.ts';

/** Pixels along the side of a chunk. */
export const CHUNK_SIZE = 256;

/** A chunk is kept before it changes by bands of so many rows, so that a small edit copies little. */
export const BAND_ROWS = 32;
export const BAND_PIXELS = BAND_ROWS * CHUNK_SIZE;

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

/** A chunk as it was before an edit. */
export interface ChunkBefore {
  /** Undefined: there was no chunk, so nothing was annotated. */
  extents: Map<number, Extent> | undefined;
  /** The labels of each band of rows that was written since. */
  readonly bands: (Labels | undefined)[];
}

const copyOf = (extents: ReadonlyMap<number, Readonly<Extent>>): Map<number, Extent> =>
  new Map(Array.from(extents, ([label, extent]) => [label, { ...extent }]));

export class Chunk {
  /** Row by row, `CHUNK_SIZE` squared; pixels outside the image are not annotated. */
  readonly data: Labels;
  #extents = new Map<number, Extent>();

  constructor(kind: LayerKind) {
    this.data = blankLabels(kind, CHUNK_SIZE * CHUNK_SIZE);
  }

  /** By label; without the value "not annotated". */
  get extents(): ReadonlyMap<number, Readonly<Extent>> {
    return this.#extents;
  }

  /** What it is now, with bands to come as they are written. */
  beforeEdit(): ChunkBefore {
    return { extents: copyOf(this.#extents), bands: [] };
  }

  /** A copy of the labels of a band. */
  band(band: number): Labels {
    return this.data.slice(band * BAND_PIXELS, (band + 1) * BAND_PIXELS);
  }

  /** Takes back what was written since. */
  restore({ extents = new Map(), bands }: ChunkBefore): void {
    for (const [band, labels] of bands.entries()) if (labels !== undefined) this.data.set(labels, band * BAND_PIXELS);
    this.#extents = copyOf(extents);
  }

  /** Exchanges the labels for those of another time, so that exchanging once more takes that back. */
  exchange(other: ChunkBefore): void {
    for (const [band, labels] of other.bands.entries()) {
      if (labels === undefined) continue;
      other.bands[band] = this.band(band);
      this.data.set(labels, band * BAND_PIXELS);
    }
    [this.#extents, other.extents] = [other.extents ?? new Map(), this.#extents];
  }

  /** Replaces the pixels from..to-1 of a row, which all have the label `old`. */
  replace(row: number, from: number, to: number, old: number, value: number, notAnnotated: number): void {
    this.data.fill(value, row * CHUNK_SIZE + from, row * CHUNK_SIZE + to);
    if (old !== notAnnotated) this.#remove(row, from, to, old);
    if (value !== notAnnotated) this.#add(row, from, to, value);
  }

  #remove(row: number, from: number, to: number, label: number): void {
    const extent = this.#extents.get(label) as Extent;
    extent.pixels -= to - from;
    if (extent.pixels === 0) this.#extents.delete(label);
    else if (from === extent.left || to === extent.right || row === extent.top || row === extent.bottom - 1) {
      extent.tight = false;
    }
  }

  #add(row: number, from: number, to: number, label: number): void {
    const extent = this.#extents.get(label);
    if (extent === undefined) {
      this.#extents.set(label, {
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
    const extent = this.#extents.get(label);
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
