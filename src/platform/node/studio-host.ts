/** Studio's engine on this machine: projects as folders on its disk. */

import { open, readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { baseName, extensionOf, roleOf } from '../../dataset/discover/names.ts';
import { readable } from '../../dataset/discover/pair.ts';
import { listImageSources } from '../../dataset/discover/sources.ts';
import { factsOf, LamellaError, RunError, UsageError } from '../../errors.ts';
import { READABLE_EXTENSIONS } from '../../image/formats/registry.ts';
import { PROJECT_FILE } from '../../project/project.ts';
import type { OpenFile, StudioHost } from '../../studio/host.ts';
import { countLarge } from '../../workflows/measure/by-region.ts';
import { resumeOrTrainNew, resumeTraining } from '../../workflows/train.ts';
import { atomicWrite, explainWrite } from './atomic-write.ts';
import { confinedFiles, placeWithin } from './confined-files.ts';
import { localFiles, reading } from './files.ts';
import { HeldFolders } from './held-folders.ts';
import { nodeHost } from './host.ts';
import { makeFolder } from './make-folder.ts';
import { processors, threadsInWords } from './processors.ts';
import type { NodeDevice } from './runtime.ts';
import { sessionPlace } from './session-place.ts';
import { trainHost } from './train-run.ts';
import { packageVersion } from './version.ts';

const LOCK = 'lock';

/** @param beforeWriting as for `confinedFiles`: what is open goes where its folder goes, even into the bin */
async function openFile(path: string, beforeWriting: (place: string) => Promise<void>): Promise<OpenFile> {
  const writing = async <T>(access: () => Promise<T>): Promise<T> => {
    await beforeWriting(path);
    try {
      return await access();
    } catch (cause) {
      throw explainWrite(cause, path);
    }
  };
  await writing(() => makeFolder(dirname(path)));
  let file = await writing(() => open(path, 'a+'));
  return {
    size: async () => (await file.stat()).size,
    async read(from, to) {
      const bytes = new Uint8Array(to - from);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
      return bytes.subarray(0, bytesRead);
    },
    append: (bytes) =>
      writing(async () => {
        await file.writeFile(bytes);
        await file.datasync();
      }),
    truncate: (size) =>
      writing(async () => {
        await file.truncate(size);
        await file.datasync();
      }),
    async replace(bytes) {
      await beforeWriting(path);
      await atomicWrite(path, bytes);
      await file.close();
      file = await writing(() => open(path, 'a+'));
    },
    close: () => file.close(),
  };
}

/** Bytes of a folder, and when it last changed. Links are not followed. */
async function usageOf(folder: string): Promise<{ bytes: number; changedMs: number }> {
  const total = { bytes: 0, changedMs: 0 };
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const info = await stat(join(entry.parentPath, entry.name)).catch(() => undefined);
    total.bytes += info?.size ?? 0;
    total.changedMs = Math.max(total.changedMs, info?.mtimeMs ?? 0);
  }
  return total;
}

/**
 * Whether a folder is a project rather than a folder of projects: it has a `lamella.json` or, if the user named it, images of
 * its own, or images in folders below of which none is a project.
 * @throws DatasetError if it does not exist
 */
export async function isProject(folder: string, { isNamed }: { readonly isNamed: boolean }): Promise<boolean> {
  const entries = await reading(folder, () => readdir(folder, { withFileTypes: true }));
  if (entries.some(({ name }) => name === PROJECT_FILE)) return true;
  if (!isNamed) return false;
  const isImage = (name: string): boolean => READABLE_EXTENSIONS.includes(extensionOf(name));
  if (entries.some((entry) => (entry.isDirectory() ? roleOf(entry.name) !== undefined : isImage(entry.name))))
    return true;
  const below = await localFiles.list(folder);
  if (below.length === 0 || below.some((path) => baseName(path) === PROJECT_FILE)) return false;
  // Series and stores are not told by the names of their files. What is wrong with them is said when the project is opened.
  const listing = await listImageSources(localFiles, folder).catch(() => undefined);
  return listing === undefined || readable(listing.paths, READABLE_EXTENSIONS).images.length > 0;
}

/** Whether the system did not allow a write, of which an error may be the cause. */
function isDenied(cause: unknown): boolean {
  const { code } = (cause instanceof LamellaError ? cause.cause : cause) as NodeJS.ErrnoException;
  return code === 'EACCES' || code === 'EPERM' || code === 'EROFS';
}

const cpuInWords = (): string => `CPU, ${threadsInWords(processors())}`;

export interface StudioHostOptions {
  /** The folder itself is the one project. */
  readonly single?: boolean;
}

/**
 * This machine as the place of Studio's engine.
 * @param root the folder of projects: nothing outside of it is read or written
 */
export function studioHost(root: string, { single = false }: StudioHostOptions = {}): StudioHost {
  const held = new HeldFolders();
  const files = confinedFiles(root, (place) => held.require(place));
  const own = basename(resolve(root));
  // A project may list what lies elsewhere: training reads no more of that than the rest does.
  const trains = { ...trainHost, files, fullPath: files.resolve };
  let device: NodeDevice | 'auto' = 'auto';
  const target = (out: string) => ({ out: files.resolve(out), machine: device === 'auto' ? {} : { device } });
  const folderOf = (id: string): string => {
    if (single && id === own) return '.';
    if (single)
      throw new UsageError('Lamella Studio was started on one project.', { remedy: 'Start it on another folder.' });
    if (id !== '' && id === basename(id) && !id.startsWith('.') && !/[\0\\]/.test(id)) return id;
    throw new UsageError(`There is no project '${id.replaceAll('\0', '\\0')}'.`);
  };
  const requireFolder = async (folder: string): Promise<void> => held.require(await placeWithin(root, folder));
  return {
    ...nodeHost,
    files,
    place: 'server',
    countLarge,
    version: packageVersion(),
    async describe() {
      const runtime = await nodeHost.openRuntime(device);
      const { device: found, description } = runtime;
      await runtime.dispose();
      // What kernels the CPU has says nothing to a user.
      const devices = [{ name: found, label: found === 'cpu' ? cpuInWords() : description }];
      return { devices, threads: processors().count, ...(single && { project: own }) };
    },
    async ids() {
      if (single) return [own];
      // Created with the first project.
      if ((await nodeHost.files.kind(root)) === undefined) return [];
      const entries = await reading(root, () => readdir(root, { withFileTypes: true }));
      return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
    },
    folderOf,
    placeOf: async (id) => files.resolve(folderOf(id)),
    usage: async (folder) => usageOf(await placeWithin(root, folder)),
    async remove(path) {
      const place = await placeWithin(root, path);
      try {
        await rm(place, { recursive: true, force: true });
      } catch (cause) {
        throw explainWrite(cause, place);
      }
    },
    openFile: async (path) => openFile(await placeWithin(root, path), (place) => held.require(place)),
    async content(path) {
      const place = await placeWithin(root, path);
      const { size } = await reading(place, () => stat(place));
      const read = async (from: number, to: number): Promise<ArrayBuffer> => {
        const file = await open(place);
        try {
          const bytes = new Uint8Array(to - from);
          const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
          return bytes.buffer.slice(0, bytesRead);
        } finally {
          await file.close();
        }
      };
      return { size, arrayBuffer: () => read(0, size), slice: (from, to) => ({ arrayBuffer: () => read(from, to) }) };
    },
    blob: (parts) => new Blob(parts as Blob[]),
    async lock(folder) {
      const own = await placeWithin(root, join(folder, '.studio'));
      const place = await placeWithin(root, folder);
      try {
        await makeFolder(own);
        const lock = await held.take(place, join(own, LOCK));
        return () => lock.release();
      } catch (cause) {
        if (cause instanceof RunError && factsOf(cause, 'run-in-use') !== undefined) return undefined;
        if (isDenied(cause)) {
          throw new RunError('this folder cannot be written to: its project can be looked at, and not changed.', {
            file: place,
            remedy: 'To change it, copy the folder to where you may write.',
            facts: { code: 'folder-read-only' },
            cause,
          });
        }
        throw cause;
      }
    },
    requireFolder,
    train: (folder, out, settings, hooks) =>
      resumeOrTrainNew(trains, files.resolve(folder), settings, target(out), hooks),
    resume: (folder, out, hooks) => resumeTraining(trains, { ...target(out), data: files.resolve(folder) }, hooks),
    openRuntime: (wanted = device) => nodeHost.openRuntime(wanted),
    useCpu() {
      if (device === 'cpu') return undefined;
      device = 'cpu';
      return cpuInWords();
    },
    // Its data change every few seconds, which is more than threads are worth.
    async openSessionPlace(folder) {
      await requireFolder(folder);
      return sessionPlace(files.resolve(folder), { workers: 0, device });
    },
    after(ms, work) {
      const timer = setTimeout(work, ms);
      return () => clearTimeout(timer);
    },
  };
}
