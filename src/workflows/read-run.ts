import { RunError } from '../../errors.ts';
import { type RunConfig, readConfig } from '../../train/config.ts';
import { type LogLine, parseLog } from '../../train/log.ts';
import { RUN_FILES } from '../../train/store.ts';
import { readRunFolder } from './run-folder.ts';

/** What a run has come to: its configuration, its log and its best model, or the last where none was validated. */
export interface RunResults {
  readonly config: RunConfig;
  readonly lines: readonly LogLine[];
  /** The model. */
  readonly bytes: Uint8Array;
  /** Where the model lies. */
  readonly file: string;
}

/** @throws RunError for a folder that holds no run, a damaged configuration, or no model. */
export async function readRun(folder: string): Promise<RunResults> {
  const store = readRunFolder(folder);
  const config = await readConfig(store);
  const lines = parseLog(new TextDecoder().decode((await store.read(RUN_FILES.log)) ?? new Uint8Array(0)));
  const best = await store.read(RUN_FILES.best);
  const bytes = best ?? (await store.read(RUN_FILES.last));
  if (bytes === undefined) {
    throw new RunError('there is no model here yet.', {
      file: folder,
      remedy: 'Train until the first validation, or to the end.',
    });
  }
  return { config, lines, bytes, file: store.pathOf(best === undefined ? RUN_FILES.last : RUN_FILES.best) };
}
