/** Which complete regions are held out by themselves, as they are drawn. */

import type { Annotations } from './annotations.ts';
import { boundsOf, boxesOverlap, type Region } from './region.ts';

/** Complete regions that there are before one is held out, with it: two must remain for training. */
export const LEAST_REGIONS = 3;

/** Of fewer slices that are annotated by regions or strokes, a whole one would be more than a fifth. */
export const LEAST_PAGES = 5;
/** After the first, one of so many. */
const EVERY = 5;

/** Whether a region can be scored on: not a part of one, and no accepted predictions, which a model would agree with. */
export const mayBeHeld = ({ complete, origin }: Region): boolean => complete && origin !== 'proofread';

/** How many regions of a project can be scored on. */
export const regionsToHold = (annotations: Annotations): number =>
  annotations.images.reduce((sum, image) => sum + annotations.regions(image).filter(mayBeHeld).length, 0);

/**
 * Whether a region that becomes complete is held out: the third of a project, and every fifth after it. One that overlaps
 * others of its image is if all of those are, since no pixel may be both trained on and scored on.
 */
export function isHeldOutNext(annotations: Annotations, image: string, region: Region): boolean {
  if (!mayBeHeld(region)) return false;
  const others = annotations.regions(image).filter(({ id }) => id !== region.id);
  const overlapping = others.filter(
    ({ shape, slice = region.slice }) =>
      slice === (region.slice ?? slice) && boxesOverlap(boundsOf(shape), boundsOf(region.shape)),
  );
  if (overlapping.length > 0) return overlapping.every(({ held }) => held);
  const isCounted = annotations.regions(image).some((known) => known.id === region.id && mayBeHeld(known));
  const count = regionsToHold(annotations) + (isCounted ? 0 : 1);
  return (count - LEAST_REGIONS) % EVERY === 0;
}
