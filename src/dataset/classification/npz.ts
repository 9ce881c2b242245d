/** NumPy's .npz: a zip of arrays. Those of MedMNIST and Keras are recognised by the names of their arrays. */

import { strFromU8 } from 'fflate';
import { DatasetError, FormatError } from '../../errors.ts';
import { unzip } from '../../image/zip.ts';
import type { ClassPart, FoundParts, FoundSample } from './classes.ts';
import { type NumberArray, pagesOfArray } from './number-array.ts';

/** Names of the arrays of images and labels, by part; the first one found is used. */
const NAMES: { readonly [P in ClassPart]: readonly (readonly [images: string, labels: string])[] } = {
  train: [
    ['train_images', 'train_labels'],
    ['x_train', 'y_train'],
    ['images', 'labels'],
    ['x', 'y'],
  ],
  validation: [
    ['val_images', 'val_labels'],
    ['x_val', 'y_val'],
  ],
  test: [
    ['test_images', 'test_labels'],
    ['x_test', 'y_test'],
  ],
};

/** @throws FormatError if it is not an .npz; DatasetError if it contains no arrays of images and labels. */
export async function readNpz(bytes: Uint8Array, file: string): Promise<FoundParts> {
  const entries = await unzip(bytes, file);
  const arrays = new Map(Array.from(entries, ([path, data]) => [path.replace(/\.npy$/, '').toLowerCase(), data]));
  const found: { [P in ClassPart]?: readonly FoundSample[] } = {};
  for (const part of ['train', 'validation', 'test'] as const) {
    const names = NAMES[part].find((pair) => pair.every((name) => arrays.has(name)));
    if (names === undefined) continue;
    const [images, labels] = names.map((name) => readNpy(arrays.get(name) as Uint8Array, `${file}:${name}`));
    found[part] = pagesOfArray(images, labels, names[0], `${file}:${names[0]}`);
  }
  if (found.train === undefined && found.test === undefined) {
    throw new DatasetError(`there are no images with labels among its arrays ${[...arrays.keys()].join(', ')}.`, {
      file,
      remedy: 'Name them train_images and train_labels, x_train and y_train, or images and labels.',
    });
  }
  return found;
}

const SIZES: {
  readonly [kind: string]: readonly [bytes: number, read: (view: DataView, at: number, le: boolean) => number];
} = {
  b1: [1, (view, at) => view.getUint8(at)],
  u1: [1, (view, at) => view.getUint8(at)],
  i1: [1, (view, at) => view.getInt8(at)],
  u2: [2, (view, at, le) => view.getUint16(at, le)],
  i2: [2, (view, at, le) => view.getInt16(at, le)],
  u4: [4, (view, at, le) => view.getUint32(at, le)],
  i4: [4, (view, at, le) => view.getInt32(at, le)],
  u8: [8, (view, at, le) => Number(view.getBigUint64(at, le))],
  i8: [8, (view, at, le) => Number(view.getBigInt64(at, le))],
  f4: [4, (view, at, le) => view.getFloat32(at, le)],
  f8: [8, (view, at, le) => view.getFloat64(at, le)],
};

/**
 * One array in NumPy's format, versions 1 to 3, in C order; wide integers and doubles become float32.
 * @throws FormatError naming what is not supported.
 */
function readNpy(bytes: Uint8Array, file: string): NumberArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fail = (problem: string): never => {
    throw new FormatError(problem, { file, remedy: 'Save it anew with numpy.savez.' });
  };
  if (bytes.length < 12 || strFromU8(bytes.subarray(1, 6), true) !== 'NUMPY') return fail('this is not a NumPy array.');
  const wide = bytes[6] >= 2;
  const begin = wide ? 12 : 10;
  const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  const header = strFromU8(bytes.subarray(begin, begin + length), true);
  const descr = /'descr':\s*'([<>|=])([a-z]\d+)'/.exec(header);
  const shapeText = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  const type = SIZES[descr?.[2] ?? ''];
  if (type === undefined || shapeText === undefined) return fail(`the header ${header.trim()} is not supported.`);
  if (/'fortran_order':\s*True/.test(header)) return fail('the array is in Fortran order.');
  const shape = shapeText
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number);
  const size = shape.reduce((a, b) => a * b, 1);
  const [width, read] = type;
  const first = begin + length;
  if (bytes.length < first + size * width) return fail('the array is cut off.');
  if (descr?.[2] === 'u1') return { shape, data: bytes.subarray(first, first + size) };
  const littleEndian = descr?.[1] !== '>';
  const data = new Float32Array(size);
  for (let i = 0; i < size; i++) data[i] = read(view, first + i * width, littleEndian);
  return { shape, data };
}
