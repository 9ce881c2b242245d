/** A disk of a few kilobytes, in memory, which is soon full. */

import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const canMount = process.platform === 'linux' && process.getuid?.() === 0;
/** What to add to the name of a test that needs it. */
export const whyNot = canMount ? '' : ' (SKIPPED: only root on Linux mounts a small disk)';

/** @param body gets its folder, and what gives it another size */
export async function onSmallDisk(
  sizeKb: number,
  body: (disk: string, resize: (sizeKb: number) => void) => Promise<void>,
): Promise<void> {
  const disk = await mkdtemp(join(tmpdir(), 'lamella-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeKb}k`, 'tmpfs', disk]);
  try {
    await body(disk, (kb) => void execFileSync('mount', ['-o', `remount,size=${kb}k`, disk]));
  } finally {
    // A test that failed may have files open there.
    execFileSync('umount', ['--lazy', disk]);
    await rm(disk, { recursive: true });
  }
}
