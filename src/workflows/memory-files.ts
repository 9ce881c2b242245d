import { zipSync } from 'fflate';
import { DatasetError } from '../errors.ts';
import { type BlobLike, blobSource, bytesSource, joinPath, type WritableFiles } from '../files.ts';

/** Bytes, or an object that reads them on demand, such as a `File` or another `Blob`. */
export type FileContent = Uint8Array | BlobLike;

/** Files in memory, by path. */
export interface MemoryFiles extends WritableFiles {
  /** Every path, in order of insertion. */
  paths(): readonly string[];
  /** A folder's content as a zip archive, with relative paths. */
  zip(folder?: string): Promise<Uint8Array>;
}

const normal = (path: string): string => joinPath(...path.split(/[\\/]/));

async function bytesOf(content: FileContent): Promise<Uint8Array> {
  return content instanceof Uint8Array ? content : new Uint8Array(await content.arrayBuffer());
}

/**
 * In-memory files, for web pages and tests.
 * @example memoryFiles({ 'cells/images/1.png': bytes, 'cells/labels/1.png': file });
 */
export function memoryFiles(contents: Readonly<Record<string, FileContent>> = {}): MemoryFiles {
  const files = new Map(Object.entries(contents).map(([path, content]) => [normal(path), content]));
  const get = (path: string): FileContent => {
    const content = files.get(normal(path));
    if (content === undefined) {
      throw new DatasetError('there is no such file or folder.', {
        file: path,
        remedy: 'Check the path.',
        facts: { code: 'no-file' },
      });
    }
    return content;
  };
  const below = (folder: string): string[] => {
    const prefix = normal(folder) === '.' ? '' : `${normal(folder)}/`;
    const names = [...files.keys()].filter((path) => path.startsWith(prefix));
    return names.map((path) => path.slice(prefix.length)).sort();
  };
  return {
    paths: () => [...files.keys()],
    async list(folder) {
      const names = below(folder);
      if (names.length > 0) return names;
      get(folder);
      return [normal(folder).replace(/^.*\//, '')];
    },
    read: async (folder, name = '') => bytesOf(get(joinPath(folder, name))),
    async open(folder, name = '') {
      const path = joinPath(folder, name);
      const content = get(path);
      return content instanceof Uint8Array ? bytesSource(content, path) : blobSource(content, path);
    },
    async kind(path) {
      if (files.has(normal(path))) return 'file';
      return below(path).length > 0 ? 'folder' : undefined;
    },
    resolve: normal,
    async write(path, content) {
      files.set(normal(path), typeof content === 'string' ? new TextEncoder().encode(content) : content.slice());
    },
    async remove(path) {
      for (const name of files.keys())
        if (name === normal(path) || name.startsWith(`${normal(path)}/`)) files.delete(name);
    },
    async zip(folder = '.') {
      const entries: [string, Uint8Array][] = [];
      for (const name of below(folder)) entries.push([name, await bytesOf(get(joinPath(folder, name)))]);
      return zipSync(Object.fromEntries(entries));
    },
  };
}
