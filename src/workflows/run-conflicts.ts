/** Whether a place holds a run, and the errors when it should not, or should. */

import { option, RunError } from '../errors.ts';
import { RUN_FILES, type Store } from '../train/store.ts';

/** The error for a folder without a run. */
export function noRun(folder: string): RunError {
  return new RunError('this folder contains no run to resume.', {
    file: folder,
    remedy: `Use the folder that has the run's ${RUN_FILES.config}.`,
    facts: { code: 'no-run' },
  });
}

/** The error for a new run where one is already. */
export function runExists(folder: string): RunError {
  return new RunError('this folder contains another run.', {
    file: folder,
    remedy: `Resume it with ${option('resume', folder)}, or use another ${option('out')}.`,
    facts: { code: 'run-exists' },
  });
}

/** Whether a run produced anything: a checkpoint or a model. */
export async function isWorthKeeping({ list }: Pick<Store, 'list'>): Promise<boolean> {
  const names = [...(await list('')), ...(await list(RUN_FILES.checkpoints))];
  return names.some((name) => /\.(ckpt|onnx)$/.test(name));
}
