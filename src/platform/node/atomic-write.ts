import { open, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LamellaError } from '../../errors.ts';
import { makeFolder } from './make-folder.ts';

/** The error for a failed write: no space, no permission, no such folder. */
export function explainWrite(cause: unknown, file: string): LamellaError {
  const code = (cause as NodeJS.ErrnoException).code;
  const because = (problem: string, remedy: string): LamellaError => new LamellaError(problem, { file, remedy, cause });
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return because('no space left on the disk.', 'Free some space, or choose another location.');
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return because('permission denied: this cannot be written.', 'Choose a folder that you may write to.');
    case 'ENOENT':
      return because('its folder does not exist and cannot be created.', 'Choose another location.');
    case 'ENOTDIR':
    case 'EEXIST':
      return because('a file exists where a folder is needed.', 'Choose another location.');
    case 'EISDIR':
      return because('a folder exists where this file should be.', 'Choose another name.');
    case 'EFBIG':
      return because('the file exceeds the largest size that this file system supports.', 'Choose another disk.');
    default:
      return because(`this cannot be written (${code ?? String(cause)}).`, 'Choose another location.');
  }
}

let written = 0;

/**
 * Writes a file atomically: to a temporary file beside it, flushed to disk, then renamed. Creates folders. Leaves
 * nothing behind on failure.
 * @throws LamellaError naming the file and what to do.
 */
export async function atomicWrite(file: string, content: Uint8Array | string): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}-${written++}.tmp`);
  try {
    await makeFolder(dirname(file));
    await writeFile(temporary, content, { flush: true });
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw explainWrite(cause, file);
  }
  await flushFolder(dirname(file));
}

/** Makes a rename survive a power failure if the system supports it (not on Windows). */
export async function flushFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Not every file system supports it, and the file itself is already flushed.
  }
}
