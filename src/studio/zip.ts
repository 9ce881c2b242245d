/** Zip archives that need not fit into memory: read by their directory, written file by file. */

import { inflateSync, Zip, ZipDeflate, ZipPassThrough } from 'fflate';
import { concatenate } from '../array/bytes.ts';
import { crc32 } from '../array/crc32.ts';
import { FormatError, LamellaError } from '../errors.ts';
import type { BlobLike } from '../files.ts';
import { DEFLATE_RATIO } from '../image/formats/format.ts';

/** A file of an archive. */
export interface ZipEntry {
  /** Relative path with `/`. */
  readonly path: string;
  readonly size: number;
  /** @throws FormatError if it is damaged */
  read(): Promise<Uint8Array>;
}

const EOCD = 0x06054b50;
const EOCD_BYTES = 22;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const ZIP64_LOCATOR = 0x07064b50;
/** A comment at the end is at most so long. */
const MOST_COMMENT = 65_535;

/** Bytes as a file that is read in pieces. */
export const blobOf = (bytes: Uint8Array): BlobLike => ({
  size: bytes.length,
  arrayBuffer: async () => bytes.slice().buffer as ArrayBuffer,
  slice: (from, to) => ({ arrayBuffer: async () => bytes.slice(from, to).buffer as ArrayBuffer }),
});

/** Whether a file is a zip archive by its first bytes. */
export async function isZip(file: BlobLike): Promise<boolean> {
  if (file.size < EOCD_BYTES) return false;
  const head = new DataView(await file.slice(0, 4).arrayBuffer());
  return [LOCAL, EOCD].includes(head.getUint32(0, true));
}

/**
 * The files of a zip archive, without folders.
 * @param name for messages
 * @param maxBytes of one file
 * @throws FormatError for an archive that is damaged, encrypted or larger than 4 GiB, for names that leave its folder or
 * occur twice, and for files that declare to be larger than `maxBytes` or than any compression could make them
 */
export async function readZip(file: BlobLike, name: string, maxBytes: number): Promise<readonly ZipEntry[]> {
  const refuse = (problem: string, remedy = 'Copy or save the archive again.'): FormatError =>
    new FormatError(problem, { file: name, remedy });
  const tailAt = Math.max(0, file.size - EOCD_BYTES - MOST_COMMENT);
  const tail = new DataView(await file.slice(tailAt, file.size).arrayBuffer());
  let end = tail.byteLength - EOCD_BYTES;
  while (end >= 0 && tail.getUint32(end, true) !== EOCD) end--;
  if (end < 0) throw refuse('the zip archive is truncated or damaged.');
  if (end >= 20 && tail.getUint32(end - 20, true) === ZIP64_LOCATOR) {
    throw refuse('this zip archive is larger than 4 GiB, which is not supported.', 'Unpack it, and choose the folder.');
  }
  const [count, length, at] = [
    tail.getUint16(end + 10, true),
    tail.getUint32(end + 12, true),
    tail.getUint32(end + 16, true),
  ];
  if (at + length > file.size) throw refuse('the zip archive is truncated or damaged.');
  const directory = new Uint8Array(await file.slice(at, at + length).arrayBuffer());
  const view = new DataView(directory.buffer);
  const entries: ZipEntry[] = [];
  const seen = new Set<string>();
  for (let i = 0, from = 0; i < count; i++) {
    if (from + 46 > length || view.getUint32(from, true) !== CENTRAL) throw refuse('the zip archive is damaged.');
    const [flags, method] = [view.getUint16(from + 8, true), view.getUint16(from + 10, true)];
    const [checksum, packed, size] = [16, 20, 24].map((field) => view.getUint32(from + field, true)) as [
      number,
      number,
      number,
    ];
    const [nameBytes, extra, comment] = [28, 30, 32].map((field) => view.getUint16(from + field, true)) as [
      number,
      number,
      number,
    ];
    const local = view.getUint32(from + 42, true);
    const path = new TextDecoder().decode(directory.subarray(from + 46, from + 46 + nameBytes));
    from += 46 + nameBytes + extra + comment;
    if (path.endsWith('/')) continue;
    if (!isPlainPath(path)) {
      throw refuse(`the zip archive holds a file named "${path}", which lies outside of it.`, 'Do not open it.');
    }
    if (seen.has(path)) throw refuse(`the zip archive holds "${path}" twice.`);
    seen.add(path);
    if ((flags & 1) !== 0) throw refuse('the zip archive is encrypted.', 'Save it without a password.');
    if (method !== 0 && method !== 8) throw refuse(`"${path}" is compressed in a way that is not supported.`);
    if (size > maxBytes || size > DEFLATE_RATIO * packed + 64) {
      throw refuse(
        `"${path}" in the zip archive says that it takes ${size} bytes.`,
        'Unpack it, and choose the folder.',
      );
    }
    const read = async (): Promise<Uint8Array> => {
      const head = new DataView(await file.slice(local, local + LOCAL_BYTES).arrayBuffer());
      if (head.byteLength < LOCAL_BYTES || head.getUint32(0, true) !== LOCAL) throw refuse(`"${path}" is damaged.`);
      const start = local + LOCAL_BYTES + head.getUint16(26, true) + head.getUint16(28, true);
      const bytes = new Uint8Array(await file.slice(start, start + packed).arrayBuffer());
      const unpacked = unpack(bytes, method, size);
      if (unpacked?.length !== size || crc32(unpacked) !== checksum) throw refuse(`"${path}" is damaged.`);
      return unpacked;
    };
    entries.push({ path, size, read });
  }
  return entries;
}

function unpack(bytes: Uint8Array, method: number, size: number): Uint8Array | undefined {
  if (method === 0) return bytes;
  try {
    return inflateSync(bytes, { out: new Uint8Array(size) });
  } catch {
    return undefined;
  }
}

/** A relative path without a step upwards. */
export function isPlainPath(path: string): boolean {
  return path !== '' && !/^[\\/]|^[a-z]:|\0/i.test(path) && !path.split(/[\\/]/).includes('..');
}

/** A file to put into an archive; `stored` for one that is compressed already. */
export interface ZipInput {
  readonly path: string;
  readonly stored: boolean;
  read(): Promise<Uint8Array>;
}

const LIMIT = 2 ** 32 - 2 ** 20;

/**
 * Writes a zip archive.
 * @param write gets its parts in order
 * @throws LamellaError beyond 4 GiB
 */
export async function writeZip(inputs: Iterable<ZipInput>, write: (part: Uint8Array) => Promise<void>): Promise<void> {
  let parts: Uint8Array[] = [];
  let total = 0;
  const zip = new Zip((cause, part) => {
    if (cause !== null) throw cause;
    parts.push(part);
    total += part.length;
  });
  const pass = async (): Promise<void> => {
    if (total > LIMIT) {
      throw new LamellaError('This takes more than the 4 GiB of a zip archive.', {
        remedy: 'Export fewer formats or images, or copy the folder of the project.',
      });
    }
    if (parts.length > 0) await write(concatenate(parts));
    parts = [];
  };
  for (const { path, stored, read } of inputs) {
    const file = stored ? new ZipPassThrough(path) : new ZipDeflate(path, { level: 6 });
    zip.add(file);
    file.push(await read(), true);
    await pass();
  }
  zip.end();
  await pass();
}
