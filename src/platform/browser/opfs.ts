/**
 * The page's private storage (OPFS): folders by path, and its failures in words. Projects in it may be folders of the user's
 * disk, which have their paths there.
 */

import { type Facts, LamellaError, RunError, UsageError } from '../../errors.ts';
import { linkedFolders } from './linked-folders.ts';
import { PROJECTS } from './project-folder.ts';

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

/** How full the storage is, if the browser tells. */
async function fullness(): Promise<string> {
  const { usage, quota } = await navigator.storage.estimate().catch((): StorageEstimate => ({}));
  return usage === undefined || quota === undefined ? '' : ` (${megabytes(usage)} of ${megabytes(quota)} are used)`;
}

/** The error for a failed access: no space, removed, not permitted. What the storage did not say is returned as it is. */
export async function explainAccess(cause: unknown, file: string): Promise<unknown> {
  if (!(cause instanceof DOMException)) return cause;
  const because = (problem: string, remedy: string, facts?: Facts): LamellaError =>
    new LamellaError(problem, { file, remedy, facts, cause });
  switch (cause.name) {
    case 'QuotaExceededError':
      return because(
        `no space is left in the storage of this page${await fullness()}.`,
        file.startsWith(`${PROJECTS}/`)
          ? 'Save the project to your disk, then forget projects that you do not need here, or free some space on the disk.'
          : 'Remove runs with removeRun, or free some space on the disk.',
        { code: 'no-space' },
      );
    case 'NotFoundError':
      return file.startsWith(`${PROJECTS}/`)
        ? because(
            'this was removed from the storage of this page.',
            'Export the project before you close it: what is still in memory is kept so.',
            { code: 'files-gone' },
          )
        : because('this was removed from the storage of this page.', 'Keep its data while a run is written.');
    case 'TypeMismatchError':
      return because('there is a file where a folder is needed, or the reverse.', 'Choose another name.');
    case 'NotAllowedError':
      return because('the browser does not let this page use the folder.', 'Save once more, and allow it.');
    case 'NoModificationAllowedError':
      return because('this is open elsewhere in the browser.', 'Close what uses it.');
    case 'NotReadableError':
      return because('this has changed or cannot be read.', 'Read it again.');
    default:
      return because(`the storage of this page cannot be used (${cause.name}).`, 'Allow this page to keep data.');
  }
}

/** @throws RunError if the page has no such storage. */
async function openRoot(): Promise<FileSystemDirectoryHandle> {
  const because = (cause?: unknown): RunError =>
    new RunError('this page has no private storage (OPFS).', {
      remedy:
        'Serve it by https or from localhost, allow it to keep data, and use a current browser outside private windows; or train without a folder, in memory.',
      cause,
    });
  const { prototype = {} } = globalThis.FileSystemFileHandle ?? {};
  if (!('createWritable' in prototype || 'createSyncAccessHandle' in prototype)) throw because();
  try {
    return await navigator.storage.getDirectory();
  } catch (cause) {
    throw because(cause);
  }
}

/**
 * The names in a path.
 * @throws UsageError if it is empty or leaves the storage.
 */
export function namesOf(path: string): readonly string[] {
  const names = path.split(/[\\/]/).filter((name) => name !== '' && name !== '.');
  if (names.length > 0 && !names.includes('..')) return names;
  throw new UsageError(`'${path}' is not a folder in the storage of this page.`, { remedy: 'Use a path like runs/a.' });
}

/** A project's own folder, which is in the storage even if the project is a folder of the user's disk. */
const OWN = '.studio';

/** The folder of the user's disk in which a path of the storage lies, if it is in a project that is one. */
async function linkOf([top, project, inside]: readonly string[]): Promise<FileSystemDirectoryHandle | undefined> {
  if (top !== PROJECTS || project === undefined || inside === OWN) return undefined;
  return (await linkedFolders()).get(project);
}

/** A folder; undefined if it does not exist and is not to be created. */
export async function openFolder(
  names: readonly string[],
  { create, within }: { readonly create: boolean; readonly within?: FileSystemDirectoryHandle },
): Promise<FileSystemDirectoryHandle | undefined> {
  const link = within === undefined ? await linkOf(names) : undefined;
  let folder = within ?? link ?? (await openRoot());
  for (const name of link === undefined ? names : names.slice(2)) {
    try {
      folder = await folder.getDirectoryHandle(name, { create });
    } catch (cause) {
      if (!create && isAbsent(cause)) return undefined;
      throw await explainAccess(cause, names.join('/'));
    }
  }
  return folder;
}

export const isAbsent = (cause: unknown): boolean => cause instanceof DOMException && cause.name === 'NotFoundError';

/** The content of a file that is being replaced: Chromium lists it, and a killed browser may leave it. */
const UNFINISHED = '.crswap';
export const isUnfinished = (name: string): boolean => name.endsWith(UNFINISHED);

/** A file of a folder; undefined if there is none, or it was created by a tab that ended before its content came. */
export async function fileOf(folder: FileSystemDirectoryHandle, path: string): Promise<File | undefined> {
  const names = namesOf(path);
  const parent = await openFolder(names.slice(0, -1), { create: false, within: folder });
  try {
    const file = await (await parent?.getFileHandle(names.at(-1) as string))?.getFile();
    return file === undefined || file.size === 0 ? undefined : file;
  } catch (cause) {
    if (isAbsent(cause)) return undefined;
    throw cause;
  }
}

/** A file that a dedicated worker writes to in place; TypeScript has it among the types of workers only. */
export interface SyncAccess {
  getSize(): number;
  read(into: Uint8Array<ArrayBuffer>, options: { readonly at: number }): number;
  write(bytes: Uint8Array<ArrayBuffer>, options: { readonly at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

/** What dedicated workers have and TypeScript's types of a page have not. */
type WorkerFileHandle = FileSystemFileHandle & {
  createSyncAccessHandle(): Promise<SyncAccess>;
  move(to: FileSystemDirectoryHandle, name: string): Promise<void>;
};

/** Opens a file to be written in place; nobody else can meanwhile. Only in a dedicated worker. */
export const openSync = (handle: FileSystemFileHandle): Promise<SyncAccess> =>
  (handle as WorkerFileHandle).createSyncAccessHandle();

/** Replaces a file, or adds to it, creating the folders that it needs. @param keep whether to append */
export async function putFile(
  folder: FileSystemDirectoryHandle,
  path: string,
  content: Uint8Array | string,
  { keep }: { readonly keep: boolean },
): Promise<void> {
  const names = namesOf(path);
  const parent = (await openFolder(names.slice(0, -1), { create: true, within: folder })) as FileSystemDirectoryHandle;
  const name = names.at(-1) as string;
  // Safari has it from version 26 on.
  if ('createWritable' in FileSystemFileHandle.prototype) await putCopy(parent, name, content, keep);
  else await putInWorker(parent, name, content, keep);
}

/** Writes a copy, which takes the place of the file when it is closed. */
async function putCopy(
  parent: FileSystemDirectoryHandle,
  name: string,
  content: Uint8Array | string,
  keep: boolean,
): Promise<void> {
  const handle = await parent.getFileHandle(name, { create: true });
  const copy = await handle.createWritable({ keepExistingData: keep });
  try {
    if (keep) await copy.seek((await handle.getFile()).size);
    await copy.write(content as string | Uint8Array<ArrayBuffer>);
    await copy.close();
  } catch (cause) {
    await copy.abort().catch(() => undefined);
    throw cause;
  }
}

/** The same by what every dedicated worker has: appends in place, and moves a new file over the old one. */
async function putInWorker(
  parent: FileSystemDirectoryHandle,
  name: string,
  content: Uint8Array | string,
  keep: boolean,
): Promise<void> {
  const bytes = (typeof content === 'string' ? new TextEncoder().encode(content) : content) as Uint8Array<ArrayBuffer>;
  const handle = await parent.getFileHandle(keep ? name : `${name}${UNFINISHED}`, { create: true });
  const access = await openSync(handle);
  try {
    if (!keep) access.truncate(0);
    access.write(bytes, { at: access.getSize() });
    access.flush();
  } finally {
    access.close();
  }
  if (!keep) await (handle as WorkerFileHandle).move(parent, name);
}

/** Every file below a folder with its path in it, read on demand. */
export async function filesBelow(folder: FileSystemDirectoryHandle, prefix = ''): Promise<(readonly [string, File])[]> {
  const found: (readonly [string, File])[] = [];
  for await (const [name, handle] of folder.entries()) {
    const path = `${prefix}${name}`;
    if (handle.kind === 'directory') found.push(...(await filesBelow(handle as FileSystemDirectoryHandle, `${path}/`)));
    else {
      const file = isUnfinished(name) ? undefined : await fileOf(folder, name);
      if (file !== undefined) found.push([path, file]);
    }
  }
  return found;
}
