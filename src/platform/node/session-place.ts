import { performance } from 'node:perf_hooks';
import type { SessionPlace } from '../../train/session.ts';
import { startFile } from '../../workflows/train.ts';
import { nodeFiles } from './files.ts';
import { holdsRun, openRunFolder } from './run-folder.ts';
import { type MachineOptions, placeOf } from './train-run.ts';

export interface FolderPlaceOptions extends Pick<MachineOptions, 'device' | 'workers' | 'checkpointEvery'> {
  /** Run folder or ONNX file that the session trains on from. */
  readonly from?: string;
}

/** A place of a session in a folder. */
export interface FolderPlace extends SessionPlace {
  /** Lets another process take the folder up. */
  close(): Promise<void>;
}

/**
 * A place for `openSession` on this machine, kept in a folder of its own as runs are.
 * @param folder a new one, or that of a session to go on with
 * @throws RunError as for runs: it holds other files or is in use
 */
export async function sessionPlace(
  folder: string,
  { from, ...machine }: FolderPlaceOptions = {},
): Promise<FolderPlace> {
  const start = from === undefined ? {} : { from: await startFile(nodeFiles, from) };
  const run = await openRunFolder(folder, (await holdsRun(folder)) ? 'resume' : 'new');
  const { beganMs: _, ...place } = placeOf(run, machine, performance.now(), () => {});
  return { ...place, ...start, close: () => run.close() };
}
