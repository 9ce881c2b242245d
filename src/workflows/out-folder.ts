import { LamellaError } from '../errors.ts';
import type { WritableFiles } from '../files.ts';

/**
 * Requires that an output folder does not exist yet or contains only ignored entries.
 * @throws LamellaError naming another entry.
 */
export async function requireFreeFolder(
  files: WritableFiles,
  folder: string,
  { ignore = [], option = 'another folder' }: { readonly ignore?: readonly string[]; readonly option?: string } = {},
): Promise<void> {
  const kind = await files.kind(folder);
  if (kind === undefined) return;
  if (kind === 'file') {
    throw new LamellaError('this is a file; expected a folder.', { file: folder, remedy: `Choose ${option}.` });
  }
  const names = (await files.list(folder)).map((path) => path.replace(/\/.*/, ''));
  const other = names.find((name) => !name.startsWith('.') && !ignore.includes(name));
  if (other !== undefined) {
    throw new LamellaError(`this folder holds other files, such as "${other}".`, {
      file: folder,
      remedy: `Choose ${option} that is empty or does not exist yet.`,
    });
  }
}
