/**
 * Keys that earlier versions wrote. Every reader of a saved file renames them first, so that only this table knows
 * them.
 */

/** For the path to a former key: the current key, and, where its values are words, the current words. */
interface Names {
  readonly [key: string]: string | Names | readonly [key: string, values: { readonly [value: string]: string }];
}

const NETWORK: Names = { base: 'baseChannels', most: 'maxChannels', outputs: 'numClasses' };

export const FORMER_RECIPE: Names = {
  optimiser: 'optimizer',
  model: NETWORK,
  augment: { warpShare: 'warpFraction', intensityShare: 'intensityFraction' },
  data: { focusShare: 'focusFraction' },
  schedule: { rise: 'pctStart', startDivisor: 'divFactor', finalDivisor: 'finalDivFactor' },
};
const LAYOUTS = { standard: 'nchw', 'blocks of 8': 'nchw8c', 'blocks of 16': 'nchw16c' };
/** For a run's configuration. */
export const FORMER_CONFIG: Names = { recipe: FORMER_RECIPE, machine: { formulation: ['layout', LAYOUTS] } };
/** For a model's metadata. */
export const FORMER_METADATA: Names = { network: NETWORK, tile: { least: 'min' } };

/** The same JSON with the keys in `names` renamed, in the same order. */
export function rename(json: unknown, names: Names): unknown {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return json;
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => {
      const name = Object.hasOwn(names, key) ? names[key] : undefined;
      if (name === undefined) return [key, value];
      if (typeof name === 'string') return [name, value];
      if (Array.isArray(name)) return [name[0], name[1][String(value)] ?? value];
      return [key, rename(value, name as Names)];
    }),
  );
}

/** The inverse of a table that renames keys only. */
export function inverse(names: Names): Names {
  return Object.fromEntries(
    Object.entries(names).map(([key, name]) =>
      typeof name === 'string' ? [name, key] : [key, inverse(name as Names)],
    ),
  );
}
