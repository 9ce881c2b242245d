/** Measurements of all objects of a label map, as a table with units. */

import type { NdArray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import { type Extents, extentsOf, gridSpacing, type IntegerArray } from '../objects/grid.ts';
import { relabelConsecutive } from '../objects/relabel.ts';
import { axesOf } from './axes.ts';
import { blockMeasures } from './blocks.ts';
import { type HullMeasures, hullsOf } from './hull.ts';
import { hulls3dOf } from './hull-3d.ts';
import { intensitiesOf, requireNumbers } from './intensity.ts';
import { nearestDistances } from './nearest.ts';
import { type Regions, regionsOf, rowReachOf } from './regions.ts';
import type { Column, Table } from './table.ts';

/** Groups of columns, in output order. */
export const MEASURES = [
  'size',
  'boundary',
  'centroid',
  'box',
  'equivalentDiameter',
  'axes',
  'solidity',
  'roundness',
  'feret',
  'euler',
  'neighbours',
  'border',
  'intensity',
] as const;

export type MeasureName = (typeof MEASURES)[number];

export interface MeasureOptions {
  /** Pixel size per axis of the label map. Without it, lengths are in pixels. Requires `unit`. */
  readonly spacing?: readonly number[];
  /** Unit of the spacing: `µm`, `mm`, ... */
  readonly unit?: string;
  /** Groups of columns to measure; default all. */
  readonly measures?: readonly MeasureName[];
  /** Percentiles of the intensity, 0..100; default 5, 25, 50, 75, 95. */
  readonly percentiles?: readonly number[];
  /** Unit of the image's values: `HU`, ... */
  readonly valueUnit?: string;
}

/** An image on the grid of the labels, or several channels: [c, h, w] or [c, d, h, w]. An `Image` satisfies this. */
export type MeasuredImage = NdArray & { readonly channels?: readonly string[] };

/**
 * Measures the objects of a label map; all pixels with the same label are one object, connected or not. Rows are in
 * ascending order of the labels, which need not be consecutive. Without objects, the table has all columns and no rows.
 *
 * Definitions are those of `skimage.measure.regionprops` except for perimeter, surface and minimum Feret diameter:
 * docs/measurements.md.
 * @param labels [h, w] or [d, h, w], 0 = background
 * @throws UsageError for negative labels, an image of another size, or a spacing that does not match the rank or lacks
 * its unit.
 * @example measure(labels, image, { spacing: [0.5, 0.5], unit: 'µm' })
 */
export function measure(labels: IntegerArray, image?: MeasuredImage, options: MeasureOptions = {}): Table {
  const extents = extentsOf(labels.shape);
  const spacing = gridSpacing(options.spacing, extents.rank);
  if (options.spacing !== undefined && options.unit === undefined) {
    throw new UsageError('The spacing has no unit.', { remedy: 'Set one, such as µm or mm.' });
  }
  if (options.spacing === undefined && options.unit !== undefined) {
    throw new UsageError(`The unit ${options.unit} has no spacing.`, { remedy: 'Set the pixel size of each axis.' });
  }
  const channels = image === undefined ? [] : channelsOf(image, labels.shape);
  const relabelled = relabelConsecutive(labels);
  const objects: Objects = {
    labels: relabelled.labels.data,
    count: relabelled.count,
    extents,
    spacing,
    unit: options.unit ?? 'px',
    regions: regionsOf(relabelled.labels.data, extents, relabelled.count),
  };
  const wanted = new Set(options.measures ?? MEASURES);
  const columns: Column[] = [{ name: 'label', values: wholeNumbers(relabelled.values.slice(1)) }];
  const shape = shapeColumns(objects, wanted);
  for (const name of MEASURES) if (wanted.has(name)) columns.push(...(shape[name] ?? []));
  if (wanted.has('intensity'))
    for (const channel of channels) columns.push(...intensityColumns(objects, channel, options));
  return { columns, rows: relabelled.count };
}

interface Objects {
  /** 0..count */
  readonly labels: Int32Array;
  readonly count: number;
  readonly extents: Extents;
  readonly spacing: readonly number[];
  readonly unit: string;
  readonly regions: Regions;
}

type ColumnsByMeasure = { readonly [name in MeasureName]?: readonly Column[] };

/** Labels fit int32 except for the largest uint32 maps. */
function wholeNumbers(values: readonly number[]): Int32Array | Float64Array {
  return values.some((value) => value > 0x7fffffff) ? Float64Array.from(values) : Int32Array.from(values);
}

function shapeColumns(
  { labels, count, extents, spacing, unit, regions }: Objects,
  wanted: ReadonlySet<MeasureName>,
): ColumnsByMeasure {
  const flat = extents.rank === 2;
  const [sz, sy, sx] = (flat ? [1, ...spacing] : spacing) as [number, number, number];
  const steps = { z: sz, y: sy, x: sx };
  const axes = flat ? (['y', 'x'] as const) : (['z', 'y', 'x'] as const);
  const { pixels, box, origin, sums } = regions;
  /** By label 0..count: the row of label k is k - 1. */
  const column = (name: string, values: Float64Array | Int32Array, of?: string): Column => ({
    name,
    unit: of,
    values: values.subarray(1),
  });
  const each = (value: (label: number) => number): Float64Array =>
    Float64Array.from({ length: count + 1 }, (_, label) => (label === 0 ? 0 : value(label)));

  const pixelSize = sz * sy * sx;
  const sizes = each((label) => pixels[label] * pixelSize);
  const centroids = axes.map((axis) =>
    each((label) => (origin[axis][label] + sums[axis][label] / pixels[label]) * steps[axis]),
  );
  const result: { [name in MeasureName]?: readonly Column[] } = {};
  result.size = [
    column('pixels', Int32Array.from(pixels), 'px'),
    flat ? column('area', sizes, `${unit}²`) : column('volume', sizes, `${unit}³`),
  ];
  result.centroid = axes.map((axis, k) => column(`centroid_${axis}`, centroids[k], unit));
  result.box = [
    ...axes.map((axis) => column(`box_first_${axis}`, box.first[axis], 'px')),
    ...axes.map((axis) =>
      column(
        `box_end_${axis}`,
        box.last[axis].map((last) => last + 1),
        'px',
      ),
    ),
  ];
  result.equivalentDiameter = [
    column(
      'equivalent_diameter',
      sizes.map((size) => (flat ? Math.sqrt((4 * size) / Math.PI) : Math.cbrt((6 * size) / Math.PI))),
      unit,
    ),
  ];
  if (wanted.has('axes')) {
    const { major, minor, orientation, eccentricity } = axesOf(regions, extents.rank, [sz, sy, sx]);
    result.axes = [
      column('major_axis', major, unit),
      column('minor_axis', minor, unit),
      ...(flat ? [column('orientation', orientation, '°'), column('eccentricity', eccentricity)] : []),
    ];
  }
  if (wanted.has('boundary') || wanted.has('roundness') || wanted.has('euler') || wanted.has('neighbours')) {
    const { boundary, euler, neighbours } = blockMeasures(labels, extents, count, spacing);
    result.boundary = [flat ? column('perimeter', boundary, unit) : column('surface', boundary, `${unit}²`)];
    // 1 for a disc or a ball.
    const roundness = each((label) => {
      const size = sizes[label];
      const around = boundary[label];
      return flat ? (4 * Math.PI * size) / around ** 2 : (Math.PI ** (1 / 3) * (6 * size) ** (2 / 3)) / around;
    });
    result.roundness = [column(flat ? 'circularity' : 'sphericity', roundness)];
    result.euler = [column('euler_number', euler)];
    const [zs, ys, xs] = flat ? [new Float64Array(count + 1), ...centroids] : centroids;
    const points = [zs, ys, xs].map((values) => values.subarray(1));
    const nearest = new Float64Array(count + 1);
    if (wanted.has('neighbours'))
      nearest.set(nearestDistances(points as [Float64Array, Float64Array, Float64Array]), 1);
    result.neighbours = [column('neighbours', neighbours), column('nearest_distance', nearest, unit)];
  }
  if (wanted.has('solidity') || wanted.has('feret')) {
    const reach = rowReachOf(labels, extents, regions);
    const hulls: HullMeasures = flat ? hullsOf(regions, reach, [sy, sx]) : hulls3dOf(regions, reach, [sz, sy, sx]);
    result.solidity = [
      column(
        'solidity',
        each((label) => pixels[label] / hulls.hullPixels[label]),
      ),
    ];
    result.feret = [
      column('feret_max', hulls.feretMax, unit),
      ...(hulls.feretMin === undefined ? [] : [column('feret_min', hulls.feretMin, unit)]),
    ];
  }
  const edges = { z: extents.depth, y: extents.height, x: extents.width };
  const touches = (label: number): boolean =>
    axes.some((axis) => box.first[axis][label] === 0 || box.last[axis][label] === edges[axis] - 1);
  result.border = [
    column(
      'touches_border',
      Int32Array.from({ length: count + 1 }, (_, label) => (touches(label) ? 1 : 0)),
    ),
  ];
  return result;
}

interface Channel {
  /** Appended to each column's name, with an underscore; empty for a single channel. */
  readonly suffix: string;
  readonly values: NdArray;
}

/** @throws UsageError if the image is not on the same grid. */
function channelsOf(image: MeasuredImage, shape: readonly number[]): readonly Channel[] {
  const names = image.channels ?? [];
  requireNumbers(image);
  const leading = image.shape.length - shape.length;
  const fits =
    (leading === 0 || leading === 1) && shape.every((extent, axis) => image.shape[axis + leading] === extent);
  if (!fits) {
    throw new UsageError(
      `The image is [${image.shape.join(', ')}], the label map is [${shape.join(', ')}]: they do not lie on the same grid.`,
      { remedy: 'Measure an image of the same size, with channels (if any) as the first axis.' },
    );
  }
  if (leading === 0) return [{ suffix: '', values: image }];
  const count = image.shape[0];
  const size = count === 0 ? 0 : image.data.length / count;
  const slugs = Array.from({ length: count }, (_, k) => slug(names[k] ?? '') || `channel_${k + 1}`);
  return slugs.map((name, k) => ({
    // Channels of the same name are distinguished by their number.
    suffix: count === 1 ? '' : slugs.indexOf(name) === slugs.lastIndexOf(name) ? `_${name}` : `_${name}_${k + 1}`,
    values: { ...image, shape, data: image.data.subarray(k * size, (k + 1) * size) } as NdArray,
  }));
}

function slug(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_|_$/g, '');
}

function intensityColumns(
  { labels, regions }: Objects,
  { suffix, values }: Channel,
  { percentiles = [5, 25, 50, 75, 95], valueUnit }: MeasureOptions,
): readonly Column[] {
  for (const p of percentiles) {
    if (!(p >= 0 && p <= 100)) throw new UsageError(`The percentile ${p} is not in 0..100.`);
  }
  requireNumbers(values);
  const found = intensitiesOf(labels, values.data, regions.pixels, percentiles);
  const column = (name: string, of: Float64Array): Column => ({
    name: `intensity_${name}${suffix}`,
    unit: valueUnit,
    values: of.subarray(1),
  });
  return [
    column('mean', found.mean),
    column('sd', found.sd),
    column('min', found.min),
    ...percentiles.map((p, k) => column(`p${String(p).padStart(2, '0').replace('.', '_')}`, found.percentiles[k])),
    column('max', found.max),
    column('sum', found.sum),
  ];
}
