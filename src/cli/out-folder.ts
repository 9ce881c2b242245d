import { readdir, stat } from 'node:fs/promises';
import { LamellaError } from '../errors.ts';

/**
 * Asserts that a folder to write to is not there yet, or is empty.
 * @throws LamellaError naming what is there.
 */
export async function requireFreeFolder(folder: string, option = 'another folder'): Promise<void> {
  const info = await stat(folder).catch(() => undefined);
  if (info === undefined) return;
  if (!info.isDirectory()) {
    throw new LamellaError('this is a file, a folder is expected.', { file: folder, remedy: `Give ${option}.` });
  }
  const others = (await readdir(folder)).filter((name) => !name.startsWith('.'));
  if (others.length > 0) {
    throw new LamellaError(`this folder is not empty, it holds "${others[0]}".`, {
      file: folder,
      remedy: `Give ${option}, or empty it.`,
    });
  }
}
