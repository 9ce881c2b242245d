/** Regions as `lamella.json` lists them, and as they are worked with. */

import type { Region } from '../annotate/region.ts';
import type { ProjectRegion } from './project.ts';

export function regionOf({ id, box, polygon = [], slice, complete, origin, held }: ProjectRegion): Region {
  return {
    id,
    shape: box === undefined ? { polygon: polygon.map((line) => line.flat()) } : { box },
    ...(typeof slice === 'number' ? { slice } : {}),
    complete,
    origin: origin ?? 'painted',
    held: held ?? false,
  };
}

export function projectRegionOf({ id, shape, ...rest }: Region): ProjectRegion {
  if ('box' in shape) return { id, box: shape.box, ...rest };
  const polygon = shape.polygon.map((line) =>
    Array.from({ length: line.length / 2 }, (_, i) => [line[2 * i], line[2 * i + 1]] as const),
  );
  return { id, polygon, ...rest };
}
