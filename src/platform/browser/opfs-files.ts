import { DatasetError } from '../../errors.ts';
import { blobSource, joinPath, type WritableFiles } from '../../files.ts';
import { explainAccess, fileOf, filesBelow, isAbsent, namesOf, openFolder, putFile } from './opfs.ts';

/** Files in the page's private storage (OPFS). */
export interface OpfsFiles extends WritableFiles {
  /** Every file below a folder with its path in it. */
  entries(folder: string): Promise<readonly (readonly [path: string, file: File])[]>;
  /** A file, read on demand. @throws DatasetError if there is none */
  file(path: string): Promise<File>;
  /** The names of the folders in a folder; none if it does not exist. */
  folderNames(folder: string): Promise<readonly string[]>;
  /** Deletes a file, or a folder with all that is in it, if it is there. */
  remove(path: string): Promise<void>;
}

/** The files of the storage, by their paths in it. */
export function opfsFiles(): OpfsFiles {
  const folderAt = (path: string) => openFolder(namesOf(path), { create: false });
  const explained = async <T>(path: string, access: () => Promise<T>): Promise<T> => {
    try {
      return await access();
    } catch (cause) {
      throw await explainAccess(cause, path);
    }
  };
  const missing = (path: string): DatasetError =>
    new DatasetError('there is no such file or folder.', {
      file: path,
      remedy: 'Check the path.',
      facts: { code: 'no-file' },
    });
  /** A file; undefined for a folder, and where there is nothing. */
  const find = async (path: string): Promise<File | undefined> => {
    const names = namesOf(path);
    const parent = await openFolder(names.slice(0, -1), { create: false });
    try {
      return parent && (await fileOf(parent, names.at(-1) as string));
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === 'TypeMismatchError') return undefined;
      throw cause;
    }
  };
  const get = async (path: string): Promise<File> => {
    const file = await find(path);
    if (file === undefined) throw missing(path);
    return file;
  };
  const entries = async (path: string): Promise<readonly (readonly [string, File])[]> => {
    const folder = await folderAt(path);
    if (folder === undefined) throw missing(path);
    return (await filesBelow(folder)).sort(([a], [b]) => (a < b ? -1 : 1));
  };
  return {
    entries: (folder) => explained(folder, () => entries(folder)),
    file: (path) => explained(path, () => get(path)),
    resolve: (path) => joinPath(path),
    list: (folder) =>
      explained(folder, async () => {
        const file = await find(folder);
        return file === undefined ? (await entries(folder)).map(([name]) => name) : [file.name];
      }),
    read: (folder, name = '') =>
      explained(
        joinPath(folder, name),
        async () => new Uint8Array(await (await get(joinPath(folder, name))).arrayBuffer()),
      ),
    open: (folder, name = '') =>
      explained(joinPath(folder, name), async () =>
        blobSource(await get(joinPath(folder, name)), joinPath(folder, name)),
      ),
    kind: (path) =>
      explained(path, async () => {
        if ((await find(path)) !== undefined) return 'file';
        return (await folderAt(path).catch(() => undefined)) === undefined ? undefined : 'folder';
      }),
    write: (path, content) =>
      explained(path, async () => {
        const names = namesOf(path);
        const parent = (await openFolder(names.slice(0, -1), { create: true })) as FileSystemDirectoryHandle;
        await putFile(parent, names.at(-1) as string, content, { keep: false });
      }),
    folderNames: (path) =>
      explained(path, async () => {
        const names: string[] = [];
        for await (const [name, handle] of (await folderAt(path))?.entries() ?? []) {
          if (handle.kind === 'directory') names.push(name);
        }
        return names.sort();
      }),
    remove: (path) =>
      explained(path, async () => {
        const names = namesOf(path);
        const parent = await openFolder(names.slice(0, -1), { create: false });
        await parent?.removeEntry(names.at(-1) as string, { recursive: true }).catch((cause: unknown) => {
          if (!isAbsent(cause)) throw cause;
        });
      }),
  };
}
