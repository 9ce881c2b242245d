import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Creates a folder with its parents. (`mkdir` with `recursive` never returns if the system denies that an existing
 * parent exists, as below /proc.)
 * @returns the outermost folder created; undefined if all existed
 * @throws the system's error
 */
export async function makeFolder(path: string): Promise<string | undefined> {
  const missing: string[] = [];
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    const info = await stat(folder).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT' || folder === dirname(folder)) throw cause;
      return undefined;
    });
    if (info?.isDirectory() === false) throw Object.assign(new Error(`${folder} is a file`), { code: 'ENOTDIR' });
    if (info !== undefined) break;
    missing.unshift(folder);
  }
  for (const folder of missing) {
    await mkdir(folder).catch((cause: NodeJS.ErrnoException) => {
      // Created by another process in the meantime.
      if (cause.code !== 'EEXIST') throw cause;
    });
  }
  return missing[0];
}
