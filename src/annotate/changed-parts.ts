/** Which parts of a layer changed. */

import { CHUNK_SIZE } from './chunk.ts';
import type { Box } from './region.ts';

/** Where a chunk lies: columns and rows of chunks count from 0. */
export interface ChunkPlace {
  readonly slice: number;
  readonly row: number;
  readonly column: number;
}

/** Rows and columns of a chunk that changed; `right` and `bottom` are those after the last. */
export interface DirtyChunk extends ChunkPlace {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Where the layer changed since it was last asked. */
export interface ChangeTracker {
  /** The changed parts of chunks, which are then forgotten. */
  take(): readonly DirtyChunk[];
  close(): void;
}

/** Columns and rows within a chunk; `right` and `bottom` are those after the last. */
type Part = Pick<DirtyChunk, 'left' | 'top' | 'right' | 'bottom'>;

type Bounds = [left: number, top: number, right: number, bottom: number];

/** The rectangles around parts of chunks, by slice. */
export class SliceBoxes {
  readonly #bounds = new Map<number, Bounds>();

  add({ slice, row, column }: ChunkPlace, { left, top, right, bottom }: Part): void {
    const [x, y] = [column * CHUNK_SIZE, row * CHUNK_SIZE];
    widen(this.#bounds, slice, x + left, y + top, x + right, y + bottom);
  }

  boxes(): Map<number, Box> {
    return new Map(
      Array.from(this.#bounds, ([slice, [left, top, right, bottom]]) => [
        slice,
        [left, top, right - left, bottom - top] as const,
      ]),
    );
  }
}

/** Collects changes for any number of trackers, and the rectangles of an edit. */
export class ChangedParts {
  readonly #placeOf: (key: number) => ChunkPlace;
  readonly #trackers = new Set<Map<number, Bounds>>();
  /** What no tracker has been told of. */
  readonly #latest = new Map<number, Bounds>();
  #boxes = new SliceBoxes();

  constructor(placeOf: (key: number) => ChunkPlace) {
    this.#placeOf = placeOf;
  }

  add(key: number, left: number, top: number, right: number, bottom: number): void {
    widen(this.#latest, key, left, top, right, bottom);
  }

  track(): ChangeTracker {
    this.#tell();
    const changed = new Map<number, Bounds>();
    this.#trackers.add(changed);
    return {
      take: () => {
        this.#tell();
        const taken = Array.from(changed, ([key, [left, top, right, bottom]]) => {
          return { ...this.#placeOf(key), left, top, right, bottom };
        });
        changed.clear();
        return taken;
      },
      close: () => this.#trackers.delete(changed),
    };
  }

  /** The rectangle of each slice that changed since the last call. */
  takeBoxes(): readonly { readonly slice: number; readonly box: Box }[] {
    this.#tell();
    const boxes = this.#boxes.boxes();
    this.#boxes = new SliceBoxes();
    return Array.from(boxes, ([slice, box]) => ({ slice, box }));
  }

  #tell(): void {
    for (const [key, [left, top, right, bottom]] of this.#latest) {
      for (const tracker of this.#trackers) widen(tracker, key, left, top, right, bottom);
      this.#boxes.add(this.#placeOf(key), { left, top, right, bottom });
    }
    this.#latest.clear();
  }
}

function widen(all: Map<number, Bounds>, key: number, left: number, top: number, right: number, bottom: number): void {
  const bounds = all.get(key);
  if (bounds === undefined) {
    all.set(key, [left, top, right, bottom]);
    return;
  }
  if (left < bounds[0]) bounds[0] = left;
  if (top < bounds[1]) bounds[1] = top;
  if (right > bounds[2]) bounds[2] = right;
  if (bottom > bounds[3]) bounds[3] = bottom;
}
