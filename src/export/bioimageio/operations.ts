/**
 * The operations by which BioImage.IO describes how an image becomes a network's input (model format 0.5,
 * `bioimageio.spec`): those that a model of Lamella needs, and what they compute.
 */

import { quantile } from '../../array/quantile.ts';
import { ModelError } from '../../errors.ts';
import type { InputSpec, NormalisationSpec } from '../../input/normalise.ts';

/** One step of `preprocessing`. Axes are named `channel`, `y` and `x`; percentiles are 0..100. */
export type Operation =
  | {
      readonly id: 'scale_range';
      readonly kwargs: {
        readonly axes: readonly string[];
        readonly min_percentile: number;
        readonly max_percentile: number;
      };
    }
  | { readonly id: 'zero_mean_unit_variance'; readonly kwargs: { readonly axes: readonly string[] } }
  | {
      readonly id: 'scale_linear';
      readonly kwargs:
        | { readonly gain: number; readonly offset: number }
        | { readonly axis: 'channel'; readonly gain: readonly number[]; readonly offset: readonly number[] };
    }
  | { readonly id: 'clip'; readonly kwargs: { readonly min: number; readonly max?: number } };

/** What bioimageio.core 0.11 adds to a range and to a deviation, whatever a package says. */
const EPSILON = 1e-6;

/** What Lamella reads Hounsfield units below as (`input/planes.ts`). */
const AIR = -1024;

export interface Preprocessing {
  readonly operations: readonly Operation[];
  /** What the operations cannot say, one sentence each. */
  readonly unsaid: readonly string[];
}

/** The normalisation of a model as operations, and what they cannot say of it. */
export function preprocessingOf({ channels, normalisation }: InputSpec): Preprocessing {
  const { kind, scope, percentiles, perChannel, leastSpread, invertBright } = normalisation;
  const axes = perChannel ? ['y', 'x'] : ['channel', 'y', 'x'];
  const unsaid: string[] = [];
  if (channels.mode === 'grey') {
    unsaid.push('Colour images have to be converted to grey first: 0.299 red + 0.587 green + 0.114 blue.');
  }
  if (invertBright === true) {
    unsaid.push(
      'Lamella inverts images of which more than half is brighter than the middle of their range; elsewhere they have to be inverted first.',
    );
  }
  if (scope === 'image' && leastSpread > 0) {
    unsaid.push(
      `Lamella does not amplify images whose ${kind === 'zscore' ? 'standard deviation' : 'range'} is below ${Number(leastSpread.toPrecision(4))}, such as empty ones; other programs do.`,
    );
  }
  if (scope === 'dataset') {
    const operations = byNumbers(normalisation);
    const isCalibrated = normalisation.numbers.some(([low]) => low < 0 && low >= AIR);
    if (!isCalibrated) return { operations, unsaid };
    unsaid.push(`Values below ${AIR}, the value of air in CT, are taken for ${AIR}.`);
    return { operations: [{ id: 'clip', kwargs: { min: AIR } }, ...operations], unsaid };
  }
  const [low, high] = percentiles;
  const operations: readonly Operation[] =
    kind === 'zscore'
      ? [{ id: 'zero_mean_unit_variance', kwargs: { axes } }]
      : [
          { id: 'scale_range', kwargs: { axes, min_percentile: low, max_percentile: high } },
          { id: 'scale_linear', kwargs: { gain: 2, offset: -1 } },
          { id: 'clip', kwargs: { min: -3, max: 3 } },
        ];
  return { operations, unsaid };
}

/** y = gain x + offset by the numbers of the training images, for each channel or for all; cut as in training. */
function byNumbers({ kind, numbers, leastSpread, perChannel }: NormalisationSpec): readonly Operation[] {
  const scales = numbers.map(([first, second]) => {
    if (kind === 'zscore') {
      const gain = 1 / Math.max(second, leastSpread, 1e-12);
      return { gain, offset: -first * gain };
    }
    const gain = 2 / Math.max(second - first, leastSpread, 1e-12);
    return { gain, offset: -first * gain - 1 };
  });
  const [only] = scales;
  if (only === undefined) throw new ModelError('The model has no numbers for its normalisation.');
  const linear: Operation = {
    id: 'scale_linear',
    kwargs: perChannel
      ? { axis: 'channel', gain: scales.map(({ gain }) => gain), offset: scales.map(({ offset }) => offset) }
      : only,
  };
  if (kind === 'zscore') return [linear];
  const limit = kind === 'range' ? 1 : 3;
  return [linear, { id: 'clip', kwargs: { min: -limit, max: limit } }];
}

/**
 * What the operations make of an image [channels, height, width], as bioimageio.core 0.11 computes it: percentiles by
 * linear interpolation.
 */
export function applyOperations(
  image: Float32Array,
  channels: number,
  operations: readonly Operation[],
): Float32Array<ArrayBuffer> {
  const out = Float32Array.from(image);
  for (const operation of operations) apply(operation, out, channels);
  return out;
}

function apply(operation: Operation, image: Float32Array, channels: number): void {
  const size = image.length / channels;
  const each = (count: number, change: (values: Float32Array, block: number) => void): void => {
    const length = image.length / count;
    for (let block = 0; block < count; block++) change(image.subarray(block * length, (block + 1) * length), block);
  };
  /** As many blocks as are changed by numbers of their own. */
  const blocksOf = (axes: readonly string[]): number => (axes.includes('channel') ? 1 : channels);
  switch (operation.id) {
    case 'scale_range': {
      const { axes, min_percentile, max_percentile } = operation.kwargs;
      each(blocksOf(axes), (values) => {
        const sorted = Float32Array.from(values).sort();
        const low = quantile(sorted, min_percentile / 100);
        const range = quantile(sorted, max_percentile / 100) - low + EPSILON;
        for (let i = 0; i < values.length; i++) values[i] = (values[i] - low) / range;
      });
      return;
    }
    case 'zero_mean_unit_variance':
      each(blocksOf(operation.kwargs.axes), (values) => {
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
        const deviation = Math.sqrt(variance) + EPSILON;
        for (let i = 0; i < values.length; i++) values[i] = (values[i] - mean) / deviation;
      });
      return;
    case 'scale_linear': {
      const { gain, offset } = operation.kwargs;
      const of = (given: number | readonly number[], i: number): number =>
        typeof given === 'number' ? given : (given[Math.floor(i / size)] as number);
      for (let i = 0; i < image.length; i++) image[i] = image[i] * of(gain, i) + of(offset, i);
      return;
    }
    case 'clip': {
      const { min, max = Number.POSITIVE_INFINITY } = operation.kwargs;
      for (let i = 0; i < image.length; i++) image[i] = Math.min(max, Math.max(min, image[i]));
    }
  }
}
