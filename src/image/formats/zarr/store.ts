import { FormatError, factsOf } from '../../../errors.ts';
import { type ByteSource, type Files, isUrl, joinPath, type Zstd } from '../../../files.ts';

/** Files that are kept open at once. */
const OPEN_FILES = 32;

/** The files of a Zarr store, by their keys: paths within it. */
export interface ZarrStore {
  /** Where it is, for messages. */
  readonly name: string;
  /** Whether each read is a request to a server. */
  readonly isRemote: boolean;
  /** Zstandard of where its files are read, if faster than the one of zarrita. */
  readonly zstd?: Zstd;
  /** The bytes of a key; undefined if there is none. @throws DatasetError if it cannot be read */
  read(key: string): Promise<Uint8Array | undefined>;
  /**
   * Part of the bytes of a key; undefined if there is none.
   * @param offset from the start, or from the end if negative
   * @throws FormatError if there are fewer bytes; DatasetError if they cannot be read
   */
  range(key: string, offset: number, length: number): Promise<Uint8Array | undefined>;
  /** Closes the files that are open. */
  close(): Promise<void>;
}

/** A file, or undefined where there is none. */
async function ifThere<T>(access: Promise<T>): Promise<T | undefined> {
  try {
    return await access;
  } catch (cause) {
    if (factsOf(cause, 'no-file') !== undefined) return undefined;
    throw cause;
  }
}

/** The store in a folder. @param name for messages */
export function folderStore(files: Files, folder: string, name = folder): ZarrStore {
  const open = new Map<string, Promise<ByteSource | undefined>>();
  const sourceOf = (key: string): Promise<ByteSource | undefined> => {
    const source = open.get(key) ?? ifThere(files.open(folder, key));
    // The latest last, so that the first is the one to close. A file waits for reads in progress before it closes.
    open.delete(key);
    open.set(key, source);
    const [oldest] = open;
    if (open.size > OPEN_FILES && oldest !== undefined) {
      open.delete(oldest[0]);
      oldest[1].then((old) => old?.close()).catch(() => {});
    }
    return source;
  };
  return {
    name,
    isRemote: isUrl(folder),
    zstd: files.zstd,
    read: (key) => ifThere(files.read(folder, key)),
    async range(key, offset, length) {
      const source = await sourceOf(key);
      if (source === undefined) return undefined;
      if (length > source.size) {
        throw new FormatError(
          `this shard has ${source.size} bytes, fewer than its index of ${length}: it is cut off.`,
          {
            file: joinPath(name, key),
            remedy: 'Copy the store again.',
          },
        );
      }
      return source.read(offset < 0 ? source.size + offset : offset, length);
    },
    async close() {
      for (const source of open.values()) await (await source.catch(() => undefined))?.close();
      open.clear();
    },
  };
}
