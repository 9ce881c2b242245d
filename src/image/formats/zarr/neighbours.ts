/** Chunks that are wanted together: in groups, of which those that lie side by side in a shard are read at once. */

import { placesIn } from '../../../array/boxes.ts';
import { bytesPer, elementCount } from '../../../array/ndarray.ts';
import type { Region } from '../../source.ts';
import { isObject, type Json, objects, type ZarrArray } from './metadata.ts';
import { NOT_STORED } from './shards.ts';
import type { ZarrStore } from './store.ts';

/** Chunks of a group, and the most bytes of their values unless one has more. */
const MOST_CHUNKS = 16;
const MOST_BYTES = 2 ** 23;

type Place = readonly number[];

/**
 * Chunks along each axis of a group: powers of two, so that a group is in one piece in shards whose chunks are in Z-order,
 * as zarr-python writes them.
 */
export function groupOf({ chunkShape, dtype }: Pick<ZarrArray, 'chunkShape' | 'dtype'>): readonly number[] {
  const most = Math.min(MOST_CHUNKS, MOST_BYTES / elementCount(chunkShape) / bytesPer(dtype));
  const group = chunkShape.map(() => 1);
  for (let axis = group.length - 1; elementCount(group) * 2 <= most; axis = axis > 0 ? axis - 1 : group.length - 1) {
    group[axis] *= 2;
  }
  return group;
}

/** The places of the chunks that a box touches, in groups. */
export function* groupsIn({ start, shape }: Region, chunk: Place, group: Place): Generator<readonly Place[]> {
  const first = start.map((at, i) => Math.floor(at / chunk[i]));
  const end = start.map((at, i) => Math.ceil((at + shape[i]) / chunk[i]));
  const blocks = placesIn(
    first.map((at, i) => Math.floor(at / group[i])),
    end.map((at, i) => Math.ceil(at / group[i])),
  );
  for (const block of blocks) {
    const from = block.map((at, i) => Math.max(first[i], at * group[i]));
    yield [
      ...placesIn(
        from,
        block.map((at, i) => Math.min(end[i], (at + 1) * group[i])),
      ),
    ];
  }
}

/** Where a chunk lies in the file of its shard. */
interface Stored {
  readonly offset: number;
  readonly length: number;
}

/** The shards of an array. */
export class ShardRanges {
  readonly #store: ZarrStore;
  readonly #array: ZarrArray;
  /** Chunks of a shard along each axis. */
  readonly #counts: Place;
  /** Bytes of an index; undefined if it is not laid out as nearly all are, where chunks are read one by one. */
  readonly #indexBytes: number | undefined;
  readonly #indices = new Map<string, Promise<Uint8Array | undefined>>();
  /** By key and offset. */
  readonly #read = new Map<string, Uint8Array>();

  constructor(store: ZarrStore, array: ZarrArray) {
    this.#store = store;
    this.#array = array;
    this.#counts = array.fileShape.map((length, i) => length / array.chunkShape[i]);
    this.#indexBytes = hasPlainIndex(array.forZarrita) ? 16 * elementCount(this.#counts) + 4 : undefined;
  }

  /** The index of a shard, with its checksum; undefined if there is no such file. @throws as `ZarrStore.range` */
  index(key: string, length: number): Promise<Uint8Array | undefined> {
    const known = this.#indices.get(key);
    if (known !== undefined && length === this.#indexBytes) return known;
    const read = this.#store.range(key, this.#array.indexAt === 'start' ? 0 : -length, length);
    if (length === this.#indexBytes) {
      this.#indices.set(key, read);
      read.catch(() => this.#indices.delete(key));
    }
    return read;
  }

  /** What was read by `begin`, once. */
  take(key: string, offset: number, length: number): Uint8Array | undefined {
    const name = `${key} ${offset}`;
    const bytes = this.#read.get(name);
    this.#read.delete(name);
    return bytes?.length === length ? bytes : undefined;
  }

  /**
   * Reads those of a group of chunks that lie side by side. What is wrong with a shard is said where a chunk of it is read.
   * @returns forgets what was not taken
   */
  async begin(places: readonly Place[]): Promise<() => void> {
    const { path, key } = this.#array;
    const byFile = new Map<string, Place[]>();
    for (const place of places) {
      const file = key(place.map((at, i) => Math.floor(at / this.#counts[i])));
      const name = path === '' ? file : `${path}/${file}`;
      byFile.set(name, [...(byFile.get(name) ?? []), place]);
    }
    const names: string[] = [];
    for (const [name, own] of byFile) {
      const runs = runsOf(await this.#storedOf(name, own));
      await Promise.all(
        runs.map(async (run) => {
          const [{ offset }, last] = [run[0], run[run.length - 1]];
          const bytes = await this.#store
            .range(name, offset, last.offset + last.length - offset)
            .catch(() => undefined);
          for (const one of bytes === undefined ? [] : run) {
            const own = bytes?.slice(one.offset - offset, one.offset - offset + one.length) as Uint8Array;
            this.#read.set(`${name} ${one.offset}`, own);
            names.push(`${name} ${one.offset}`);
          }
        }),
      );
    }
    return () => {
      for (const name of names) this.#read.delete(name);
    };
  }

  async #storedOf(key: string, places: readonly Place[]): Promise<readonly Stored[]> {
    if (this.#indexBytes === undefined || places.length < 2) return [];
    const bytes = await this.index(key, this.#indexBytes).catch(() => undefined);
    if (bytes === undefined) return [];
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return places.flatMap((place) => {
      const number = place.reduce((sum, at, i) => sum * this.#counts[i] + (at % this.#counts[i]), 0);
      const [offset, length] = [view.getBigUint64(16 * number, true), view.getBigUint64(16 * number + 8, true)];
      return offset === NOT_STORED ? [] : { offset: Number(offset), length: Number(length) };
    });
  }
}

/** Two or more that follow one another. */
function runsOf(stored: readonly Stored[]): readonly (readonly [Stored, ...Stored[]])[] {
  const runs: [Stored, ...Stored[]][] = [];
  for (const one of stored.toSorted((a, b) => a.offset - b.offset)) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    if (run !== undefined && last !== undefined && last.offset + last.length === one.offset) run.push(one);
    else runs.push([one]);
  }
  return runs.filter(({ length }) => length > 1);
}

/** Whether the index of shards is numbers in little-endian with a checksum. */
function hasPlainIndex({ codecs }: Json): boolean {
  const [{ configuration = {} } = {}] = objects(codecs);
  const index = isObject(configuration) ? objects(configuration.index_codecs) : [];
  const [bytes, checksum] = index;
  const isLittle = isObject(bytes?.configuration) && bytes.configuration.endian === 'little';
  return index.length === 2 && bytes?.name === 'bytes' && isLittle && checksum?.name === 'crc32c';
}
