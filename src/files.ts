import { FormatError } from './errors.ts';

/** Compression of files; `image/zlib.ts` implements it in JavaScript. */
export interface Zlib {
  /** Decompresses a zlib stream to at most `expected` bytes. As `inflate` in image/inflate.ts. */
  inflate(zlib: Uint8Array, expected: number): Uint8Array | Promise<Uint8Array>;
  /** Compresses into a stream that `inflate` reads; the compression ratio depends on the platform. */
  deflate(bytes: Uint8Array): Uint8Array;
  crc32(bytes: Uint8Array): number;
}

/** Zstandard of the platform, on several threads. */
export interface Zstd {
  /** Compresses into one frame, whose header says how large the content is. */
  pack(bytes: Uint8Array): Promise<Uint8Array>;
  /** Decompresses at most `most` bytes. @throws Error for damaged data, and for more bytes */
  unpack(packed: Uint8Array, most: number, options?: UnpackOptions): Promise<Uint8Array>;
  /** Gives back the memory of a result, which must not be used any more, for others. */
  release?(result: ArrayBufferView): void;
}

export interface UnpackOptions {
  /** Whether the last four bytes are the CRC-32C of what comes before; it is compared where it is decompressed. */
  readonly checked?: boolean;
  /** Whether the memory of `packed` may be taken, which has then no bytes any more. */
  readonly taken?: boolean;
}

/** A file that is read by range, so that only the wanted part of it is in memory. */
export interface ByteSource {
  /** In bytes. */
  readonly size: number;
  /** When it was last written, in milliseconds since 1970, where the place can tell. */
  readonly modified?: number;
  /**
   * Exactly `length` bytes from `offset`.
   * @throws FormatError if the file ends before; DatasetError if it cannot be read.
   */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A file that is being written; nobody sees it before it is finished. */
export interface FileWriter {
  /** @throws LamellaError if there is no space */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Moves the file to its place, where it replaces another. @throws LamellaError if it cannot be written */
  finish(): Promise<void>;
  /** Leaves nothing of it; never throws. */
  abort(): Promise<void>;
}

/** What the core needs of a file system, implemented in `platform/`, and in memory by `memoryFiles`. */
export interface Files {
  /**
   * Every file below a folder, at any depth, as sorted relative paths with `/` as separator. If the path is a file: its
   * name alone.
   * @throws DatasetError if `folder` does not exist.
   */
  list(folder: string): Promise<readonly string[]>;
  /**
   * The bytes of one file: a `folder` given to `list` and a name that it returned, or a path alone.
   * @throws DatasetError if it cannot be read, with the code `no-file` if it does not exist.
   */
  read(folder: string, name?: string): Promise<Uint8Array>;
  /** Every folder below a folder, including empty ones, as relative paths, if the platform can list them. */
  folders?(folder: string): Promise<readonly string[]>;
  /** Opens a file to read it by range. @throws as `read` */
  open(folder: string, name?: string): Promise<ByteSource>;
  /** The path in full, where the place can tell. */
  resolve?(path: string): string;
  /**
   * A package of BioImage.IO as one ONNX file that says what the package says, where the platform reads packages.
   * @param path a zip, or the description in a folder
   */
  modelPackage?(path: string): Promise<Uint8Array>;
  /** A decompressor of the platform, if faster than our own. */
  readonly zlib?: Zlib;
  /** Zstandard of the platform, if faster than the one of zarrita; what these files give is then memory of its own. */
  readonly zstd?: Zstd;
  /** The largest image that the platform has memory for, in bytes. */
  readonly maxBytes?: number;
}

/** Files that can also be written: what the workflows run on. */
export interface WritableFiles extends Files {
  /** The kind of a path; undefined if it does not exist. */
  kind(path: string): Promise<'file' | 'folder' | undefined>;
  /** The absolute path, for records that are read elsewhere. */
  resolve(path: string): string;
  /**
   * Replaces a file atomically, creating the folders that it needs: a reader sees the old or the new one, never a part.
   * @throws LamellaError if there is no space or no permission.
   */
  write(path: string, content: Uint8Array | string): Promise<void>;
  /**
   * Begins a file that is written part by part, creating the folders that it needs; without it, `createFile` holds the
   * file in memory. @throws as `write`
   */
  create?(path: string): Promise<FileWriter>;
  /**
   * Writes a file that is not there yet, as `write`; of several that try at once, one succeeds. Without it, `writeNew`
   * looks first. @returns false, and leaves it, if there is one. @throws as `write`
   */
  writeNew?(path: string, content: Uint8Array | string): Promise<boolean>;
  /** Removes a file, or a folder with all that it holds, if there is one. @throws LamellaError without permission */
  remove?(path: string): Promise<void>;
}

/** Begins a file that is written part by part. @throws as `WritableFiles.write` */
export async function createFile(files: WritableFiles, path: string): Promise<FileWriter> {
  if (files.create !== undefined) return files.create(path);
  let bytes = new Uint8Array();
  let size = 0;
  return {
    async write(offset, part) {
      const end = offset + part.length;
      if (end > bytes.length) {
        const larger = new Uint8Array(Math.max(end, 2 * bytes.length));
        larger.set(bytes.subarray(0, size));
        bytes = larger;
      }
      bytes.set(part, offset);
      size = Math.max(size, end);
    },
    finish: () => files.write(path, bytes.subarray(0, size)),
    abort: async () => {},
  };
}

/** Writes a file unless there is one. @returns whether it was written. @throws as `WritableFiles.write` */
export async function writeNew(files: WritableFiles, path: string, content: Uint8Array | string): Promise<boolean> {
  if (files.writeNew !== undefined) return files.writeNew(path, content);
  if ((await files.kind(path)) !== undefined) return false;
  await files.write(path, content);
  return true;
}

/** At most the first `count` bytes of a file. @throws as `Files.read` */
export async function readHead(files: Files, folder: string, name: string, count: number): Promise<Uint8Array> {
  const source = await files.open(folder, name);
  try {
    return await source.read(0, Math.min(count, source.size));
  } finally {
    await source.close();
  }
}

/** The error for a range that a file of `size` bytes does not hold. */
export function beyondEnd(file: string, size: number, end: number): FormatError {
  return new FormatError(`the file ends at byte ${size}, but byte ${end} is needed: it is truncated.`, {
    file,
    remedy: 'Copy or save it again.',
  });
}

/** Bytes in memory as a file. */
export function bytesSource(bytes: Uint8Array, file: string): ByteSource {
  return {
    size: bytes.length,
    async read(offset, length) {
      if (offset + length > bytes.length) throw beyondEnd(file, bytes.length, offset + length);
      return bytes.subarray(offset, offset + length);
    },
    close: async () => {},
  };
}

/** What is used of a `Blob` or `File`. */
export interface BlobLike {
  readonly size: number;
  arrayBuffer(): Promise<ArrayBuffer>;
  slice(from: number, to: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/** A Blob as a file. */
export function blobSource(blob: BlobLike, file: string): ByteSource {
  return {
    size: blob.size,
    async read(offset, length) {
      if (offset + length > blob.size) throw beyondEnd(file, blob.size, offset + length);
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
    },
    close: async () => {},
  };
}

/** Whether a path is the address of something on a server. */
export const isUrl = (path: string): boolean => /^(https?|s3):\/\//i.test(path);

/** A path below a folder, or an address, with `/` between them; `.` is dropped. */
export function joinPath(...parts: readonly string[]): string {
  const joined = parts.filter((part) => part !== '' && part !== '.').join('/');
  return joined.replace(/(?<!^(?:https?|s3):)\/{2,}/gi, '/') || '.';
}

/** The last part of a path, with either kind of slash. */
export function baseName(path: string): string {
  return path.replace(/[\\/]+$/, '').replace(/^.*[\\/]/, '');
}

/** The path without its last part; `.` for a name alone. */
export function folderName(path: string): string {
  const [, folder] = /^(.*?)[\\/]+[^\\/]*[\\/]*$/.exec(path) ?? [];
  return folder === undefined ? '.' : folder || '/';
}
