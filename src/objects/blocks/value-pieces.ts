/** How many connected pieces each value of a label map of any size has. */

import { ndarray } from '../../array/ndarray.ts';
import { connectedComponents } from '../connected-components.ts';
import { type Connectivity, eachBorderPixel, extentsOf, type IntegerArray } from '../grid.ts';
import { type BlockGrid, type Box, boxOf, firstPixels } from './block-grid.ts';
import { type BlockRecord, describeBlock } from './block-record.ts';
import { partsOf, valuesOf } from './components-by-blocks.ts';
import { BlockJoin } from './join-blocks.ts';

/** A value of a label map. */
export interface ValuePieces {
  readonly value: number;
  readonly pixels: number;
  /** Connected components of pixels of this value; of 0, the background, none. */
  readonly pieces: number;
}

/** What is found of a block. Plain data, by which processes tell each other of their blocks. */
export interface BlockPieces {
  /** Each value of the block once, 0 too; the other lists are by it. */
  readonly values: Float64Array;
  readonly pixels: Float64Array;
  /** Those that do not go on in other blocks. */
  readonly pieces: Float64Array;
  /** Raster index in the whole image of the first pixel. */
  readonly first: Float64Array;
  /** The components that touch another block. */
  readonly touching: BlockRecord;
}

/** Of a value, until all blocks were added. */
interface Found {
  pixels: number;
  pieces: number;
  first: number;
}

/**
 * Counts the connected components of each value of a label map, block by block. Memory: about 100 bytes for each component
 * of a block that touches another block, and for each value.
 */
export class ValuePiecesByBlocks {
  readonly #grid: BlockGrid;
  readonly #connectivity: Connectivity | undefined;
  readonly #join: BlockJoin;
  readonly #found = new Map<number, Found>();
  /** Of each block, the values of the components that touch another block. */
  readonly #values: Float64Array[] = [];

  /** @param connectivity default 4 in 2D, 6 in 3D */
  constructor(grid: BlockGrid, { connectivity }: { readonly connectivity?: Connectivity } = {}) {
    this.#grid = grid;
    this.#connectivity = connectivity;
    this.#join = new BlockJoin(grid, { connectivity });
  }

  /** @param block the next one of the grid */
  add(block: IntegerArray): void {
    this.take(this.piecesOf(block, this.#values.length));
  }

  /** What `add` adds: by it, other processes can count blocks. @param index of the block in the grid */
  piecesOf(block: IntegerArray, index: number): BlockPieces {
    const box = boxOf(this.#grid, index);
    const { labels, count } = connectedComponents(block, { connectivity: this.#connectivity, by: 'value' });
    const values = valuesOf(labels, block, count);
    const first = firstPixels(labels.data, count, box, this.#grid.shape);
    const { goesOn, length } = this.#touching(labels.data, count, box);
    const pixels = new Float64Array(count + 1);
    for (const label of labels.data) pixels[label] = pixels[label] + 1;
    const found = new Map<number, Found>();
    for (let label = 0; label <= count; label++) {
      if (pixels[label] === 0) continue;
      const own = found.get(values[label]) ?? { pixels: 0, pieces: 0, first: Number.POSITIVE_INFINITY };
      own.pixels += pixels[label];
      if (label > 0) own.first = Math.min(own.first, first[label]);
      if (label > 0 && goesOn[label] === 0) own.pieces++;
      found.set(values[label], own);
    }
    const data = labels.data.map((label) => goesOn[label]);
    const joined = ndarray('int32', labels.shape, data);
    const parts = partsOf(joined, length, box, this.#grid.shape);
    const all = [...found.values()];
    return {
      values: Float64Array.from(found.keys()),
      pixels: Float64Array.from(all, (own) => own.pixels),
      pieces: Float64Array.from(all, (own) => own.pieces),
      first: Float64Array.from(all, (own) => own.first),
      touching: describeBlock({ ...parts, values: valuesOf(joined, block, length) }, box, this.#grid),
    };
  }

  /** @param block what was found of the next block of the grid */
  take({ values, pixels, pieces, first, touching }: BlockPieces): void {
    for (const [k, value] of values.entries()) {
      const own = this.#found.get(value) ?? { pixels: 0, pieces: 0, first: Number.POSITIVE_INFINITY };
      own.pixels += pixels[k];
      own.pieces += pieces[k];
      own.first = Math.min(own.first, first[k]);
      this.#found.set(value, own);
    }
    this.#values.push(touching.values as Float64Array);
    this.#join.add(touching);
  }

  /** Numbers the components that touch another block. */
  #touching(
    labels: Int32Array,
    count: number,
    { start, shape }: Box,
  ): { readonly goesOn: Int32Array; readonly length: number } {
    const extents = extentsOf(shape);
    const goesOn = new Int32Array(count + 1);
    let length = 0;
    const { width, height } = extents;
    eachBorderPixel(extents, (pixel) => {
      const label = labels[pixel];
      if (label === 0 || goesOn[label] > 0) return;
      const place = [Math.floor(pixel / width / height), Math.floor(pixel / width) % height, pixel % width];
      const inside = place.slice(-shape.length).some((at, axis) => {
        const isFirst = at === 0 && start[axis] > 0;
        return isFirst || (at === shape[axis] - 1 && start[axis] + shape[axis] < this.#grid.shape[axis]);
      });
      if (inside) goesOn[label] = ++length;
    });
    return { goesOn, length };
  }

  /** All values in the order of their first pixels, 0 last; after all blocks were added. */
  result(): readonly ValuePieces[] {
    const { count, numbersOf } = this.#join.finish();
    const seen = new Uint8Array(count + 1);
    const joined = new Map<number, number>();
    for (const [index, values] of this.#values.entries()) {
      for (const [label, number] of numbersOf(index).labels.entries()) {
        if (label === 0 || seen[number] === 1) continue;
        seen[number] = 1;
        joined.set(values[label], (joined.get(values[label]) ?? 0) + 1);
      }
    }
    const inOrder = [...this.#found].sort(([, a], [, b]) => a.first - b.first || 0);
    return inOrder.map(([value, { pixels, pieces }]) => ({ value, pixels, pieces: pieces + (joined.get(value) ?? 0) }));
  }
}
