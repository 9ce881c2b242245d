import { readFileSync, unlinkSync } from 'node:fs';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
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

/** Taking over takes a few accesses to the disk: one that has taken longer was killed before it had written its name. */
const ABANDONED_MS = 5_000;

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

/**
 * @param lock the lock that it is for, named in messages
 * @returns false if there is such a file already
 */
async function create(file: string, text: string, lock: string = file): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: 'wx' });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    // On a full disk there is a file now, without its content.
    await rm(file, { force: true }).catch(() => undefined);
    throw explainWrite(cause, lock);
  }
}

/**
 * Replaces the lock of a process that no longer exists. Of several that found it, one at a time may, and looks again: a
 * slow one must not replace the lock of whoever was faster.
 * @returns false if this was not its turn
 */
async function takeOver(file: string, text: string): Promise<boolean> {
  const next = `${file}.next`;
  if (!(await create(next, text, file))) {
    const other = await holderOf(next);
    const ageMs = Date.now() - (await stat(next).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs;
    // Its process was killed while taking over.
    const isDead = other !== undefined && !isAlive(other) && ageMs > SETTLE_MS;
    if (isDead || ageMs > ABANDONED_MS) await rm(next, { force: true });
    return false;
  }
  const holder = await holderOf(file);
  if (holder !== undefined && isAlive(holder)) {
    await rm(next, { force: true });
    return false;
  }
  try {
    await rename(next, file);
  } catch (cause) {
    // Somebody took it for that of a dead process.
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw explainWrite(cause, file);
  }
  // The name in the lock decides: a process that was held up may have put another's name there.
  return (await readFile(file, 'utf8').catch(() => '')) === text;
}

/** A lock file held by this process. */
export interface Lock {
  /** The content of the file. */
  readonly text: string;
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
  const began = Date.now();
  while (!(await create(file, text))) {
    let holder = await holderOf(file);
    if (holder === undefined) {
      // Empty: its process was killed while acquiring the lock, or is about to write its name.
      await setTimeout(SETTLE_MS);
      holder = await holderOf(file);
    }
    const mayTakeOver = holder === undefined || !isAlive(holder);
    if (!mayTakeOver || Date.now() - began > 2 * ABANDONED_MS) {
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
    if (await takeOver(file, text)) break;
    await setTimeout(SETTLE_MS);
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
    text,
    async release() {
      process.removeListener('exit', onExit);
      // On a disk that became read-only it stays: the next process finds that this one no longer exists.
      await rm(file, { force: true }).catch(() => undefined);
    },
  };
}
