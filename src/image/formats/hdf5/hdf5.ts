/** HDF5 files read by jsfive, with types and with errors that name the file; and the axes of ilastik. */

import { copyBox, stridesOf } from '../../../array/boxes.ts';
import { allocate, type DType, type Storage } from '../../../array/ndarray.ts';
import { FormatError } from '../../../errors.ts';

/** The part of jsfive that is used. */
export interface Hdf5Dataset {
  /** From slowest to fastest. */
  readonly shape: readonly number[];
  /** As NumPy writes it, `<u2`; a list for texts of varying length. */
  readonly dtype: unknown;
  readonly attrs: Readonly<Record<string, unknown>>;
  /** Every value, in C order; read on access. */
  readonly value: ArrayLike<unknown>;
}

export interface Hdf5Group {
  readonly keys: readonly string[];
  readonly attrs: Readonly<Record<string, unknown>>;
  /** By its path; throws if there is none. */
  get(path: string): Hdf5Group | Hdf5Dataset;
}

export const isGroup = (found: Hdf5Group | Hdf5Dataset): found is Hdf5Group =>
  'keys' in found && Array.isArray(found.keys);

/** Types of samples by those of NumPy, without their byte order. */
const DTYPES = {
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  f4: 'float32',
  f8: 'float64',
  u8: 'uint64',
  i8: 'int64',
} as const;
export type Hdf5Type = (typeof DTYPES)[keyof typeof DTYPES];

const ARRAYS = {
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

/** The type of a dataset's samples; undefined for texts, references and compounds. */
export function typeOf({ dtype }: Hdf5Dataset): Hdf5Type | undefined {
  const [, name] = /^[<>|]([uif]\d)$/.exec(String(dtype)) ?? [];
  return DTYPES[name as keyof typeof DTYPES];
}

/**
 * Runs what reads a file.
 * @throws FormatError for damage, and for what jsfive does not read, such as filters of plugins
 */
export async function withHdf5<T>(bytes: Uint8Array, file: string, read: (root: Hdf5Group) => T): Promise<T> {
  const { File } = await import('jsfive');
  try {
    return read(new File(bytes.slice().buffer, file));
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    const said = String((cause as Error)?.message ?? cause);
    const [, filter] = /Filter with id:(\d+)/.exec(said) ?? [];
    throw filter === undefined
      ? new FormatError('the HDF5 file is damaged, or holds what is not supported.', {
          file,
          remedy: 'Copy it again, or export it as TIFF.',
          cause,
        })
      : new FormatError(`compression by filter ${filter}${FILTERS[filter] ?? ''} is not supported.`, {
          file,
          remedy: 'Export it with gzip or without compression, or as TIFF.',
        });
  }
}

const FILTERS: Readonly<Record<string, string>> = { 4: ' (SZIP)', 32000: ' (LZF)', 32001: ' (Blosc)' };

/**
 * The samples of a dataset.
 * @throws FormatError if they are fewer than its shape says, or an integer of 64 bits is not exact
 */
export function samplesOf(dataset: Hdf5Dataset, dtype: Hdf5Type, file: string): Storage[Hdf5Type] {
  const count = dataset.shape.reduce((product, length) => product * length, 1);
  const values = dataset.value as ArrayLike<number> | undefined;
  if (values?.length !== count || values[count - 1] === undefined) {
    throw new FormatError(`the dataset has fewer than its ${count} values: the file ends early.`, {
      file,
      remedy: 'Copy it again.',
    });
  }
  if (dtype !== 'int64' && dtype !== 'uint64') return ARRAYS[dtype].from(values);
  const exact = (value: number): bigint => {
    if (Number.isSafeInteger(Number(value))) return BigInt(value);
    throw new FormatError(`the integer ${value} of 64 bits is not read exactly.`, {
      file,
      remedy: 'Save the image with 32 bits.',
    });
  };
  return dtype === 'int64' ? BigInt64Array.from(values, exact) : BigUint64Array.from(values, exact);
}

/** Text of an attribute or a dataset of one. */
export function textOf(value: unknown): string | undefined {
  const one = Array.isArray(value) ? value[0] : value;
  return typeof one === 'string' ? one.replace(/\0+$/, '') : undefined;
}

/** The axes that vigra and ilastik state (`axistags`), as letters: `zyxc`. */
export function axisTags(json: unknown, file: string): string | undefined {
  const text = textOf(json);
  if (text === undefined) return undefined;
  let axes: unknown;
  try {
    axes = (JSON.parse(text) as { readonly axes?: unknown }).axes;
  } catch (cause) {
    throw new FormatError('its axis tags are no JSON.', { file, remedy: 'Export it again.', cause });
  }
  if (!Array.isArray(axes)) return undefined;
  const letters = axes.map((axis) => String((axis as { readonly key?: unknown }).key)).join('');
  if (/^[tczyx]+$/.test(letters) && new Set(letters).size === letters.length) return letters;
  throw new FormatError(`its axes ${letters} are not known.`, { file, remedy: 'Export it with t, c, z, y and x.' });
}

/** ilastik's name for what it exports. */
export const EXPORTED = 'exported_data';
/** Size of a pixel in µm along (z,) y and x, as the HDF5 plugins of Fiji have it: an attribute of a dataset. */
export const ELEMENT_SIZE = 'element_size_um';
/** Whether values number objects or encode classes: an attribute of Lamella's. */
export const LABEL_KIND = 'label_kind';

/**
 * Values with their axes in another order.
 * @param shape lengths of the axes `from`
 * @param to the same letters
 */
export function reordered<D extends DType>(
  data: Storage[D],
  dtype: D,
  { shape, from, to }: { readonly shape: readonly number[]; readonly from: string; readonly to: string },
): Storage[D] {
  if (from === to) return data;
  const strides = stridesOf(shape);
  const places = [...to].map((axis) => from.indexOf(axis));
  const lengths = places.map((axis) => shape[axis]);
  const out = allocate(dtype, data.length);
  copyBox(
    data,
    0,
    places.map((axis) => strides[axis]),
    out,
    0,
    stridesOf(lengths),
    lengths,
  );
  return out;
}
