/** The chunks of an array, decoded by zarrita and checked: what is cut off or damaged is an error, never zeros. */

import { copyBox, fillBox, offsetIn, stridesOf } from '../../../array/boxes.ts';
import { allocate, elementCount, type Storage } from '../../../array/ndarray.ts';
import { FormatError, LamellaError } from '../../../errors.ts';
import { joinPath } from '../../../files.ts';
import type { Region } from '../../source.ts';
import { eachAtOnce } from '../at-once.ts';
import type { Json, ZarrArray } from './metadata.ts';
import { groupOf, groupsIn, ShardRanges } from './neighbours.ts';
import type { ZarrStore } from './store.ts';
import { isForbidden, loadZarrita, plainName, withZstd, type Zarrita } from './zarrita.ts';

/** Chunks that are fetched and decoded at once, at least, and groups of them. */
const AT_ONCE = 8;
const GROUPS_AT_ONCE = 3;

/** A box of an array, and what of it was not stored. */
export interface Box {
  /** In the order of the array's axes. */
  readonly data: Storage[keyof Storage];
  /** The places of the files that do not exist, whose pixels have the fill value. */
  readonly missing: readonly (readonly number[])[];
  /** Files that the box lies in. */
  readonly files: number;
}

/** Tells a file that does not exist from one that cannot be read. */
class Missing extends Error {}

/** Reads boxes of one array. */
export class ChunkReader {
  readonly #array: ZarrArray;
  readonly #store: ZarrStore;
  readonly #group: readonly number[];
  readonly #shards: ShardRanges | undefined;
  readonly #opened: Promise<{ readonly zarrita: Zarrita; readonly chunks: Chunks }>;

  constructor(array: ZarrArray, store: ZarrStore) {
    this.#array = array;
    this.#store = store;
    this.#group = groupOf(array);
    // Of local files to read each by itself takes no longer, and its memory goes on to who decompresses it.
    this.#shards = array.indexAt !== undefined && store.isRemote ? new ShardRanges(store, array) : undefined;
    this.#opened = this.#open();
    this.#opened.catch(() => {});
  }

  async #open(): Promise<{ readonly zarrita: Zarrita; readonly chunks: Chunks }> {
    const { path, format, codecs, forZarrita } = this.#array;
    const zarrita = await loadZarrita();
    const unknown = codecs.find((name) => !zarrita.registry.has(name));
    if (unknown !== undefined) {
      const what = `the compression "${plainName(unknown)}"`;
      throw new FormatError(`${what} in a Zarr store: this is not supported.`, {
        file: joinPath(this.#store.name, path),
        remedy: 'Write it with zstd, blosc, gzip or lz4.',
        facts: { code: 'unsupported-format', what },
      });
    }
    const { zstd } = this.#store;
    const metadata = zstd === undefined ? forZarrita : withZstd(zarrita, forZarrita, zstd);
    const location = new zarrita.Location(this.#readable(metadata), `/${path}`);
    const open = format === 3 ? zarrita.open.v3 : zarrita.open.v2;
    return { zarrita, chunks: (await open(location, { kind: 'array' })) as unknown as Chunks };
  }

  /** The store as zarrita asks for it. */
  #readable(metadata: Json) {
    const store = this.#store;
    const { indexAt } = this.#array;
    const shards = this.#shards;
    const there = (bytes: Uint8Array | undefined): Uint8Array => {
      if (bytes === undefined) throw new Missing();
      return bytes;
    };
    return {
      async get(key: string): Promise<Uint8Array | undefined> {
        if (/\/(zarr\.json|\.zarray)$/.test(key)) return new TextEncoder().encode(JSON.stringify(metadata));
        if (key.endsWith('/.zattrs')) return undefined;
        return there(await store.read(key.slice(1)));
      },
      /** A suffix is always the index of a shard, which zarrita expects at its end. */
      async getRange(
        key: string,
        range: { readonly suffixLength: number } | { readonly offset: number; readonly length: number },
      ): Promise<Uint8Array | undefined> {
        const name = key.slice(1);
        if ('suffixLength' in range) {
          const { suffixLength: size } = range;
          return there(await (shards?.index(name, size) ?? store.range(name, indexAt === 'start' ? 0 : -size, size)));
        }
        const { offset, length } = range;
        return there(shards?.take(name, offset, length) ?? (await store.range(name, offset, length)));
      },
    };
  }

  /**
   * Reads a box that lies within the array.
   * @throws FormatError, naming the chunk, if one is damaged or cut off; DatasetError if a file cannot be read
   */
  async read({ start, shape }: Region): Promise<Box> {
    const { chunkShape, fileShape, dtype, fill, storesAll } = this.#array;
    const data = allocate(dtype, elementCount(shape));
    const strides = stridesOf(shape);
    const missing = new Map<string, readonly number[]>();
    const files = new Set<string>();
    const copy = async (place: readonly number[]): Promise<void> => {
      const from = place.map((p, i) => p * chunkShape[i]);
      const file = from.map((at, i) => Math.floor(at / fileShape[i]));
      files.add(file.join());
      // The part of the chunk within the box.
      const low = from.map((at, i) => Math.max(at, start[i]));
      const extent = low.map((at, i) => Math.min(from[i] + chunkShape[i], start[i] + shape[i]) - at);
      const target = offsetIn(
        low.map((at, i) => at - start[i]),
        strides,
      );
      const chunk = await this.#chunk(place, file);
      if (chunk === undefined) {
        if (storesAll)
          throw this.#problem(file, 'this shard is missing, though all were written: the store is incomplete.');
        if (fill === undefined) throw this.#problem(file, 'this chunk is missing, and the store names no fill value.');
        missing.set(file.join(), file);
        fillBox(data, target, strides, extent, fill);
      } else {
        const source = offsetIn(
          low.map((at, i) => at - from[i]),
          chunk.stride,
        );
        copyBox(chunk.data, source, chunk.stride, data, target, strides, extent);
        this.#store.zstd?.release?.(chunk.data);
      }
    };
    const groups = groupsIn({ start, shape }, chunkShape, this.#group);
    const atOnce = Math.max(GROUPS_AT_ONCE, Math.ceil(AT_ONCE / elementCount(this.#group)));
    await eachAtOnce(atOnce, groups, async (places) => {
      const forget = await this.#shards?.begin(places);
      try {
        await Promise.all(places.map(copy));
      } finally {
        forget?.();
      }
    });
    return { data, missing: [...missing.values()], files: files.size };
  }

  /** A chunk; undefined if its file does not exist. */
  async #chunk(place: readonly number[], file: readonly number[]): Promise<Chunk | undefined> {
    const { zarrita, chunks } = await this.#opened;
    const { chunkShape, indexAt } = this.#array;
    const which = indexAt === undefined ? 'this chunk' : `chunk ${place.join(', ')} in this shard`;
    let chunk: Chunk;
    try {
      chunk = await chunks.getChunk([...place]);
    } catch (cause) {
      if (cause instanceof Missing) return undefined;
      if (cause instanceof LamellaError) throw cause;
      const codec = zarrita.isZarritaError(cause, 'CodecPipelineError') ? cause.codec : undefined;
      if (cause instanceof Error && isForbidden(cause.cause)) {
        const what = `the compression "${plainName(codec ?? '')}"`;
        throw new FormatError(`${what} cannot be read in this page, whose security policy forbids its decoder.`, {
          file: this.#store.name,
          remedy: 'Open it in the page of lamella studio or on the command line, or write it with zstd.',
          facts: { code: 'unsupported-format', what },
        });
      }
      const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
      throw this.#problem(
        file,
        `${which} is damaged${codec === undefined ? '' : ` (${plainName(codec)}: ${inner})`}.`,
        cause,
      );
    }
    const expected = elementCount(chunkShape);
    if (chunk.data.length === expected) return chunk;
    throw this.#problem(file, `${which} holds ${chunk.data.length} of ${expected} values.`);
  }

  #problem(file: readonly number[], problem: string, cause?: unknown): FormatError {
    const { path, key } = this.#array;
    return new FormatError(problem, {
      file: joinPath(this.#store.name, path, key(file)),
      remedy: 'Copy the store again, or write it again.',
      cause,
    });
  }
}

interface Chunk {
  readonly data: Storage[keyof Storage];
  readonly stride: readonly number[];
}

interface Chunks {
  getChunk(place: number[]): Promise<Chunk>;
}
