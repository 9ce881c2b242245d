/** The file system of the machine, below one folder only. */

import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { DatasetError } from '../../errors.ts';
import type { WritableFiles } from '../../files.ts';
import type { RegionReaders } from '../../image/formats/format.ts';
import { localFiles } from './files.ts';

/** Where a path really is, even if its last parts do not exist yet. */
async function realPlace(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw cause;
    return join(await realPlace(dirname(path)), basename(path));
  }
}

/**
 * The full path of a file below `root`.
 * @throws DatasetError for a path that leaves it, by `..`, as an absolute path or by a link
 */
export async function placeWithin(root: string, path: string): Promise<string> {
  const refused = new DatasetError('this is outside of the folder of projects.', {
    file: path.replaceAll('\0', '\\0'),
    remedy: 'Copy the file into the project.',
  });
  const isWithin = (place: string, folder: string): boolean => place === folder || place.startsWith(folder + sep);
  if (path.includes('\0')) throw refused;
  const place = resolve(root, path);
  if (!isWithin(place, resolve(root))) throw refused;
  if (!isWithin(await realPlace(place), await realPlace(resolve(root)))) throw refused;
  return place;
}

/**
 * @param root a folder; paths are relative to it
 * @param beforeWriting gets the full path of what is to be written, and throws if it must not be
 * @throws DatasetError from every method for a path that leaves the folder
 */
export function confinedFiles(
  root: string,
  beforeWriting: (place: string) => Promise<void>,
): WritableFiles & RegionReaders {
  const at = (folder: string, name = ''): Promise<string> => placeWithin(root, join(folder, name));
  return {
    zlib: localFiles.zlib,
    openSlide: localFiles.openSlide,
    get maxBytes() {
      return localFiles.maxBytes as number;
    },
    resolve: (path) => resolve(root, path),
    list: async (folder) => localFiles.list(await at(folder)),
    read: async (folder, name) => localFiles.read(await at(folder, name)),
    folders: async (folder) => (localFiles.folders as NonNullable<typeof localFiles.folders>)(await at(folder)),
    open: async (folder, name) => localFiles.open(await at(folder, name)),
    kind: async (path) => localFiles.kind(await at(path)),
    async write(path, content) {
      const place = await at(path);
      await beforeWriting(place);
      await localFiles.write(place, content);
    },
  };
}
