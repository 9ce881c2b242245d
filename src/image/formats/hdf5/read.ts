/** Images in HDF5, as ilastik exports them and as h5py writes arrays. */

import { allocate, bytesPer, type Storage } from '../../../array/ndarray.ts';
import { FormatError } from '../../../errors.ts';
import { axesOf, type Image } from '../../image.ts';
import { type Codec, checkDeclaredSize, type ReadContext } from '../format.ts';
import {
  axisTags,
  type Hdf5Dataset,
  type Hdf5Group,
  type Hdf5Type,
  isGroup,
  samplesOf,
  typeOf,
  withHdf5,
} from './hdf5.ts';

/** ilastik's name for what it exports. */
const EXPORTED = 'exported_data';
/** Groups within groups that are looked into. */
const DEPTH = 6;
/** jsfive gives values as JavaScript's numbers first. */
const BYTES_OF_NUMBER = 8;

/** Arrays of two axes and more: the one that ilastik exported, or the only one of the file. */
export const hdf5: Codec = {
  read: (bytes, context) => withHdf5(bytes, context.file, (root) => imageIn(root, context)),
};

function imageIn(root: Hdf5Group, context: ReadContext): Image {
  const { file } = context;
  const [path, dataset] = chosen(root, file);
  const dtype = typeOf(dataset) as Hdf5Type;
  const { shape } = dataset;
  const notes: string[] = path === EXPORTED ? [] : [`Its array "${path}" is read.`];
  const axes = axisTags(dataset.attrs.axistags, file) ?? guessed(shape, notes, file);
  if (axes.length !== shape.length || !axes.includes('y') || !axes.includes('x')) {
    throw new FormatError(`it has ${shape.length} axes (${shape.join(' x ')}), and ${axes} are stated.`, {
      file,
      remedy: 'Export it again.',
    });
  }
  const count = shape.reduce((product, length) => product * length, 1);
  checkDeclaredSize(`the image (${shape.join(' x ')}, ${dtype})`, count * (bytesPer(dtype) + BYTES_OF_NUMBER), context);
  const lengths = Object.fromEntries([...axes].map((axis, i) => [axis, shape[i] as number]));
  const data = inOrder(samplesOf(dataset, dtype, file), dtype, axes, shape);
  const channels = lengths.c ?? 1;
  return {
    dtype,
    data,
    ...axesOf(lengths),
    spacing: {},
    ...(channels === 1 && { channels: ['grey'] }),
    ...(notes.length > 0 && { notes }),
  };
}

/** The dataset to read, and its path. */
function chosen(root: Hdf5Group, file: string): readonly [path: string, dataset: Hdf5Dataset] {
  const found = arraysIn(root, '', DEPTH);
  const [only, another] = found;
  const exported = found.find(([path]) => path === EXPORTED);
  if (exported !== undefined) return exported;
  if (only !== undefined && another === undefined) return only;
  const names = found.slice(0, 5).map(([path]) => `"${path}"`);
  throw new FormatError(
    only === undefined
      ? 'it has no array of numbers.'
      : `it has several arrays: ${names.join(', ')}${found.length > 5 ? ', ...' : ''}.`,
    { file, remedy: 'Export one image, as HDF5 or TIFF.' },
  );
}

function arraysIn(group: Hdf5Group, within: string, depth: number): readonly (readonly [string, Hdf5Dataset])[] {
  return group.keys.flatMap((key) => {
    const path = within === '' ? key : `${within}/${key}`;
    const found = group.get(key);
    if (isGroup(found)) return depth === 0 ? [] : arraysIn(found, path, depth - 1);
    return found.shape.length >= 2 && typeOf(found) !== undefined ? [[path, found] as const] : [];
  });
}

function guessed(shape: readonly number[], notes: string[], file: string): string {
  if (shape.length === 2) return 'yx';
  if (shape.length === 3) {
    notes.push('It does not state its axes: they are taken for z, y and x.');
    return 'zyx';
  }
  throw new FormatError(`it has ${shape.length} axes and does not state which.`, {
    file,
    remedy: 'Export it from ilastik, which writes axis tags, or as TIFF.',
  });
}

/** Values with the axes in the order t, c, z, y, x. */
function inOrder(data: Storage[Hdf5Type], dtype: Hdf5Type, axes: string, shape: readonly number[]): Storage[Hdf5Type] {
  const ordered = [...'tczyx'].filter((axis) => axes.includes(axis));
  if (ordered.join('') === axes) return data;
  const strideOf = (axis: string): number =>
    shape.slice(axes.indexOf(axis) + 1).reduce((product, length) => product * length, 1);
  const lengths = ordered.map((axis) => shape[axes.indexOf(axis)] as number);
  const strides = ordered.map(strideOf);
  const out = allocate(dtype, data.length);
  const index = lengths.map(() => 0);
  let from = 0;
  for (let to = 0; to < out.length; to++) {
    (out as Float64Array)[to] = (data as Float64Array)[from] as number;
    for (let axis = index.length - 1; axis >= 0; axis--) {
      from += strides[axis] as number;
      index[axis] = (index[axis] as number) + 1;
      if (index[axis] !== lengths[axis]) break;
      from -= (strides[axis] as number) * (lengths[axis] as number);
      index[axis] = 0;
    }
  }
  return out;
}
