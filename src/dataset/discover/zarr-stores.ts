/** OME-Zarr stores among the files of a folder: each image of a store is one path, `<its folder>.zarr`. */

import { FormatError, factsOf } from '../../errors.ts';
import { type Files, joinPath } from '../../files.ts';
import { baseName, folderOf } from './names.ts';
import type { LeftOut } from './pairing.ts';
import type { SeriesSource } from './series.ts';

/** Files that say that their folder is a Zarr store or an array of one. */
const METADATA = new Set(['zarr.json', '.zgroup', '.zattrs', '.zarray']);

/** The outermost folders that are Zarr stores, with their files; '' for the listed folder itself. */
export function storeFolders(paths: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const folders = [...new Set(paths.filter((path) => METADATA.has(baseName(path))).map(folderOf))];
  const isWithin = (path: string, folder: string): boolean => folder === '' || path.startsWith(`${folder}/`);
  const outermost = folders.filter((folder) => !folders.some((other) => other !== folder && isWithin(folder, other)));
  return new Map(outermost.map((folder) => [folder, paths.filter((path) => isWithin(path, folder))]));
}

/** Whether files are those of a store. */
export const isStore = (paths: readonly string[]): boolean => paths.some((path) => METADATA.has(baseName(path)));

interface FoundStores {
  readonly images: ReadonlyMap<string, SeriesSource>;
  /** Files that are not of a store. */
  readonly rest: readonly string[];
  readonly leftOut: readonly LeftOut[];
}

/**
 * The images of all stores. A damaged store is one image, whose reading fails.
 * @param name of the listed folder
 * @throws FormatError if there is nothing but one store, without an image
 */
export async function findStores(
  files: Files,
  root: string,
  all: readonly string[],
  name: string,
): Promise<FoundStores> {
  const stores = storeFolders(all);
  // The listed path may be one of the metadata files itself.
  if (stores.size === 0 || (all.length === 1 && all[0] === name)) return { images: new Map(), rest: all, leftOut: [] };
  const [{ listImages }, { folderStore }] = await Promise.all([
    import('../../image/formats/zarr/ome.ts'),
    import('../../image/formats/zarr/store.ts'),
  ]);
  const inStores = new Set([...stores.values()].flat());
  const rest = all.filter((path) => !inStores.has(path));
  const images = new Map<string, SeriesSource>();
  const leftOut: LeftOut[] = [];
  for (const [folder, own] of stores) {
    const key = keyOf(folder === '' ? name : folder);
    const add = (path: string, description: string, alone: boolean): void => {
      const within = joinPath(folder, path);
      images.set(alone || path === '' ? key : `${key}/${keyOf(path)}`, {
        format: 'OME-Zarr',
        folder: within === '.' ? '' : within,
        files: path === '' ? own : own.filter((file) => file.startsWith(`${within}/`)),
        description,
      });
    };
    const store = folderStore(files, joinPath(root, folder));
    try {
      const found = await listImages(store);
      for (const { path, description } of found) add(path, description, found.length === 1);
    } catch (cause) {
      if (!(cause instanceof FormatError) || (stores.size === 1 && rest.length === 0)) throw cause;
      const what = factsOf(cause, 'unsupported-format')?.what;
      if (what === undefined) add('', 'a damaged Zarr store', true);
      else leftOut.push({ file: folder, reason: what });
    }
  }
  return { images, rest, leftOut };
}

const keyOf = (folder: string): string => (/\.zarr$/i.test(folder) ? folder : `${folder}.zarr`);
