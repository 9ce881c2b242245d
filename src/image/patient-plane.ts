/** Which slice of a volume a plane in the patient is. */

import { DatasetError } from '../errors.ts';
import { added, dot, millimetres, norm, normalOf, scaled, sliceOrigin } from './geometry.ts';
import { type Image, sizes, type Vector3 } from './image.ts';

/** A plane of pixels in the patient, in mm (LPS): the centre of its first pixel, and where columns and rows go. */
export interface PlaneMm {
  readonly originMm: Vector3;
  readonly x: Vector3;
  readonly y: Vector3;
  readonly spacingMm: readonly [x: number, y: number];
}

/** Directions, pixel sizes (relative), and positions (of a pixel) that are the same. */
const SAME_DIRECTION = 0.9995;
const SAME_SPACING = 0.005;
const SAME_PLACE = 0.1;

/**
 * The slice of an image whose pixels are those of the plane.
 * @throws DatasetError if there is none, saying how it lies
 */
export function sliceOfPlane({ originMm, x, y, spacingMm }: PlaneMm, image: Image, file: string): number {
  const refuse = (problem: string): never => {
    throw new DatasetError(`the segments lie elsewhere than the image: ${problem}.`, {
      file,
      remedy: 'Use the series that they were drawn on.',
    });
  };
  const { geometry, spacing } = image;
  const [dx, dy] = [millimetres(spacing.x), millimetres(spacing.y)];
  if (geometry === undefined || dx === undefined || dy === undefined) return refuse('it does not say where it lies');
  const [ownX, ownY] = geometry.direction;
  if (dot(x, ownX) < SAME_DIRECTION || dot(y, ownY) < SAME_DIRECTION)
    return refuse('their rows and columns are turned');
  const isSame = (a: number, b: number): boolean => Math.abs(a - b) <= SAME_SPACING * b;
  if (!isSame(spacingMm[0], dx) || !isSame(spacingMm[1], dy)) {
    return refuse(
      `their pixels are ${round(spacingMm[0])} x ${round(spacingMm[1])} mm, those of the image ${round(dx)} x ${round(dy)} mm`,
    );
  }
  const normal = normalOf(geometry);
  let nearest = Number.POSITIVE_INFINITY;
  for (let z = 0; z < sizes(image).slices; z++) {
    const apart = added(originMm, scaled(sliceOrigin(image, z) ?? geometry.originMm, -1));
    const beside = Math.max(Math.abs(dot(apart, ownX)) / dx, Math.abs(dot(apart, ownY)) / dy);
    const above = Math.abs(dot(apart, normal));
    if (above <= SAME_PLACE * Math.min(dx, dy) && beside <= SAME_PLACE) return z;
    nearest = Math.min(nearest, norm(apart));
  }
  return refuse(`a frame lies ${round(nearest)} mm beside the nearest slice`);
}

const round = (value: number): number => Number(value.toPrecision(4));
