import type { JournalStore } from '../annotate/journal.ts';
import type { BlobLike } from '../files.ts';
import type { FinishedTraining, TrainRunHooks } from '../train/run.ts';
import type { SessionPlace } from '../train/session.ts';
import type { Host } from '../workflows/host.ts';
import type { countLarge } from '../workflows/measure/by-region.ts';
import type { RunSettings } from '../workflows/train.ts';
import type { EngineDescription } from './engine.ts';

/** A file that is written in place, such as the journal of edits; it is empty at first. */
export interface OpenFile extends JournalStore {
  close(): Promise<void>;
}

/** A place of a session that others may take up once it is closed. */
export interface StudioSessionPlace extends SessionPlace {
  close(): Promise<void>;
}

/** Where Studio's engine runs; `platform/node` and `platform/browser` each make one. */
export interface StudioHost extends Host {
  readonly place: EngineDescription['place'];
  /** For measuring label maps that are larger than memory; undefined in a page, which cannot tell what that is. */
  readonly countLarge?: typeof countLarge;
  readonly version: string;
  /** Devices, threads and storage. */
  describe(): Promise<Omit<EngineDescription, 'place' | 'version'>>;
  /** Folders that are projects or could be: what `folderOf` takes. */
  ids(): Promise<readonly string[]>;
  /** The folder of a project, a path in `files`. @throws UsageError for what can be no name of a project */
  folderOf(id: string): string;
  /** Bytes of all files below a folder, and when the last one changed, in milliseconds since 1970. */
  usage(folder: string): Promise<{ readonly bytes: number; readonly changedMs: number }>;
  /** Deletes a file, or a folder with all that is in it, if it is there. */
  remove(path: string): Promise<void>;
  openFile(path: string): Promise<OpenFile>;
  /** A file to be read in pieces, as long as it does not change. */
  content(path: string): Promise<BlobLike>;
  /** One file of parts, which the platform keeps apart from projects. */
  blob(parts: readonly (Uint8Array | BlobLike)[]): BlobLike;
  /**
   * Keeps others from writing to a folder.
   * @returns what ends it; undefined if another tab or process does write
   * @throws RunError with the code `folder-read-only` if nobody may
   */
  lock(folder: string): Promise<(() => Promise<void>) | undefined>;
  /**
   * Makes sure that a folder is still the one that was locked, where others can move it. What writes into it does so itself.
   * @throws RunError with the code `folder-gone` if it is not
   */
  requireFolder?(folder: string): Promise<void>;
  /**
   * Trains on a folder of `files` into the run folder `out`, as the command line does; goes on with a run that is there.
   * @throws as `resumeOrTrainNew`
   */
  train(folder: string, out: string, settings: RunSettings, hooks: TrainRunHooks): Promise<FinishedTraining>;
  /** Goes on with the run in `out` on the same data. @throws as `resumeTraining` */
  resume(folder: string, out: string, hooks: TrainRunHooks): Promise<FinishedTraining>;
  /**
   * Leaves a device that was lost for the CPU, for all that is opened from now on.
   * @returns the CPU in words; undefined if it was left before
   */
  useCpu(): string | undefined;
  /**
   * The folder of the user's disk that a project is: its path, or in a tab its name; undefined for one that the browser
   * keeps.
   */
  placeOf(id: string): Promise<string | undefined>;
  /** Projects that are folders of the user's disk, where the browser has to be asked for them. */
  readonly folders?: {
    /**
     * Makes the folder that the page has put at hand a project, as it is.
     * @returns its id, the same for the same folder
     */
    link(): Promise<{ readonly id: string; readonly isNew: boolean }>;
    /**
     * Moves a project into the folder at hand, or if that has files into a new one in it.
     * @throws RunError if that has files, too
     */
    move(id: string): Promise<void>;
  };
  /** Where a live session computes and is kept: a new folder of `files`. */
  openSessionPlace(folder: string): Promise<StudioSessionPlace>;
  /** Calls `work` after so many milliseconds, unless the returned function is called before. */
  after(ms: number, work: () => void): () => void;
}
