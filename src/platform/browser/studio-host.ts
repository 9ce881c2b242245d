/** Studio's engine in a worker of a page: projects in the page's private storage (OPFS). */

import { counted, factsOf } from '../../errors.ts';
import type { EngineDescription } from '../../studio/engine.ts';
import type { StudioHost } from '../../studio/host.ts';
import { resumeOrTrainNew, resumeTraining } from '../../workflows/train.ts';
import { findAdapter } from './adapter.ts';
import { pageHost } from './host.ts';
import { linkedFolders, unlinkProject } from './linked-folders.ts';
import { opfsFiles } from './opfs-files.ts';
import { openFile } from './opfs-open-file.ts';
import { opfsStore, takeLock } from './opfs-store.ts';
import { PROJECTS, projectFolder } from './project-folder.ts';
import { linkedProjects, projectAt } from './project-links.ts';
import { type BrowserDevice, type OpenRuntimeOptions, openRuntime, wasmThreads } from './runtime.ts';
import { pageTrainHost, sessionPlace } from './train-host.ts';
import { VERSION } from './version.ts';

const wasmInWords = (): string => `WASM, ${counted(wasmThreads(), 'thread')}`;

/** @param hasGpu whether there is a GPU that may be used */
async function describe(hasGpu: boolean): Promise<Omit<EngineDescription, 'place' | 'version'>> {
  const threads = wasmThreads();
  // Pages that are not served by https, or from this machine, have none.
  const estimate = await navigator.storage?.estimate().catch((): StorageEstimate => ({}));
  const { usage, quota } = estimate ?? {};
  const cpu = { name: 'wasm', label: wasmInWords() };
  return {
    devices: hasGpu ? [{ name: 'webgpu', label: 'WebGPU' }, cpu] : [cpu],
    threads,
    ...(!globalThis.crossOriginIsolated && {
      threadsNote: 'One thread only: this page is not cross-origin isolated, which its server decides by two headers.',
    }),
    ...(usage !== undefined &&
      quota !== undefined && {
        storage: { used: usage, free: quota - usage, persistent: await navigator.storage.persisted() },
      }),
  };
}

/** This worker as the place of Studio's engine. It must be a dedicated one: only those have what the journal needs. */
export function browserStudioHost(options: OpenRuntimeOptions = {}): StudioHost {
  const files = opfsFiles();
  let device = options.device;
  const onDevice = (): OpenRuntimeOptions => ({ ...options, device });
  return {
    ...pageHost(options),
    openRuntime: (wanted) =>
      openRuntime({ ...options, device: (wanted as BrowserDevice | 'auto' | undefined) ?? device }),
    files,
    place: 'tab',
    version: VERSION,
    async describe() {
      const hasGpu = device !== 'wasm' && (await findAdapter()) === 'gpu';
      // A worker that has no GPU gets none later, and to look for one takes about as long as a tile of a preview.
      if (!hasGpu && device !== 'webgpu') device = 'wasm';
      return describe(hasGpu);
    },
    useCpu() {
      if (device === 'wasm') return undefined;
      device = 'wasm';
      return wasmInWords();
    },
    async ids() {
      await linkedFolders(true);
      return files.folderNames(PROJECTS);
    },
    folderOf: projectFolder,
    async usage(folder) {
      const entries = await files.entries(folder);
      return {
        bytes: entries.reduce((sum, [, file]) => sum + file.size, 0),
        changedMs: entries.reduce((latest, [, { lastModified }]) => Math.max(latest, lastModified), 0),
      };
    },
    async remove(path) {
      const linked = await projectAt(path);
      await files.remove(path);
      if (linked !== undefined) await unlinkProject(linked);
    },
    placeOf: async (id) => (await linkedFolders()).get(id)?.name,
    folders: linkedProjects,
    openFile,
    content: (path) => files.file(path),
    blob: (parts) => new Blob(parts as BlobPart[]),
    async lock(folder) {
      try {
        const release = await takeLock(folder);
        return async () => release();
      } catch (cause) {
        if (factsOf(cause, 'run-in-use') !== undefined) return undefined;
        throw cause;
      }
    },
    train: (folder, out, settings, hooks) =>
      resumeOrTrainNew(pageTrainHost(files), folder, settings, { out, machine: onDevice() }, hooks),
    resume: (folder, out, hooks) =>
      resumeTraining(pageTrainHost(files), { out, machine: onDevice(), data: folder }, hooks),
    async openSessionPlace(folder) {
      const store = await opfsStore(folder);
      return { ...sessionPlace({ ...onDevice(), store, workers: 0 }), close: () => store.close() };
    },
    after(ms, work) {
      const timer = setTimeout(work, ms);
      return () => clearTimeout(timer);
    },
  };
}
