/** How fast this machine's devices train, kept in the user's cache folder. */

import { readFile } from 'node:fs/promises';
import { cpus, homedir, loadavg } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { env } from 'onnxruntime-node';
import { keptSpeeds } from '../../train/kept-speeds.ts';
import { atomicWrite } from './atomic-write.ts';
import { packageVersion } from './version.ts';

const FILE = 'device-speeds.json';

/**
 * `LAMELLA_CACHE`, otherwise `lamella` in the cache folder of the desktop's convention (XDG), `~/.cache`. Undefined if
 * `LAMELLA_CACHE` is empty: nothing is kept then.
 */
function cacheFolder(): string | undefined {
  const { LAMELLA_CACHE: own, XDG_CACHE_HOME: xdg } = process.env;
  if (own !== undefined) return own === '' ? undefined : own;
  return join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), '.cache'), 'lamella');
}

export const deviceSpeeds = keptSpeeds({
  // The description of a GPU does not name it, and machines with different ones may share a home folder.
  nameOf: ({ device, description }) =>
    device === 'cpu'
      ? [
          description,
          cpus()[0]?.model.trim() ?? 'unknown processor',
          `lamella ${packageVersion()}`,
          `onnxruntime ${env.versions.node}`,
        ].join('; ')
      : undefined,
  async read() {
    const folder = cacheFolder();
    return folder === undefined ? undefined : readFile(join(folder, FILE));
  },
  async write(content) {
    const folder = cacheFolder();
    // What was measured beside other programs is the speed of that moment, not of the machine.
    const busy = (loadavg()[0] ?? 0) > cpus().length / 2;
    if (folder !== undefined && !busy) await atomicWrite(join(folder, FILE), content);
  },
  nowMs: Date.now,
});
