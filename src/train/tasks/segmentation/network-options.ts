/** Settings of a run that are options of its network. */

import { option, UsageError } from '../../../errors.ts';
import type { HiddenActivation } from '../../../models/mlp.ts';
import { type ModelSpec, type NetworkName, networkNamed } from '../../../models/registry.ts';
import type { UnetSpec } from '../../../models/unet.ts';

/** By their names in the specifications of the networks. */
export interface NetworkOptions {
  readonly baseChannels?: number;
  readonly depth?: number;
  readonly norm?: NonNullable<UnetSpec['norm']>;
  readonly residual?: boolean;
  /** Units of the hidden layers of `mlp`. */
  readonly hidden?: readonly number[];
  readonly activation?: HiddenActivation;
  readonly dropout?: number;
  /** Factor on the numbers of channels of `alexnet`. */
  readonly scale?: number;
}

export interface NetworkChoice {
  readonly model: ModelSpec;
  readonly patch: readonly [number, number];
  readonly reason: string;
}

export const NETWORK_OPTION_NAMES = [
  'baseChannels',
  'depth',
  'norm',
  'residual',
  'hidden',
  'activation',
  'dropout',
  'scale',
] as const;

/** The options that are set. @throws UsageError for one that the network does not have. */
export function ownOptions(name: NetworkName, settings: NetworkOptions): NetworkOptions {
  const given = NETWORK_OPTION_NAMES.filter((key) => settings[key] !== undefined);
  requireUnset(
    name,
    settings,
    given.filter((key) => !networkNamed(name).options.includes(key)),
  );
  return Object.fromEntries(given.map((key) => [key, settings[key]]));
}

/** @throws UsageError for the first of these settings that is given though the network has no use for it. */
export function requireUnset<S extends object>(
  name: NetworkName,
  settings: S,
  keys: readonly (keyof S & string)[],
): void {
  const misplaced = keys.find((key) => settings[key] !== undefined);
  if (misplaced === undefined) return;
  throw new UsageError(`${option(misplaced)} does not apply to the network '${name}'.`, { remedy: 'Remove it.' });
}
