/** Images in HDF5, as ilastik exports them and as h5py writes arrays. */

import { bytesPer } from '../../../array/ndarray.ts';
import { FormatError } from '../../../errors.ts';
import { axesOf, type Image, labelKindOf, type Spacings } from '../../image.ts';
import { spacingOf, spacingsOf } from '../../units.ts';
import { type Codec, checkDeclaredSize, type ReadContext } from '../format.ts';
import {
  axisTags,
  ELEMENT_SIZE,
  EXPORTED,
  type Hdf5Dataset,
  type Hdf5Group,
  type Hdf5Type,
  isGroup,
  LABEL_KIND,
  reordered,
  samplesOf,
  textOf,
  typeOf,
  withHdf5,
} from './hdf5.ts';

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
    throw new FormatError(
      `it has ${shape.length === 1 ? 'one axis' : `${shape.length} axes`} (${shape.join(' x ')}), and ${axes} are stated.`,
      {
        file,
        remedy: 'Export it again.',
      },
    );
  }
  const count = shape.reduce((product, length) => product * length, 1);
  checkDeclaredSize(`the image (${shape.join(' x ')}, ${dtype})`, count * (bytesPer(dtype) + BYTES_OF_NUMBER), context);
  const lengths = Object.fromEntries([...axes].map((axis, i) => [axis, shape[i] as number]));
  const to = [...'tczyx'].filter((axis) => axes.includes(axis)).join('');
  const data = reordered(samplesOf(dataset, dtype, file), dtype, { shape, from: axes, to });
  const channels = lengths.c ?? 1;
  const labelKind = labelKindOf(textOf(dataset.attrs[LABEL_KIND]));
  return {
    dtype,
    data,
    ...axesOf(lengths),
    spacing: elementSize(dataset.attrs[ELEMENT_SIZE], axes),
    ...(labelKind !== undefined && { labelKind }),
    ...(channels === 1 && { channels: ['grey'] }),
    ...(notes.length > 0 && { notes }),
  };
}

/** Pixel sizes along z, y and x, or y and x. */
function elementSize(stated: unknown, axes: string): Spacings {
  const sizes = Array.isArray(stated) || ArrayBuffer.isView(stated) ? Array.from(stated as ArrayLike<unknown>) : [];
  if (sizes.length !== 2 && sizes.length !== 3) return {};
  const [x, y, z] = sizes.reverse().map((size) => spacingOf(Number(size), 'µm'));
  return spacingsOf({ z: axes.includes('z') ? z : undefined, y, x });
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
