/** How many processors this process may keep busy, which on a shared machine are fewer than there are. */

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { counted } from '../../errors.ts';

export interface Processors {
  /** At least 1. */
  readonly count: number;
  /** What allows no more, if it is neither the machine nor what the process is bound to. */
  readonly limit?: string;
}

/** Where the limits of a process are; of this one by default. */
export interface ProcessLimits {
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Processors that the process is bound to, or all. */
  readonly available?: number;
  /** The groups that the process is in, as Linux lists them. */
  readonly groups?: string;
  /** Where the file systems of control groups are mounted. */
  readonly mount?: string;
}

/**
 * The least of: processors that the process is bound to, `SLURM_CPUS_PER_TASK`, and the CPU quotas of its control groups
 * (versions 1 and 2), as containers have them, rounded down.
 */
export function processors({
  environment = process.env,
  available = availableParallelism(),
  groups = '/proc/self/cgroup',
  mount = '/sys/fs/cgroup',
}: ProcessLimits = {}): Processors {
  const asked = Number(environment.SLURM_CPUS_PER_TASK);
  const limits: readonly Processors[] = [
    { count: available },
    ...(Number.isInteger(asked) && asked > 0 ? [{ count: asked, limit: 'SLURM_CPUS_PER_TASK' }] : []),
    ...quotasOf(groups, mount).map((quota) => ({ count: Math.max(1, Math.floor(quota)), limit: 'CPU quota' })),
  ];
  return limits.reduce((least, one) => (one.count < least.count ? one : least));
}

/** `4 threads`, and what allows no more. */
export function threadsInWords({ count, limit }: Processors): string {
  return counted(count, 'thread') + (limit === undefined ? '' : ` (${limit})`);
}

/** The quotas in processors of the groups of a process, and of those that these are in. */
function quotasOf(groups: string, mount: string): readonly number[] {
  return (textOf(groups) ?? '').split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) return [];
    const isOne = controllers.split(',').includes('cpu');
    if (controllers !== '' && !isOne) return [];
    const root = isOne ? join(mount, controllers) : mount;
    // A container sees its own group at the root, whatever its path is outside.
    const folders = path.split('/').map((_, i, names) => join(root, ...names.slice(0, i + 1)));
    return folders.flatMap((folder) => (isOne ? quotaOfOne(folder) : quotaOfTwo(folder)) ?? []);
  });
}

/** Version 2: `200000 100000`, of which `max` is no limit. */
function quotaOfTwo(folder: string): number | undefined {
  const [quota, period] = (textOf(join(folder, 'cpu.max')) ?? '').trim().split(' ').map(Number);
  return ratio(quota, period);
}

/** Version 1, in which -1 is no limit. */
const quotaOfOne = (folder: string): number | undefined =>
  ratio(
    ...(['cpu.cfs_quota_us', 'cpu.cfs_period_us'].map((name) => Number(textOf(join(folder, name)))) as [
      number,
      number,
    ]),
  );

const ratio = (quota = Number.NaN, period = Number.NaN): number | undefined =>
  quota > 0 && period > 0 ? quota / period : undefined;

/** Undefined where there is no such file, as on other systems. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
