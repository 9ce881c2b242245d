import { float16ToNumber } from '../array/float16.ts';
import { quantile } from '../array/quantile.ts';
import { counted } from '../errors.ts';
import { type DisplayWindow, displayWindow } from './display.ts';
import { bodyDirection, planeName } from './geometry.ts';
import { type Geometry, type Image, type Spacings, sizes } from './image.ts';

/** Beyond this number distinct values are no longer counted: it is not a label image. */
const MAX_DISTINCT = 100_000;
/** Maximum number of values sorted for percentiles; larger images are sampled at equal distances. */
const MAX_SORTED = 4_000_000;
/** Frequencies are computed for up to this many distinct values, and printed for fewer. */
const MAX_SHARES = 32;
const MAX_SHOWN = 10;

const PERCENTILES = [1, 5, 50, 95, 99] as const;

interface ValueShare {
  readonly value: number;
  readonly count: number;
  /** Fraction of all samples, 0..1. */
  readonly share: number;
}

/** Statistics of one channel, over finite samples unless stated otherwise. */
interface ChannelDescription {
  readonly name: string;
  /** NaN without finite samples, as are mean, deviation and percentiles. */
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Population standard deviation. */
  readonly std: number;
  /** The 1st, 5th, 50th, 95th and 99th, linearly interpolated; of every n-th sample beyond 4 million. */
  readonly percentiles: readonly { readonly percent: number; readonly value: number }[];
  readonly nan: number;
  readonly infinite: number;
  /** Number of distinct finite values; undefined if there are more than 100,000. */
  readonly distinct: number | undefined;
  /** Samples that are the image's `padding`; they are excluded from all other statistics. */
  readonly padding: number;
  /** Each value and its fraction of all samples, ascending; empty if there are more than 32. */
  readonly values: readonly ValueShare[];
}

export interface ImageDescription
  extends Pick<
    Image,
    | 'source'
    | 'axes'
    | 'shape'
    | 'levels'
    | 'level'
    | 'dtype'
    | 'bitDepth'
    | 'spacing'
    | 'geometry'
    | 'modality'
    | 'valueUnit'
  > {
  /** Values to display as black and white (`displayWindow`); for a single channel only. */
  readonly window: DisplayWindow | undefined;
  /** Colours in the palette; 0 without one. */
  readonly paletteColours: number;
  readonly channels: readonly ChannelDescription[];
  readonly notes: readonly string[];
}

/** Axes, dtype, pixel size and the statistics of every channel. Reads each sample twice. */
export function describeImage(image: Image): ImageDescription {
  const c = sizes(image).channels;
  const { source, axes, shape, levels, level, dtype, bitDepth, spacing, geometry, modality, valueUnit } = image;
  const facts = { source, axes, shape, levels, level, dtype, bitDepth, spacing, geometry, modality, valueUnit };
  return {
    ...facts,
    window: c === 1 && image.palette === undefined ? displayWindow(image) : undefined,
    paletteColours: image.palette?.length ?? 0,
    channels: Array.from({ length: c }, (_, i) => describeChannel(image, i)),
    notes: image.notes ?? [],
  };
}

function describeChannel(image: Image, index: number): ChannelDescription {
  const { channels: c, slices, height, width } = sizes(image);
  const inner = slices * height * width;
  const { data } = image;
  const half = image.dtype === 'float16';
  const samples = data.length / c;
  const step = Math.max(1, Math.ceil(samples / MAX_SORTED));
  const sorted = new Float64Array(Math.ceil(samples / step));
  let kept = 0;
  let counts: Map<number, number> | undefined = new Map();
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let [sum, squares, nan, infinite, finite, padding] = [0, 0, 0, 0, 0, 0];
  // Squares are summed relative to the first finite value, so that large offsets do not hide small deviations.
  let origin = Number.NaN;
  let next = 0;
  for (let outer = index * inner; outer < data.length; outer += c * inner) {
    for (let i = outer; i < outer + inner; i++) {
      const value = half ? float16ToNumber(data[i] as number) : Number(data[i]);
      const sampled = next++ % step === 0;
      if (value === image.padding) {
        padding++;
        continue;
      }
      if (Number.isNaN(value)) {
        nan++;
        continue;
      }
      if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) {
        infinite++;
        continue;
      }
      if (finite++ === 0) origin = value;
      if (value < min) min = value;
      if (value > max) max = value;
      sum += value - origin;
      squares += (value - origin) ** 2;
      if (sampled) sorted[kept++] = value;
      if (counts !== undefined) {
        counts.set(value, (counts.get(value) ?? 0) + 1);
        if (counts.size > MAX_DISTINCT) counts = undefined;
      }
    }
  }
  const offset = sum / finite;
  const values = sorted.subarray(0, kept).sort();
  const few = counts !== undefined && counts.size <= MAX_SHARES ? [...counts] : [];
  return {
    name: image.channels?.[index] ?? (c === 1 ? 'grey' : `channel ${index}`),
    min: finite === 0 ? Number.NaN : min,
    max: finite === 0 ? Number.NaN : max,
    mean: origin + offset,
    std: Math.sqrt(Math.max(0, squares / finite - offset ** 2)),
    percentiles: PERCENTILES.map((percent) => ({ percent, value: quantile(values, percent / 100) })),
    nan,
    infinite,
    padding,
    distinct: counts?.size,
    values: few.sort(([a], [b]) => a - b).map(([value, count]) => ({ value, count, share: count / samples })),
  };
}

/**
 * The description as lines of text for a terminal:
 *
 *     cells.tif
 *       axes      zyx 30 x 512 x 512
 *       dtype     uint8
 *       spacing   z 50 nm, y 4 nm, x 4 nm
 *       grey      0 to 255, mean 127.5, 1 % 3, median 128, 99 % 251
 */
export function formatDescription(description: ImageDescription): string {
  const {
    source,
    axes,
    shape,
    levels,
    level = 0,
    dtype,
    bitDepth,
    spacing,
    paletteColours,
    channels,
    notes,
  } = description;
  const { geometry, modality, valueUnit, window } = description;
  const rows: (readonly [string, string])[] = [
    ['axes', `${axes} ${shape.join(' x ')}`],
    ['dtype', `${dtype}${bitDepth === undefined ? '' : ` (${counted(bitDepth, 'bit')} in the file)`}`],
    ['spacing', formatSpacing(spacing)],
  ];
  for (const [n, own] of (levels ?? []).entries()) {
    const size = `${own.shape.join(' x ')}${Object.keys(own.spacing).length > 0 ? `, ${formatSpacing(own.spacing)}` : ''}`;
    rows.push([`level ${n}`, `${size}${n === level ? ' (this one)' : ''}`]);
  }
  if (geometry !== undefined) rows.push(...formatGeometry(geometry));
  if (modality !== undefined) rows.push(['modality', modality]);
  if (paletteColours > 0) rows.push(['palette', `${paletteColours} colours; the values are indices`]);
  for (const channel of channels) rows.push([channel.name, formatRange(channel, valueUnit)], ...formatValues(channel));
  if (window !== undefined && (geometry !== undefined || modality !== undefined || /window$/.test(window.name)))
    rows.push(['window', `${formatNumber(window.low)} to ${formatNumber(window.high)}, ${window.name}`]);
  for (const note of notes) rows.push(['note', note]);
  const width = Math.max(...rows.map(([label]) => label.length)) + 2;
  return [source ?? 'image', ...rows.map(([label, text]) => `  ${label.padEnd(width)}${text}`)].join('\n');
}

function formatGeometry(geometry: Geometry): (readonly [string, string])[] {
  const { originMm, direction, thicknessMm, slicePositionsMm, frame } = geometry;
  const ways = (['x', 'y', 'z'] as const).map((axis, i) => `${axis} to the ${bodyDirection(direction[i])}`);
  const at = originMm.map((value) => formatNumber(value)).join(', ');
  const extra = [
    thicknessMm === undefined ? '' : `slices ${formatNumber(thicknessMm)} mm thick`,
    slicePositionsMm === undefined ? '' : 'at uneven distances',
    frame === undefined || frame === 'scanner' ? '' : `in ${frame} coordinates`,
  ].filter((text) => text !== '');
  return [
    ['lies', [planeName(geometry), ...ways, ...extra].join(', ')],
    ['origin', `${at} mm (left, back, head)`],
  ];
}

function formatSpacing(spacing: Spacings): string {
  const stated = (['t', 'z', 'y', 'x'] as const).flatMap((axis) => {
    const step = spacing[axis];
    return step === undefined ? [] : [`${axis} ${formatNumber(step.value)} ${step.unit}`];
  });
  return stated.length === 0 ? 'not stated by the file' : stated.join(', ');
}

function formatRange(
  { min, max, mean, std, percentiles, nan, infinite, padding }: ChannelDescription,
  unit: string | undefined,
): string {
  const bad = [
    nan > 0 ? `${nan} NaN` : '',
    infinite > 0 ? `${infinite} infinite` : '',
    padding > 0 ? `${padding} without a value (padding)` : '',
  ].filter((text) => text !== '');
  const tail = bad.length === 0 ? '' : `; ${bad.join(' and ')}`;
  if (Number.isNaN(min)) return `no finite value${tail}`;
  const at = (percent: number) => formatNumber(percentiles.find((row) => row.percent === percent)?.value ?? Number.NaN);
  return (
    `${formatNumber(min)} to ${formatNumber(max)}${unit === undefined ? '' : ` ${unit}`}, mean ${formatNumber(mean)}, deviation ${formatNumber(std)}, ` +
    `1 % ${at(1)}, median ${at(50)}, 99 % ${at(99)}${tail}`
  );
}

function formatValues({ values, distinct }: ChannelDescription): (readonly [string, string])[] {
  if (values.length > 0 && values.length <= MAX_SHOWN) {
    const shares = values.map(({ value, share }) => `${formatNumber(value)} (${formatNumber(100 * share)} %)`);
    return [['', `values ${shares.join(', ')}`]];
  }
  return distinct === undefined ? [] : [['', `${distinct} distinct values`]];
}

/** Four significant digits, integers in full. */
function formatNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}
