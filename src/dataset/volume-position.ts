/** Positions of patches of volumes: which slices, and where in them. Pure functions of (seed, step, index). */

import { stream } from '../array/random.ts';
import {
  type PatchPositionOptions,
  patchPosition,
  positionAlong,
  type TrainingPage,
  type TrainingSet,
  type VolumePages,
} from './patch-position.ts';

export interface VolumePosition {
  readonly pages: readonly TrainingPage[];
  /** Number in the volume of the patch's first slice; slices outside of the volume are mirrored into it. */
  readonly top: number;
  /** Of the patch in each slice, as `PatchPosition.centre`. */
  readonly centre: readonly [number, number];
}

/**
 * Position of sample `index` of step `step`: in the slice as `patchPosition`, along the depth from stream (seed, 'depth',
 * step, index). A patch for a rare class holds the slice that it was drawn for, others begin anywhere, up to an eighth
 * outside of the volume.
 */
export function volumePosition(
  set: TrainingSet,
  step: number,
  index: number,
  options: PatchPositionOptions & { readonly slices: number },
): VolumePosition {
  const { seed, slices } = options;
  const { page, centre, isChosen = false } = patchPosition(set, step, index, options);
  const at = set.pages.indexOf(page);
  const of = (one: VolumePages): boolean => at < one.first + one.slices;
  const { first, slices: depth } = (set.volumes as readonly VolumePages[]).find(of) as VolumePages;
  const random = stream(seed, 'depth', step, index);
  const pages = set.pages.slice(first, first + depth);
  // Where only some slices are annotated, a patch is drawn for one that is.
  if (!isChosen && pages.every(({ annotatedRows }) => annotatedRows === undefined)) {
    return { pages, top: Math.round(positionAlong(random, depth, slices, slices) - (slices - 1) / 2), centre };
  }
  // Off-centre by up to a quarter, but with the slice; inside of the volume if it fits.
  const slice = at - first;
  const shift = Math.round(random.between(-0.25, 0.25) * slices);
  const holding = Math.min(slice, Math.max(slice - slices + 1, slice - (slices >> 1) + shift));
  const top = slices > depth ? Math.round((depth - slices) / 2) : Math.min(Math.max(0, holding), depth - slices);
  return { pages, top, centre };
}
