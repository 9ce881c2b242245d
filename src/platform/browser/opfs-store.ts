/** Runs kept in the page's private storage (OPFS): the files of a run folder in Node. */

import { RunError } from '../../errors.ts';
import type { Files } from '../../files.ts';
import { RUN_FILES, type Store } from '../../train/store.ts';
import { type MemoryFiles, memoryFiles } from '../../workflows/memory-files.ts';
import { isWorthKeeping, noRun, runExists } from '../../workflows/run-conflicts.ts';
import type { RunStore } from '../../workflows/train.ts';
import { explainAccess, fileOf, filesBelow, isAbsent, isUnfinished, namesOf, openFolder, putFile } from './opfs.ts';

function storeOf(folder: FileSystemDirectoryHandle, name: string): Store {
  const pathOf = (file: string): string => (file === '' ? name : `${name}/${file}`);
  const explained = async <T>(file: string, access: () => Promise<T>): Promise<T> => {
    try {
      return await access();
    } catch (cause) {
      throw await explainAccess(cause, pathOf(file));
    }
  };
  return {
    name,
    pathOf,
    list: (inner) =>
      explained(inner, async () => {
        const within = inner === '' ? folder : await openFolder(namesOf(inner), { create: false, within: folder });
        const names: string[] = [];
        for await (const [each, handle] of within?.entries() ?? []) {
          if (handle.kind === 'file' && !isUnfinished(each) && (await fileOf(within as typeof folder, each)))
            names.push(each);
        }
        return names.sort();
      }),
    read: (file) =>
      explained(file, async () => {
        const found = await fileOf(folder, file);
        return found && new Uint8Array(await found.arrayBuffer());
      }),
    write: (file, content) => explained(file, () => putFile(folder, file, content, { keep: false })),
    append: (file, text) => explained(file, () => putFile(folder, file, text, { keep: true })),
    remove: (file) =>
      explained(file, async () => {
        const names = namesOf(file);
        const parent = await openFolder(names.slice(0, -1), { create: false, within: folder });
        await parent?.removeEntry(names.at(-1) as string, { recursive: true }).catch((cause: unknown) => {
          if (!isAbsent(cause)) throw cause;
        });
      }),
  };
}

/**
 * @returns what releases it; the browser does when the page ends
 * @throws RunError if the page has no storage, or another page or worker has the lock.
 */
export async function takeLock(path: string): Promise<() => void> {
  await openFolder([], { create: false });
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(`lamella run ${path}`, { ifAvailable: true }, (lock) => {
        if (lock !== null) return new Promise<void>((release) => resolve(release));
        const remedy = 'Wait for it to end or close it.';
        const facts = { code: 'run-in-use', processId: undefined } as const;
        reject(new RunError('this run is in use by another tab or worker.', { file: path, remedy, facts }));
        return undefined;
      })
      .catch(reject);
  });
}

/** Does something with a run that nobody else has open. @throws RunError */
async function withRun<T>(path: string, body: (names: readonly string[], name: string) => Promise<T>): Promise<T> {
  const names = namesOf(path);
  const name = names.join('/');
  const release = await takeLock(name);
  try {
    return await body(names, name);
  } catch (cause) {
    throw await explainAccess(cause, name);
  } finally {
    release();
  }
}

/**
 * Keeps a run in a folder of the page's private storage (OPFS), with the files of a run folder in Node. One page or
 * worker at a time writes to it.
 *
 * A page that is closed or crashes while writing leaves the old file or the new one, never a part: its content takes the
 * file's place when it is complete. After a power failure this is up to the browser; a damaged checkpoint is recognised
 * by its checksum, and the one before it is used. The browser may clear the storage of a site when the disk is full,
 * unless `navigator.storage.persist()` was granted.
 *
 * @param folder a path such as `runs/a`, created if necessary
 * @throws RunError if the page has no such storage, or the run is in use; LamellaError from its methods: no space left,
 * the site's data were cleared
 *
 * @example const place = sessionPlace({ store: await opfsStore('runs/live') });
 */
export async function opfsStore(folder: string): Promise<RunStore> {
  const names = namesOf(folder);
  const name = names.join('/');
  const release = await takeLock(name);
  try {
    const handle = (await openFolder(names, { create: true })) as FileSystemDirectoryHandle;
    await removeUnfinished(handle);
    return {
      ...storeOf(handle, name),
      async close() {
        // Only if it is empty: the run ended before its first file.
        const parent = await openFolder(names.slice(0, -1), { create: false });
        await parent?.removeEntry(names.at(-1) as string).catch(() => undefined);
        release();
      },
    };
  } catch (cause) {
    release();
    throw cause;
  }
}

async function removeUnfinished(folder: FileSystemDirectoryHandle): Promise<void> {
  const unfinished: string[] = [];
  for await (const [name, handle] of folder.entries()) {
    if (handle.kind === 'directory') await removeUnfinished(handle as FileSystemDirectoryHandle);
    else if (isUnfinished(name)) unfinished.push(name);
  }
  for (const name of unfinished) await folder.removeEntry(name).catch(() => undefined);
}

/**
 * Opens a run in the storage for writing.
 * @param mode `new`: the folder must not exist, be empty, or contain a run without a checkpoint, which is replaced;
 * `resume`: it must contain a run.
 * @throws RunError as `opfsStore`; it contains another run or other files, or has no run to resume.
 */
export async function openOpfsRun(folder: string, mode: 'new' | 'resume'): Promise<RunStore> {
  const store = await opfsStore(folder);
  try {
    const isRun = (await store.read(RUN_FILES.config)) !== undefined;
    if (mode === 'resume' && !isRun) throw noRun(store.name);
    if (mode === 'resume') return store;
    if (isRun && (await isWorthKeeping(store))) throw runExists(store.name);
    if (!isRun) {
      const [other] = await store.list('');
      if (other !== undefined) {
        throw new RunError(`this folder holds other files, such as "${other}".`, {
          file: store.name,
          remedy: 'Use another one, or remove it with removeRun.',
        });
      }
    }
    for (const file of Object.values(RUN_FILES)) await store.remove(file);
    return { ...store, replaced: isRun };
  } catch (cause) {
    await store.close();
    throw cause;
  }
}

/**
 * The files of a run in the page's storage, read on demand: `zip()` makes an archive to download, which is unpacked to a
 * run folder that Node resumes. Nothing may write to the run until they are read; a file that changed is an error.
 * @throws RunError if there is no such run, or it is being written.
 *
 * @example
 *   const zip = await (await exportRun('runs/a')).zip();
 *   const download = URL.createObjectURL(new Blob([zip]));
 */
export function exportRun(folder: string): Promise<MemoryFiles> {
  return withRun(folder, async (names, name) => {
    const handle = await openFolder(names, { create: false });
    if (handle === undefined || (await fileOf(handle, RUN_FILES.config)) === undefined) throw noRun(name);
    return memoryFiles(Object.fromEntries(await filesBelow(handle)));
  });
}

/**
 * Copies a run into the page's storage, to be resumed there.
 * @param files a run folder, such as `chosenFiles` or `droppedFiles` give
 * @param from the run's path in them
 * @param folder its path in the storage, which must not hold a run yet
 * @throws RunError if there is no run in `from`, or another one in `folder`; LamellaError if there is no space: nothing is
 * left of it then.
 *
 * @example await importRun(chosenFiles(input.files), 'a', 'runs/a');
 */
export async function importRun(files: Files, from: string, folder: string): Promise<void> {
  const names = (await files.list(from)).filter((name) => name !== 'lock' && !/(^|\/)\./.test(name));
  if (!names.includes(RUN_FILES.config)) throw noRun(from);
  const store = await openOpfsRun(folder, 'new');
  try {
    // The configuration last: without it a folder holds no run.
    const rest = names.filter((name) => name !== RUN_FILES.config);
    for (const name of [...rest, RUN_FILES.config]) await store.write(name, await files.read(from, name));
  } catch (cause) {
    for (const name of new Set(names.map((each) => each.replace(/\/.*/, '')))) await store.remove(name);
    throw cause;
  } finally {
    await store.close();
  }
}

/**
 * Removes a run from the page's storage, if it is there.
 * @throws RunError if it is in use, or the folder holds something else.
 */
export function removeRun(folder: string): Promise<void> {
  return withRun(folder, async (names, name) => {
    const handle = await openFolder(names, { create: false });
    if (handle === undefined) return;
    const found: string[] = [];
    for await (const inside of handle.keys()) found.push(inside);
    const known: readonly string[] = Object.values(RUN_FILES);
    if (found.length > 0 && !found.some((inside) => known.includes(inside))) {
      throw new RunError(`this folder holds other things, such as "${found[0]}".`, {
        file: name,
        remedy: 'Give the folder of a run.',
      });
    }
    const parent = await openFolder(names.slice(0, -1), { create: false });
    await parent?.removeEntry(names.at(-1) as string, { recursive: true });
  });
}
