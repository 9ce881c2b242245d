import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { DatasetError } from '../../errors.ts';
import type { WritableFiles } from '../../files.ts';
import { MAX_BYTES } from '../../image/read.ts';
import { atomicWrite } from './atomic-write.ts';
import { nodeZlib } from './zlib.ts';

/** The error for a failed read. */
export function explainRead(cause: unknown, file: string): DatasetError {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') {
    return new DatasetError('there is no such file or folder.', { file, remedy: 'Check the path.', cause });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new DatasetError('permission denied: this cannot be read.', {
      file,
      remedy: 'Check the permissions.',
      cause,
    });
  }
  if (code === 'EISDIR') {
    return new DatasetError('this is a folder; expected a file.', { file, remedy: 'Specify the file.', cause });
  }
  if (code === 'ERR_FS_FILE_TOO_LARGE') {
    return new DatasetError('this file is larger than 2 GiB; files of that size are not supported yet.', {
      file,
      remedy: 'Crop it, cut it into parts, or save it with compression.',
      cause,
    });
  }
  return new DatasetError(`this cannot be read (${code ?? String(cause)}).`, {
    file,
    remedy: 'Check the disk and the path.',
    cause,
  });
}

/** Files below `folder` as `prefix` + name; links are followed, except to a parent folder. */
async function walk(folder: string, prefix: string, above: readonly string[], found: string[]): Promise<void> {
  const real = await realpath(folder);
  if (above.includes(real)) return;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    // A broken link is not a file.
    const kind = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry;
    if (kind?.isDirectory() === true) await walk(path, `${prefix}${entry.name}/`, [...above, real], found);
    else if (kind?.isFile() === true) found.push(`${prefix}${entry.name}`);
  }
}

/** The file system of the machine. */
export const nodeFiles: WritableFiles = {
  zlib: nodeZlib,
  get maxBytes() {
    return Math.min(MAX_BYTES, process.availableMemory());
  },
  write: atomicWrite,
  resolve,
  async kind(path) {
    const info = await stat(path).catch(() => undefined);
    return info === undefined ? undefined : info.isDirectory() ? 'folder' : 'file';
  },
  async list(folder) {
    try {
      if (!(await stat(folder)).isDirectory()) return [basename(folder)];
      const found: string[] = [];
      await walk(folder, '', [], found);
      return found.sort();
    } catch (cause) {
      throw explainRead(cause, folder);
    }
  },
  async read(folder, name) {
    const path = name === undefined ? folder : join(folder, name);
    try {
      return await readFile(path);
    } catch (cause) {
      throw explainRead(cause, path);
    }
  },
  async folders(folder) {
    try {
      const entries = await readdir(folder, { withFileTypes: true, recursive: true });
      return entries
        .filter((entry) => entry.isDirectory())
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/'));
    } catch (cause) {
      throw explainRead(cause, folder);
    }
  },
  async head(folder, name, count) {
    const path = join(folder, name);
    try {
      const file = await open(path);
      try {
        const { buffer, bytesRead } = await file.read(new Uint8Array(count), 0, count, 0);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    } catch (cause) {
      throw explainRead(cause, path);
    }
  },
};
