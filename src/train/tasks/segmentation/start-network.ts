/** The settings that a model to train on from brings. */

import { option, UsageError } from '../../../errors.ts';
import { type ChannelChoice, type ChannelSpec, usualChannels } from '../../../input/channels.ts';
import type { NormalisationOptions } from '../../../input/normalise.ts';
import type { Page } from '../../../input/planes.ts';
import { type ModelSpec, type NetworkName, networkNamed } from '../../../models/registry.ts';
import type { StartModel } from '../../start.ts';
import { NETWORK_OPTION_NAMES, type NetworkOptions } from './network-options.ts';
import type { WindowOptions } from './window-recipe.ts';

/**
 * The options of the network of a model to fine-tune, so that patch and window are chosen for it.
 * @throws UsageError if a network or one of its options is also set: it is defined by the model.
 */
export function optionsOfStart(
  { name, model, input }: StartModel,
  given: NetworkOptions & WindowOptions & { readonly network?: NetworkName },
): NetworkOptions & WindowOptions {
  const own = [...NETWORK_OPTION_NAMES, 'foveation', 'cover'] as const;
  const other = given.network !== undefined && given.network !== model.name;
  const beside = other ? 'network' : own.find((key) => given[key] !== undefined);
  if (beside !== undefined) {
    throw new UsageError(`${option(beside)} does not go with ${option('from')}: the network is that of ${name}.`, {
      remedy: 'Remove it, or train a new network.',
    });
  }
  const spec = model as ModelSpec & NetworkOptions;
  const has = NETWORK_OPTION_NAMES.filter(
    (key) => spec[key] !== undefined && networkNamed(model.name).options.includes(key),
  );
  const { foveationPx, cover } = input?.window ?? {};
  return {
    ...Object.fromEntries(has.map((key) => [key, spec[key]])),
    ...(foveationPx ? { foveation: foveationPx } : {}),
    ...(cover === undefined ? {} : { cover }),
  };
}

/** x / 255. */
const DIVIDED_BY_255: NormalisationOptions = { kind: 'zscore', given: { mean: [0], std: [255] } };

/**
 * How images become the input of a model of another program, whose file does not say it: by the user's normalisation, or
 * x / 255 for 8-bit images, otherwise mean 0 and deviation 1 of each. Grey images fill the channels of a model of colour.
 * @throws UsageError if a model of ours, which says it, is to have another normalisation.
 */
export function inputOfStart(
  { name, model, input }: StartModel,
  pages: readonly Page[],
  { normalisation, channel }: { readonly normalisation?: NormalisationOptions; readonly channel?: ChannelChoice },
): {
  readonly normalisation?: NormalisationOptions;
  readonly channels?: ChannelSpec;
  readonly notes: readonly string[];
} {
  if (input !== undefined) {
    if (normalisation === undefined) return { notes: [] };
    throw new UsageError(`${option('normalisation')} does not go with ${option('from')}: it is that of ${name}.`, {
      remedy: 'Remove it, or train a new network.',
    });
  }
  const isByte = pages.every(({ data }) => data instanceof Uint8Array || data instanceof Uint8ClampedArray);
  const threefold = channel === undefined && model.channels === 3 && pages.every(({ channels }) => channels === 1);
  const what = isByte ? 'their 8-bit values are divided by 255' : 'each has mean 0 and deviation 1';
  return {
    normalisation: normalisation ?? (isByte ? DIVIDED_BY_255 : { kind: 'zscore', scope: 'image' }),
    ...(threefold && { channels: usualChannels(3) }),
    notes: [
      ...(normalisation === undefined
        ? [`${name} does not say how images become its input: ${what} (${option('normalisation')} sets another rule)`]
        : []),
      ...(threefold ? [`${name} takes 3 channels: grey fills all of them`] : []),
    ],
  };
}
