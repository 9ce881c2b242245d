/**
 * Keys that earlier versions wrote. Whatever reads a saved file renames them first, so that only this table knows them.
 */

/** By the path to a key: the key that stands there now. */
interface Names {
  readonly [key: string]: string | Names;
}

const NETWORK: Names = { base: 'baseChannels', most: 'maxChannels', outputs: 'numClasses' };

export const FORMER_RECIPE: Names = {
  optimiser: 'optimizer',
  model: NETWORK,
  schedule: { rise: 'pctStart', startDivisor: 'divFactor', finalDivisor: 'finalDivFactor' },
};
/** Of a run's configuration. */
export const FORMER_CONFIG: Names = { recipe: FORMER_RECIPE };
/** Of a model's metadata. */
export const FORMER_METADATA: Names = { network: NETWORK, tile: { least: 'min' } };

/** The same JSON with the keys of `names` renamed, in the same order. */
export function rename(json: unknown, names: Names): unknown {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return json;
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => {
      const name = Object.hasOwn(names, key) ? names[key] : undefined;
      return typeof name === 'object' ? [key, rename(value, name)] : [name ?? key, value];
    }),
  );
}

/** The table that undoes `names`. */
export function inverse(names: Names): Names {
  return Object.fromEntries(
    Object.entries(names).map(([key, name]) => (typeof name === 'object' ? [key, inverse(name)] : [name, key])),
  );
}
