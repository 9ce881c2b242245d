/** The network of a fine-tuned run. */

import { option, UsageError } from '../../../errors.ts';
import { type ModelName, type ModelSpec, networkNamed } from '../../../models/registry.ts';
import type { StartModel } from '../../start.ts';
import { NETWORK_OPTION_NAMES, type NetworkOptions } from './network-options.ts';
import type { WindowOptions } from './window-recipe.ts';

/**
 * The settings that describe the network of a model to fine-tune, so that patch and window are chosen for it.
 * @throws UsageError if a network or one of its options is also set: it is defined by the model.
 */
export function networkOf(
  { name, model, input }: StartModel,
  given: NetworkOptions & WindowOptions & { readonly network?: ModelName },
): NetworkOptions & WindowOptions & { readonly network: ModelName } {
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
  const { foveationPx, cover } = input.window ?? {};
  return {
    ...Object.fromEntries(has.map((key) => [key, spec[key]])),
    ...(foveationPx ? { foveation: foveationPx } : {}),
    ...(cover === undefined ? {} : { cover }),
    network: model.name,
  };
}
