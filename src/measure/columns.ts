/** The columns of a table of objects, computed from what was counted of them. */

import { portableCbrt } from '../array/portable.ts';
import type { Extents } from '../objects/grid.ts';
import { axesOf } from './axes.ts';
import type { MeasureName } from './measures.ts';
import { nearestDistances } from './nearest.ts';
import type { Regions } from './regions.ts';
import type { Column } from './table.ts';
import { boundaries, type WindowCounts } from './windows.ts';

/** By index. */
export interface HullColumns {
  readonly pixels: Float64Array;
  readonly feretMax: Float64Array;
  readonly feretMin: Float64Array;
}

export interface CountedObjects {
  /** The index of each row. */
  readonly order: Int32Array;
  readonly extents: Extents;
  readonly spacing: readonly number[];
  readonly unit: string;
  readonly regions: Regions;
  readonly windows: WindowCounts;
  readonly hulls: HullColumns;
}

export type ColumnsByMeasure = { readonly [name in MeasureName]?: readonly Column[] };

/** The columns of all measures that are wanted, and some that are not. */
export function shapeColumns(
  { order, extents, spacing, unit, regions, windows, hulls }: CountedObjects,
  wanted: ReadonlySet<MeasureName>,
): ColumnsByMeasure {
  const flat = extents.rank === 2;
  const [sz, sy, sx] = (flat ? [1, ...spacing] : spacing) as [number, number, number];
  const steps = { z: sz, y: sy, x: sx };
  const axes = flat ? (['y', 'x'] as const) : (['z', 'y', 'x'] as const);
  const { pixels, box, origin, sums } = regions;
  const each = (value: (index: number) => number): Float64Array => Float64Array.from(order, value);
  const column = (name: string, values: Column['values'], of?: string): Column => ({ name, unit: of, values });

  const pixelSize = sz * sy * sx;
  const counts = each((index) => pixels[index]);
  const sizes = counts.map((count) => count * pixelSize);
  const centroids = axes.map((axis) =>
    each((index) => (origin[axis][index] + sums[axis][index] / pixels[index]) * steps[axis]),
  );
  const result: { [name in MeasureName]?: readonly Column[] } = {};
  result.size = [
    column('pixels', wholeNumbers(counts), 'px'),
    flat ? column('area', sizes, `${unit}²`) : column('volume', sizes, `${unit}³`),
  ];
  result.centroid = axes.map((axis, k) => column(`centroid_${axis}`, centroids[k], unit));
  result.box = [
    ...axes.map((axis) =>
      column(
        `box_first_${axis}`,
        Int32Array.from(order, (index) => box.first[axis][index]),
        'px',
      ),
    ),
    ...axes.map((axis) =>
      column(
        `box_end_${axis}`,
        Int32Array.from(order, (index) => box.last[axis][index] + 1),
        'px',
      ),
    ),
  ];
  result.equivalentDiameter = [
    column(
      'equivalent_diameter',
      sizes.map((size) => (flat ? Math.sqrt((4 * size) / Math.PI) : portableCbrt((6 * size) / Math.PI))),
      unit,
    ),
  ];
  if (wanted.has('axes')) {
    const { major, minor, orientation, eccentricity } = axesOf(regions, extents.rank, [sz, sy, sx]);
    const by = (values: Float64Array): Float64Array => each((index) => values[index]);
    result.axes = [
      column('major_axis', by(major), unit),
      column('minor_axis', by(minor), unit),
      ...(flat ? [column('orientation', by(orientation), '°'), column('eccentricity', by(eccentricity))] : []),
    ];
  }
  if (wanted.has('boundary') || wanted.has('roundness')) {
    const ofAll = boundaries(windows, spacing);
    const around = each((index) => ofAll[index]);
    result.boundary = [flat ? column('perimeter', around, unit) : column('surface', around, `${unit}²`)];
    // 1 for a disc or a ball.
    const roundness = sizes.map((size, row) =>
      flat ? (4 * Math.PI * size) / around[row] ** 2 : (Math.PI ** (1 / 3) * (6 * size) ** (2 / 3)) / around[row],
    );
    result.roundness = [column(flat ? 'circularity' : 'sphericity', roundness)];
  }
  if (wanted.has('euler')) {
    result.euler = [
      column(
        'euler_number',
        Int32Array.from(order, (index) => windows.euler[index]),
      ),
    ];
  }
  if (wanted.has('neighbours')) {
    const neighbours = neighbourCounts(windows, order);
    const [zs, ys, xs] = flat ? [new Float64Array(order.length), ...centroids] : centroids;
    const nearest = nearestDistances([zs, ys, xs] as [Float64Array, Float64Array, Float64Array]);
    result.neighbours = [column('neighbours', neighbours), column('nearest_distance', nearest, unit)];
  }
  if (wanted.has('solidity')) {
    result.solidity = [
      column(
        'solidity',
        each((index) => pixels[index] / hulls.pixels[index]),
      ),
    ];
  }
  if (wanted.has('feret')) {
    result.feret = [
      column(
        'feret_max',
        each((index) => hulls.feretMax[index]),
        unit,
      ),
      ...(flat
        ? [
            column(
              'feret_min',
              each((index) => hulls.feretMin[index]),
              unit,
            ),
          ]
        : []),
    ];
  }
  const edges = { z: extents.depth, y: extents.height, x: extents.width };
  const touches = (index: number): boolean =>
    axes.some((axis) => box.first[axis][index] === 0 || box.last[axis][index] === edges[axis] - 1);
  result.border = [
    column(
      'touches_border',
      Int32Array.from(order, (index) => (touches(index) ? 1 : 0)),
    ),
  ];
  return result;
}

/** Number of neighbours of each row among the others. */
function neighbourCounts({ pairs, euler }: WindowCounts, order: Int32Array): Int32Array {
  const counts = new Int32Array(euler.length);
  const isRow = new Uint8Array(euler.length);
  for (const index of order) isRow[index] = 1;
  for (const [a, b] of pairs) {
    if (isRow[a] === 0 || isRow[b] === 0) continue;
    counts[a]++;
    counts[b]++;
  }
  return Int32Array.from(order, (index) => counts[index]);
}

/** Labels and counts fit int32 except for those of the largest maps. */
export function wholeNumbers(values: ArrayLike<number>): Int32Array | Float64Array {
  const numbers = Float64Array.from(values);
  return numbers.some((value) => value > 0x7fffffff) ? numbers : Int32Array.from(numbers);
}
