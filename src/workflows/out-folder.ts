import { readdir, stat } from 'node:fs/promises';
import { LamellaError } from '../errors.ts';

/**
 * Asserts that a folder to write to is not there yet, or holds nothing but what is named.
 * @throws LamellaError naming what is there.
 */
export async function requireFreeFolder(
  folder: string,
  { ignore = [], option = 'another folder' }: { readonly ignore?: readonly string[]; readonly option?: string } = {},
): Promise<void> {
  const info = await stat(folder).catch(() => undefined);
  if (info === undefined) return;
  if (!info.isDirectory()) {
    throw new LamellaError('this is a file, a folder is expected.', { file: folder, remedy: `Give ${option}.` });
  }
  const other = (await readdir(folder)).find((name) => !name.startsWith('.') && !ignore.includes(name));
  if (other !== undefined) {
    throw new LamellaError(`this folder holds other files, such as "${other}".`, {
      file: folder,
      remedy: `Give ${option} that is empty or not there yet.`,
    });
  }
}
