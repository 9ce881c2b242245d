/** Label files that state which images they are of, and may be of many. */

import { DatasetError } from '../../errors.ts';
import { type Files, readHead } from '../../files.ts';
import { baseName, extensionOf, folderOf, roleOf, stemOf } from './names.ts';
import type { LeftOut, Pair } from './pairing.ts';

/** Enough for the first key of JSON. */
const HEAD_BYTES = 1024;

/** Whether the first bytes may be those of COCO: one of its lists is the first key. */
const mayBeCoco = (head: Uint8Array): boolean =>
  /^\uFEFF?\s*\{\s*"(info|licenses|images|annotations|categories|type)"\s*:/.test(new TextDecoder().decode(head));

export interface StatedLabels {
  readonly pairs: readonly Pair[];
  readonly leftOut: readonly LeftOut[];
}

/** The labels of one image within a file of many: `annotations/instances.json/train/a.png.json`. */
export const partOf = (file: string, image: string): string => `${file}/${image}.json`;

/** The file and the image of such labels; undefined for other paths. */
export function fileAndImage(path: string): { readonly file: string; readonly image: string } | undefined {
  const [, file, image] = /^(.*?\.json)\/(.+)\.json$/i.exec(path) ?? [];
  return file === undefined || image === undefined ? undefined : { file, image };
}

/** The file that labels are in: several images may share one. */
export const fileOfLabels = (path: string): string => fileAndImage(path)?.file ?? path;

/**
 * The labels in files of COCO among `paths`, with their images.
 * @param images paths of images
 * @throws FormatError for a file that is cut off; DatasetError for an image that could be several
 */
export async function findStatedLabels(
  files: Files,
  root: string,
  paths: readonly string[],
  images: readonly string[],
): Promise<StatedLabels> {
  const pairs: Pair[] = [];
  const leftOut: LeftOut[] = [];
  for (const path of paths.filter((name) => extensionOf(name) === 'json')) {
    const head = await readHead(files, root, path, HEAD_BYTES);
    if (!mayBeCoco(head)) continue;
    // Loaded when needed: most data sets hold none.
    const { parseCoco } = await import('../shapes/coco.ts');
    const coco = parseCoco(new TextDecoder().decode(await files.read(root, path)), path);
    if (coco === undefined) continue;
    for (const name of coco.images.keys()) {
      const label = partOf(path, name);
      const image = imageNamed(name, path, images);
      if (image === undefined) leftOut.push({ file: label, reason: 'labels of an image that is not here' });
      else pairs.push({ image, label });
    }
    const listed = new Set([...coco.images.values()].flat().map(({ id }) => id));
    if ([...coco.annotations.keys()].some((id) => !listed.has(id))) {
      leftOut.push({ file: path, reason: 'annotations of images that the file does not list' });
    }
  }
  return { pairs, leftOut };
}

/**
 * The image with a name as it stands in a file: from the folder of that file or the listed one; otherwise as the end of a
 * path, or the name alone; among several the one in a folder that the file is named after (`instances_train.json`).
 */
function imageNamed(name: string, file: string, images: readonly string[]): string | undefined {
  const folder = folderOf(file);
  const own = folder === '' ? name : `${folder}/${name}`;
  const ends = images.filter((path) => path === name || path.endsWith(`/${name}`));
  const named = ends.length > 0 ? ends : images.filter((path) => baseName(path) === baseName(name));
  const others = named.filter((path) => !path.split('/').some((part) => roleOf(part) === 'label'));
  const alike = others.length > 0 ? others : named;
  if (alike.includes(own)) return own;
  if (alike.includes(name)) return name;
  const subset = stemOf(file)
    .split(/[_\-. ]/)
    .at(-1);
  const within = alike.filter((path) =>
    folderOf(path)
      .split('/')
      .includes(subset as string),
  );
  const [found, another] = within.length === 1 ? within : alike;
  if (another === undefined) return found;
  throw new DatasetError(`"${name}" may be "${found}" or "${another}".`, {
    file,
    remedy: 'Put the file into the folder of its images.',
  });
}

/**
 * Those that are used: of images without labels by name.
 * @throws DatasetError for an image with several
 */
export function chooseStated(
  { pairs }: Pick<StatedLabels, 'pairs'>,
  isLabelled: (image: string) => boolean,
  folder: string | undefined,
): StatedLabels {
  const chosen = new Map<string, string>();
  const leftOut: LeftOut[] = [];
  for (const { image, label } of pairs) {
    const other = chosen.get(image);
    if (isLabelled(image)) leftOut.push({ file: label, reason: 'its label image is used' });
    else if (other === undefined) chosen.set(image, label);
    else {
      const names = [other, label].map((path) => `"${fileOfLabels(path)}"`).join(' and ');
      throw new DatasetError(`the image "${image}" has labels in ${names}.`, {
        file: folder,
        remedy: 'Keep one of them.',
      });
    }
  }
  return { pairs: [...chosen].map(([image, label]) => ({ image, label })), leftOut };
}
