import { UsageError } from '../../errors.ts';
import type { WritableFiles } from '../../files.ts';
import type { BadShard } from '../../image/formats/zarr/write-parts.ts';
import { readPredictionFile } from '../prediction-file.ts';
import { readPlan, type ShardPlan } from './plan.ts';
import { badFiles, readRecord, shareOf, unitsOf } from './units.ts';

export interface ShardStatus {
  /** Parts of all images, and how many of them are there. */
  readonly units: number;
  readonly done: number;
  readonly bad: readonly BadShard[];
  /** Why images could not be predicted. */
  readonly failed: readonly string[];
  /** Of n shares, those of which something is missing, counted from 1. */
  readonly open: (n: number) => readonly number[];
}

/** What of a prediction in shards is there. */
export async function statusOf(files: WritableFiles, out: string, plan: ShardPlan): Promise<ShardStatus> {
  const isDone: boolean[] = [];
  const bad: BadShard[] = [];
  for (const unit of unitsOf(plan)) {
    const found = await badFiles(files, out, unit);
    isDone.push(found.length === 0);
    bad.push(...found);
  }
  const failed: string[] = [];
  for (const image of plan.images) {
    const record = image.parts === undefined ? await readRecord(files, out, image) : undefined;
    if (record?.failed !== undefined) failed.push(record.failed);
  }
  return {
    units: isDone.length,
    done: isDone.filter((one) => one).length,
    bad,
    failed,
    open: (n) => Array.from({ length: n }, (_, i) => i + 1).filter((k) => shareOf(isDone, { k, n }).includes(false)),
  };
}

/** `statusOf` a folder, and whether it is finished. @throws UsageError if nothing was predicted in shards there */
export async function readStatus(
  files: WritableFiles,
  out: string,
): Promise<ShardStatus & { readonly finished: boolean; readonly images: number }> {
  const plan = await readPlan(files, out);
  if (plan === undefined) {
    throw new UsageError('there is no plan here: nothing was predicted in shards.', {
      file: out,
      remedy: 'Specify the output folder of lamella predict.',
    });
  }
  const finished = (await readPredictionFile(files, out)) !== undefined;
  return { ...(await statusOf(files, out, plan)), finished, images: plan.images.length };
}
