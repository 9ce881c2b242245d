/** The metadata of groups and arrays: `.zgroup`, `.zarray` and `.zattrs` of Zarr 2, `zarr.json` of Zarr 3. */

import { float16ToNumber, numberToFloat16 } from '../../../array/float16.ts';
import { type DType, isDType } from '../../../array/ndarray.ts';
import { FormatError } from '../../../errors.ts';
import { joinPath } from '../../../files.ts';
import type { ZarrStore } from './store.ts';

export type Json = { readonly [name: string]: unknown };

/** A group or an array of a store. */
export interface ZarrNode {
  readonly path: string;
  readonly format: 2 | 3;
  readonly attributes: Json;
  /** What describes the array; undefined for a group. */
  readonly array: Json | undefined;
}

/** An array whose metadata agree with themselves. */
export interface ZarrArray {
  readonly path: string;
  readonly format: 2 | 3;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** What is decoded at once. */
  readonly chunkShape: readonly number[];
  /** What is one file: a shard of several chunks, or a chunk. */
  readonly fileShape: readonly number[];
  /** Whether the index of a shard is at its start; undefined without shards. */
  readonly indexAt: 'start' | 'end' | undefined;
  /** Codecs by the names that zarrita has for them. */
  readonly codecs: readonly string[];
  /** Whether its writer stored every file, so that one that is missing was lost. */
  readonly storesAll: boolean;
  /** The value of what is not stored, as float16's bits where the dtype is float16; undefined if there is none. */
  readonly fill: number | bigint | undefined;
  /** The key of a file by its place among the files. */
  key(place: readonly number[]): string;
  /** The metadata with what zarrita does not know in terms that it does: bool as uint8, float16 as uint16. */
  readonly forZarrita: Json;
}

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const objects = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isObject) : []);

/** Positive integers, of which there are `count` if it is given; undefined for anything else. */
function lengths(value: unknown, count?: number): readonly number[] | undefined {
  const fits = Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n > 0);
  return fits && (count === undefined || value.length === count) ? value : undefined;
}

async function readJson(store: ZarrStore, key: string): Promise<Json | undefined> {
  const bytes = await store.read(key);
  if (bytes === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new FormatError('the metadata of the Zarr store are not JSON.', {
      file: joinPath(store.name, key),
      remedy: 'Copy the store again.',
      cause,
    });
  }
  if (isObject(value)) return value;
  throw new FormatError('the metadata of the Zarr store are not an object.', { file: joinPath(store.name, key) });
}

/** The group or array at a path, '' for the store itself; undefined if there is none. @throws FormatError if damaged */
export async function readNode(store: ZarrStore, path: string): Promise<ZarrNode | undefined> {
  const at = (name: string): string => (path === '' ? name : `${path}/${name}`);
  const three = await readJson(store, at('zarr.json'));
  if (three !== undefined) {
    const attributes = isObject(three.attributes) ? three.attributes : {};
    return { path, format: 3, attributes, array: three.node_type === 'array' ? three : undefined };
  }
  const array = await readJson(store, at('.zarray'));
  const attributes = await readJson(store, at('.zattrs'));
  if (array === undefined && attributes === undefined && (await readJson(store, at('.zgroup'))) === undefined) {
    return undefined;
  }
  return { path, format: 2, attributes: attributes ?? {}, array };
}

/**
 * Checks the metadata of an array.
 * @param store for messages
 * @throws FormatError if they contradict themselves, or describe what is not supported
 */
export function parseArray({ path, format, array, attributes }: ZarrNode, store: ZarrStore): ZarrArray {
  const file = joinPath(store.name, path);
  const wrong = (problem: string): never => {
    throw new FormatError(problem, { file, remedy: 'Write the store again.' });
  };
  const unsupported = (what: string): never => {
    throw new FormatError(`${what} in a Zarr store: this is not supported.`, {
      file,
      remedy: 'Write it with zarr-python, or save its image as OME-TIFF.',
      facts: { code: 'unsupported-format', what },
    });
  };
  const given = array ?? wrong('this is a group of a Zarr store, where an array is expected.');
  const shape = lengths(given.shape) ?? wrong(`the array has the shape ${JSON.stringify(given.shape)}.`);
  const parsed = format === 3 ? version3(given, shape.length) : version2(given, shape.length);
  return { path, format, shape, storesAll: ownAttributes(attributes).all_shards === true, ...parsed };

  type Own = Omit<ZarrArray, 'path' | 'format' | 'shape' | 'storesAll'>;

  function version3(meta: Json, rank: number): Own {
    for (const [name, value] of Object.entries(meta)) {
      if (!KNOWN_FIELDS.has(name) && !(isObject(value) && value.must_understand === false)) {
        unsupported(`the extension "${name}"`);
      }
    }
    if (objects(meta.storage_transformers).length > 0) unsupported('a storage transformer');
    const grid = isObject(meta.chunk_grid) ? meta.chunk_grid : {};
    if (grid.name !== 'regular') unsupported(`the chunk grid "${grid.name}"`);
    const fileShape =
      lengths(configuration(grid).chunk_shape, rank) ??
      wrong(`the array has ${rank} axes, but chunks of ${JSON.stringify(configuration(grid).chunk_shape)}.`);
    const dtype = dtypeOf(meta.data_type);
    const outer = objects(meta.codecs);
    const sharding = outer.find(({ name }) => name === SHARDING);
    if (sharding !== undefined && outer.length > 1) unsupported('a codec around shards');
    const inner = sharding === undefined ? outer : objects(configuration(sharding).codecs);
    if (inner.some(({ name }) => name === SHARDING)) unsupported('shards within shards');
    checkTransposes(inner, rank);
    const chunkShape = sharding === undefined ? fileShape : lengths(configuration(sharding).chunk_shape, rank);
    if (chunkShape === undefined || !chunkShape.every((length, i) => fileShape[i] % length === 0)) {
      return wrong(`shards of ${fileShape.join(' x ')} do not consist of whole chunks.`);
    }
    const { index_location: indexAt = 'end' } = sharding === undefined ? {} : configuration(sharding);
    if (indexAt !== 'start' && indexAt !== 'end') wrong(`the index of the shards is at "${indexAt}".`);
    const encoding = isObject(meta.chunk_key_encoding) ? meta.chunk_key_encoding : {};
    if (encoding.name !== 'default' && encoding.name !== 'v2') unsupported(`the chunk keys "${encoding.name}"`);
    const { separator = encoding.name === 'v2' ? '.' : '/' } = configuration(encoding);
    const fill = fillOf(meta.fill_value, dtype);
    return {
      dtype,
      chunkShape,
      fileShape,
      indexAt: sharding === undefined ? undefined : (indexAt as 'start' | 'end'),
      codecs: inner.map(({ name }) => String(name)),
      fill,
      key: (place) => (encoding.name === 'v2' ? place : ['c', ...place]).join(String(separator)),
      forZarrita: { ...meta, attributes: {}, data_type: STORED_AS[dtype] ?? dtype, fill_value: jsonOf(fill) },
    };
  }

  function version2(meta: Json, rank: number): Own {
    const chunkShape =
      lengths(meta.chunks, rank) ?? wrong(`the array has ${rank} axes, but chunks of ${JSON.stringify(meta.chunks)}.`);
    if (meta.order !== 'C' && meta.order !== 'F') wrong(`the array has the order ${JSON.stringify(meta.order)}.`);
    const [, sign, kind = ''] = /^([<>|])(\w+)$/.exec(String(meta.dtype)) ?? [];
    const dtype = dtypeOf(NUMPY_KINDS[kind] ?? meta.dtype);
    const { dimension_separator: separator = '.' } = meta;
    const stored = { bool: '|u1', float16: `${sign}u2` }[dtype as string] ?? meta.dtype;
    const filters = [...objects(meta.filters), ...(isObject(meta.compressor) ? [meta.compressor] : [])];
    return {
      dtype,
      chunkShape,
      fileShape: chunkShape,
      indexAt: undefined,
      codecs: filters.map(({ id }) => (id === 'fixedscaleoffset' ? 'scale_offset' : `numcodecs.${id}`)),
      fill: fillOf(meta.fill_value, dtype),
      key: (place) => place.join(String(separator)),
      forZarrita: { ...meta, dtype: stored, fill_value: 0 },
    };
  }

  function dtypeOf(name: unknown): DType {
    return typeof name === 'string' && isDType(name) ? name : unsupported(`values of the type ${JSON.stringify(name)}`);
  }

  /** zarrita applies one permutation of the axes. */
  function checkTransposes(codecs: readonly Json[], rank: number): void {
    const transposes = codecs.filter(({ name }) => name === 'transpose');
    if (transposes.length > 1) unsupported('more than one permutation of the axes');
    for (const codec of transposes) {
      const { order } = configuration(codec);
      const isPermutation =
        Array.isArray(order) &&
        order.length === rank &&
        [...order].sort((a, b) => a - b).every((axis, i) => axis === i);
      if (!isPermutation) wrong(`the axes are permuted as ${JSON.stringify(order)}.`);
    }
  }

  function fillOf(value: unknown, dtype: DType): ZarrArray['fill'] {
    if (value === null || value === undefined) return undefined;
    const number = typeof value === 'boolean' && dtype === 'bool' ? Number(value) : value;
    const isFloat = dtype.startsWith('float');
    const words: Readonly<Record<string, number>> = {
      NaN: Number.NaN,
      Infinity: Number.POSITIVE_INFINITY,
      '-Infinity': Number.NEGATIVE_INFINITY,
    };
    const found = typeof number === 'string' && isFloat ? (words[number] ?? floatOf(number, dtype)) : number;
    if (typeof found !== 'number' || !(isFloat || Number.isInteger(found))) {
      return wrong(`the fill value is ${JSON.stringify(value)}, which is not of type ${dtype}.`);
    }
    if (dtype === 'float16') return numberToFloat16(found);
    return dtype === 'int64' || dtype === 'uint64' ? BigInt(found) : found;
  }
}

/** What Lamella says of what it wrote. */
export const ownAttributes = ({ lamella }: Json): Json => (isObject(lamella) ? lamella : {});

const SHARDING = 'sharding_indexed';

/** Of an array in Zarr 3. Others must be understood, unless they say that they need not be. */
const KNOWN_FIELDS = new Set([
  'zarr_format',
  'node_type',
  'shape',
  'data_type',
  'chunk_grid',
  'chunk_key_encoding',
  'fill_value',
  'codecs',
  'attributes',
  'storage_transformers',
  'dimension_names',
]);

/** Types in terms of one of the same size that zarrita has on every platform. */
const STORED_AS: Readonly<Partial<Record<DType, DType>>> = { bool: 'uint8', float16: 'uint16' };

const NUMPY_KINDS: Readonly<Record<string, DType>> = {
  b1: 'bool',
  i1: 'int8',
  u1: 'uint8',
  i2: 'int16',
  u2: 'uint16',
  i4: 'int32',
  u4: 'uint32',
  i8: 'int64',
  u8: 'uint64',
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
};

const configuration = (of: Json): Json => (isObject(of.configuration) ? of.configuration : {});

/** A floating-point number by its bits, as in `0x7fc00000`; undefined for other texts. */
function floatOf(text: string, dtype: DType): number | undefined {
  if (!/^0x[\da-f]+$/i.test(text)) return undefined;
  const bits = BigInt(text);
  if (dtype === 'float16') return float16ToNumber(Number(bits));
  return dtype === 'float32'
    ? new Float32Array(Uint32Array.of(Number(bits)).buffer)[0]
    : new Float64Array(BigUint64Array.of(bits).buffer)[0];
}

/** A fill value as Zarr 3 writes it. */
function jsonOf(fill: ZarrArray['fill']): unknown {
  return typeof fill === 'number' && !Number.isFinite(fill) ? String(fill) : fill === undefined ? 0 : Number(fill);
}
