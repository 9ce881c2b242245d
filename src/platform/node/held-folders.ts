/** Folders that this process writes to, told from others that come to lie at their paths while it does. */

import { readFile, rm, stat } from 'node:fs/promises';
import { sep } from 'node:path';
import { RunError } from '../../errors.ts';
import { type Lock, takeLock } from './lock.ts';

/** What stays the same when a folder is renamed; undefined if there is none. */
async function identityOf(folder: string): Promise<string | undefined> {
  const found = await stat(folder, { bigint: true }).catch(() => undefined);
  return found?.isDirectory() === true ? `${found.dev} ${found.ino}` : undefined;
}

export class HeldFolders {
  readonly #identities = new Map<string, string | undefined>();
  /** Contents of lock files whose folders lay elsewhere when they were to be removed. */
  readonly #leftBehind = new Set<string>();

  /** Acquires the lock of a folder, by its full path, and notes which folder that is. @throws as `takeLock` */
  async take(folder: string, lockFile: string): Promise<Pick<Lock, 'release'>> {
    const left = await readFile(lockFile, 'utf8').catch(() => '');
    if (this.#leftBehind.delete(left)) await rm(lockFile, { force: true });
    const lock = await takeLock(lockFile, folder);
    const identity = await identityOf(folder);
    const held = this.#identities.get(folder);
    if (held !== undefined && held !== identity) {
      await lock.release();
      throw new RunError('another folder that was here is still open.', {
        file: folder,
        remedy: 'Close it, or put it back.',
        facts: { code: 'run-in-use', processId: process.pid },
      });
    }
    this.#identities.set(folder, identity);
    return {
      release: async () => {
        if (this.#identities.get(folder) === identity) this.#identities.delete(folder);
        // A folder that took its place may have a lock of somebody else.
        if ((await identityOf(folder)) === identity) await lock.release();
        else this.#leftBehind.add(lock.text);
      },
    };
  }

  /**
   * To be called before anything is written: that would make a folder anew that was renamed.
   * @param path a full one
   * @throws RunError if it lies in a folder that was taken and is no longer there
   */
  async require(path: string): Promise<void> {
    for (const [folder, identity] of this.#identities) {
      if (path !== folder && !path.startsWith(folder + sep)) continue;
      const found = await identityOf(folder);
      if (found === identity) continue;
      const problem =
        found === undefined
          ? 'the folder of the open project is no longer here: it was renamed, moved or deleted.'
          : 'another folder is where that of the open project was.';
      throw new RunError(problem, {
        file: folder,
        remedy: 'Put it back, and what was edited since is kept; or load this page again, which gives that up.',
        facts: { code: 'folder-gone' },
      });
    }
  }
}
