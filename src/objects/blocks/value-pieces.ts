/** How many connected pieces each value of a label map of any size has. */

import { ndarray } from '../../array/ndarray.ts';
import { connectedComponents } from '../connected-components.ts';
import { type Connectivity, eachBorderPixel, extentsOf, type IntegerArray } from '../grid.ts';
import { type BlockGrid, boxOf, firstPixels } from './block-grid.ts';
import { describeBlock } from './block-record.ts';
import { partsOf, valuesOf } from './components-by-blocks.ts';
import { BlockJoin } from './join-blocks.ts';

/** A value of a label map. */
export interface ValuePieces {
  readonly value: number;
  readonly pixels: number;
  /** Connected components of pixels of this value; of 0, the background, none. */
  readonly pieces: number;
}

/** Of a value, until all blocks were added. */
interface Found {
  pixels: number;
  /** Those that do not go on in other blocks. */
  pieces: number;
  /** Raster index in the whole image of the first pixel. */
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
    const box = boxOf(this.#grid, this.#values.length);
    const { labels, count } = connectedComponents(block, { connectivity: this.#connectivity, by: 'value' });
    const values = valuesOf(labels, block, count);
    const first = firstPixels(labels.data, count, box, this.#grid.shape);
    const { goesOn, length } = this.#touching(labels.data, count);
    const pixels = new Float64Array(count + 1);
    for (const label of labels.data) pixels[label] = pixels[label] + 1;
    const found = this.#found;
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
    const record = describeBlock({ ...parts, values: valuesOf(joined, block, length) }, box, this.#grid);
    this.#values.push(record.values as Float64Array);
    this.#join.add(record);
  }

  /** Numbers the components that touch another block. */
  #touching(labels: Int32Array, count: number): { readonly goesOn: Int32Array; readonly length: number } {
    const { start, shape } = boxOf(this.#grid, this.#values.length);
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
    for (const [index, values] of this.#values.entries()) {
      for (const [label, number] of numbersOf(index).labels.entries()) {
        if (label === 0 || seen[number] === 1) continue;
        seen[number] = 1;
        const own = this.#found.get(values[label]);
        if (own !== undefined) own.pieces++;
      }
    }
    const inOrder = [...this.#found].sort(([, a], [, b]) => a.first - b.first || 0);
    return inOrder.map(([value, { pixels, pieces }]) => ({ value, pixels, pieces }));
  }
}
