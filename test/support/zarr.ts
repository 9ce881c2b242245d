/** OME-Zarr stores made by hand: uncompressed, so that every byte of a file is known. */

import { allocate, type DType, elementCount } from '../../src/array/ndarray.ts';
import { crc32c } from '../../src/image/formats/zarr/crc32c.ts';

export interface StoredLevel {
  readonly shape: readonly number[];
  readonly chunks: readonly number[];
  /** Value of an element by its place; default: its number. */
  readonly value?: (place: readonly number[], index: number) => number;
  readonly dtype?: Exclude<DType, 'int64' | 'uint64'>;
  /** Shape of a shard, in Zarr 3. */
  readonly shards?: readonly number[];
  readonly scale?: readonly number[];
  readonly translation?: readonly number[];
}

export interface StoreOptions {
  /** Default: `0.5`, in Zarr 3; `0.4` is in Zarr 2. */
  readonly version?: '0.4' | '0.5';
  /** Default: the last letters of `tczyx`, with µm. */
  readonly axes?: readonly (string | object)[];
  /** Beside `multiscales`. */
  readonly attributes?: object;
  /** Changes the metadata of each array. */
  readonly metadata?: (meta: Record<string, unknown>) => object;
}

const json = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** Places in a grid, the last axis fastest. */
function* grid(counts: readonly number[]): Generator<number[]> {
  for (let n = 0; n < elementCount(counts); n++) {
    let rest = n;
    const place = counts.map(() => 0);
    for (let i = counts.length - 1; i >= 0; i--) {
      const count = counts[i] as number;
      place[i] = rest % count;
      rest = Math.floor(rest / count);
    }
    yield place;
  }
}

const divided = (a: readonly number[], b: readonly number[]): number[] =>
  a.map((length, i) => Math.ceil(length / (b[i] as number)));

function chunkBytes(level: StoredLevel, place: readonly number[]): Uint8Array {
  const { shape, chunks, dtype = 'uint8', value = (_, index) => index % 251 } = level;
  const data = allocate(dtype, elementCount(chunks));
  let at = 0;
  for (const within of grid(chunks)) {
    const where = within.map((w, i) => w + (place[i] as number) * (chunks[i] as number));
    const index = where.reduce((sum, w, i) => sum * (shape[i] as number) + w, 0);
    if (where.every((w, i) => w < (shape[i] as number))) data[at] = value(where, index);
    at++;
  }
  return new Uint8Array(data.buffer);
}

function shardBytes(level: StoredLevel, shards: readonly number[], shard: readonly number[]): Uint8Array {
  const per = divided(shards, level.chunks);
  const counts = divided(level.shape, level.chunks);
  const parts: Uint8Array[] = [];
  const index = new BigUint64Array(2 * elementCount(per)).fill(2n ** 64n - 1n);
  let [at, n] = [0, 0];
  for (const inner of grid(per)) {
    const place = inner.map((p, i) => p + (shard[i] as number) * (per[i] as number));
    if (place.every((p, i) => p < (counts[i] as number))) {
      const bytes = chunkBytes(level, place);
      index.set([BigInt(at), BigInt(bytes.length)], 2 * n);
      parts.push(bytes);
      at += bytes.length;
    }
    n++;
  }
  const ending = new Uint8Array(index.buffer);
  const sum = new Uint8Array(Uint32Array.of(crc32c(ending)).buffer);
  return new Uint8Array(Buffer.concat([...parts, ending, sum]));
}

/** The files of a store by their keys. */
export function zarrStore(
  levels: readonly StoredLevel[],
  { version = '0.5', axes, attributes = {}, metadata = (meta) => meta }: StoreOptions = {},
): Record<string, Uint8Array> {
  const rank = (levels[0] as StoredLevel).shape.length;
  const types: Record<string, string> = { t: 'time', c: 'channel' };
  const units: Record<string, string> = { time: 'second', space: 'micrometer' };
  const usual = [...'tczyx'].slice(5 - rank).map((name) => {
    const type = types[name] ?? 'space';
    return { name, type, unit: units[type] };
  });
  const datasets = levels.map(({ scale = new Array(rank).fill(1), translation }, i) => ({
    path: String(i),
    coordinateTransformations: [
      { type: 'scale', scale },
      ...(translation === undefined ? [] : [{ type: 'translation', translation }]),
    ],
  }));
  const three = version === '0.5';
  const multiscales = [{ axes: axes ?? usual, datasets, ...(three ? {} : { version }) }];
  const files: Record<string, Uint8Array> = three
    ? {
        'zarr.json': json({
          zarr_format: 3,
          node_type: 'group',
          attributes: { ome: { version, multiscales, ...attributes } },
        }),
      }
    : { '.zgroup': json({ zarr_format: 2 }), '.zattrs': json({ multiscales, ...attributes }) };
  for (const [i, level] of levels.entries()) {
    const { shape, chunks, shards, dtype = 'uint8' } = level;
    const bytes = { name: 'bytes', configuration: { endian: 'little' } };
    const sharding = {
      name: 'sharding_indexed',
      configuration: { chunk_shape: chunks, codecs: [bytes], index_codecs: [bytes, { name: 'crc32c' }] },
    };
    const numpy = { float32: '<f4', uint16: '<u2', uint8: '|u1' }[dtype as string];
    files[`${i}/${three ? 'zarr.json' : '.zarray'}`] = json(
      metadata(
        three
          ? {
              zarr_format: 3,
              node_type: 'array',
              shape,
              data_type: dtype,
              chunk_grid: { name: 'regular', configuration: { chunk_shape: shards ?? chunks } },
              chunk_key_encoding: { name: 'default', configuration: { separator: '/' } },
              fill_value: 0,
              codecs: [shards === undefined ? bytes : sharding],
              attributes: {},
            }
          : {
              zarr_format: 2,
              shape,
              chunks,
              dtype: numpy,
              fill_value: 0,
              order: 'C',
              filters: null,
              compressor: null,
              dimension_separator: '/',
            },
      ),
    );
    for (const place of grid(divided(shape, shards ?? chunks))) {
      const content = shards === undefined ? chunkBytes(level, place) : shardBytes(level, shards, place);
      files[`${i}/${three ? 'c/' : ''}${place.join('/')}`] = content;
    }
  }
  return files;
}

/** The files below a folder. */
export const below = (folder: string, files: Record<string, Uint8Array>): Record<string, Uint8Array> =>
  Object.fromEntries(Object.entries(files).map(([key, bytes]) => [`${folder}/${key}`, bytes]));
