/** `folds.json`: what a run of folds is made of, so that it can be resumed. */

import { RunError } from '../../errors.ts';
import { joinPath, type WritableFiles } from '../../files.ts';
import type { Interval } from '../../metrics/bootstrap.ts';
import type { Json } from '../../models/metadata.ts';
import { FOLDS_FILES } from '../../train/store.ts';

/** A fold that is done with. */
export interface FinishedFold {
  readonly fold: number;
  /** What of the time it took. */
  readonly minutes: number;
  /** Why it has no model, if it has none. */
  readonly failed?: string;
}

/** What became of the folds. JSON. */
export interface FoldsResult {
  /** The folds that are part of the model. */
  readonly folds: readonly number[];
  /** Best validation score of each of them, with its weights chosen by it; null without one. */
  readonly best: readonly (number | null)[];
  /** Whether there is one model of all of them; why not, is among the lines. */
  readonly hasModel: boolean;
  /** `Dice`, `AP at IoU 0.5`, `V-Rand`; undefined if there is no score of all. */
  readonly metric?: string;
  /** Mean over images (stacks) that the network in question was not trained on, with its 95 % interval. */
  readonly before?: Interval;
  /** With post-processing that was chosen on the other folds. */
  readonly after?: Interval;
  readonly difference?: Interval;
  /** What intervals are of: `bootstrap over 24 images`. */
  readonly over?: string;
  /** What predict does; undefined for nothing but what it always does. */
  readonly postprocessing?: { readonly [key: string]: Json };
  /** One sentence each, as printed. */
  readonly lines: readonly string[];
}

export interface FoldsRecord {
  /** Version of this format. */
  readonly version: 1;
  /** The data. */
  readonly folder: string;
  readonly folds: number;
  /** The user's settings for all folds together, by the library's names. */
  readonly settings: { readonly [name: string]: unknown } & { readonly minutes?: number };
  readonly finished: readonly FinishedFold[];
  /** Once all folds are finished. */
  readonly result?: FoldsResult;
}

/** Share of an equal part of the time that a fold gets at least, where those before took more. */
const LEAST_SHARE = 0.1;

/**
 * Minutes for the next fold, to a thousandth: an equal part of what is left, so that what one did not use goes to those after it.
 * @param total for all of them
 * @param reserved for what comes after the last
 */
export function nextShare(
  total: number,
  { folds, finished }: Pick<FoldsRecord, 'folds' | 'finished'>,
  reserved: number,
): number {
  const used = finished.reduce((sum, { minutes }) => sum + minutes, 0);
  const share = (total - used - reserved) / (folds - finished.length);
  const minutes = Math.max(share, (LEAST_SHARE * total) / folds);
  return Math.round(1000 * minutes) / 1000;
}

/** The record of a run of folds; undefined for another folder. @throws RunError if it is damaged */
export async function readFolds(files: WritableFiles, run: string): Promise<FoldsRecord | undefined> {
  const file = joinPath(run, FOLDS_FILES.record);
  if ((await files.kind(file)) !== 'file') return undefined;
  try {
    const record = JSON.parse(new TextDecoder().decode(await files.read(file))) as FoldsRecord;
    if (record.version === 1 && record.folds > 1 && Array.isArray(record.finished)) return record;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new RunError('this is no record of a run of folds, or of another version.', {
    file,
    remedy: 'Put the file back as it was, or start anew in another folder.',
  });
}

export const writeFolds = (files: WritableFiles, run: string, record: FoldsRecord): Promise<void> =>
  files.write(joinPath(run, FOLDS_FILES.record), `${JSON.stringify(record, null, 2)}\n`);
