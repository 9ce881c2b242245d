import { type IntegerArray, slicesOf } from '../objects/grid.ts';
import { type Outline, type PolygonOptions, toPolygons } from '../objects/polygons.ts';
import { relabelConsecutive } from '../objects/relabel.ts';

/** The outlines of one slice at one time point. Both count from 0, and are undefined if there is only one. */
export interface OutlinedSlice {
  readonly z?: number;
  readonly t?: number;
  readonly outlines: readonly Outline[];
}

/**
 * Outlines of a label map [height, width], or of each slice of a volume [depth, height, width].
 * @param options `t`: index of the time point in a series, from 0
 * @throws UsageError as `toPolygons`.
 */
export function outlineSlices(
  labels: IntegerArray,
  { t, ...options }: PolygonOptions & Pick<OutlinedSlice, 't'> = {},
): readonly OutlinedSlice[] {
  return slicesOf(labels).map((slice, z) => ({
    z: labels.shape.length === 3 ? z : undefined,
    t,
    outlines: toPolygons(slice, options),
  }));
}

/** How many outlines these are: of each object in each slice. */
export const outlineCount = (labels: IntegerArray): number =>
  slicesOf(labels).reduce((sum, slice) => sum + relabelConsecutive(slice).count, 0);
