/** Aligning labels with the voxels of their image, if both state their position. */

import { DatasetError } from '../../errors.ts';
import { added, dot, millimetres, norm, scaled, voxelSteps } from '../../image/geometry.ts';
import { type Image, sizes, type Vector3 } from '../../image/image.ts';
import { type AxisMap, reorient } from '../../image/orient.ts';

/**
 * Tolerances within which axes, spacings and positions of one grid agree: cosine, relative difference, fraction of a
 * voxel.
 */
const SAME_DIRECTION = 0.9995;
const SAME_SPACING = 0.005;
const SAME_PLACE = 0.1;

/**
 * The labels with axes in the order and direction of the image's: programs write the same volume with rows from the
 * front or the back, slices from the feet or the head. Without geometry of both, labels are assumed to match the image.
 * @throws DatasetError if they are on a different grid, saying how they differ
 */
export function alignLabels(labels: Image, image: Image): Image {
  const [theirs, ours] = [voxelSteps(labels), voxelSteps(image)];
  if (labels.geometry === undefined || image.geometry === undefined || theirs === undefined || ours === undefined) {
    return labels;
  }
  const problem = (text: string): DatasetError =>
    new DatasetError(
      `the labels lie on other voxels than the image${image.source === undefined ? '' : ` "${image.source}"`}: ${text}.`,
      {
        file: labels.source,
        remedy: 'Resample the labels to the image, or use those that were drawn on it.',
      },
    );
  const map = ours.map((step) => {
    const at = theirs.findIndex((other) => Math.abs(cosine(step, other)) > SAME_DIRECTION);
    return at < 0 ? undefined : { from: at as 0 | 1 | 2, reversed: cosine(step, theirs[at]) < 0 };
  });
  if (map.some((axis) => axis === undefined) || new Set(map.map((axis) => axis?.from)).size !== 3) {
    throw problem('their axes are turned against each other');
  }
  const turned = reorient(labels, map as unknown as AxisMap);
  const size = (of: Image) => {
    const { width, height, slices } = sizes(of);
    return [width, height, slices].join(' x ');
  };
  if (size(turned) !== size(image)) throw problem(`${size(turned)} of labels, ${size(image)} of the image`);
  for (const axis of ['x', 'y', 'z'] as const) {
    const [a, b] = [millimetres(turned.spacing[axis]), millimetres(image.spacing[axis])];
    if (a !== undefined && b !== undefined && Math.abs(a - b) > SAME_SPACING * b) {
      throw problem(`their spacing along ${axis} is ${round(a)} mm, that of the image ${round(b)} mm`);
    }
  }
  const apart = added(turned.geometry?.originMm ?? [0, 0, 0], scaled(image.geometry.originMm, -1));
  const beside = ours.some((step) => Math.abs(dot(apart, step)) > SAME_PLACE * norm(step) ** 2);
  if (beside) throw problem(`they lie ${round(norm(apart))} mm beside it`);
  return turned;
}

const cosine = (a: Vector3, b: Vector3): number => dot(a, b) / (norm(a) * norm(b));
const round = (value: number): number => Number(value.toPrecision(4));
