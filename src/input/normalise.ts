/** From the values of a file to the network's input. The specifications are JSON and are stored in the model file. */

import type { DType } from '../array/ndarray.ts';
import { median } from '../array/quantile.ts';
import { DatasetError } from '../errors.ts';
import { invertIfBright } from './background.ts';
import type { ChannelSpec } from './channels.ts';
import { applyOperations, needsAll, type Operation } from './operations.ts';
import type { PixelSizes } from './pixel-size.ts';
import { type Statistics, StatisticsScan } from './statistics.ts';
import type { WindowSpec } from './window.ts';

/**
 * How values become network inputs y:
 * - `percentile`: y = 2 (x - low) / (high - low) - 1 with low and high the given percentiles, clipped to -3..3.
 * - `zscore`: y = (x - mean) / std.
 * - `range`: as `percentile`, with given values and clipped to -1..1; for instance a window in HU.
 * - `operations`: those of a package of BioImage.IO, one after the other.
 *
 * `scope` image: numbers are computed per slice; dataset: from the training images and stored in `numbers`, one pair
 * [low, high] or [mean, std] per channel. `leastSpread` prevents amplifying the noise of an empty slice.
 */
export interface NormalisationSpec {
  readonly kind: 'percentile' | 'zscore' | 'range' | 'operations';
  readonly scope: 'image' | 'dataset';
  /** Percentiles, for `percentile`. */
  readonly percentiles: readonly [number, number];
  /** Colour channels share one pair, stains have one each. */
  readonly perChannel: boolean;
  readonly numbers: readonly (readonly [number, number])[];
  readonly leastSpread: number;
  /** Images that are bright overall are negated, see `chooseInversion`. */
  readonly invertBright?: true;
  /** For `operations`, over the axes `channel` and `y`, which stands for both `y` and `x`. */
  readonly operations?: readonly Operation[];
}

export interface NormalisationOptions extends Partial<Pick<NormalisationSpec, 'scope' | 'percentiles'>> {
  readonly kind?: Exclude<NormalisationSpec['kind'], 'operations'>;
  /** For `range`. */
  readonly range?: readonly [number, number];
  /** For `zscore`: (x - mean) / std by these, one for all channels or one for each. */
  readonly given?: { readonly mean: readonly number[]; readonly std: readonly number[] };
}

/** Everything between a slice of a file and the network's input. */
export interface InputSpec {
  readonly channels: ChannelSpec;
  readonly normalisation: NormalisationSpec;
  /** For a network that classifies the central pixel of a window. */
  readonly window?: WindowSpec;
  /** Pixel sizes of the training images, if all state them. */
  readonly pixelMm?: PixelSizes;
}

/** A note where values that are not of 8 bits are divided by 255, as those of networks are that do not state their input. */
export function scaleNote(dtype: DType, { kind, scope, numbers }: NormalisationSpec): string | undefined {
  const isBy255 = kind === 'zscore' && scope === 'dataset' && numbers.every(([mean, std]) => mean === 0 && std === 255);
  if (!isBy255 || dtype === 'uint8') return undefined;
  return `Its values are ${dtype}, and divided by 255 like those of 8 bits: convert it to 8 bits if the network expects 0 to 1.`;
}

/** The normalisation by the operations of a package of BioImage.IO. */
export function byOperations(operations: readonly Operation[]): NormalisationSpec {
  const scope = operations.some(needsAll) ? 'image' : 'dataset';
  return {
    kind: 'operations',
    scope,
    percentiles: [0, 100],
    perChannel: false,
    numbers: [],
    leastSpread: 0,
    operations,
  };
}

/** Applies the operations of a package to planes [channels, height, width], or to the same part of each, in place. */
function operate(planes: Float32Array, channelCount: number, { operations = [] }: NormalisationSpec): void {
  const shape = [channelCount, planes.length / channelCount];
  planes.set(applyOperations({ data: planes, shape, axes: ['channel', 'y'] }, operations));
}

/** Statistics of `count` planes that follow each other in memory. */
function statistics(values: Float32Array, count: number, percentiles: readonly [number, number]): Statistics {
  const scan = new StatisticsScan(count);
  const size = values.length / count;
  const planes = Array.from({ length: count }, (_, i) => values.subarray(i * size, (i + 1) * size));
  for (const [i, plane] of planes.entries()) scan.addFirst(i, plane);
  for (const [i, plane] of planes.entries()) scan.addSecond(i, plane);
  return scan.result(percentiles);
}

/** Whether each channel has numbers of its own. */
export const isPerChannel = ({ mode, count }: ChannelSpec): boolean => mode === 'asis' && count > 1;

/**
 * The normalisation for a set of training images, as set or, by default, percentiles 1 and 99: per image (brightness
 * and contrast of micrographs vary between images), but over the whole set if values are calibrated, as indicated by
 * negative values (CT in HU).
 * @param planes of the training images, after `selectChannels`
 */
export function fitNormalisation(
  planes: readonly Float32Array[],
  channels: ChannelSpec,
  options: NormalisationOptions = {},
): { readonly spec: NormalisationSpec; readonly reason: string } {
  const seen = (blocks: number, percentiles: readonly [number, number]) =>
    Array.from({ length: blocks }, (_, block) =>
      planes.map((values) => {
        const size = values.length / blocks;
        return statistics(values.subarray(block * size, (block + 1) * size), channels.count / blocks, percentiles);
      }),
    );
  return fitToStatistics(seen, channels, options);
}

/**
 * `fitNormalisation` of images whose statistics are known.
 * @param statisticsOf of each block of channels that are normalised together, those of each image; not asked for if the
 * options state the numbers
 */
export function fitToStatistics(
  statisticsOf: (blocks: number, percentiles: readonly [number, number]) => readonly (readonly Statistics[])[],
  channels: ChannelSpec,
  { kind = 'percentile', scope, percentiles = [1, 99], range, given: stated }: NormalisationOptions = {},
): { readonly spec: NormalisationSpec; readonly reason: string } {
  const perChannel = isPerChannel(channels);
  const blocks = perChannel ? channels.count : 1;
  const base = { kind, percentiles, perChannel };
  if (kind === 'range' || range !== undefined) {
    if (range === undefined || !(range[1] > range[0])) {
      throw new DatasetError('the range for normalisation is missing or empty.', {
        remedy: 'Use two values, low,high.',
      });
    }
    return {
      spec: {
        ...base,
        kind: 'range',
        scope: 'dataset',
        numbers: Array.from({ length: blocks }, () => range),
        leastSpread: 0,
      },
      reason: `normalisation: ${range[0]}..${range[1]}, as given`,
    };
  }
  if (stated !== undefined) return { spec: { ...base, ...byStated(stated, channels) }, reason: describeStated(stated) };
  const seen = statisticsOf(blocks, percentiles);
  const calibrated = seen.some((list) => list.some(({ least }) => least < 0));
  const chosen = scope ?? (calibrated ? 'dataset' : 'image');
  const spread = (s: { low: number; high: number; std: number }): number =>
    kind === 'zscore' ? s.std : s.high - s.low;
  const positive = seen
    .flat()
    .map(spread)
    .filter((value) => value > 0);
  const leastSpread = positive.length === 0 ? 1 : 0.5 * positive.reduce((a, b) => Math.min(a, b));
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
  const numbers = seen.map((list): [number, number] => {
    if (kind !== 'zscore') return [median(list.map((s) => s.low)), median(list.map((s) => s.high))];
    const centre = mean(list.map((s) => s.mean));
    return [centre, Math.sqrt(mean(list.map((s) => s.std ** 2 + (s.mean - centre) ** 2)))];
  });
  const what = kind === 'zscore' ? 'mean and deviation' : `percentiles ${percentiles[0]} and ${percentiles[1]}`;
  const given = scope !== undefined ? ', as given' : '';
  const reason =
    chosen === 'image'
      ? `normalisation: ${what} of each image${given || ', since exposures differ'}`
      : `normalisation: ${what} of all training images (${numbers.map(([a, b]) => `${+a.toFixed(2)}, ${+b.toFixed(2)}`).join('; ')})${given || ', since values below 0 look calibrated'}`;
  return { spec: { ...base, scope: chosen, numbers: chosen === 'image' ? [] : numbers, leastSpread }, reason };
}

type Stated = NonNullable<NormalisationOptions['given']>;

/** @throws DatasetError for another number of values than there are channels, and a deviation of 0 or less. */
function byStated({ mean, std }: Stated, { count }: ChannelSpec): Omit<NormalisationSpec, 'percentiles'> {
  const length = Math.max(mean.length, std.length);
  const fits = [mean, std].every((values) => values.length === 1 || values.length === count);
  if (!fits || !std.every((value) => value > 0)) {
    throw new DatasetError(
      fits
        ? `the deviation ${std.find((value) => !(value > 0))} is not above 0.`
        : `the normalisation has ${length} values, and there ${count === 1 ? 'is one channel' : `are ${count} channels`}.`,
      { remedy: 'Use one value for all channels, or one for each.' },
    );
  }
  const of = (values: readonly number[], i: number): number => values[values.length === 1 ? 0 : i];
  const numbers = Array.from({ length }, (_, i): [number, number] => [of(mean, i), of(std, i)]);
  return { kind: 'zscore', scope: 'dataset', perChannel: length > 1, numbers, leastSpread: 0 };
}

const describeStated = ({ mean, std }: Stated): string => `normalisation: (x - ${mean.join(', ')}) / ${std.join(', ')}`;

/**
 * Normalises planes [channels, height, width] in place and returns them. A constant slice becomes -1 (percentile) or 0
 * (zscore) everywhere.
 */
export function normalise(planes: Float32Array, channelCount: number, spec: NormalisationSpec): Float32Array {
  const { kind, scope, percentiles, perChannel, invertBright } = spec;
  if (kind === 'operations') {
    operate(planes, channelCount, spec);
    return planes;
  }
  const blocks = perChannel ? channelCount : 1;
  const size = planes.length / blocks;
  const numbersOf = (block: number) =>
    numbersFor(spec, statistics(planes.subarray(block * size, (block + 1) * size), channelCount / blocks, percentiles));
  const numbers =
    scope === 'dataset'
      ? spec.numbers.slice(0, blocks)
      : Array.from({ length: blocks }, (_, block) => numbersOf(block));
  scale(planes, spec, numbers);
  if (invertBright) invertIfBright(planes);
  return planes;
}

/**
 * `normalise`, but for inversion, of a part: the same box of each plane. Together the parts are the whole, normalised.
 * @param numbers of the whole, as for `scale`; not used by operations, of which those over the whole (`wholeOperations`)
 * cannot be applied to a part
 */
export function normalisePart(
  planes: Float32Array,
  channelCount: number,
  spec: NormalisationSpec,
  numbers: readonly (readonly [number, number])[],
): void {
  if (spec.kind === 'operations') operate(planes, channelCount, spec);
  else scale(planes, spec, numbers);
}

/** The operations whose result depends on the whole image, by name: with any, no part of it can be normalised. */
export const wholeOperations = ({ operations = [] }: NormalisationSpec): readonly string[] =>
  operations.filter(needsAll).map(({ id }) => id);

/** The two numbers by which an image is normalised: mean and deviation, or the values of the percentiles. */
export function numbersFor(
  { kind }: Pick<NormalisationSpec, 'kind'>,
  { mean, std, low, high }: Statistics,
): readonly [number, number] {
  return kind === 'zscore' ? [mean, std] : [low, high];
}

/**
 * Scales planes [channels, height, width], or the same part of each, in place.
 * @param numbers one pair for all planes, or one for each
 */
function scale(
  planes: Float32Array,
  { kind, leastSpread }: Pick<NormalisationSpec, 'kind' | 'leastSpread'>,
  numbers: readonly (readonly [number, number])[],
): void {
  const size = planes.length / numbers.length;
  for (const [block, [first, second]] of numbers.entries()) {
    const values = planes.subarray(block * size, (block + 1) * size);
    if (kind === 'zscore') {
      const factor = 1 / Math.max(second, leastSpread, 1e-12);
      for (let i = 0; i < values.length; i++) values[i] = (values[i] - first) * factor;
    } else {
      const limit = kind === 'range' ? 1 : 3;
      const factor = 2 / Math.max(second - first, leastSpread, 1e-12);
      for (let i = 0; i < values.length; i++) {
        const y = (values[i] - first) * factor - 1;
        values[i] = Math.max(-limit, Math.min(limit, y));
      }
    }
  }
}
