/**
 * Where the server of a folder was last: its port, and the token that its pages have. A page that outlives the server
 * reaches the next one on the same folder, and hands over what it has.
 */

import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { placeWithin } from './confined-files.ts';
import { makeFolder } from './make-folder.ts';

export interface KeptAddress {
  readonly port: number;
  /** 256 bits in base64url. */
  readonly token: string;
}

const FILE = join('.studio', 'server');

/** Nobody else may know the token, nor have chosen it. Windows has other rights, which a file has from its folder. */
const isPrivate = (info: Stats): boolean =>
  info.isFile() &&
  (process.platform === 'win32' || (info.uid === process.getuid?.() && (info.mode & 0o077) === 0 && info.nlink === 1));

/** The address of the last server on a folder; undefined if there is none that only this user can know. */
export async function readAddress(folder: string): Promise<KeptAddress | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(await placeWithin(folder, FILE), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
    if (!isPrivate(await file.stat())) return undefined;
    const { port, token } = JSON.parse(await file.readFile('utf8'));
    const isPort = Number.isInteger(port) && port > 0 && port < 2 ** 16;
    return isPort && typeof token === 'string' && /^[\w-]{43}$/.test(token) ? { port, token } : undefined;
  } catch {
    return undefined;
  } finally {
    await file?.close();
  }
}

/** Keeps an address for the next server, where a file can be this user's alone. */
export async function keepAddress(folder: string, address: KeptAddress): Promise<void> {
  try {
    const path = await placeWithin(folder, FILE);
    await makeFolder(dirname(path));
    await rm(path, { force: true });
    const file = await open(path, 'wx', 0o600);
    try {
      if (isPrivate(await file.stat())) return await file.writeFile(JSON.stringify(address));
    } finally {
      await file.close();
    }
    await rm(path, { force: true });
  } catch {
    // The server works without it.
  }
}
