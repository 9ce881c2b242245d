/** How a model of Lamella says to BioImage.IO how an image becomes its input. */

import { ModelError } from '../../errors.ts';
import type { InputSpec, NormalisationSpec } from '../../input/normalise.ts';
import type { Operation } from '../../input/operations.ts';

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
  if (kind === 'operations') return { operations: normalisation.operations ?? [], unsaid };
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
