/**
 * The port that the server of a folder had. Pages that outlive the server belong to its address: another page of the next
 * server at the same port reaches them, and they hand over what they have.
 */

import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { placeWithin } from './confined-files.ts';
import { makeFolder } from './make-folder.ts';

const FILE = join('.studio', 'port');

/** The port of the last server on a folder; undefined if there was none. */
export async function readPort(folder: string): Promise<number | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(await placeWithin(folder, FILE), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
    const port = Number(await file.readFile('utf8'));
    return Number.isInteger(port) && port > 0 && port < 2 ** 16 ? port : undefined;
  } catch {
    return undefined;
  } finally {
    await file?.close();
  }
}

/** Keeps a port for the next server. */
export async function keepPort(folder: string, port: number): Promise<void> {
  try {
    const path = await placeWithin(folder, FILE);
    await makeFolder(dirname(path));
    await rm(path, { force: true });
    const file = await open(path, 'wx');
    await file.writeFile(String(port)).finally(() => file.close());
  } catch {
    // The server works without it.
  }
}
