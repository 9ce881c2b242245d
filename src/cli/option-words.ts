import { writeOptions } from '../errors.ts';
import { longFlag } from './options.ts';
import { TRAIN_SETTINGS } from './train-settings.ts';

/** Flags whose name is not that of the library's option with hyphens. */
const FLAGS: { readonly [option: string]: string } = {
  ...Object.fromEntries(Object.entries(TRAIN_SETTINGS).map(([name, each]) => [name, longFlag(each)])),
  evaluation: '--dense and --patchwise',
};

/** The flag of a library option: `skipBad` is `--skip-bad`. */
export const flagOf = (name: string): string =>
  FLAGS[name] ?? `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/**
 * A sentence of the library with its options as flags: in backticks, `ignore: 5` becomes `--ignore 5` and
 * `labels: false` `--no-labels`.
 */
export const withFlags = (text: string): string =>
  writeOptions(text, (name, value) => {
    if (value === undefined || value === 'true') return flagOf(name);
    return value === 'false' ? flagOf(name).replace('--', '--no-') : `${flagOf(name)} ${value}`;
  });
