/** A run of folds: one after the other in the time that is set for all, then one model of them. */

import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { median } from '../array/quantile.ts';
import { counted, RunError, TrainingError, UsageError } from '../errors.ts';
import { nodeFiles } from '../platform/node/files.ts';
import { nodeHost } from '../platform/node/host.ts';
import { type MachineOptions, resumeOrTrain, trainHost, trainRun } from '../platform/node/train-run.ts';
import { readConfig } from '../train/config.ts';
import { parseLog } from '../train/log.ts';
import { FOLDS_FILES, foldFolder, RUN_FILES } from '../train/store.ts';
import type { FoldsRecord } from '../workflows/folds/record.ts';
import { nextShare, readFolds, writeFolds } from '../workflows/folds/record.ts';
import { runReader } from '../workflows/read-run.ts';
import { runExists } from '../workflows/run-conflicts.ts';
import type { RunSettings } from '../workflows/train.ts';
import { describeFolds } from './fold-scores.ts';
import { pageLine, say as print, warn } from './print.ts';
import { stoppable } from './stop-signal.ts';
import { watchTraining } from './watch-training.ts';

interface Common {
  readonly out: string;
  readonly machine: MachineOptions;
  readonly quiet: boolean;
}

export type FoldsRequest =
  | (Common & { readonly mode: 'resume' })
  | (Common & {
      readonly mode: 'new' | 'resume or new';
      readonly data: string;
      readonly folds: number;
      readonly settings: RunSettings;
    });

/** Scoring the folds together takes so many validations of each. */
const FINAL_VALIDATIONS = 2.5;
/** Share of the time that is kept for it at most, and as long as no fold has been validated. */
const MOST_RESERVE = 0.1;
const GUESSED_RESERVE = 0.05;

/**
 * Trains every fold that is not finished yet, then makes one model of those that did not fail.
 * @throws RunError if `out` holds something else, and, after the model is written, if a fold failed; UsageError for another
 * number of folds than it was begun with; as `trainRun` and `finishFolds`
 */
export async function trainFolds(request: FoldsRequest): Promise<void> {
  const { out, machine, quiet } = request;
  const say = quiet ? () => {} : (line: string): void => print(line);
  let record = await openRecord(request);
  const { folds, folder, settings } = record;
  const total = settings.minutes;
  for (let fold = 0; fold < folds; fold++) {
    const name = foldFolder(fold);
    const own = join(out, name);
    const before = record.finished.find((done) => done.fold === fold);
    if (before !== undefined) {
      say(`--- fold ${fold} of ${folds}: ${before.failed === undefined ? 'done' : 'failed'} before ---`);
      continue;
    }
    const begun = await beganWith(own);
    const share =
      total === undefined ? undefined : (begun ?? nextShare(total, record, await reservedMinutes(out, total, record)));
    say(`--- fold ${fold} of ${folds}${share === undefined ? '' : `: ${share.toFixed(2)} of ${total} min`} ---`);
    const options = {
      ...(settings as RunSettings),
      ...machine,
      split: { fold, folds },
      out: own,
      ...(share !== undefined && { minutes: share }),
    };
    const began = Date.now();
    let failed: string | undefined;
    try {
      await watchTraining(own, { quiet, foldOf: out }, (hooks) =>
        (request.mode === 'new' ? trainRun : resumeOrTrain)(folder, options, hooks),
      );
    } catch (cause) {
      if (!(cause instanceof TrainingError)) {
        await removeUnbegun(out, record);
        throw cause;
      }
      failed = cause.message;
      warn(`Fold ${fold} of ${folds} failed and will not be part of the model: ${failed}`);
    }
    // What a resumed fold took before is not known; its plan ends with its share.
    const minutes = Math.max((Date.now() - began) / 60_000, begun ?? 0);
    record = { ...record, finished: [...record.finished, { fold, minutes, ...(failed !== undefined && { failed }) }] };
    await writeFolds(nodeFiles, out, record);
    if (share === undefined || fold === folds - 1) continue;
    const rest = minutes < share ? '; what it did not use goes to the next' : '';
    say(`fold ${fold} took ${minutes.toFixed(2)} of its ${share.toFixed(2)} min${rest}`);
  }
  await makeModel(request, record, say);
}

async function makeModel({ out, machine }: Common, record: FoldsRecord, say: (line: string) => void): Promise<void> {
  const { folds, finished } = record;
  // The libraries of reports should not delay training.
  const { bestOf, finishFolds, trainedFolds } = await import('../workflows/folds/finish.ts');
  const trained = await trainedFolds(nodeHost, out, record);
  say('--- all folds ---');
  say(
    describeFolds(
      trained.map((one) => {
        const score = bestOf(one);
        return { config: one.results.config, best: score === undefined ? undefined : { score } };
      }),
    ),
  );
  const { result } = await stoppable((signal) =>
    finishFolds(nodeHost, out, record, trained, { device: machine.device, signal }),
  );
  for (const line of result.lines) say(line);
  if (result.hasModel) say(`model: ${join(out, FOLDS_FILES.model)}, the mean of ${counted(trained.length, 'network')}`);
  say(pageLine('report', join(out, FOLDS_FILES.report)));
  say(`Next: npx lamella predict ${result.hasModel ? out : trained.map(({ folder }) => folder).join(' ')} IMAGES`);
  const failed = finished.flatMap((one) => (one.failed === undefined ? [] : foldFolder(one.fold)));
  if (failed.length === 0) return;
  const model = result.hasModel ? `; the model is the mean of the other ${trained.length}` : '';
  throw new RunError(`${failed.join(', ')} of ${counted(folds, 'fold')} failed${model}.`, {
    file: out,
    remedy: 'Train again with a lower learning rate for a model of all.',
  });
}

/** The record of a run that is resumed, or of a new one. */
async function openRecord(request: FoldsRequest): Promise<FoldsRecord> {
  const { out, mode } = request;
  const known = await readFolds(nodeFiles, out);
  if (known !== undefined && mode !== 'new') {
    if (mode !== 'resume' && request.folds !== known.folds) {
      throw new UsageError(`this run has ${known.folds} folds, not ${request.folds}.`, {
        file: out,
        remedy: `Use --folds ${known.folds}, or another --out.`,
      });
    }
    return mode === 'resume' ? known : { ...known, folder: trainHost.fullPath(request.data) };
  }
  if (mode === 'resume') throw new RunError('this folder contains no run of folds.', { file: out });
  if (known !== undefined) throw runExists(out);
  const others = await readdir(out).catch((): string[] => []);
  const other = others.find((name) => !/^fold-\d+$/.test(name) || mode === 'new');
  if (other !== undefined) {
    throw new RunError(`this folder holds other files, such as "${other}".`, {
      file: out,
      remedy: 'Use another --out, a folder that is empty or does not exist yet.',
    });
  }
  const { data, folds, settings } = request;
  const record = {
    version: 1,
    folder: trainHost.fullPath(data),
    folds,
    settings: { ...settings },
    finished: [],
  } as const;
  await writeFolds(nodeFiles, out, record);
  return record;
}

/** Removes the record of a run of which nothing began, so that the command can be repeated when it is mended. */
async function removeUnbegun(out: string, { finished }: FoldsRecord): Promise<void> {
  const isThere = (path: string) => stat(path).then(Boolean, () => false);
  if (finished.length > 0 || (await isThere(join(out, foldFolder(0), RUN_FILES.config)))) return;
  await rm(join(out, FOLDS_FILES.record), { force: true });
  // Unless something else is in it.
  await rmdir(out).catch(() => {});
}

/** The minutes that a fold began with; undefined if it has not begun, 0 if it has no time to end in. */
async function beganWith(fold: string): Promise<number | undefined> {
  if ((await nodeFiles.kind(join(fold, RUN_FILES.config))) === undefined) return undefined;
  return (await readConfig(runReader(nodeFiles, fold))).minutes ?? 0;
}

/**
 * What scoring all folds together will take, from what validations of those that are finished took; before the first is,
 * a guess.
 */
async function reservedMinutes(out: string, total: number, { folds, finished }: FoldsRecord): Promise<number> {
  const tookMs: number[] = [];
  for (const { fold } of finished) {
    const log = await runReader(nodeFiles, join(out, foldFolder(fold))).read(RUN_FILES.log);
    const lines = log === undefined ? [] : parseLog(new TextDecoder().decode(log));
    for (const line of lines) if (line.kind === 'validation') tookMs.push(line.ms);
  }
  if (tookMs.length === 0) return GUESSED_RESERVE * total;
  return Math.min(MOST_RESERVE * total, (FINAL_VALIDATIONS * folds * median(tookMs)) / 60_000);
}
