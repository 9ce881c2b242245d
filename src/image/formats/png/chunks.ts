import { crc32 } from '../../../array/crc32.ts';
import { FormatError } from '../../../errors.ts';
import type { Zlib } from '../../../files.ts';
import { portableZlib } from '../../zlib.ts';

export interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
}

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/**
 * The chunks of a PNG file up to IEND, with verified checksums.
 * @throws FormatError if the file ends before IEND or a checksum does not match
 */
export function readChunks(bytes: Uint8Array, file: string, zlib: Zlib = portableZlib): readonly Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let at = SIGNATURE.length; ; ) {
    const length = at + 12 <= bytes.length ? view.getUint32(at) : 0;
    if (at + 12 + length > bytes.length) {
      throw new FormatError(`the PNG ends at byte ${bytes.length}, before its last chunk: it is truncated.`, {
        file,
        remedy: 'Copy or save it again.',
      });
    }
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const data = bytes.subarray(at + 8, at + 8 + length);
    if (zlib.crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length)) {
      throw new FormatError(`the checksum of PNG chunk ${JSON.stringify(type)} does not match: the file is damaged.`, {
        file,
        remedy: 'Copy or save it again.',
      });
    }
    chunks.push({ type, data });
    if (type === 'IEND') return chunks;
    at += 12 + length;
  }
}

/** A PNG file with the given chunks. */
export function writeChunks(chunks: readonly Chunk[]): Uint8Array {
  const out = new Uint8Array(SIGNATURE.length + chunks.reduce((size, chunk) => size + 12 + chunk.data.length, 0));
  const view = new DataView(out.buffer);
  out.set(SIGNATURE);
  let at = SIGNATURE.length;
  for (const { type, data } of chunks) {
    view.setUint32(at, data.length);
    for (let i = 0; i < 4; i++) out[at + 4 + i] = type.charCodeAt(i);
    out.set(data, at + 8);
    view.setUint32(at + 8 + data.length, crc32(out.subarray(at + 4, at + 8 + data.length)));
    at += 12 + data.length;
  }
  return out;
}
