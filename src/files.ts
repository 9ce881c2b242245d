/** What files are unpacked and packed with; `image/zlib.ts` has one in JavaScript. */
export interface Zlib {
  /** The bytes of a zlib stream; at most `expected` of them. As `inflate` of image/inflate.ts. */
  inflate(zlib: Uint8Array, expected: number): Uint8Array | Promise<Uint8Array>;
  /** Packs into a stream that `inflate` reads; how well is up to the platform. */
  deflate(bytes: Uint8Array): Uint8Array;
  crc32(bytes: Uint8Array): number;
}

/** What the core needs of a file system; `platform/` has the implementations, and `memoryFiles` is one in memory. */
export interface Files {
  /**
   * Every file below a folder, any depth, as paths relative to it with `/` between names, sorted.
   * For a path that is a file: its name alone.
   * @throws DatasetError when there is nothing at `folder`.
   */
  list(folder: string): Promise<readonly string[]>;
  /**
   * The bytes of one file: a `folder` given to `list` and a name that it returned, or a path alone.
   * @throws DatasetError when it cannot be read.
   */
  read(folder: string, name?: string): Promise<Uint8Array>;
  /** Every folder below a folder, empty ones too, as paths relative to it, where the place can tell. */
  folders?(folder: string): Promise<readonly string[]>;
  /** At most the first `count` bytes of a file; where it is missing, files are read as a whole. */
  head?(folder: string, name: string, count: number): Promise<Uint8Array>;
  /** What unpacks the files of this place, where it is faster than our own. */
  readonly zlib?: Zlib;
  /** The largest image that this place has memory for, in bytes. */
  readonly maxBytes?: number;
}

/** Files that results can be written beside: what the workflows run over. */
export interface WritableFiles extends Files {
  /** What is at a path; undefined for nothing. */
  kind(path: string): Promise<'file' | 'folder' | undefined>;
  /** The path in full, for records that are read elsewhere. */
  resolve(path: string): string;
  /**
   * Replaces a file as a whole, with the folders that it needs: a reader sees the old one or the new one, never a part.
   * @throws LamellaError when there is no room or no permission.
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
