import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import type { Files } from '../../dataset/files.ts';
import { DatasetError } from '../../errors.ts';

function explain(cause: unknown, file: string): DatasetError {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOENT')
    return new DatasetError('there is no such file or folder.', { file, remedy: 'Check the path.', cause });
  if (code === 'EACCES' || code === 'EPERM') {
    return new DatasetError('this may not be read.', { file, remedy: 'Check the permissions.', cause });
  }
  if (code === 'EISDIR') return new DatasetError('this is a folder, a file is expected.', { file, cause });
  return new DatasetError(`this cannot be read (${code ?? String(cause)}).`, { file, cause });
}

/** The file system of the machine. Links to folders are followed once, so that a circle does not hang. */
export const nodeFiles: Files = {
  async list(folder) {
    try {
      if (!(await stat(folder)).isDirectory()) return [basename(folder)];
      const found: string[] = [];
      for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name);
        const isFile =
          entry.isFile() || (entry.isSymbolicLink() && (await stat(path).catch(() => undefined))?.isFile() === true);
        if (isFile) found.push(relative(folder, path).split(sep).join('/'));
      }
      return found.sort();
    } catch (cause) {
      throw explain(cause, folder);
    }
  },
  async read(folder, name) {
    const path = name === undefined ? folder : join(folder, name);
    try {
      return await readFile(path);
    } catch (cause) {
      throw explain(cause, path);
    }
  },
};
