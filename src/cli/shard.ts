/** Which share of the work a process does: said, or known from the scheduler that started it. */

import { InvalidArgumentError } from 'commander';
import { FormatError, GraphError, type LamellaError, ModelError, UsageError } from '../errors.ts';
import type { ShardNumber } from '../workflows/shards/units.ts';

/** `3/64`, or `auto/64`, whose number is known later. */
export interface ShardChoice {
  /** From 1; undefined for `auto`. */
  readonly k: number | undefined;
  readonly n: number;
}

/** The option's value. */
export function shard(text: string): ShardChoice {
  const [, which, of] = /^(auto|\d+)\/(\d+)$/.exec(text.trim()) ?? [];
  const n = Number(of);
  const k = which === 'auto' ? undefined : Number(which);
  if (which === undefined || n < 1 || (k !== undefined && (k < 1 || k > n))) {
    throw new InvalidArgumentError('k/n with k from 1 to n is expected, such as 3/64, or auto/64.');
  }
  return { k, n };
}

/** The share of a stage that has some. @throws UsageError for none; as `shardNumber` */
export function shareOfStage(stage: string, shard: ShardChoice | undefined): ShardNumber {
  if (shard !== undefined) return shardNumber(shard, process.env);
  throw new UsageError(`--stage ${stage} needs a share.`, { remedy: 'Add --shard k/n.' });
}

/** @throws UsageError for a share of a stage that is one job */
export function requireNoShare(stage: string, shard: ShardChoice | undefined): void {
  if (shard === undefined) return;
  throw new UsageError(`--stage ${stage} is one job, without shares.`, { remedy: 'Remove --shard.' });
}

/** Errors that no other attempt can avoid end with 2, so that schedulers do not repeat the job. */
export function asFinal(cause: unknown): unknown {
  const isFinal = cause instanceof FormatError || cause instanceof ModelError || cause instanceof GraphError;
  if (!isFinal) return cause;
  const { problem, file, remedy } = cause as LamellaError;
  return new UsageError(problem, { file, remedy, cause });
}

interface Scheduler {
  readonly name: string;
  readonly variable: string;
  /** Number of the first job of an array. */
  readonly first: 0 | 1;
}

/** Those that tell each job of an array its number. */
export const SCHEDULERS: readonly Scheduler[] = [
  { name: 'Slurm', variable: 'SLURM_ARRAY_TASK_ID', first: 0 },
  { name: 'Kubernetes', variable: 'JOB_COMPLETION_INDEX', first: 0 },
  { name: 'PBS', variable: 'PBS_ARRAY_INDEX', first: 0 },
  { name: 'SGE', variable: 'SGE_TASK_ID', first: 1 },
  { name: 'LSF', variable: 'LSB_JOBINDEX', first: 1 },
  { name: 'AWS Batch', variable: 'AWS_BATCH_JOB_ARRAY_INDEX', first: 0 },
  { name: 'Google Batch', variable: 'BATCH_TASK_INDEX', first: 0 },
];

/** In a job that is not of an array, SGE says `undefined` and LSF 0. */
const isSet = ({ variable }: Scheduler, value: string | undefined): value is string =>
  value !== undefined && /^\d+$/.test(value) && !(variable === 'LSB_JOBINDEX' && value === '0');

/**
 * The share of this process.
 * @throws UsageError for `auto` where no scheduler, or more than one, says which, and for a number that is none of n
 */
export function shardNumber(
  { k, n }: ShardChoice,
  environment: Readonly<Record<string, string | undefined>>,
): ShardNumber {
  if (k !== undefined) return { k, n };
  const told = SCHEDULERS.flatMap((scheduler) => {
    const value = environment[scheduler.variable];
    return isSet(scheduler, value) ? [{ ...scheduler, value: Number(value) }] : [];
  });
  const [one] = told;
  if (one === undefined) {
    const list = SCHEDULERS.map(({ name, variable }) => `${variable} (${name})`).join(', ');
    throw new UsageError(
      `--shard auto/${n}: no scheduler says which job of an array this is. None of these is set: ${list}.`,
      {
        remedy: `Use --shard 1/${n} to --shard ${n}/${n}.`,
      },
    );
  }
  const numbers = new Set(told.map(({ value, first }) => value - first));
  if (numbers.size > 1) {
    const list = told.map(({ variable, value }) => `${variable}=${value}`).join(', ');
    throw new UsageError(`--shard auto/${n}: schedulers contradict each other: ${list}.`, {
      remedy: `Unset what is not meant, or use --shard 1/${n} to --shard ${n}/${n}.`,
    });
  }
  const index = one.value - one.first;
  if (index >= 0 && index < n) return { k: index + 1, n };
  throw new UsageError(`--shard auto/${n}: ${one.variable} is ${one.value}, which is none of ${n} jobs.`, {
    remedy: `Number the jobs from ${one.first} to ${one.first + n - 1}.`,
  });
}
