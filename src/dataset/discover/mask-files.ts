/** Labels with one mask file per object, as in the Data Science Bowl 2018: `id/images/id.png`, `id/masks/*.png`. */

import { addTo } from '../../array/lists.ts';
import { DatasetError } from '../../errors.ts';
import type { Image } from '../../image/image.ts';
import { pagesOf } from '../../input/planes.ts';
import { commonName, extensionOf, folderOf, naturalOrder, roleOf } from './names.ts';
import { type File, fileOf } from './pair.ts';
import type { JoinedFiles } from './pairing.ts';

/**
 * The mask files of each image, by the path that represents its labels: folders `id/images` with one image and
 * `id/masks` with several, `masks/id/*.png` beside `images/id.png`, and `id_1.png`, `id_2.png` beside `id.png`.
 * @param paths readable images and labels
 * @returns undefined if there are none, or for labels without an image
 * @throws DatasetError for masks with the same names for each image: they are structures, not objects.
 */
export function findMaskFiles(
  paths: readonly string[],
  folder: string | undefined,
): ReadonlyMap<string, JoinedFiles> | undefined {
  const files = paths.map(fileOf);
  const isLabel = ({ folderRole, stem }: File): boolean => (folderRole ?? roleOf(stem)) === 'label';
  const images = files.filter((file) => !isLabel(file));
  const masks = new Map<File, File[]>(images.map((image) => [image, []]));
  const inGroup = new Map<string, File[]>();
  for (const image of images) addTo(inGroup, image.group, image);
  const byName = new Map(images.map((image) => [`${image.group}/${image.stem}`, image]));
  const alone = (group: string): File | undefined => {
    const members = inGroup.get(group) ?? [];
    return members.length === 1 ? members[0] : undefined;
  };
  for (const label of files.filter(isLabel)) {
    const image = byName.get(label.group) ?? beginning(label, byName) ?? alone(label.group);
    if (image === undefined) return undefined;
    masks.get(image)?.push(label);
  }
  const several = [...masks].filter(([, own]) => own.length > 0);
  const most = Math.max(0, ...several.map(([, own]) => own.length));
  // A mask named like its image is a complete label image.
  const named = several.some(([{ stem }, own]) => own.some((mask) => commonName(mask.stem) === commonName(stem)));
  if (most < 2 || named) return undefined;
  requireObjects(several, folder);
  return new Map(
    several.map(([image, own]) => [
      pathOf(image, own[0]),
      { kind: 'masks', files: own.map(({ path }) => path).sort(naturalOrder) },
    ]),
  );
}

/** A path for the labels of an image that pairs with it. */
function pathOf(image: File, { path, folderRole, group }: File): string {
  const folder = folderOf(path);
  const parent = group === image.group ? folder : folderOf(folder);
  const name = folderRole === undefined ? `${image.stem}_mask` : image.stem;
  return `${parent === '' ? '' : `${parent}/`}${name}.${extensionOf(path)}`;
}

/** The image whose name is a prefix of the label's: `a_1`, `a_mask_1` and `a-2` belong to `a`. */
function beginning({ group, stem }: File, byName: ReadonlyMap<string, File>): File | undefined {
  for (let end = stem.length - 1; end > 0; end--) {
    const image = /[_\-. ]/.test(stem[end]) ? byName.get(`${group}/${stem.slice(0, end)}`) : undefined;
    if (image !== undefined) return image;
  }
  return undefined;
}

/** Names without numbers that recur for several images denote structures: `liver`, `spleen`. */
function requireObjects(masks: readonly (readonly [File, readonly File[]])[], folder: string | undefined): void {
  const seen = new Map<string, File>();
  for (const [image, own] of masks) {
    for (const mask of own) {
      const name = commonName(mask.stem.startsWith(image.stem) ? mask.stem.slice(image.stem.length) : mask.stem);
      if (name === '' || /\d/.test(name)) continue;
      const other = seen.get(name);
      if (other !== undefined && other !== image) {
        throw new DatasetError(
          `the image "${image.path}" has ${own.length} masks, such as "${mask.path}", with the same names for each image: one file per structure is not supported.`,
          { file: folder, remedy: 'Save one label file per image, with a number for each structure.' },
        );
      }
      seen.set(name, image);
    }
  }
}

/**
 * Combines masks of one object each into a label image: object k is the k-th file, 0 is background.
 * @throws DatasetError if masks overlap, differ in size, or contain several values or pages.
 */
export function mergeMasks(masks: readonly Image[], source: string): Image {
  let data: Uint16Array | Uint32Array | undefined;
  let shape: readonly [number, number] = [0, 0];
  for (const [k, mask] of masks.entries()) {
    const refuse = (problem: string, remedy: string): never => {
      throw new DatasetError(problem, { file: mask.source, remedy });
    };
    const [page, another] = pagesOf(mask);
    if (another !== undefined) refuse('the mask of an object has several pages.', 'Save labels of stacks as one file.');
    const { height, width, channels } = page;
    data ??= new (masks.length > 65_535 ? Uint32Array : Uint16Array)(height * width);
    if (k === 0) shape = [height, width];
    if (height !== shape[0] || width !== shape[1]) {
      refuse(
        `the mask is ${width} x ${height}, "${masks[0].source}" is ${shape[1]} x ${shape[0]}.`,
        'Use masks of equal size.',
      );
    }
    const pixels = height * width;
    let value = 0;
    for (let p = 0; p < pixels; p++) {
      let own = 0;
      for (let c = 0; c < channels; c++) own ||= page.data[c * pixels + p];
      if (own === 0) continue;
      if (value !== 0 && own !== value) {
        refuse(
          `the image has ${masks.length} label files, but this one holds several values (${value} and ${own}), so it is not a mask of one object.`,
          'Save one label file per image, or one mask with a single value per object.',
        );
      }
      value = own;
      if (data[p] !== 0) {
        refuse(
          `the mask overlaps that of "${masks[data[p] - 1].source}" at x ${p % width}, y ${Math.floor(p / width)}.`,
          'Assign each pixel to at most one object, or save one label file per image.',
        );
      }
      data[p] = k + 1;
    }
  }
  const { spacing } = masks[0];
  const labels = data as Uint16Array | Uint32Array;
  const dtype = labels instanceof Uint16Array ? 'uint16' : 'uint32';
  return { dtype, data: labels, shape, axes: 'yx', channels: ['grey'], spacing, labelKind: 'objects', source };
}
