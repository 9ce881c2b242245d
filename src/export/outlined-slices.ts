import { ndarray } from '../array/ndarray.ts';
import { extentsOf, type IntegerArray } from '../objects/grid.ts';
import { type Outline, type PolygonOptions, toPolygons } from '../objects/polygons.ts';

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

/** The slices [height, width] of a label map or volume, views on its data. */
export function slicesOf(labels: IntegerArray): readonly IntegerArray[] {
  const { depth, height, width } = extentsOf(labels.shape);
  if (labels.shape.length === 2) return [labels];
  return Array.from({ length: depth }, (_, z) =>
    ndarray(labels.dtype, [height, width], labels.data.subarray(z * height * width, (z + 1) * height * width)),
  );
}
