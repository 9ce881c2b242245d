import { appendFile, readdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { option, RunError } from '../../errors.ts';
import { RUN_FILES, type Store } from '../../train/store.ts';
import { isWorthKeeping, noRun, runExists } from '../../workflows/run-conflicts.ts';
import type { RunStore } from '../../workflows/train.ts';
import { atomicWrite, explainWrite, flushFolder } from './atomic-write.ts';
import { type Lock, takeLock } from './lock.ts';
import { makeFolder } from './make-folder.ts';

function storeOf(path: string): Store {
  return {
    name: path,
    pathOf: (file) => join(path, file),
    async list(folder) {
      try {
        return (await readdir(join(path, folder))).filter((name) => !name.startsWith('.')).sort();
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw new RunError('this cannot be read.', { file: join(path, folder), cause });
      }
    },
    async read(file) {
      try {
        return await readFile(join(path, file));
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw new RunError('this cannot be read.', { file: join(path, file), remedy: 'Check the permissions.', cause });
      }
    },
    async write(file, content) {
      // Written, a folder that was renamed would be made anew, with this file alone.
      if ((await stat(path).catch(() => undefined)) === undefined) {
        throw new RunError('the folder of this run is no longer here: it was renamed, moved or deleted.', {
          file: path,
          remedy: 'Put it back, and resume the run.',
        });
      }
      await atomicWrite(join(path, file), content);
    },
    async append(file, text, lasting = false) {
      try {
        await appendFile(join(path, file), text, { flush: lasting });
        if (lasting) await flushFolder(path);
      } catch (cause) {
        throw explainWrite(cause, join(path, file));
      }
    },
    async remove(file) {
      await rm(join(path, file), { force: true });
    },
  };
}

/** Whether a folder contains a run; false if it does not exist. */
export async function holdsRun(path: string): Promise<boolean> {
  return (await stat(join(path, RUN_FILES.config)).catch(() => undefined)) !== undefined;
}

/**
 * Opens a run folder for writing and acquires its lock: `config.json`, `log.jsonl`, `checkpoints/`, `best.onnx`,
 * `last.onnx`, `report.html`.
 *
 * @param mode `new`: the folder must not exist, be empty, or contain a run without a checkpoint, which is replaced;
 * `resume`: it must contain a run.
 * @throws RunError if it contains another run or other files, has no run to resume, or is in use.
 */
export async function openRunFolder(path: string, mode: 'new' | 'resume'): Promise<RunStore> {
  const info = await stat(path).catch(() => undefined);
  if (info !== undefined && !info.isDirectory()) {
    throw new RunError('this is a file; a folder for the run is expected.', {
      file: path,
      remedy: `Use another ${option('out')}.`,
    });
  }
  const isRun = await holdsRun(path);
  if (mode === 'resume' && !isRun) throw noRun(path);
  const lockFile = join(path, 'lock');
  if (mode === 'new' && info !== undefined && !isRun) {
    const others = (await readdir(path).catch(() => [])).filter((name) => name !== 'lock' && !name.startsWith('.'));
    if (others.length > 0) {
      throw new RunError(`this folder holds other files, such as "${others[0]}".`, {
        file: path,
        remedy: `Use another ${option('out')}, a folder that is empty or does not exist yet.`,
      });
    }
  }
  let outermost: string | undefined;
  try {
    outermost = await makeFolder(path);
  } catch (cause) {
    throw explainWrite(cause, path);
  }
  let lock: Lock;
  try {
    lock = await takeLock(lockFile, path);
  } catch (cause) {
    await removeEmpty(path, outermost);
    throw cause;
  }
  const replaced = mode === 'new' && (await holdsRun(path));
  if (replaced && (await isWorthKeeping(storeOf(path)))) {
    await lock.release();
    throw runExists(path);
  }
  await removeLeftovers(path);
  if (replaced)
    for (const name of Object.values(RUN_FILES)) await rm(join(path, name), { recursive: true, force: true });
  return {
    ...storeOf(path),
    replaced,
    async close() {
      await lock.release();
      await removeEmpty(path, outermost);
    },
  };
}

/**
 * Removes the empty folder of a run that ended before its first file, and the parents created for it, up to
 * `outermost`.
 */
async function removeEmpty(path: string, outermost: string | undefined): Promise<void> {
  if (outermost === undefined) return;
  const top = resolve(outermost);
  for (let folder = resolve(path); folder.startsWith(top); folder = dirname(folder)) {
    try {
      await rmdir(folder);
    } catch {
      // Not empty.
      return;
    }
  }
}

/** Removes temporary files of a process that was killed while writing. */
async function removeLeftovers(path: string): Promise<void> {
  for (const folder of [path, join(path, RUN_FILES.checkpoints)]) {
    for (const name of await readdir(folder).catch(() => [])) {
      if (/^\..*\.tmp$/.test(name)) await rm(join(folder, name), { force: true });
    }
  }
}

/** A free path for a run of this name: `runs/name-1`, or the next free number. */
export async function freeRunPath(parent: string, name: string): Promise<string> {
  const taken = new Set(await readdir(parent).catch(() => []));
  let number = 1;
  while (taken.has(`${name}-${number}`)) number++;
  return join(dirname(join(parent, 'x')), `${name}-${number}`);
}
