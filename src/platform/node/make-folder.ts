import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder and those that are to hold it. (`mkdir` with `recursive` never comes back where the system says of a
 * parent that is there that it is not, as below /proc.)
 * @returns the outermost folder that was made; nothing when all were there
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
      // Made by somebody else meanwhile.
      if (cause.code !== 'EEXIST') throw cause;
    });
  }
  return missing[0];
}
