import { join } from 'node:path';
import { RunError } from '../errors.ts';
import { nodeFiles } from '../platform/node/files.ts';
import { foldFolder } from '../train/store.ts';
import { readFolds } from '../workflows/folds/record.ts';

/** Why folds have no 8 bits. */
export const NO_FOLDS_IN_8_BITS = 'the mean of several networks is not made in 8 bits';

/** @throws RunError for a run of folds where a single one is needed */
export async function refuseFolds(run: string, why: string): Promise<void> {
  if ((await readFolds(nodeFiles, run)) === undefined) return;
  throw new RunError(`this is a run of folds: ${why}.`, {
    file: run,
    remedy: `Use one of them, such as ${join(run, foldFolder(0))}.`,
  });
}
