import { randomUUID } from 'node:crypto';
import { type FileHandle, link, open, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Facts, LamellaError } from '../../errors.ts';
import type { FileWriter } from '../../files.ts';
import { formatBytes } from '../../image/byte-size.ts';
import { makeFolder } from './make-folder.ts';

/**
 * The error for a failed write: no space, no permission, no such folder.
 * @param amount of a disk that is full: what the file takes, and what is free
 */
export function explainWrite(cause: unknown, file: string, amount = ''): LamellaError {
  const code = (cause as NodeJS.ErrnoException).code;
  const because = (problem: string, remedy: string, facts?: Facts): LamellaError =>
    new LamellaError(problem, { file, remedy, facts, cause });
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return because(`no space left on the disk${amount}.`, 'Free some space, or choose another location.', {
        code: 'no-space',
      });
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

/**
 * What a file takes and what the disk has for it, once nothing of it is left there; nothing where the file would fit, as
 * under a quota.
 */
async function amountOf(cause: unknown, file: string, bytes: number): Promise<string> {
  if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') return '';
  const disk = await statfs(dirname(file)).catch(() => undefined);
  const free = disk === undefined ? Number.POSITIVE_INFINITY : disk.bavail * disk.bsize;
  return free < bytes ? `: this file takes at least ${formatBytes(bytes)}, and ${formatBytes(free)} are free` : '';
}

/** A file beside another that no process on any machine has: in containers, all have the same number. */
const temporaryFor = (file: string): string =>
  join(dirname(file), `.${basename(file)}.${process.pid}-${randomUUID().slice(0, 13)}.tmp`);

/**
 * Begins a file: a temporary one beside it, which `finish` flushes to disk and renames. Creates folders. Leaves nothing
 * behind on failure.
 * @param called how errors name it
 * @throws LamellaError naming the file and what to do, as its methods do
 */
export async function atomicFile(file: string, called = file): Promise<FileWriter> {
  const temporary = temporaryFor(file);
  let handle: FileHandle | undefined;
  let end = 0;
  const abort = async (): Promise<void> => {
    await handle?.close().catch(() => undefined);
    await rm(temporary, { force: true }).catch(() => undefined);
  };
  const orExplain = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (cause) {
      await abort();
      throw explainWrite(cause, called, await amountOf(cause, file, end));
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
        end = Math.max(end, offset + bytes.length);
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

/** Writes a file atomically. @param called how errors name it. @throws as `atomicFile` */
export async function atomicWrite(file: string, content: Uint8Array | string, called = file): Promise<void> {
  const writer = await atomicFile(file, called);
  await writer.write(0, typeof content === 'string' ? new TextEncoder().encode(content) : content);
  await writer.finish();
}

/**
 * Writes a file that is not there yet; whoever finds it finds all of it.
 * @returns false, and leaves it, if there is one
 * @throws as `atomicFile`
 */
export async function atomicWriteNew(file: string, content: Uint8Array | string): Promise<boolean> {
  const temporary = temporaryFor(file);
  await atomicWrite(temporary, content, file);
  try {
    await link(temporary, file).catch(async (cause: NodeJS.ErrnoException) => {
      // Some file systems have no links.
      if (!['EPERM', 'ENOTSUP', 'ENOSYS'].includes(cause.code ?? '')) throw cause;
      await writeFile(file, content, { flag: 'wx' }).catch(async (failed: NodeJS.ErrnoException) => {
        // On a full disk there is a file now, with part of its content.
        if (failed.code !== 'EEXIST') await rm(file, { force: true });
        throw failed;
      });
    });
    await flushFolder(dirname(file));
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw explainWrite(cause, file);
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
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
