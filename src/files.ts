/** Compression of files; `image/zlib.ts` implements it in JavaScript. */
export interface Zlib {
  /** Decompresses a zlib stream to at most `expected` bytes. As `inflate` in image/inflate.ts. */
  inflate(zlib: Uint8Array, expected: number): Uint8Array | Promise<Uint8Array>;
  /** Compresses into a stream that `inflate` reads; the compression ratio depends on the platform. */
  deflate(bytes: Uint8Array): Uint8Array;
  crc32(bytes: Uint8Array): number;
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
   * @throws DatasetError if it cannot be read.
   */
  read(folder: string, name?: string): Promise<Uint8Array>;
  /** Every folder below a folder, including empty ones, as relative paths, if the platform can list them. */
  folders?(folder: string): Promise<readonly string[]>;
  /** At most the first `count` bytes of a file; if not implemented, files are read whole. */
  head?(folder: string, name: string, count: number): Promise<Uint8Array>;
  /** The path in full, where the place can tell. */
  resolve?(path: string): string;
  /** A decompressor of the platform, if faster than our own. */
  readonly zlib?: Zlib;
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
}

/** A path below a folder, with `/` between them; `.` is dropped. */
export function joinPath(...parts: readonly string[]): string {
  const joined = parts.filter((part) => part !== '' && part !== '.').join('/');
  return joined.replace(/\/{2,}/g, '/') || '.';
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
