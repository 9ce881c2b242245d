/** Cellpose's `NAME_seg.npy`: a dictionary in a pickle, of which the masks are read. */

import { strFromU8 } from 'fflate';
import { FormatError } from '../../errors.ts';
import type { Image } from '../../image/image.ts';
import { NumpyArray, readPickle } from './pickle.ts';

/** Readers of integers by NumPy's code. */
const INTEGERS: Readonly<
  Record<string, readonly [bytes: number, read: (view: DataView, at: number, little: boolean) => number]>
> = {
  b1: [1, (view, at) => view.getUint8(at)],
  u1: [1, (view, at) => view.getUint8(at)],
  u2: [2, (view, at, little) => view.getUint16(at, little)],
  i2: [2, (view, at, little) => view.getInt16(at, little)],
  u4: [4, (view, at, little) => view.getUint32(at, little)],
  i4: [4, (view, at, little) => view.getInt32(at, little)],
  i8: [8, (view, at, little) => Number(view.getBigInt64(at, little))],
};

/**
 * The masks as a label image [height, width] or [slices, height, width]: 0 is background, objects have numbers.
 * @param file for messages
 * @throws FormatError for another file, a pickle that holds more than NumPy arrays and plain values (`readPickle`), and
 * masks that are no whole numbers from 0
 */
export function readCellpose(bytes: Uint8Array, file: string): Image<'uint32'> {
  const fail = (problem: string): FormatError =>
    new FormatError(problem, { file, remedy: 'Save it again in Cellpose, or save the masks as TIFF or PNG.' });
  const isNpy = bytes.length > 10 && strFromU8(bytes.subarray(1, 6), true) === 'NUMPY';
  if (!isNpy) throw fail('this is no NumPy file.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const begin = bytes[6] === 1 ? 10 : 12;
  const length = bytes[6] === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const header = strFromU8(bytes.subarray(begin, begin + length), true);
  if (!/'descr':\s*'\|O'/.test(header)) throw fail('this is an array of numbers, not the dictionary of Cellpose.');
  const content = readPickle(bytes.subarray(begin + length), file);
  const [dictionary] = content instanceof NumpyArray && Array.isArray(content.content) ? content.content : [content];
  const masks = dictionary instanceof Map ? dictionary.get('masks') : undefined;
  if (!(masks instanceof NumpyArray)) throw fail('the file has no array "masks".');
  return { ...imageOf(masks, fail), labelKind: 'objects', source: file };
}

function imageOf(
  { shape, type, fortran, content }: NumpyArray,
  fail: (problem: string) => FormatError,
): Pick<Image<'uint32'>, 'dtype' | 'data' | 'shape' | 'axes' | 'spacing'> {
  const [size, read] = INTEGERS[type?.code ?? ''] ?? [];
  const isList = !(content instanceof Uint8Array);
  if (isList || size === undefined || read === undefined) throw fail(`the masks are of the type ${type?.code}.`);
  if ((shape.length !== 2 && shape.length !== 3) || fortran) {
    throw fail(`the masks have the shape [${shape.join(', ')}]${fortran ? ' in Fortran order' : ''}.`);
  }
  const pixels = shape.reduce((product, extent) => product * extent, 1);
  if (!(pixels > 0 && content.length === pixels * size)) throw fail('the masks are truncated.');
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const data = new Uint32Array(pixels);
  for (let p = 0; p < pixels; p++) {
    const value = read(view, p * size, type?.bigEndian !== true);
    if (!(value >= 0 && value <= 0xffffffff)) throw fail(`the masks hold the value ${value}.`);
    data[p] = value;
  }
  return { dtype: 'uint32', data, shape, axes: shape.length === 2 ? 'yx' : 'zyx', spacing: {} };
}
