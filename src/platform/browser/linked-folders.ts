/**
 * Folders of the user's disk that are projects (File System Access). Their handles are kept in IndexedDB, which both a page and
 * its workers reach, and which alone can hold them.
 */

import { UsageError } from '../../errors.ts';

const DATABASE = 'lamella-folders';
const STORE = 'folders';
/** The key of the folder that the page has put at hand; ids of projects are not empty. */
const CHOSEN = '';

/** What browsers with a directory picker add to a handle. */
interface Permission {
  requestPermission?(descriptor: { readonly mode: 'readwrite' }): Promise<PermissionState>;
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function inStore<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await settled(opening);
  try {
    const transaction = database.transaction(STORE, mode);
    // What was put is only there once this is through, for which a full storage may have no space.
    const through = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
    const [result] = await Promise.all([settled(work(transaction.objectStore(STORE))), through]);
    return result;
  } finally {
    database.close();
  }
}

const read = (key: string): Promise<FileSystemDirectoryHandle | undefined> =>
  inStore('readonly', (store) => store.get(key));

/** Puts a folder at hand for `linkFolder` and `moveToFolder` of the engine: the one that the user chose. */
export const putFolderAtHand = async (folder: FileSystemDirectoryHandle): Promise<void> => {
  await inStore('readwrite', (store) => store.put(folder, CHOSEN));
};

/**
 * Asks the user whether a project's folder may be written to, unless that is known. Browsers ask only soon after a key or
 * a click.
 * @returns whether it may; true for a project that is in no folder of the user's
 */
export async function allowLinkedFolder(project: string): Promise<boolean> {
  const folder = (await read(project)) as (FileSystemDirectoryHandle & Permission) | undefined;
  if (folder?.requestPermission === undefined) return true;
  return (await folder.requestPermission({ mode: 'readwrite' })) === 'granted';
}

/** @throws UsageError if there is none */
export async function folderAtHand(): Promise<FileSystemDirectoryHandle> {
  const folder = await read(CHOSEN);
  if (folder !== undefined) return folder;
  throw new UsageError('No folder was chosen.', { remedy: 'Choose one.' });
}

/** As last read from the database: only the engine's worker changes it. */
let links: Promise<Map<string, FileSystemDirectoryHandle>> | undefined;

async function readLinks(): Promise<Map<string, FileSystemDirectoryHandle>> {
  // Where a browser keeps no database, nothing can have been put into it.
  if (globalThis.indexedDB === undefined) return new Map();
  const [keys, folders] = await Promise.all([
    inStore('readonly', (store) => store.getAllKeys()),
    inStore('readonly', (store) => store.getAll() as IDBRequest<FileSystemDirectoryHandle[]>),
  ]);
  const all = keys.map((key, i) => [String(key), folders[i] as FileSystemDirectoryHandle] as const);
  return new Map(all.filter(([key]) => key !== CHOSEN));
}

/** The folders of projects by the projects' ids. @param anew whether another tab may have changed them */
export function linkedFolders(anew = false): Promise<ReadonlyMap<string, FileSystemDirectoryHandle>> {
  if (anew || links === undefined) links = readLinks();
  return links;
}

export async function linkProject(project: string, folder: FileSystemDirectoryHandle): Promise<void> {
  await inStore('readwrite', (store) => store.put(folder, project));
  await linkedFolders(true);
}

/** The folder stays as it is. */
export async function unlinkProject(project: string): Promise<void> {
  await inStore('readwrite', (store) => store.delete(project));
  await linkedFolders(true);
}
