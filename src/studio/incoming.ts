/** Edits on their way to an engine that may be computing: kept in a file of their own until the engine has them. */

import { readHeader, splitRecords } from '../annotate/record.ts';
import { joinPath, type WritableFiles } from '../files.ts';
import type { Engine, ProjectState } from './engine.ts';
import { problemOf } from './error-data.ts';
import { ownEvents } from './own-events.ts';
import { FOLDERS } from './project-folder.ts';

/** Keeps records where nothing else is done; `platform/browser/incoming.ts` is one. */
export interface IncomingStore {
  /**
   * Resolves when the record would survive a crash.
   * @param project its id
   * @param isFirst whether the engine has all records before this one, which are then dropped
   */
  write(project: string, record: Uint8Array, isFirst: boolean): Promise<unknown>;
  /** Lets others open the project. */
  close(): Promise<unknown>;
  dispose(): void;
}

/** The file of these records in the folder of a project. */
export const incomingPath = (folder: string): string => joinPath(folder, FOLDERS.own, 'incoming');

/** The records that a page had kept, of which the engine has some. */
export async function readIncoming(files: WritableFiles, folder: string): Promise<readonly Uint8Array[]> {
  const path = incomingPath(folder);
  return (await files.kind(path)) === 'file' ? splitRecords(await files.read(path)).records : [];
}

interface Incoming {
  readonly entry: Uint8Array;
  isKept: boolean;
  hasFailed: boolean;
}

/**
 * The engine, whose `record` resolves when the record is in the store or in the journal, whichever is first. What the
 * engine refuses afterwards is told by a `problem` event and handed in again with the next record, or found by
 * `readIncoming` when the project is opened again.
 */
export function keepIncoming(engine: Engine, store: IncomingStore): Engine {
  const { tell, subscribe } = ownEvents(engine);
  /** Of the open project, if it can be written to. */
  let project: string | undefined;
  /** What the engine does not have yet, in order. */
  const waiting = new Set<Incoming>();

  async function handOver(item: Incoming): Promise<void> {
    item.hasFailed = false;
    try {
      await engine.record(item.entry);
      waiting.delete(item);
    } catch (cause) {
      if (!item.isKept) {
        waiting.delete(item);
        throw cause;
      }
      // Those behind one that was refused are refused as well.
      const isFirst = ![...waiting].some(({ hasFailed }) => hasFailed);
      item.hasFailed = true;
      if (isFirst) tell({ kind: 'problem', problem: problemOf(cause) });
    }
  }

  const release = async (): Promise<void> => {
    project = undefined;
    waiting.clear();
    await store.close().catch(() => undefined);
  };
  const opening = async (open: () => Promise<ProjectState>): Promise<ProjectState> => {
    await release();
    const state = await open();
    project = state.readOnly ? undefined : state.id;
    return state;
  };

  return {
    ...engine,
    create: (name) => opening(() => engine.create(name)),
    open: (id) => opening(() => engine.open(id)),
    import: (files, name) => opening(() => engine.import(files, name)),
    linkFolder: () => opening(() => engine.linkFolder()),
    async close() {
      await release();
      return engine.close();
    },
    async forget(id) {
      if (id === project) await release();
      return engine.forget(id);
    },
    async record(entry) {
      if (project === undefined) return engine.record(entry);
      for (const item of waiting) if (item.hasFailed) void handOver(item);
      const { sequence } = readHeader(entry);
      const kept = store.write(project, entry, waiting.size === 0);
      const item: Incoming = { entry, isKept: false, hasFailed: false };
      waiting.add(item);
      const taken = handOver(item);
      const isKept = kept.then(() => {
        item.isKept = true;
      });
      await Promise.race([taken, isKept.catch(() => taken)]);
      return { sequence };
    },
    subscribe,
    async dispose() {
      store.dispose();
      await engine.dispose();
    },
  };
}
