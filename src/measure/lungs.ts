/** Measures of lungs in CT: per slice and overall, for both lungs together and for each lung. */

import type { NdArray, Storage } from '../array/ndarray.ts';
import { quantile } from '../array/quantile.ts';
import { UsageError } from '../errors.ts';
import { extentsOf, type IntegerArray, requireSameShape } from '../objects/grid.ts';
import { ascendingOrder } from '../objects/level-order.ts';
import { type NumberDType, requireNumbers } from './intensity.ts';
import { LUNG_SIDE } from './lung-sides.ts';
import type { Column, Table } from './table.ts';

export interface LungGeometry {
  /** Pixel size within a slice. Without it there are no mm² and no litres. */
  readonly pixelMm?: readonly [y: number, x: number];
  /**
   * Extent of each slice: half the distance to the next slice on either side (`sliceExtentsMm` of an image). Without it
   * there are no litres.
   */
  readonly sliceMm?: readonly number[];
}

export interface LungMeasures {
  /** One row per slice, in the order of the grid. */
  readonly slices: Table;
  /** One row. */
  readonly whole: Table;
}

/** Both lungs, then each lung. */
const PARTS = ['lung', 'left_lung', 'right_lung'] as const;
type Part = (typeof PARTS)[number];

/** Values of one part of one slice or volume; NaN without lung or without geometry. */
interface Figures {
  areaPx: number;
  areaMm2: number;
  litres: number;
  fraction: number;
  mean: number;
  p05: number;
  p95: number;
}

/**
 * Columns of each slice, for both lungs (`lung_`) and each lung (`left_lung_`, `right_lung_`): `area_px` pixels,
 * `area_mm2` = pixels times pixel size, `volume_l` = area times the slice's extent, `volume_fraction` = pixels of lung
 * over pixels of the slice, `mean_hu`, `pd95_hu` and `pd05_hu` = 95th and 5th percentile of the lung's pixels, linearly
 * interpolated; and `hu_min`, `hu_max` of the whole slice.
 *
 * `whole` has the same columns over all slices: volumes, areas and pixels are summed; mean, fraction and percentiles
 * weight each voxel by the extent of its slice, which has no effect if slices are evenly spaced or extents are unknown.
 * Slices without lung have area 0 and NaN for values that need pixels. Where the image is NaN, a pixel counts for area
 * and volume, but not for densities, `hu_min` and `hu_max`.
 * @param sides [h, w] or [d, h, w] from `lungSides`: 0, 1 = left, 2 = right
 * @param hu same shape
 * @throws UsageError if shapes differ, `sides` contains other values, or sizes are not positive.
 */
export function measureLungs(sides: IntegerArray, hu: NdArray, { pixelMm, sliceMm }: LungGeometry = {}): LungMeasures {
  requireNumbers(hu);
  requireSameShape(sides, hu, ['lung mask', 'image']);
  const { depth, height, width } = extentsOf(sides.shape);
  for (const size of [...(pixelMm ?? []), ...(sliceMm ?? [])]) {
    if (!(size > 0 && size < Number.POSITIVE_INFINITY)) {
      throw new UsageError(`The size ${size} mm of a pixel or slice is not positive.`, {
        remedy: 'Use a spacing in mm.',
      });
    }
  }
  if (sliceMm !== undefined && sliceMm.length !== depth) {
    throw new UsageError(`There are ${depth} slices and ${sliceMm.length} extents of slices.`);
  }
  const pixels = height * width;
  const pixelArea = pixelMm === undefined ? Number.NaN : pixelMm[0] * pixelMm[1];
  const slices = Array.from({ length: depth }, (_, z): Slice => {
    const values = hu.data.subarray(z * pixels, (z + 1) * pixels);
    const own = valuesBySide(sides.data.subarray(z * pixels, (z + 1) * pixels), values);
    let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = 0; i < values.length; i++) {
      if (values[i] < min) min = values[i];
      if (values[i] > max) max = values[i];
    }
    if (min > max) min = max = Number.NaN;
    return { ...own, min, max, extent: sliceMm?.[z] ?? Number.NaN };
  });
  const figuresOf = (of: readonly Slice[], part: Part): Figures => {
    const areaPx = of.reduce((sum, slice) => sum + slice[part].pixels, 0);
    const lungMm = of.reduce((sum, slice) => sum + slice[part].pixels * slice.extent, 0);
    const even = of.every(({ extent }) => Number.isNaN(extent) || extent === of[0]?.extent);
    const all = of.reduce((sum, { extent }) => sum + extent, 0);
    return {
      areaPx,
      areaMm2: areaPx * pixelArea,
      litres: (lungMm * pixelArea) / 1e6,
      fraction: even ? areaPx / (of.length * pixels) : lungMm / (all * pixels),
      ...(even ? evenStatistics(of, part) : weightedStatistics(of, part)),
    };
  };
  const rows = slices.map((slice) => PARTS.map((part) => figuresOf([slice], part)));
  const whole = [PARTS.map((part) => figuresOf(slices, part))];
  const known = { mm: pixelMm !== undefined, litres: pixelMm !== undefined && sliceMm !== undefined };
  const ends = Float64Array.from(slices.flatMap(({ min, max }) => [min, max]))
    .filter((value) => !Number.isNaN(value))
    .sort();
  return {
    slices: {
      columns: [
        { name: 'slice', values: Int32Array.from(slices, (_, z) => z + 1) },
        ...columnsOf(rows, known),
        { name: 'hu_min', values: Float64Array.from(slices, ({ min }) => min) },
        { name: 'hu_max', values: Float64Array.from(slices, ({ max }) => max) },
      ],
      rows: depth,
    },
    whole: {
      columns: [
        { name: 'slices', values: Int32Array.of(depth) },
        ...columnsOf(whole, known),
        { name: 'hu_min', values: Float64Array.of(ends[0] ?? Number.NaN) },
        { name: 'hu_max', values: Float64Array.of(ends.at(-1) ?? Number.NaN) },
      ],
      rows: 1,
    },
  };
}

/** Pixel count of a part, and its values other than NaN, ascending. */
interface PartValues {
  readonly pixels: number;
  readonly values: Float64Array;
}

/** The parts, and the extremes of the whole slice. */
type Slice = { readonly [part in Part]: PartValues } & {
  readonly min: number;
  readonly max: number;
  readonly extent: number;
};

function valuesBySide(sides: ArrayLike<number>, values: Storage[NumberDType]): { readonly [part in Part]: PartValues } {
  const all: number[] = [];
  const left: number[] = [];
  const right: number[] = [];
  for (let i = 0; i < sides.length; i++) {
    const side = sides[i];
    if (side === 0) continue;
    const value = values[i];
    all.push(value);
    if (side === LUNG_SIDE.left) left.push(value);
    else if (side === LUNG_SIDE.right) right.push(value);
    else {
      throw new UsageError(`The lung map contains the value ${side}.`, {
        remedy: 'Divide the mask by lungSides: 1 is left, 2 is right.',
      });
    }
  }
  const ascending = (own: number[]): PartValues => ({
    pixels: own.length,
    values: Float64Array.from(own.filter((value) => !Number.isNaN(value))).sort(),
  });
  return { lung: ascending(all), left_lung: ascending(left), right_lung: ascending(right) };
}

type Statistics = Pick<Figures, 'mean' | 'p05' | 'p95'>;

function evenStatistics(slices: readonly Slice[], part: Part): Statistics {
  const only = slices.length === 1 ? slices[0] : undefined;
  const sorted = only === undefined ? together(slices, part).sort() : only[part].values;
  let sum = 0;
  for (let i = 0; i < sorted.length; i++) sum += sorted[i];
  return { mean: sum / sorted.length, p05: quantile(sorted, 0.05), p95: quantile(sorted, 0.95) };
}

function together(slices: readonly Slice[], part: Part): Float64Array {
  const values = new Float64Array(slices.reduce((sum, slice) => sum + slice[part].values.length, 0));
  let start = 0;
  for (const slice of slices) {
    values.set(slice[part].values, start);
    start += slice[part].values.length;
  }
  return values;
}

/**
 * Percentiles of weighted values: the k-th of the ascending values is at s_k = sum over i < k of (w_i + w_{i + 1}) / 2,
 * the p-th percentile at p / 100 of the way from the first to the last, linearly interpolated. With equal weights this
 * is `quantile`.
 */
function weightedStatistics(slices: readonly Slice[], part: Part): Statistics {
  const values = together(slices, part);
  const weights = new Float64Array(values.length);
  let start = 0;
  for (const slice of slices) {
    const end = start + slice[part].values.length;
    weights.fill(slice.extent, start, end);
    start = end;
  }
  const order = ascendingOrder(values);
  let sum = 0;
  let total = 0;
  const place = new Float64Array(values.length);
  for (let k = 0; k < order.length; k++) {
    const i = order[k];
    const weight = weights[i];
    sum += weight * values[i];
    total += weight;
    if (k > 0) place[k] = place[k - 1] + (weights[order[k - 1]] + weight) / 2;
  }
  const percentile = (p: number): number => {
    const last = order.length - 1;
    if (last < 0) return Number.NaN;
    const target = (p / 100) * place[last];
    let k = place.findIndex((at) => at >= target);
    if (k <= 0) k = Math.min(1, last);
    const [low, high] = [values[order[Math.max(0, k - 1)]], values[order[k]]];
    const gap = place[k] - (place[k - 1] ?? 0);
    return gap > 0 ? low + ((high - low) * (target - place[k - 1])) / gap : high;
  };
  return { mean: sum / total, p05: percentile(5), p95: percentile(95) };
}

/** Columns of each part, except those that need an unknown geometry. */
function columnsOf(
  rows: readonly (readonly Figures[])[],
  { mm, litres }: { readonly mm: boolean; readonly litres: boolean },
): readonly Column[] {
  return PARTS.flatMap((part, k) => {
    const column = (name: string, figure: keyof Figures, unit?: string): Column => ({
      name: `${part}_${name}`,
      unit,
      values: Float64Array.from(rows, (row) => row[k][figure]),
    });
    return [
      { ...column('area', 'areaPx', 'px'), values: Int32Array.from(rows, (row) => row[k].areaPx) },
      ...(mm ? [column('area', 'areaMm2', 'mm²')] : []),
      ...(litres ? [column('volume', 'litres', 'L')] : []),
      column('volume_fraction', 'fraction'),
      column('mean', 'mean', 'HU'),
      column('pd95', 'p95', 'HU'),
      column('pd05', 'p05', 'HU'),
    ];
  });
}
