import { RunError } from '../errors.ts';
import { joinPath, type WritableFiles } from '../files.ts';
import { type RunConfig, readConfig } from '../train/config.ts';
import { type LogLine, parseLog } from '../train/log.ts';
import { RUN_FILES, type StoreReader } from '../train/store.ts';

/** The state of a run: configuration, log and best model, or the last model if none was validated. */
export interface RunResults {
  readonly config: RunConfig;
  readonly lines: readonly LogLine[];
  /** The model. */
  readonly bytes: Uint8Array;
  /** The path of the model. */
  readonly file: string;
}

/** A run folder to read from. */
export function runReader(files: WritableFiles, folder: string): StoreReader {
  const pathOf = (file: string): string => joinPath(folder, file);
  return {
    name: folder,
    pathOf,
    read: async (file) => ((await files.kind(pathOf(file))) === 'file' ? files.read(pathOf(file)) : undefined),
  };
}

/** @throws RunError for a folder that holds no run, a damaged configuration, or no model. */
export async function readRun(files: WritableFiles, folder: string): Promise<RunResults> {
  const store = runReader(files, folder);
  const config = await readConfig(store);
  const lines = parseLog(new TextDecoder().decode((await store.read(RUN_FILES.log)) ?? new Uint8Array(0)));
  const best = await store.read(RUN_FILES.best);
  const bytes = best ?? (await store.read(RUN_FILES.last));
  if (bytes === undefined) {
    throw new RunError('this run has no model yet.', {
      file: folder,
      remedy: 'Train at least until the first validation.',
    });
  }
  return { config, lines, bytes, file: store.pathOf(best === undefined ? RUN_FILES.last : RUN_FILES.best) };
}
