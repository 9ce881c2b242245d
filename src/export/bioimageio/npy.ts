/** NumPy's file format 1.0 (`numpy.lib.format`): a header as a Python literal, padded to 64 bytes, then the values. */

import { concatenate } from '../../array/bytes.ts';
import type { NdArray } from '../../array/ndarray.ts';

const HEADER_UNIT = 64;

/** Float32 in little-endian C order. */
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
