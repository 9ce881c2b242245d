import type { Zlib } from './image/zlib.ts';

/** What the core needs of a file system; `platform/` has the implementations. */
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
}
