/** NumPy's file format (`numpy.lib.format`): a header as a Python literal, padded to 64 bytes, then the values. */

import { concatenate } from '../../array/bytes.ts';
import { float16ToNumber } from '../../array/float16.ts';
import { bytesPer, type DType, elementCount, type NdArray, ndarray, viewAs } from '../../array/ndarray.ts';
import { FormatError } from '../../errors.ts';

const HEADER_UNIT = 64;

/** Float32 in little-endian C order, format 1.0. */
export function writeNpy({ shape, data }: NdArray<'float32'>): Uint8Array {
  const sides = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const description = `{'descr': '<f4', 'fortran_order': False, 'shape': (${sides}), }`;
  // Magic, version and length of the header take 10 bytes, its newline one.
  const padded = Math.ceil((10 + description.length + 1) / HEADER_UNIT) * HEADER_UNIT - 10;
  const header = new TextEncoder().encode(`${description.padEnd(padded - 1)}\n`);
  const values = new DataView(new ArrayBuffer(4 * data.length));
  for (const [i, value] of data.entries()) values.setFloat32(4 * i, value, true);
  return concatenate([
    Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8),
    header,
    new Uint8Array(values.buffer),
  ]);
}

const DTYPES: { readonly [descr: string]: DType } = {
  b1: 'bool',
  u1: 'uint8',
  i1: 'int8',
  u2: 'uint16',
  i2: 'int16',
  u4: 'uint32',
  i4: 'int32',
  u8: 'uint64',
  i8: 'int64',
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
};

/**
 * An array of numbers as float32, of any type and order in memory.
 * @throws FormatError if it is not such a file, or is truncated
 */
export function readNpy(bytes: Uint8Array, file?: string): NdArray<'float32'> {
  const fail = (problem: string): never => {
    throw new FormatError(problem, { file, remedy: 'Save it again by numpy.save, as an array of numbers.' });
  };
  const isNumPy = bytes.length > 12 && new TextDecoder('latin1').decode(bytes.subarray(0, 6)) === '\x93NUMPY';
  if (!isNumPy) return fail('this is not a NumPy array.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const isShort = bytes[6] === 1;
  const start = (isShort ? 10 : 12) + (isShort ? view.getUint16(8, true) : view.getUint32(8, true));
  const header = new TextDecoder('latin1').decode(bytes.subarray(isShort ? 10 : 12, start));
  const [, order = '', type = ''] = /'descr':\s*'([<>|=]?)([a-z]\d+)'/.exec(header) ?? [];
  const [, sides] = /'shape':\s*\(([\d,\s]*)\)/.exec(header) ?? [];
  const dtype = DTYPES[type];
  if (dtype === undefined || sides === undefined) return fail(`this is an array of another kind: ${header.trim()}`);
  const shape = sides.split(',').flatMap((side) => (side.trim() === '' ? [] : [Number(side)]));
  const count = elementCount(shape);
  const content = new Uint8Array(bytes.subarray(start, start + count * bytesPer(dtype)));
  if (content.length < count * bytesPer(dtype)) fail('this NumPy array is truncated.');
  if (order === '>') swap(content, bytesPer(dtype));
  const stored = Array.from(viewAs(dtype, content.buffer) as ArrayLike<number | bigint>, Number);
  const values = dtype === 'float16' ? stored.map(float16ToNumber) : stored;
  const isFortran = /'fortran_order':\s*True/.test(header);
  return ndarray('float32', shape, Float32Array.from(isFortran ? inRowOrder(values, shape) : values));
}

function swap(bytes: Uint8Array, size: number): void {
  for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse();
}

/** The values of an array whose first axis is the fastest in memory, with the last as the fastest. */
function inRowOrder(values: readonly number[], shape: readonly number[]): readonly number[] {
  return values.map((_, i) => {
    let rest = i;
    let from = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const size = shape[axis] as number;
      from = from * size + (rest % size);
      rest = Math.floor(rest / size);
    }
    return values[from] as number;
  });
}
