/**
 * Zip archives that need not fit into memory, of any size (Zip64): read by their directory, written file by file. After
 * PKWARE's APPNOTE 6.3.10.
 */

import { deflateSync, inflateSync } from 'fflate';
import { concatenate } from '../array/bytes.ts';
import { crc32 } from '../array/crc32.ts';
import { FormatError } from '../errors.ts';
import type { BlobLike } from '../files.ts';
import { DEFLATE_RATIO } from './formats/format.ts';

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
const ZIP64_EOCD = 0x06064b50;
const ZIP64_EOCD_BYTES = 56;
const ZIP64_LOCATOR = 0x07064b50;
const ZIP64_LOCATOR_BYTES = 20;
const ZIP64_EXTRA = 1;
/** In a field of 32 or 16 bits: the value is in that of 64. */
const IN_64 = 0xffffffff;
const IN_64_OF_16 = 0xffff;
/** A comment at the end is at most so long. */
const MOST_COMMENT = 65_535;

/** Bytes as a file that is read in pieces; a `Buffer`, too, whose `slice` copies nothing. */
export function blobOf(bytes: Uint8Array): BlobLike {
  const part = (from?: number, to?: number) => ({
    arrayBuffer: async () => new Uint8Array(bytes.subarray(from, to)).buffer,
  });
  return { ...part(), size: bytes.length, slice: part };
}

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
 * @throws FormatError for an archive that is damaged or encrypted, for names that leave its folder or
 * occur twice, and for files that declare to be larger than `maxBytes` or than any compression could make them
 */
export async function readZip(file: BlobLike, name: string, maxBytes: number): Promise<readonly ZipEntry[]> {
  const refuse = (problem: string, remedy = 'Copy or save the archive again.'): FormatError =>
    new FormatError(problem, { file: name, remedy });
  const { count, length, at } = await findDirectory(file, refuse);
  const directory = new Uint8Array(await file.slice(at, at + length).arrayBuffer());
  const view = new DataView(directory.buffer);
  const entries: ZipEntry[] = [];
  const seen = new Set<string>();
  for (let i = 0, from = 0; i < count; i++) {
    if (from + 46 > length || view.getUint32(from, true) !== CENTRAL) throw refuse('the zip archive is damaged.');
    const [flags, method] = [view.getUint16(from + 8, true), view.getUint16(from + 10, true)];
    const checksum = view.getUint32(from + 16, true);
    const [nameBytes, extra, comment] = [28, 30, 32].map((field) => view.getUint16(from + field, true)) as [
      number,
      number,
      number,
    ];
    if (from + 46 + nameBytes + extra > length) throw refuse('the zip archive is damaged.');
    const short = [24, 20, 42].map((field) => view.getUint32(from + field, true));
    const long = inSixtyFour(new DataView(directory.buffer, from + 46 + nameBytes, extra), short);
    if (long === undefined) throw refuse('the zip archive is damaged.');
    const [size, packed, local] = long as [number, number, number];
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

/**
 * The files of a zip archive in memory by their paths, in its order.
 * @param name for messages
 * @param wanted which of them to unpack
 * @throws FormatError as `readZip` does, and for a file that is damaged
 */
export async function unzip(
  bytes: Uint8Array,
  name: string,
  wanted: (path: string) => boolean = () => true,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const { path, read } of await readZip(blobOf(bytes), name, Number.POSITIVE_INFINITY)) {
    if (wanted(path)) files.set(path, await read());
  }
  return files;
}

/** Where the directory is, and how many entries it has. */
async function findDirectory(
  file: BlobLike,
  refuse: (problem: string) => FormatError,
): Promise<{ readonly count: number; readonly length: number; readonly at: number }> {
  const damaged = (): FormatError => refuse('the zip archive is truncated or damaged.');
  const tailAt = Math.max(0, file.size - EOCD_BYTES - MOST_COMMENT - ZIP64_LOCATOR_BYTES);
  const tail = new DataView(await file.slice(tailAt, file.size).arrayBuffer());
  let end = tail.byteLength - EOCD_BYTES;
  while (end >= 0 && tail.getUint32(end, true) !== EOCD) end--;
  if (end < 0) throw damaged();
  const locator = end - ZIP64_LOCATOR_BYTES;
  let found = {
    count: tail.getUint16(end + 10, true),
    length: tail.getUint32(end + 12, true),
    at: tail.getUint32(end + 16, true),
  };
  if (locator >= 0 && tail.getUint32(locator, true) === ZIP64_LOCATOR) {
    const at = Number(tail.getBigUint64(locator + 8, true));
    const head = new DataView(await file.slice(at, at + ZIP64_EOCD_BYTES).arrayBuffer());
    if (head.byteLength < ZIP64_EOCD_BYTES || head.getUint32(0, true) !== ZIP64_EOCD) throw damaged();
    const [count, length, start] = [32, 40, 48].map((field) => Number(head.getBigUint64(field, true)));
    found = { count: count as number, length: length as number, at: start as number };
  }
  if (found.at + found.length > file.size) throw damaged();
  return found;
}

/**
 * Sizes and the position of an entry, of which those that do not fit into 32 bits are in its extra fields, in this order.
 * @returns undefined if one is missing there
 */
function inSixtyFour(extra: DataView, values: readonly number[]): readonly number[] | undefined {
  if (!values.includes(IN_64)) return values;
  for (let at = 0; at + 4 <= extra.byteLength; ) {
    const [kind, bytes] = [extra.getUint16(at, true), extra.getUint16(at + 2, true)];
    at += 4;
    if (kind === ZIP64_EXTRA && at + bytes <= extra.byteLength) {
      const end = at + bytes;
      const found = values.map((value) => {
        if (value !== IN_64) return value;
        at += 8;
        return at > end ? undefined : Number(extra.getBigUint64(at - 8, true));
      });
      return found.includes(undefined) ? undefined : (found as readonly number[]);
    }
    at += bytes;
  }
  return undefined;
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

/** Bits and versions of headers: names in UTF-8; with Deflate, and with Zip64. */
const UTF8 = 0x800;
const VERSION = { deflate: 20, zip64: 45 } as const;
/** As files of Unix, whose names are UTF-8 to every program, and which their owner may write to and others read. */
const MADE_BY = 0x0300 + VERSION.zip64;
const READABLE = (0o100644 << 16) >>> 0;

/** Time and date as the format has them: of the clock on the wall, in steps of two seconds, from 1980 on. */
function timeAndDate(at: Date): readonly [time: number, date: number] {
  const time = (at.getHours() << 11) | (at.getMinutes() << 5) | (at.getSeconds() >> 1);
  return [time, (Math.max(0, at.getFullYear() - 1980) << 9) | ((at.getMonth() + 1) << 5) | at.getDate()];
}

/** Fields one after another: [bytes, value]. */
function record(fields: readonly (readonly [bytes: 2 | 4 | 8, value: number])[], ...rest: readonly Uint8Array[]) {
  const length = fields.reduce((sum, [bytes]) => sum + bytes, 0);
  const view = new DataView(new ArrayBuffer(length));
  let at = 0;
  for (const [bytes, value] of fields) {
    if (bytes === 2) view.setUint16(at, value, true);
    else if (bytes === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += bytes;
  }
  return concatenate([new Uint8Array(view.buffer), ...rest]);
}

/** The extra field with values that do not fit into 32 bits; empty without any. */
function extraFor(values: readonly number[]): Uint8Array {
  if (values.length === 0) return new Uint8Array(0);
  return record([[2, ZIP64_EXTRA], [2, 8 * values.length], ...values.map((value) => [8, value] as const)]);
}

const in32 = (value: number): number => Math.min(value, IN_64);

/**
 * Writes a zip archive.
 * @param write gets its parts in order
 * @param changed when its files were changed, all of them
 */
export async function writeZip(
  inputs: Iterable<ZipInput>,
  write: (part: Uint8Array) => Promise<void>,
  changed: Date,
): Promise<void> {
  const [time, date] = timeAndDate(changed);
  const directory: Uint8Array[] = [];
  let total = 0;
  const pass = async (part: Uint8Array): Promise<void> => {
    total += part.length;
    await write(part);
  };
  for (const { path, stored, read } of inputs) {
    const bytes = await read();
    const name = new TextEncoder().encode(path);
    const packed = stored ? bytes : deflateSync(bytes, { level: 6 });
    const [size, packedSize] = [bytes.length, packed.length];
    // A local header has both or neither.
    const large = Math.max(size, packedSize) >= IN_64 ? [size, packedSize] : [];
    const [local, central] = [extraFor(large), extraFor(total >= IN_64 ? [...large, total] : large)];
    const common = (extra: Uint8Array) =>
      [
        [2, extra.length > 0 ? VERSION.zip64 : VERSION.deflate],
        [2, UTF8],
        [2, stored ? 0 : 8],
        [2, time],
        [2, date],
        [4, crc32(bytes)],
        [4, large.length > 0 ? IN_64 : packedSize],
        [4, large.length > 0 ? IN_64 : size],
        [2, name.length],
        [2, extra.length],
      ] as const;
    directory.push(
      record(
        // Comment, disk, attributes, position.
        [[4, CENTRAL], [2, MADE_BY], ...common(central), [2, 0], [2, 0], [2, 0], [4, READABLE], [4, in32(total)]],
        name,
        central,
      ),
    );
    await pass(record([[4, LOCAL], ...common(local)], name, local));
    await pass(packed);
  }
  const at = total;
  await pass(concatenate(directory));
  const [count, length] = [directory.length, total - at];
  const isLarge = count >= IN_64_OF_16 || length >= IN_64 || at >= IN_64;
  if (isLarge) {
    const end = total;
    const counts = [
      [8, count],
      [8, count],
      [8, length],
      [8, at],
    ] as const;
    // Its own length from behind this field, versions, disks.
    await pass(record([[4, ZIP64_EOCD], [8, ZIP64_EOCD_BYTES - 12], [2, 45], [2, 45], [4, 0], [4, 0], ...counts]));
    await pass(
      record([
        [4, ZIP64_LOCATOR],
        [4, 0],
        [8, end],
        [4, 1],
      ]),
    );
  }
  const short = Math.min(count, IN_64_OF_16);
  await pass(
    record([
      [4, EOCD],
      [2, 0],
      [2, 0],
      [2, short],
      [2, short],
      [4, in32(length)],
      [4, in32(at)],
      [2, 0],
    ]),
  );
}
