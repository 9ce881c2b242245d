/** Writes images as ilastik exports them: HDF5 with one array and its axes, by h5wasm. */

import { bytesPer, type DType, type Storage } from '../../../array/ndarray.ts';
import { UsageError } from '../../../errors.ts';
import { formatBytes } from '../../byte-size.ts';
import { toFloat32 } from '../../convert.ts';
import { inUnit } from '../../geometry.ts';
import type { Image } from '../../image.ts';
import { ELEMENT_SIZE, EXPORTED, LABEL_KIND, reordered } from './hdf5.ts';

/** The memory of h5wasm holds the values beside what it needs to compress them. */
const MAX_BYTES = 2 ** 30;

/** Its file system is in memory; a file is written and removed without a pause between. */
const IN_MEMORY = '/image.h5';

/** Types as h5wasm names them. */
const TYPES: Readonly<Record<Exclude<DType, 'float16'>, string>> = {
  bool: '<B',
  uint8: '<B',
  uint16: '<H',
  uint32: '<I',
  uint64: '<Q',
  int8: '<b',
  int16: '<h',
  int32: '<i',
  int64: '<q',
  float32: '<f',
  float64: '<d',
};

/** The order in which ilastik exports axes. */
const ORDER = [...'tzyxc'];
/** Pixels along an axis of a chunk, of volumes and of single slices; all channels are in it. */
const CHUNK = { volume: 64, slice: 256 } as const;
/** vigra's kinds of axes. */
const KINDS: Readonly<Record<string, number>> = { c: 1, t: 8 };
const SPACE = 2;

/**
 * The bytes of an HDF5 file with the array `exported_data` and `axistags`, in chunks with gzip. Values and dtype stay as
 * they are, but for float16, which becomes float32, and bool, which becomes uint8. The pixel size is kept in µm, and
 * whether labels are objects or classes; the time step and the place in a patient are not.
 * @throws UsageError for more than 1 GiB
 */
export async function writeHdf5(image: Image): Promise<Uint8Array> {
  const { axes, shape, dtype, data, spacing, labelKind, source } = image.dtype === 'float16' ? toFloat32(image) : image;
  const bytes = data.length * bytesPer(dtype);
  if (bytes > MAX_BYTES) {
    throw new UsageError(`HDF5 is written up to ${formatBytes(MAX_BYTES)}, and this is ${formatBytes(bytes)}.`, {
      file: source,
      remedy: 'Write OME-Zarr or OME-TIFF.',
    });
  }
  const letters = ORDER.filter((axis) => axes.includes(axis));
  const lengths = letters.map((axis) => shape[axes.indexOf(axis)]);
  const edge = axes.includes('z') ? CHUNK.volume : CHUNK.slice;
  const chunks = letters.map((axis, i) => (axis === 't' ? 1 : axis === 'c' ? lengths[i] : Math.min(edge, lengths[i])));
  const values: Storage[DType] = reordered(data, dtype, { shape, from: axes, to: letters.join('') });
  const { default: h5wasm } = await import('h5wasm');
  const { FS } = await h5wasm.ready;
  const file = new h5wasm.File(IN_MEMORY, 'w');
  try {
    const exported = file.create_dataset({
      name: EXPORTED,
      data: values,
      shape: lengths,
      dtype: TYPES[dtype as keyof typeof TYPES],
      chunks,
      compression: 'gzip',
      compression_opts: 4,
    });
    exported.create_attribute('axistags', axisTagsOf(letters));
    const pixel = (['z', 'y', 'x'] as const).flatMap((axis) => (axes.includes(axis) ? [spacing[axis]] : []));
    const sizes = pixel.flatMap((size) => (size === undefined ? [] : [inUnit(size, 'µm')]));
    if (sizes.length === pixel.length && sizes.every(({ unit }) => unit === 'µm')) {
      exported.create_attribute(
        ELEMENT_SIZE,
        Float64Array.from(sizes, ({ value }) => value),
      );
    }
    if (labelKind !== undefined) exported.create_attribute(LABEL_KIND, labelKind);
    file.flush();
    return FS.readFile(IN_MEMORY);
  } finally {
    file.close();
    FS.unlink(IN_MEMORY);
  }
}

/** As `vigra.AxisTags.toJSON` writes it. */
const axisTagsOf = (letters: readonly string[]): string =>
  JSON.stringify({
    axes: letters.map((key) => ({ key, typeFlags: KINDS[key] ?? SPACE, resolution: 0, description: '' })),
  });
