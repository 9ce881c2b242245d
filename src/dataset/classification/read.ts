/** Classification data sets in any supported form. */

import type { Files } from '../../files.ts';
import { type FoundParts, gatherClasses, type RawClasses, type ReadClassesOptions } from './classes.ts';
import { readClassFolder, readClassTable } from './folder.ts';
import { readIdxFolder } from './idx.ts';
import { isCsv, isIdxName, isNpz } from './names.ts';
import { readNpz } from './npz.ts';

/**
 * Reads a classification data set: a folder with MNIST's IDX files or one .npz, either of these files, a .csv of file
 * and class, or a folder with one sub-folder per class.
 * @throws DatasetError, FormatError naming the file.
 */
export async function readClasses(files: Files, path: string, options: ReadClassesOptions = {}): Promise<RawClasses> {
  const names = await files.list(path);
  const [only = ''] = names;
  const isFile = names.length === 1 && (path === only || path.endsWith(`/${only}`) || path.endsWith(`\\${only}`));
  if (isFile && isCsv(only)) return gatherClasses(path, await readClassTable(files, path, options));
  const npz = names.filter(isNpz);
  let found: FoundParts | undefined;
  if (npz.length > 0) {
    const [name] = npz as [string];
    found = await readNpz(
      await (isFile ? files.read(path) : files.read(path, name)),
      isFile ? path : `${path}/${name}`,
    );
  } else if (names.some(isIdxName)) {
    const folder = isFile ? path.slice(0, -only.length) || '.' : path;
    found = await readIdxFolder(files, folder, isFile ? await files.list(folder) : names);
  }
  if (found !== undefined) return gatherClasses(path, { found }, options);
  return gatherClasses(path, await readClassFolder(files, path, options));
}
