import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { folderOf, roleOf, stemOf } from '../dataset/names.ts';
import { pairFiles, readable } from '../dataset/pair.ts';
import { DatasetError } from '../errors.ts';
import { READABLE_EXTENSIONS } from '../image/read.ts';
import { nodeFiles } from '../platform/node/files.ts';

/** A file to read, and the name that its outputs have: a relative path without extension. */
export interface ListedImage {
  readonly path: string;
  readonly name: string;
}

function named(root: string, files: readonly string[]): readonly ListedImage[] {
  // `image/00.png` and `image/01.png` become `00` and `01`: a folder that all share says nothing.
  const folders = new Set(files.map(folderOf));
  const shared = folders.size === 1;
  const listed = files.map((file) => ({
    path: join(root, file),
    name: shared || folderOf(file) === '' ? stemOf(file) : `${folderOf(file)}/${stemOf(file)}`,
  }));
  const seen = new Map<string, string>();
  for (const { path, name } of listed) {
    const other = seen.get(name);
    if (other !== undefined) {
      throw new DatasetError(`this and "${other}" would have outputs of the same name.`, {
        file: path,
        remedy: 'Rename one of them.',
      });
    }
    seen.set(name, path);
  }
  return listed;
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

/**
 * The images of a path: a file, or a folder of any depth. Where labels lie beside them, the images alone.
 * @throws DatasetError when there is nothing to read.
 */
export async function listImages(path: string): Promise<readonly ListedImage[]> {
  const names = await nodeFiles.list(path);
  if (!(await isFolder(path))) return [{ path, name: stemOf(basename(path)) }];
  const { images } = readable(names, READABLE_EXTENSIONS);
  if (images.length === 0) throw noImages(path);
  const byFolder = images.filter(
    (file) =>
      folderOf(file)
        .split('/')
        .some((part) => roleOf(part) === 'label') === false,
  );
  if (byFolder.length > 0 && byFolder.length < images.length) return named(path, byFolder);
  try {
    const { pairs, unlabelled } = pairFiles(names, { folder: path, extensions: READABLE_EXTENSIONS });
    return named(path, [...pairs.map(({ image }) => image), ...unlabelled]);
  } catch (cause) {
    if (!(cause instanceof DatasetError)) throw cause;
    return named(path, images);
  }
}

function noImages(path: string): DatasetError {
  return new DatasetError('there are no images here.', {
    file: path,
    remedy: `Give a folder with ${READABLE_EXTENSIONS.map((extension) => `.${extension}`).join(', ')} files.`,
  });
}

/**
 * The label files of a path, named as their images are where there are such.
 * @throws DatasetError when there is nothing to read.
 */
export async function listLabels(path: string): Promise<readonly ListedImage[]> {
  const names = await nodeFiles.list(path);
  if (!(await isFolder(path))) return [{ path, name: stemOf(basename(path)) }];
  const { images } = readable(names, READABLE_EXTENSIONS);
  if (images.length === 0) throw noImages(path);
  try {
    const { pairs } = pairFiles(names, { folder: path, extensions: READABLE_EXTENSIONS });
    const byImage = named(
      path,
      pairs.map(({ image }) => image),
    );
    return pairs.map(({ label }, i) => ({ path: join(path, label), name: (byImage[i] as ListedImage).name }));
  } catch (cause) {
    if (!(cause instanceof DatasetError)) throw cause;
    const inLabels = images.filter((file) =>
      folderOf(file)
        .split('/')
        .some((part) => roleOf(part) === 'label'),
    );
    return named(path, inLabels.length > 0 ? inLabels : images);
  }
}

/**
 * What is to be scored: the files of a path, and of a data set its labels, so that two annotators can be compared.
 * @throws DatasetError when there is nothing to read.
 */
export async function listPredictions(path: string): Promise<readonly ListedImage[]> {
  const images = await listImages(path);
  const labels = await listLabels(path).catch(() => images);
  const isDataset = labels.length === images.length && labels.some((label, i) => label.path !== images[i]?.path);
  return isDataset ? labels : images;
}
