/** The IDX files of MNIST and related data sets: big-endian arrays, one of images and one of their classes. */

import { DatasetError, FormatError } from '../../errors.ts';
import type { Files } from '../../files.ts';
import { gunzip } from '../../image/gunzip.ts';
import { baseName } from '../discover/names.ts';
import { type FoundParts, type FoundSample, partOfName } from './classes.ts';
import { IDX_NAME } from './names.ts';
import { type NumberArray, pagesOfArray } from './number-array.ts';

/** Bytes per element and its reader, by type code. */
const TYPES: { readonly [code: number]: readonly [bytes: number, read: (view: DataView, at: number) => number] } = {
  8: [1, (view, at) => view.getUint8(at)],
  9: [1, (view, at) => view.getInt8(at)],
  11: [2, (view, at) => view.getInt16(at)],
  12: [4, (view, at) => view.getInt32(at)],
  13: [4, (view, at) => view.getFloat32(at)],
  14: [8, (view, at) => view.getFloat64(at)],
};

/**
 * One IDX file, gzipped or not: 0, 0, type, rank, then the sizes and the elements, big-endian.
 * @throws FormatError if it is damaged or not IDX.
 */
export function readIdx(bytes: Uint8Array, file: string): NumberArray {
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipped(bytes, file) : bytes;
  const [zero, nought, code, rank] = plain;
  const type = TYPES[code ?? 0];
  if (zero !== 0 || nought !== 0 || type === undefined || rank === undefined || plain.length < 4 + 4 * rank) {
    throw new FormatError('this is not an IDX file.', { file, remedy: 'Get it anew.' });
  }
  const view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const size = shape.reduce((a, b) => a * b, 1);
  const begin = 4 + 4 * rank;
  const [width, read] = type;
  if (plain.length - begin !== size * width) {
    throw new FormatError(`${plain.length - begin} bytes follow, [${shape.join(', ')}] needs ${size * width}.`, {
      file,
      remedy: 'The file is cut off or damaged: get it anew.',
    });
  }
  if (code === 8) return { shape, data: plain.subarray(begin) };
  const data = new Float32Array(size);
  for (let i = 0; i < size; i++) data[i] = read(view, begin + i * width);
  return { shape, data };
}

function gunzipped(bytes: Uint8Array, file: string): Uint8Array {
  try {
    return gunzip(bytes, Number.POSITIVE_INFINITY).bytes;
  } catch (cause) {
    throw new FormatError('this cannot be unpacked.', { file, remedy: 'The file is damaged: get it anew.', cause });
  }
}

/** All pairs of image and label files in a folder. @throws DatasetError, FormatError naming the file. */
export async function readIdxFolder(files: Files, folder: string, names: readonly string[]): Promise<FoundParts> {
  const found: { train?: FoundSample[]; validation?: FoundSample[]; test?: FoundSample[] } = {};
  const keyOf = (name: string): string => (IDX_NAME.exec(baseName(name))?.[1] ?? '').toLowerCase();
  const ofKind = (kind: string) => names.filter((name) => IDX_NAME.exec(baseName(name))?.[2]?.toLowerCase() === kind);
  const labels = new Map(ofKind('labels').map((name) => [keyOf(name), name]));
  for (const name of ofKind('images')) {
    const labelName = labels.get(keyOf(name));
    if (labelName === undefined) {
      throw new DatasetError('these images have no label file.', {
        file: `${folder}/${name}`,
        remedy: `Put ${baseName(name)
          .replace(/images/i, 'labels')
          .replace(/idx\d/, 'idx1')} beside it.`,
      });
    }
    const images = readIdx(await files.read(folder, name), `${folder}/${name}`);
    const classes = readIdx(await files.read(folder, labelName), `${folder}/${labelName}`);
    const part = partOfName(baseName(name)) ?? 'train';
    const short = baseName(name).replace(/\.gz$/, '');
    found[part] = [...(found[part] ?? []), ...pagesOfArray(images, classes, short, `${folder}/${name}`)];
  }
  return found;
}
