/** Images that are written region by region. */

import { copyBox, offsetIn, placesIn, stridesOf } from '../array/boxes.ts';
import { allocate, bytesPer, type DType, dtypeOf, elementCount, type Storage } from '../array/ndarray.ts';
import { LamellaError } from '../errors.ts';
import type { Image } from './image.ts';
import type { ImageInfo, Region } from './source.ts';

/** An image that is written by region. Memory is that of the region, and of what the format stores together. */
export interface ImageSink {
  /** The image at the full resolution. */
  readonly info: ImageInfo;
  /**
   * What may be written by itself, along the axes of `info`: regions start at multiples of it and end at multiples of
   * it or at the end of the image.
   */
  readonly unit: readonly number[];
  /** Whether regions must follow one another in C order: the last axis fastest. */
  readonly inOrder: boolean;
  /**
   * Writes a region, each pixel of the image once. One call after the other: the next when this has ended.
   * @param data its values in C order, of the dtype of `info`; they may be changed when the promise has ended
   * @throws RangeError for a region that is not made of whole units, or was written before; LamellaError if there is no
   * space or no permission
   */
  write(region: Region, data: Storage[DType]): Promise<void>;
  /**
   * Writes what describes the image, without which nobody takes it for one: what is written in part is never read.
   * @throws LamellaError if a part of the image was not written, or there is no space
   */
  finish(): Promise<void>;
  /** Gives up: closes what is open, and removes files that were begun. For after an error; never throws. */
  abort(): Promise<void>;
}

/** Which units of an image were written. */
export class WrittenUnits {
  readonly #info: ImageInfo;
  readonly #unit: readonly number[];
  readonly #inOrder: boolean;
  /** Units along each axis. */
  readonly #counts: readonly number[];
  readonly #written: Uint8Array;
  #next = 0;

  constructor({ info, unit, inOrder }: Pick<ImageSink, 'info' | 'unit' | 'inOrder'>) {
    this.#info = info;
    this.#unit = unit;
    this.#inOrder = inOrder;
    this.#counts = info.shape.map((length, i) => Math.ceil(length / unit[i]));
    this.#written = new Uint8Array(elementCount(this.#counts));
  }

  /**
   * Marks the units of a region as written.
   * @throws RangeError as `ImageSink.write`
   */
  add({ start, shape }: Region, data: Storage[DType]): void {
    const { shape: whole, dtype } = this.#info;
    const text = `[${start.join(', ')}] + [${shape.join(', ')}]`;
    if (data.length !== elementCount(shape) || dtypeOf(data) !== dtypeOf(allocate(dtype, 0))) {
      throw new RangeError(`${data.length} values of ${dtypeOf(data)} are not those of ${text} in ${dtype}`);
    }
    const end = start.map((at, i) => at + shape[i]);
    const first = start.map((at, i) => at / this.#unit[i]);
    const last = end.map((at, i) => (at === whole[i] ? this.#counts[i] : at / this.#unit[i]));
    const fits =
      start.length === whole.length &&
      first.every((at, i) => at >= 0 && shape[i] >= 1 && end[i] <= whole[i]) &&
      [...first, ...last].every(Number.isInteger);
    if (!fits) {
      throw new RangeError(
        `the region ${text} is not made of units [${this.#unit.join(', ')}] of [${whole.join(', ')}]`,
      );
    }
    const strides = stridesOf(this.#counts);
    const along = first.length - 1;
    const run = last[along] - first[along];
    for (const place of placesIn(first, [...last.slice(0, along), first[along] + 1])) {
      const at = offsetIn(place, strides);
      const units = this.#written.subarray(at, at + run);
      if (units.includes(1)) throw new RangeError(`a part of the region ${text} was written before`);
      if (this.#inOrder && at !== this.#next) throw new RangeError(`the region ${text} is not the next one`);
      units.fill(1);
      this.#next = at + run;
    }
  }

  /** @throws LamellaError if a unit was not written */
  requireAll(file?: string): void {
    const missing = this.#written.reduce((count, written) => count + 1 - written, 0);
    if (missing === 0) return;
    throw new LamellaError(`${missing} of ${this.#written.length} parts of the image were not written.`, {
      file,
      remedy: 'Write it again from the start.',
    });
  }
}

/**
 * The regions by which an image is written, in C order: as many whole rows as fit into `maxBytes`, as most formats store
 * rows together; or one unit, where that is more.
 * @param options chunk: what is read together, which a region holds as a whole where it has at most 4 times `maxBytes`
 */
export function regionsOf(
  { info, unit, inOrder }: Pick<ImageSink, 'info' | 'unit' | 'inOrder'>,
  { maxBytes, chunk = unit }: { readonly maxBytes: number; readonly chunk?: readonly number[] },
): readonly Region[] {
  const { shape, dtype } = info;
  const bytesOf = (lengths: readonly number[]): number =>
    elementCount(lengths.map((length, i) => Math.min(length, shape[i]))) * bytesPer(dtype);
  const grown = unit.map((length, i) => {
    // Where regions come in order, several planes would have to be whole.
    const own = inOrder && i < unit.length - 2 ? length : Math.min(chunk[i], shape[i]);
    return Math.ceil(own / length) * length;
  });
  const rows = [...grown.slice(0, -1), shape[shape.length - 1]];
  const step = bytesOf(rows) <= 4 * maxBytes ? grown : [...unit];
  for (let axis = step.length - 1; axis >= 0; axis--) {
    const times = Math.max(1, Math.floor(maxBytes / bytesOf(step)));
    step[axis] = Math.min(times * step[axis], Math.ceil(shape[axis] / unit[axis]) * unit[axis]);
    // Only whole rows, planes and stacks follow one another.
    if (step[axis] < shape[axis]) break;
  }
  const counts = shape.map((length, i) => Math.ceil(length / step[i]));
  return [
    ...placesIn(
      shape.map(() => 0),
      counts,
    ),
  ].map((place) => {
    const start = place.map((p, i) => p * step[i]);
    return { start, shape: start.map((at, i) => Math.min(step[i], shape[i] - at)) };
  });
}

export interface MemorySink extends ImageSink {
  /** @throws LamellaError before all of it is written */
  readonly image: Image;
}

/**
 * An image in memory that is written by region.
 * @param options unit, inOrder: those of the sink that it stands for; default: single pixels in any order
 */
export function memorySink(
  info: ImageInfo,
  { unit = info.shape.map(() => 1), inOrder = false }: Partial<Pick<ImageSink, 'unit' | 'inOrder'>> = {},
): MemorySink {
  const written = new WrittenUnits({ info, unit, inOrder });
  const data = allocate(info.dtype, elementCount(info.shape));
  const strides = stridesOf(info.shape);
  return {
    info,
    unit,
    inOrder,
    get image() {
      written.requireAll(info.source);
      return { ...info, data };
    },
    async write({ start, shape }, values) {
      written.add({ start, shape }, values);
      copyBox(values, 0, stridesOf(shape), data, offsetIn(start, strides), strides, shape);
    },
    finish: async () => written.requireAll(info.source),
    abort: async () => {},
  };
}
