import { readFileSync, unlinkSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { option, RunError } from '../../errors.ts';
import { explainWrite } from './atomic-write.ts';

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Start time of the process according to the kernel: distinguishes a process from a later one with the same ID. */
  readonly began: string | undefined;
  readonly since: string;
}

/** Longer than a process needs between two checks of the lock. */
const SETTLE_MS = 100;

/** Start time of a process in kernel ticks since boot, on Linux only. */
function beginningOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 22; the second field is a name in brackets that may contain spaces.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function isAlive({ pid, host, began }: Holder): boolean {
  // A process on another machine with a shared disk cannot be checked.
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
  return began === undefined || beginningOf(pid) === began;
}

async function holderOf(file: string): Promise<Holder | undefined> {
  try {
    const holder = JSON.parse(await readFile(file, 'utf8')) as Partial<Holder>;
    return typeof holder.pid === 'number' && typeof holder.host === 'string' ? (holder as Holder) : undefined;
  } catch {
    return undefined;
  }
}

/** A lock file held by this process. */
export interface Lock {
  release(): Promise<void>;
}

/**
 * Acquires a lock file, so that only one process at a time writes to a run. The lock of a process that no longer exists
 * is taken over.
 * @throws RunError naming the process that holds it.
 */
export async function takeLock(file: string, folder: string): Promise<Lock> {
  const mine: Holder = {
    pid: process.pid,
    host: hostname(),
    began: beginningOf(process.pid),
    since: new Date().toISOString(),
  };
  const text = `${JSON.stringify(mine)}\n`;
  let abandoned = false;
  for (let attempt = 0; ; attempt++) {
    try {
      await writeFile(file, text, { flag: 'wx' });
      if (!abandoned) break;
      // Another process may have found the same abandoned lock and removed ours instead.
      await setTimeout(SETTLE_MS);
      if ((await readFile(file, 'utf8').catch(() => '')) === text) break;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw explainWrite(cause, file);
    }
    let holder = await holderOf(file);
    if (holder === undefined) {
      // Empty: its process was killed while acquiring the lock, or is about to write its name.
      await setTimeout(SETTLE_MS);
      holder = await holderOf(file);
    }
    if ((holder !== undefined && isAlive(holder)) || attempt > 2) {
      const who =
        holder === undefined
          ? 'another process'
          : `process ${holder.pid}${holder.host === hostname() ? '' : ` on ${holder.host}`} since ${holder.since}`;
      throw new RunError(`this run is being written by ${who}.`, {
        file: folder,
        remedy: `Wait for it to end or stop it, or use another ${option('out')}. If no such process runs, delete ${file}.`,
        facts: { code: 'run-in-use', processId: holder?.pid },
      });
    }
    abandoned = true;
    await rm(file, { force: true }).catch((cause: unknown) => {
      throw explainWrite(cause, file);
    });
  }
  // Also on an exit that cannot wait, such as the second Ctrl-C.
  const onExit = (): void => {
    try {
      unlinkSync(file);
    } catch {
      // Already removed.
    }
  };
  process.once('exit', onExit);
  return {
    async release() {
      process.removeListener('exit', onExit);
      // On a disk that became read-only it stays: the next process finds that this one no longer exists.
      await rm(file, { force: true }).catch(() => undefined);
    },
  };
}
