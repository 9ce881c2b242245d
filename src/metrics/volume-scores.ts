/** Dice and surface distances of one volume, or of single slices. */

import { type IntegerArray, slicesOf } from '../objects/grid.ts';
import { type IgnoreOption, withoutIgnored } from './contingency.ts';
import { dice } from './overlap.ts';
import { averageSymmetricSurfaceDistance, edgeDistances, hausdorffMonai } from './surface-distance.ts';

export interface VolumeScores {
  readonly dice: number;
  /** Mean surface distance, pooled over both directions, and its 95th percentile; NaN without a pixel size. */
  readonly meanMm: number;
  readonly hd95Mm: number;
}

export interface VolumeSpacing {
  readonly pixelMm?: readonly [y: number, x: number];
  /** The extent of each slice along the z axis. */
  readonly sliceMm?: readonly number[];
  /** Whether the slices form one volume, so that distances are measured across slices. */
  readonly volume: boolean;
}

interface VolumeOptions extends VolumeSpacing, IgnoreOption {}

/** Distances on a grid require even spacing; relative tolerance. */
const EVEN = 0.01;

/**
 * Dice over all pixels, and `edgeDistances` as measured by MONAI: in 3D for a volume (NaN if its slices are unevenly
 * spaced), for single slices the mean over those with a surface in both.
 * @param actual [depth, height, width], nonzero = inside
 */
export function volumeScores(
  actual: IntegerArray,
  predicted: IntegerArray,
  { pixelMm, sliceMm, volume, ...mask }: VolumeOptions,
): VolumeScores {
  // Ignored pixels agree.
  const [truth, found] = [withoutIgnored(actual, mask), withoutIgnored(predicted, mask)];
  const overlap = dice(truth, found);
  const none = { dice: overlap, meanMm: Number.NaN, hd95Mm: Number.NaN };
  if (pixelMm === undefined) return none;
  if (volume) {
    const first = sliceMm?.[0];
    if (first === undefined || !sliceMm?.every((step) => Math.abs(step / first - 1) < EVEN)) return none;
    const surfaces = edgeDistances(truth, found, { spacing: [first, ...pixelMm] });
    return { dice: overlap, meanMm: averageSymmetricSurfaceDistance(surfaces), hd95Mm: hausdorffMonai(surfaces) };
  }
  const slices = slicesOf(found);
  const each = slicesOf(truth)
    .map((slice, z) => {
      const surfaces = edgeDistances(slice, slices[z] as IntegerArray, { spacing: pixelMm });
      return { mean: averageSymmetricSurfaceDistance(surfaces), hd95: hausdorffMonai(surfaces) };
    })
    .filter(({ mean }) => Number.isFinite(mean));
  const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  return {
    dice: overlap,
    meanMm: average(each.map(({ mean }) => mean)),
    hd95Mm: average(each.map(({ hd95 }) => hd95)),
  };
}
