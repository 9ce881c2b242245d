import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LamellaError } from '../../errors.ts';
import type { FileWriter } from '../../files.ts';
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
 * Begins a file: a temporary one beside it, which `finish` flushes to disk and renames. Creates folders. Leaves nothing
 * behind on failure.
 * @throws LamellaError naming the file and what to do, as its methods do
 */
export async function atomicFile(file: string): Promise<FileWriter> {
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}-${written++}.tmp`);
  let handle: FileHandle | undefined;
  const abort = async (): Promise<void> => {
    await handle?.close().catch(() => undefined);
    await rm(temporary, { force: true }).catch(() => undefined);
  };
  const orExplain = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (cause) {
      await abort();
      throw explainWrite(cause, file);
    }
  };
  await orExplain(async () => {
    await makeFolder(dirname(file));
    handle = await open(temporary, 'w');
  });
  const opened = handle as unknown as FileHandle;
  return {
    write: (offset, bytes) =>
      orExplain(async () => {
        for (let at = 0; at < bytes.length; ) {
          at += (await opened.write(bytes, at, bytes.length - at, offset + at)).bytesWritten;
        }
      }),
    finish: () =>
      orExplain(async () => {
        await opened.sync();
        await opened.close();
        await rename(temporary, file);
        await flushFolder(dirname(file));
      }),
    abort,
  };
}

/** Writes a file atomically. @throws as `atomicFile` */
export async function atomicWrite(file: string, content: Uint8Array | string): Promise<void> {
  const writer = await atomicFile(file);
  await writer.write(0, typeof content === 'string' ? new TextEncoder().encode(content) : content);
  await writer.finish();
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
