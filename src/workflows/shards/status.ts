import { UsageError } from '../../errors.ts';
import type { WritableFiles } from '../../files.ts';
import type { BadShard } from '../../image/formats/zarr/write-parts.ts';
import { readPredictionFile } from '../prediction-file.ts';
import { readPlan, type ShardPlan } from './plan.ts';
import { badFiles, objectUnitsOf, readRecord, shareOf, type Unit, unitsOf } from './units.ts';

/** What is there of some of the work. */
export interface WorkStatus {
  /** In all, and how many of them are there. */
  readonly units: number;
  readonly done: number;
  readonly bad: readonly BadShard[];
  /** Of n shares, those of which something is missing, counted from 1. */
  readonly open: (n: number) => readonly number[];
}

export interface ShardStatus {
  /** Parts of all images. */
  readonly parts: WorkStatus;
  /** Blocks of their objects. */
  readonly blocks: WorkStatus;
  /** Why images could not be predicted. */
  readonly failed: readonly string[];
  readonly finished: boolean;
  readonly images: number;
}

/** What is there of some units. */
export const workStatus = (files: WritableFiles, out: string, units: readonly Unit[]): Promise<WorkStatus> =>
  statusOf(units, (unit) => badFiles(files, out, unit));

/** @param badOf what of a unit is missing or damaged */
export async function statusOf<U>(
  units: readonly U[],
  badOf: (unit: U) => Promise<readonly BadShard[]>,
): Promise<WorkStatus> {
  const isDone: boolean[] = [];
  const bad: BadShard[] = [];
  for (const unit of units) {
    const found = await badOf(unit);
    isDone.push(found.length === 0);
    bad.push(...found);
  }
  return {
    units: isDone.length,
    done: isDone.filter((one) => one).length,
    bad,
    open: (n) => Array.from({ length: n }, (_, i) => i + 1).filter((k) => shareOf(isDone, { k, n }).includes(false)),
  };
}

/** Why images could not be predicted. */
export async function failuresOf(files: WritableFiles, out: string, plan: ShardPlan): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const image of plan.images) {
    const record = image.parts === undefined ? await readRecord(files, out, image) : undefined;
    if (record?.failed !== undefined) failed.push(record.failed);
  }
  return failed;
}

/** What of a prediction in shards is there. @throws UsageError if nothing was predicted in shards there */
export async function readStatus(files: WritableFiles, out: string): Promise<ShardStatus> {
  const plan = await readPlan(files, out);
  if (plan === undefined) {
    throw new UsageError('there is no plan here: nothing was predicted or measured in shards.', {
      file: out,
      remedy: 'Specify the output folder of lamella predict or lamella measure.',
    });
  }
  const finished = (await readPredictionFile(files, out)) !== undefined;
  return {
    parts: await workStatus(files, out, unitsOf(plan)),
    blocks: await workStatus(files, out, objectUnitsOf(plan)),
    failed: await failuresOf(files, out, plan),
    finished,
    images: plan.images.length,
  };
}
