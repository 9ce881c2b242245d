import { float16ToNumber } from '../array/float16.ts';
import { elementCount } from '../array/ndarray.ts';
import { quantile } from '../array/quantile.ts';
import { counted } from '../errors.ts';
import { type DisplayWindow, ValueSample, windowOf } from './display.ts';
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
  const scan = new ImageScan(image);
  scan.add(image);
  return scan.result();
}

/**
 * Describes an image that is read part by part: rows, planes and time points in their order, with all channels. The numbers
 * are those of the whole image, to the last bit. Memory: up to 32 MB per channel, and that of a part.
 */
export class ImageScan {
  readonly #info: Omit<Image, 'data'>;
  readonly #channels: readonly ChannelScan[];
  /** For a display window, of a single channel. */
  readonly #sample: ValueSample | undefined;

  constructor(info: Omit<Image, 'data'>) {
    const { channels } = sizes(info);
    const samples = elementCount(info.shape) / channels;
    this.#info = info;
    this.#channels = Array.from({ length: channels }, () => new ChannelScan(info, samples));
    this.#sample = channels === 1 && info.palette === undefined ? new ValueSample(info, samples) : undefined;
  }

  /** @param part the next samples, along the axes of the image */
  add({ data, ...part }: Image): void {
    const { channels: c, slices, height, width } = sizes(part);
    const inner = slices * height * width;
    this.#sample?.add(data);
    for (let at = 0; at < data.length; at += inner) {
      this.#channels[(at / inner) % c]?.add(data.subarray(at, at + inner));
    }
  }

  result(): ImageDescription {
    const { source, axes, shape, levels, level, dtype, bitDepth, spacing, geometry, modality, valueUnit, ...rest } =
      this.#info;
    const facts = { source, axes, shape, levels, level, dtype, bitDepth, spacing, geometry, modality, valueUnit };
    const all = this.#channels;
    return {
      ...facts,
      window: this.#sample && windowOf(this.#info, this.#sample.sorted()),
      paletteColours: rest.palette?.length ?? 0,
      channels: channelNames(this.#info).map((name, i) => (all[i] as ChannelScan).result(name)),
      notes: rest.notes ?? [],
    };
  }
}

function channelNames(info: Omit<Image, 'data'>): readonly string[] {
  const { channels: count } = sizes(info);
  const named = (i: number): string => info.channels?.[i] ?? (count === 1 ? 'grey' : `channel ${i}`);
  return Array.from({ length: count }, (_, i) => named(i));
}

class ChannelScan {
  readonly #isHalf: boolean;
  readonly #padding: number | undefined;
  readonly #samples: number;
  /** Every n-th sample is sorted. */
  readonly #step: number;
  readonly #sorted: Float64Array;
  #kept = 0;
  #next = 0;
  #counts: Map<number, number> | undefined = new Map();
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #sum = 0;
  #squares = 0;
  #nan = 0;
  #infinite = 0;
  #finite = 0;
  #padded = 0;
  /** Squares are summed relative to the first finite value, so that large offsets do not hide small deviations. */
  #origin = Number.NaN;

  /** @param samples number of all of them */
  constructor({ dtype, padding }: Pick<Image, 'dtype' | 'padding'>, samples: number) {
    this.#isHalf = dtype === 'float16';
    this.#padding = padding;
    this.#samples = samples;
    this.#step = Math.max(1, Math.ceil(samples / MAX_SORTED));
    this.#sorted = new Float64Array(Math.ceil(samples / this.#step));
  }

  add(data: Image['data']): void {
    const [step, sorted, padding, isHalf] = [this.#step, this.#sorted, this.#padding, this.#isHalf];
    let [min, max, sum, squares] = [this.#min, this.#max, this.#sum, this.#squares];
    let [nan, infinite, finite, padded] = [this.#nan, this.#infinite, this.#finite, this.#padded];
    let [next, kept, origin, counts] = [this.#next, this.#kept, this.#origin, this.#counts];
    for (let i = 0; i < data.length; i++) {
      const value = isHalf ? float16ToNumber(data[i] as number) : Number(data[i]);
      const sampled = next++ % step === 0;
      if (value === padding) {
        padded++;
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
    [this.#min, this.#max, this.#sum, this.#squares] = [min, max, sum, squares];
    [this.#nan, this.#infinite, this.#finite, this.#padded] = [nan, infinite, finite, padded];
    [this.#next, this.#kept, this.#origin, this.#counts] = [next, kept, origin, counts];
  }

  result(name: string): ChannelDescription {
    const [finite, counts, samples] = [this.#finite, this.#counts, this.#samples];
    const offset = this.#sum / finite;
    const values = this.#sorted.subarray(0, this.#kept).sort();
    const few = counts !== undefined && counts.size <= MAX_SHARES ? [...counts] : [];
    return {
      name,
      min: finite === 0 ? Number.NaN : this.#min,
      max: finite === 0 ? Number.NaN : this.#max,
      mean: this.#origin + offset,
      std: Math.sqrt(Math.max(0, this.#squares / finite - offset ** 2)),
      percentiles: PERCENTILES.map((percent) => ({ percent, value: quantile(values, percent / 100) })),
      nan: this.#nan,
      infinite: this.#infinite,
      padding: this.#padded,
      distinct: counts?.size,
      values: few.sort(([a], [b]) => a - b).map(([value, count]) => ({ value, count, share: count / samples })),
    };
  }
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
  const { source, paletteColours, channels, notes, geometry, modality, valueUnit, window } = description;
  const rows = factRows(description, paletteColours);
  for (const channel of channels) rows.push([channel.name, formatRange(channel, valueUnit)], ...formatValues(channel));
  if (window !== undefined && (geometry !== undefined || modality !== undefined || /window$/.test(window.name)))
    rows.push(['window', `${formatNumber(window.low)} to ${formatNumber(window.high)}, ${window.name}`]);
  for (const note of notes) rows.push(['note', note]);
  return formatRows(source, rows);
}

/** The lines of `formatDescription` on what the file says of its image, without its values. */
export const formatFacts = (info: Omit<Image, 'data'>): string =>
  formatRows(info.source, factRows(info, info.palette?.length ?? 0), channelNames(info));

type Row = readonly [label: string, text: string];

/** @param others labels of rows that follow */
function formatRows(source: string | undefined, rows: readonly Row[], others: readonly string[] = []): string {
  const width = Math.max(...[...rows.map(([label]) => label), ...others].map(({ length }) => length)) + 2;
  return [source ?? 'image', ...rows.map(([label, text]) => `  ${label.padEnd(width)}${text}`)].join('\n');
}

function factRows(
  {
    axes,
    shape,
    levels,
    level = 0,
    dtype,
    bitDepth,
    spacing,
    geometry,
    modality,
  }: Omit<ImageDescription, 'window' | 'paletteColours' | 'channels' | 'notes'>,
  paletteColours: number,
): Row[] {
  const rows: Row[] = [
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
  return rows;
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
