/** Prepares a classification data set for training: split, resized, normalised. */

import { symmetricEigen } from '../../array/eigen.ts';
import { stream } from '../../array/random.ts';
import { counted, UsageError } from '../../errors.ts';
import { type ChannelChoice, chooseChannels } from '../../input/channels.ts';
import { type ClassInput, storedPlanes } from '../../input/classes.ts';
import type { NormalisationSpec } from '../../input/normalise.ts';
import type { SplitChoice } from '../split.ts';
import { classWeights } from '../weights/separation-weight.ts';
import { type ClassSample, countClasses, type RawClasses } from './classes.ts';

/** Training images of one size. Structured-cloneable. */
export interface ClassSet {
  /** Planes [channels, *stored] each, in the values of the files. */
  readonly images: readonly (Uint8Array | Float32Array)[];
  readonly labels: Int32Array;
  readonly names: readonly string[];
  /** Weight of each class in the loss. */
  readonly classWeights: readonly number[];
  readonly input: ClassInput;
}

/** The samples for training and for validation. */
export interface ClassSplit {
  readonly train: readonly ClassSample[];
  readonly validation: readonly ClassSample[];
  readonly split: SplitChoice;
  /** One printed line. */
  readonly reason: string;
}

const DEFAULT_FRACTION = 0.1;

/**
 * The validation part of the data by default if they have one; otherwise a fraction of each class, sampled by the seed.
 * `validation` or `test` as a name selects that part.
 * @throws UsageError for a choice that the data do not support.
 */
export function splitClasses(raw: RawClasses, seed: number, choice?: SplitChoice): ClassSplit {
  const { parts, classNames } = raw;
  const own = parts.validation.length > 0 ? { names: ['validation'] } : { fraction: DEFAULT_FRACTION };
  const split: SplitChoice = choice ?? own;
  if ('names' in split) {
    const [name] = split.names;
    if (split.names.length !== 1 || (name !== 'validation' && name !== 'test') || parts[name].length === 0) {
      const there = (['validation', 'test'] as const).filter((part) => parts[part].length > 0);
      throw new UsageError(`Unknown part "${split.names.join(',')}" in ${raw.folder}.`, {
        remedy: `Use a fraction such as 0.1${there.length > 0 ? `, or ${there.join(' or ')}` : ''}.`,
      });
    }
    const { train, [name]: validation } = parts;
    return {
      train,
      validation,
      split,
      reason: `validation: ${counted(validation.length, 'image')}, the part of that name`,
    };
  }
  if ('pages' in split) throw new UsageError('Images with one class each are not held out as slices.');
  const held = new Set<ClassSample>();
  classNames.forEach((_, label) => {
    const members = parts.train.filter((sample) => sample.label === label);
    const order = [...stream(seed, 'split', 0, label).permutation(members.length)];
    const [from, to] =
      'folds' in split
        ? [
            Math.round((split.fold * order.length) / split.folds),
            Math.round(((split.fold + 1) * order.length) / split.folds),
          ]
        : [0, Math.min(Math.round(split.fraction * order.length), order.length - 1)];
    for (const i of order.slice(from, Math.max(from, to))) held.add(members[i]);
  });
  const train = parts.train.filter((sample) => !held.has(sample));
  const validation = parts.train.filter((sample) => held.has(sample));
  const how = 'folds' in split ? `fold ${split.fold} of ${split.folds}` : `a share of ${split.fraction} of each class`;
  const reason =
    validation.length === 0
      ? 'validation: none, the last model counts'
      : `validation: ${counted(validation.length, 'image')}, ${how}`;
  return { train, validation, split, reason };
}

/**
 * How values are normalised: `spread`, mean 0 and standard deviation 1 per channel; `mean`, subtraction of the mean,
 * 255 levels.
 */
export type ClassNormalisation = 'spread' | 'mean';

/** Size and normalisation of the input, from the training images, with the reasons as printed lines. */
export function chooseClassInput(
  train: readonly ClassSample[],
  {
    crop,
    stored,
    views,
    normalisation,
    channel,
  }: Pick<ClassInput, 'crop' | 'stored' | 'views'> & {
    readonly normalisation: ClassNormalisation;
    readonly channel?: ChannelChoice;
  },
): { readonly input: ClassInput; readonly notes: readonly string[] } {
  const { spec: channels, reason } = chooseChannels(train, channel);
  const sums = new Float64Array(channels.count);
  const squares = new Float64Array(channels.count);
  let bytes = true;
  let most = 0;
  for (const page of train) {
    const planes = storedPlanes(page, { channels, stored });
    bytes &&= planes instanceof Uint8Array;
    const size = planes.length / channels.count;
    for (let c = 0; c < channels.count; c++) {
      let sum = 0;
      let square = 0;
      for (let i = c * size; i < (c + 1) * size; i++) {
        const value = planes[i];
        sum += value;
        square += value * value;
        if (value > most) most = value;
      }
      sums[c] = sums[c] + sum / size;
      squares[c] = squares[c] + square / size;
    }
  }
  const levels = bytes ? 1 : Math.max(most, 1e-12) / 255;
  const numbers = Array.from(sums, (sum, c): [number, number] => {
    const mean = sum / train.length;
    const deviation = Math.sqrt(Math.max(0, squares[c] / train.length - mean * mean));
    return [mean, normalisation === 'mean' ? levels : Math.max(deviation, 1e-12)];
  });
  const spec: NormalisationSpec = {
    kind: 'zscore',
    scope: 'dataset',
    percentiles: [0, 100],
    perChannel: true,
    numbers,
    leastSpread: 0,
  };
  const listed = numbers.map((pair) => pair.map((value) => +value.toPrecision(4)).join(', ')).join('; ');
  const what =
    normalisation === 'mean'
      ? 'less the mean of the training images, in 255 levels'
      : 'mean and deviation of the training images';
  return {
    input: { channels, normalisation: spec, stored, crop, views },
    notes: [
      channels.count === 1 && train[0]?.height === 1 ? `features: ${train[0].width}` : reason,
      `normalisation: ${what} (${listed})`,
    ],
  };
}

/** The samples in the stored form of the network's input. `balance`: how strongly rare classes are weighted, 0..1. */
export function prepareClasses(
  samples: readonly ClassSample[],
  classes: number,
  input: ClassInput,
  balance: number,
): ClassSet {
  const counts = countClasses(samples, classes);
  return {
    images: samples.map((page) => storedPlanes(page, input)),
    labels: Int32Array.from(samples, ({ label }) => label),
    names: samples.map(({ name }) => name),
    classWeights: classWeights(
      counts.map((count) => count / samples.length),
      { balance },
    ),
    input,
  };
}

/** Enough images for a covariance of three channels. */
const COLOUR_IMAGES = 2000;

/**
 * Principal axes of the colours of the training pixels, each scaled by its eigenvalue: Krizhevsky et al. 2012, section
 * 4.1, add a random multiple of each to every pixel. The covariance is of values in 0..1, the result in normalised
 * values, one axis per row.
 */
export function colourAxes({ images, input }: ClassSet): readonly (readonly number[])[] {
  const channels = input.channels.count;
  const step = Math.max(1, Math.floor(images.length / COLOUR_IMAGES));
  const sums = new Float64Array(channels);
  const products = new Float64Array(channels * channels);
  let count = 0;
  let full = 0;
  for (let n = 0; n < images.length; n += step) {
    const planes = images[n];
    const size = planes.length / channels;
    count += size;
    for (let p = 0; p < size; p++) {
      for (let c = 0; c < channels; c++) {
        const value = planes[c * size + p];
        if (value > full) full = value;
        sums[c] = sums[c] + value;
        for (let k = 0; k <= c; k++) {
          products[c * channels + k] = products[c * channels + k] + value * planes[k * size + p];
        }
      }
    }
  }
  const range = images[0] instanceof Uint8Array ? 255 : Math.max(full, 1e-12);
  const covariance = Array.from({ length: channels * channels }, (_, i) => {
    const [c, k] = [Math.floor(i / channels), i % channels];
    const product = products[Math.max(c, k) * channels + Math.min(c, k)] / count;
    return (product - (sums[c] / count) * (sums[k] / count)) / (range * range);
  });
  return symmetricEigen(covariance, channels).map(({ value, vector }) =>
    vector.map((share, c) => (share * value * range) / (input.normalisation.numbers[c]?.[1] ?? 1)),
  );
}
