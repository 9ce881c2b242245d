import { copyBox, stridesOf } from '../../../array/boxes.ts';
import { allocate, elementCount } from '../../../array/ndarray.ts';
import type { Region } from '../../source.ts';
import { type Box, ChunkReader } from './chunks.ts';
import type { ZarrArray } from './metadata.ts';
import type { ZarrStore } from './store.ts';

/** One resolution of an image: an array, seen along the axes of the image. */
export class ZarrLevel {
  readonly array: ZarrArray;
  /** The axes of the image, in its order, as indices of the array's. The array has length 1 along the others. */
  readonly order: readonly number[];
  /** Along the axes of the image. */
  readonly shape: readonly number[];
  readonly store: ZarrStore;
  readonly #reader: ChunkReader;

  constructor(array: ZarrArray, store: ZarrStore, order: readonly number[]) {
    this.array = array;
    this.store = store;
    this.order = order;
    this.shape = order.map((axis) => array.shape[axis]);
    this.#reader = new ChunkReader(array, store);
  }

  /** Reads a region given along the axes of the image. @throws as `ChunkReader.read` */
  async read(region: Region): Promise<Box> {
    const { shape: all, dtype } = this.array;
    const start = all.map((_, axis) => region.start[this.order.indexOf(axis)] ?? 0);
    const shape = all.map((_, axis) => region.shape[this.order.indexOf(axis)] ?? 1);
    const box = await this.#reader.read({ start, shape });
    if (this.order.every((axis, i) => i === 0 || axis > this.order[i - 1])) return box;
    const data = allocate(dtype, elementCount(shape));
    const strides = stridesOf(shape);
    const source = this.order.map((axis) => strides[axis]);
    copyBox(box.data, 0, source, data, 0, stridesOf(region.shape), region.shape);
    return { ...box, data };
  }
}
