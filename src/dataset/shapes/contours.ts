/** Contours in the patient as shapes on the slices of an image. */

import { DatasetError } from '../../errors.ts';
import type { ContouredRegion, StructureSet } from '../../image/formats/dicom/contours.ts';
import { added, dot, millimetres, normalOf, scaled, sliceOrigin } from '../../image/geometry.ts';
import { type Image, sizes, type Vector3 } from '../../image/image.ts';
import { boundsOfLines, fillPolygon, type Line } from '../../objects/fill-polygon.ts';
import type { DrawnShapes, Shape } from './shape.ts';

/** Distance of a point from its slice, of the distance between slices. */
const SAME_PLACE = 0.1;

/** A shape for each region, which becomes one for each slice that it has contours on. */
export function shapesOfContours({ regions, notes }: StructureSet): DrawnShapes {
  return {
    shapes: regions.map((region) => ({
      name: region.name,
      className: region.name,
      ...(region.colour !== undefined && { colour: region.colour }),
      isGroup: true,
      place: {},
      bounds: [0, 0, 0, 0],
      fill: () => {},
      onGrid: (image, file) => onSlices(region, image, file),
    })),
    notes,
  };
}

/**
 * The pixels whose centres the contours of a region enclose on each slice: under the even-odd rule, so that a contour
 * within another is a hole, and so is what a contour leaves out that runs to its inner edge and back (PS3.3
 * C.8.8.6.3).
 * @throws DatasetError for a contour that lies on no slice
 */
function onSlices({ name, colour, contours }: ContouredRegion, image: Image, file: string): readonly Shape[] {
  const { geometry, spacing } = image;
  const [dx, dy] = [millimetres(spacing.x), millimetres(spacing.y)];
  const refuse = (problem: string): DatasetError =>
    new DatasetError(`the contours of "${name}" lie elsewhere than the image: ${problem}.`, {
      file,
      remedy: 'Use the series that they were drawn on.',
    });
  if (geometry === undefined || dx === undefined || dy === undefined) throw refuse('it does not say where it lies');
  const [x, y] = geometry.direction;
  const normal = normalOf(geometry);
  const origins = Array.from({ length: sizes(image).slices }, (_, i) => sliceOrigin(image, i) ?? geometry.originMm);
  const tolerance = SAME_PLACE * (millimetres(spacing.z) ?? geometry.thicknessMm ?? 1);
  const byslice = new Map<number, Line[]>();
  for (const points of contours) {
    const distances = origins.map((origin) => farthest(points, origin, normal));
    const nearest = Math.min(...distances);
    if (!(nearest <= tolerance)) throw refuse(`one lies ${Number(nearest.toPrecision(3))} mm beside the nearest slice`);
    const slice = distances.indexOf(nearest);
    const origin = origins[slice] as Vector3;
    const line = points.flatMap((point) => {
      const apart = added(point, scaled(origin, -1));
      // Positions in DICOM are those of centres, lines here those of edges.
      return [dot(apart, x) / dx + 0.5, dot(apart, y) / dy + 0.5];
    });
    byslice.set(slice, [...(byslice.get(slice) ?? []), line]);
  }
  return [...byslice].map(([slice, lines]) => ({
    name,
    className: name,
    ...(colour !== undefined && { colour }),
    isGroup: true,
    place: { z: slice },
    bounds: boundsOfLines(lines),
    fill: (size, found) => fillPolygon(lines, size, found),
  }));
}

const farthest = (points: readonly Vector3[], origin: Vector3, normal: Vector3): number =>
  points.reduce((most, point) => Math.max(most, Math.abs(dot(added(point, scaled(origin, -1)), normal))), 0);
