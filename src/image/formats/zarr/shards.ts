/**
 * Writes the shards of an array: files of compressed inner chunks, followed by an index of their places and its
 * checksum (codec `sharding_indexed` of Zarr 3). A shard goes to disk as its chunks come, and to its place when all are
 * there.
 */

import { copyBox, offsetIn, placesIn, stridesOf } from '../../../array/boxes.ts';
import { concatenate } from '../../../array/bytes.ts';
import { allocate, type DType, elementCount, type Storage } from '../../../array/ndarray.ts';
import { createFile, type FileWriter, joinPath, type WritableFiles } from '../../../files.ts';
import type { Region } from '../../source.ts';
import { crc32c } from './crc32c.ts';

/** An array to write, with the fill value 0. */
export interface ShardedArray {
  readonly path: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Shape of an inner chunk. */
  readonly chunk: readonly number[];
  /** Shape of a shard: whole chunks. */
  readonly shard: readonly number[];
}

/** Compresses a chunk. */
export type Pack = (bytes: Uint8Array) => Promise<Uint8Array>;

/** Shards that are flushed at once. */
const MOST_ENDING = 4;
/** In the index, for a chunk that holds nothing but the fill value and is not stored. */
export const NOT_STORED = 2n ** 64n - 1n;

/** The file of a shard by its place. */
export const shardKey = ({ path }: Pick<ShardedArray, 'path'>, place: readonly number[]): string =>
  joinPath(path, 'c', ...place.map(String));

/** Bytes followed by their CRC-32C: little-endian, as all that is written, as all hosts of JavaScript are. */
function withChecksum(bytes: Uint8Array): Uint8Array {
  return concatenate([bytes, new Uint8Array(Uint32Array.of(crc32c(bytes)).buffer)]);
}

/** Whether all bits are 0: a float of -0 is not the fill value. */
function isZero(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** Compressed chunks by their places; undefined for what is all zero. */
type PackedRow = readonly { readonly place: readonly number[]; readonly packed: Uint8Array | undefined }[];

interface Shard {
  readonly file: FileWriter;
  /** Offset and length of each chunk, in C order of the shard's chunks. */
  readonly index: BigUint64Array;
  size: number;
  /** Chunks that are not there yet. */
  open: number;
}

export class ShardWriter {
  readonly #array: ShardedArray;
  readonly #files: WritableFiles;
  readonly #pack: Pack;
  readonly #shards = new Map<string, Shard>();
  /** Shards that are on their way to their places. */
  readonly #ending = new Set<Promise<void>>();

  constructor(array: ShardedArray, files: WritableFiles, pack: Pack) {
    this.#array = array;
    this.#files = files;
    this.#pack = pack;
  }

  /**
   * Writes a region of whole chunks.
   * @throws LamellaError if there is no space
   */
  async write({ start, shape }: Region, data: Storage[DType]): Promise<void> {
    const { chunk } = this.#array;
    const first = start.map((at, i) => at / chunk[i]);
    const end = start.map((at, i) => Math.ceil((at + shape[i]) / chunk[i]));
    // Chunks of a row are compressed at once, while those of the row before are stored; in order: equal regions make
    // equal files.
    const along = first.length - 1;
    const rows = placesIn(first, [...end.slice(0, along), first[along] + 1]);
    const next = (): Promise<PackedRow> | undefined => {
      const { value: row, done } = rows.next();
      if (done === true) return undefined;
      const places = Array.from({ length: end[along] - first[along] }, (_, i) => [
        ...row.slice(0, along),
        first[along] + i,
      ]);
      const packing = Promise.all(
        places.map(async (place) => ({ place, packed: await this.#packed(place, { start, shape }, data) })),
      );
      // Until it is waited for.
      packing.catch(() => {});
      return packing;
    };
    for (let packing = next(); packing !== undefined; ) {
      const row = await packing;
      packing = next();
      for (const { place, packed } of row) await this.#store(place, packed);
    }
  }

  /** A compressed chunk, filled up with zeros where it reaches beyond the array; undefined if it is all zero. */
  async #packed(place: readonly number[], region: Region, data: Storage[DType]): Promise<Uint8Array | undefined> {
    const { chunk, dtype } = this.#array;
    const values = allocate(dtype, elementCount(chunk));
    const [source, own] = [stridesOf(region.shape), stridesOf(chunk)];
    const from = place.map((p, i) => p * chunk[i] - region.start[i]);
    const extent = from.map((at, i) => Math.min(chunk[i], region.shape[i] - at));
    copyBox(data, offsetIn(from, source), source, values, 0, own, extent);
    const bytes = new Uint8Array(values.buffer);
    if (isZero(bytes)) return undefined;
    return withChecksum(await this.#pack(bytes));
  }

  async #store(place: readonly number[], packed: Uint8Array | undefined): Promise<void> {
    const { chunk, shard, shape } = this.#array;
    const per = shard.map((length, i) => length / chunk[i]);
    const at = place.map((p, i) => Math.floor(p / per[i]));
    const key = shardKey(this.#array, at);
    let open = this.#shards.get(key);
    if (open === undefined) {
      // Chunks within the array; those beyond its end are never stored.
      const within = at.map((p, i) => Math.min(per[i], Math.ceil(shape[i] / chunk[i]) - p * per[i]));
      const index = new BigUint64Array(2 * elementCount(per)).fill(NOT_STORED);
      open = { file: await createFile(this.#files, key), index, size: 0, open: elementCount(within) };
      this.#shards.set(key, open);
    }
    if (packed !== undefined) {
      const number = offsetIn(
        place.map((p, i) => p - at[i] * per[i]),
        stridesOf(per),
      );
      open.index.set([BigInt(open.size), BigInt(packed.length)], 2 * number);
      await open.file.write(open.size, packed);
      open.size += packed.length;
    }
    open.open--;
    if (open.open > 0) return;
    await open.file.write(open.size, withChecksum(new Uint8Array(open.index.buffer)));
    this.#shards.delete(key);
    // Flushing takes a while, in which the next chunks are compressed.
    while (this.#ending.size >= MOST_ENDING) await Promise.race(this.#ending);
    const ending = open.file.finish();
    ending.then(() => this.#ending.delete(ending)).catch(() => {});
    this.#ending.add(ending);
  }

  /** When this has ended, all shards that are complete are in their places. @throws LamellaError if there is no space */
  async finish(): Promise<void> {
    await Promise.all(this.#ending);
  }

  /** Removes what is not finished; never throws. */
  async abort(): Promise<void> {
    await Promise.allSettled(this.#ending);
    for (const { file } of this.#shards.values()) await file.abort();
    this.#shards.clear();
  }
}
