/** Files of labels that are no images: ImageJ's regions, QuPath's GeoJSON, COCO, Cellpose's masks. */

import { type Files, readHead } from '../../files.ts';
import { isRoiZip } from '../shapes/roi-files.ts';
import { commonName, extensionOf, folderOf, roleOf } from './names.ts';
import type { LeftOut } from './pairing.ts';
import { fileAndImage } from './stated-labels.ts';

/** Cellpose's own name; other `.npy` files are arrays of anything. */
export const isCellpose = (path: string): boolean => /_seg\.npy$/i.test(path);
/** Of 3D Slicer: a label map with names. */
export const isNamedMap = (path: string): boolean => /\.seg\.nrrd$/i.test(path);
export const isShapeLabel = (path: string): boolean =>
  /\.(roi|zip|geojson|seg\.nrrd)$/i.test(path) || isCellpose(path) || fileAndImage(path) !== undefined;

/** `a` for `a_seg.npy`, `a_rois.zip` and `a.geojson`. */
export const shapeStem = (stem: string): string => stem.replace(/[_\-. ](seg|rois?)$/i, '');

/** Enough for the name of the first file of a zip. */
const HEAD_BYTES = 512;

/** The archives among `paths` that hold no regions of ImageJ. */
export async function otherZips(files: Files, root: string, paths: readonly string[]): Promise<readonly LeftOut[]> {
  const others: LeftOut[] = [];
  for (const path of paths.filter((name) => extensionOf(name) === 'zip')) {
    // The listed path may be the archive itself.
    const isRegions = await readHead(files, root, path, HEAD_BYTES).then(isRoiZip, () => false);
    if (!isRegions) others.push({ file: path, reason: '.zip without regions of ImageJ is not read' });
  }
  return others;
}

export interface LabelCandidate {
  readonly path: string;
  readonly stem: string;
  readonly group: string;
}

/**
 * The shape files that are labels, and those left out: beside a label image of the same name, and, outside of folders of
 * labels, those that have no image. They also accompany results, such as those of `measure`.
 * @param files all images and labels, with shape files
 */
export function chooseShapeFiles<F extends LabelCandidate>(
  files: readonly F[],
): { readonly kept: readonly F[]; readonly leftOut: readonly LeftOut[] } {
  const shapes = files.filter(({ path }) => isShapeLabel(path));
  if (shapes.length === 0) return { kept: files, leftOut: [] };
  const others = files.filter(({ path }) => !isShapeLabel(path));
  const key = ({ group }: F, name: string): string => `${group}/${commonName(name).toLowerCase()}`;
  const isLabel = ({ path, stem }: F): boolean =>
    roleOf(stem) === 'label' ||
    folderOf(path)
      .split('/')
      .some((part) => roleOf(part) === 'label');
  const labelled = new Set(others.filter(isLabel).map((file) => key(file, file.stem)));
  const images = others.filter((file) => !isLabel(file));
  const imaged = new Set(images.map((file) => key(file, file.stem)));
  const alone = (group: string): boolean =>
    [images, shapes].every((list) => list.filter((file) => file.group === group).length === 1);
  const leftOut: LeftOut[] = [];
  const taken = new Set<F>();
  for (const shape of shapes) {
    const own = key(shape, shape.stem);
    if (labelled.has(own)) leftOut.push({ file: shape.path, reason: 'its label image is used' });
    else if (isLabel(shape) || imaged.has(own) || alone(shape.group)) taken.add(shape);
    else leftOut.push({ file: shape.path, reason: 'shapes without an image of their name' });
  }
  return { kept: files.filter((file) => !isShapeLabel(file.path) || taken.has(file)), leftOut };
}
