/** Label files that state which images they are of, and may be of many. */

import { DatasetError } from '../../errors.ts';
import { type Files, joinPath, readHead } from '../../files.ts';
import { baseName, extensionOf, folderOf, roleOf, stemOf } from './names.ts';
import type { LeftOut, Pair } from './pairing.ts';

/** Enough for the first key of JSON. */
const HEAD_BYTES = 1024;

/** Whether the first bytes may be those of COCO: one of its lists is the first key. */
const mayBeCoco = (head: Uint8Array): boolean =>
  /^\uFEFF?\s*\{\s*"(info|licenses|images|annotations|categories|type)"\s*:/.test(new TextDecoder().decode(head));
const mayBeCvat = (head: Uint8Array): boolean => new TextDecoder().decode(head).includes('<annotations>');

export interface StatedLabels {
  readonly pairs: readonly Pair[];
  readonly leftOut: readonly LeftOut[];
  /** Images that are parts of labels. */
  readonly parts: readonly string[];
}

/** Of CVAT and Pascal VOC: the folders beside it hold masks in its colours. */
export const LABEL_MAP = 'labelmap.txt';

/** The labels of one image within a file of many: `annotations/instances.json/train/a.png`. */
export const partOf = (file: string, image: string): string => `${file}/${image}`;

/** The file and the image of such labels; undefined for other paths. */
export function fileAndImage(path: string): { readonly file: string; readonly image: string } | undefined {
  const [, file, image] =
    /^(.*?\.(?:json|xml|ilp)|(?:.*?\/)?labelmap\.txt)\/(.+)$/i.exec(path) ??
    /^(.+)\/(segments)$/.exec(path) ??
    /^(.+\.csv)\/(shapes)$/i.exec(path) ??
    [];
  return file === undefined || image === undefined ? undefined : { file, image };
}

/** The labels of the one series that a DICOM file has segments of. */
export const segmentsOf = (file: string): string => partOf(file, 'segments');

/** The shapes in a table of napari. */
export const shapesOfTable = (file: string): string => partOf(file, 'shapes');

/** Whether a file is a table of shapes as napari saves them. */
export async function isShapeTable(files: Files, root: string, path: string): Promise<boolean> {
  if (extensionOf(path) !== 'csv') return false;
  const head = new TextDecoder().decode(await readHead(files, root, path, HEAD_BYTES));
  return head.startsWith('index,shape-type,vertex-index,axis-0,axis-1');
}

/** The file that labels are in: several images may share one. */
export const fileOfLabels = (path: string): string => fileAndImage(path)?.file ?? path;

/** The masks of an image beside `labelmap.txt`: of classes, and of objects, which may be missing. */
export const masksOf = (labelMap: string, image: string): { readonly classes: string; readonly objects: string } => ({
  classes: joinPath(folderOf(labelMap), 'SegmentationClass', `${image}.png`),
  objects: joinPath(folderOf(labelMap), 'SegmentationObject', `${image}.png`),
});

/** The names of the images that a file has labels of; undefined for other files. */
export async function namesIn(files: Files, root: string, path: string): Promise<StatedNames | undefined> {
  const head = await readHead(files, root, path, HEAD_BYTES);
  const text = async () => new TextDecoder().decode(await files.read(root, path));
  // Loaded when needed: most data sets hold none of them.
  if (extensionOf(path) === 'json' && mayBeCoco(head)) {
    const { parseCoco } = await import('../shapes/readers.ts');
    const coco = parseCoco(await text(), path);
    return coco && { names: [...coco.images.keys()], hasStrays: coco.hasStrays };
  }
  if (extensionOf(path) === 'xml' && mayBeCvat(head)) {
    const { parseCvat } = await import('../shapes/readers.ts');
    const images = parseCvat(await text(), path);
    return images && { names: [...images.keys()] };
  }
  if (extensionOf(path) === 'ilp') {
    const { readIlastikProject } = await import('../shapes/ilastik.ts');
    return { names: [...(await readIlastikProject(await files.read(root, path), path)).keys()] };
  }
  return undefined;
}

/** Extensions of files that may have labels of several images. */
export const STATING = ['json', 'xml', 'ilp'];

export interface StatedNames {
  readonly names: readonly string[];
  /** Whether there are annotations of images that it does not list. */
  readonly hasStrays?: boolean;
}

/**
 * The labels in files of COCO, CVAT, ilastik and napari among `paths`, with their images.
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
  // A single file that is listed may be one of these by itself.
  if (images.length === 0) return { pairs, leftOut, parts: [] };
  const maps = paths.filter((path) => baseName(path) === LABEL_MAP);
  const parts = maps.flatMap((path) => images.filter((image) => isMaskBeside(path, image)));
  const others = images.filter((image) => !parts.includes(image));
  const add = (label: string, image: string | undefined): void => {
    if (image === undefined) leftOut.push({ file: label, reason: 'labels of an image that is not here' });
    else pairs.push({ image, label });
  };
  for (const path of paths.filter((name) => STATING.includes(extensionOf(name)))) {
    const found = await namesIn(files, root, path);
    if (found?.names.length === 0) leftOut.push({ file: path, reason: 'annotations that list no image' });
    for (const name of found?.names ?? []) add(partOf(path, name), imageNamed(name, path, others));
    if (found?.hasStrays === true)
      leftOut.push({ file: path, reason: 'annotations of images that the file does not list' });
  }
  const byStem = new Map(others.map((image) => [stemPath(image), image]));
  for (const path of paths.filter((name) => extensionOf(name) === 'csv')) {
    if (!(await isShapeTable(files, root, path))) continue;
    const name = stemOf(path).replace(/[_\-. ]shapes?$/i, '');
    const [only] = others;
    const isAlone = others.length === 1 && folderOf(path) === folderOf(only as string);
    const image = imageNamed(name, path, [...byStem.keys()]) ?? (isAlone ? stemPath(only as string) : '');
    add(shapesOfTable(path), byStem.get(image));
  }
  for (const path of maps) {
    const folder = joinPath(folderOf(path), 'SegmentationClass/');
    for (const mask of parts.filter((part) => part.startsWith(folder))) {
      const name = mask.slice(folder.length).replace(/\.png$/i, '');
      const place = joinPath(folderOf(path), 'JPEGImages', LABEL_MAP);
      add(partOf(path, name), byStem.get(imageNamed(name, place, [...byStem.keys()]) ?? ''));
    }
  }
  return { pairs, leftOut, parts };
}

/** A path without its extension. */
const stemPath = (path: string): string => joinPath(folderOf(path), stemOf(path));

const isMaskBeside = (labelMap: string, image: string): boolean =>
  ['SegmentationClass/', 'SegmentationObject/'].some((folder) =>
    image.startsWith(joinPath(folderOf(labelMap), folder)),
  );

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
): Omit<StatedLabels, 'parts'> {
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
