/** Options of a command: one row defines the flag, the help, the parser and the default. */

import { type Command, Option } from 'commander';
import { DEVICE_NAMES } from '../runtime/runtime.ts';
import { channels, integer, oneOf } from './values.ts';

/** An option whose value is a `T`. */
export interface Row<T> {
  readonly flags: string;
  readonly help: string;
  readonly parse?: (text: string) => T;
  readonly byDefault?: T;
  /** The default as typed, if it is displayed differently. */
  readonly shown?: string;
  /** A former name, still accepted but not in the help. */
  readonly former?: string;
  /** Heading in the help. */
  readonly heading?: string;
}

/** By the library's option names. */
export type Rows = { readonly [name: string]: Row<unknown> };

type ValueOf<R> = R extends Row<infer T> ? T : never;

/** The parsed values of rows; an option without default is undefined if not set. */
export type Values<R extends Rows> = {
  readonly [K in keyof R as undefined extends ValueOf<R[K]> ? never : K]: ValueOf<R[K]>;
} & {
  readonly [K in keyof R as undefined extends ValueOf<R[K]> ? K : never]?: ValueOf<R[K]>;
};

/** An option with a value; without `byDefault` it may be undefined. */
export function row<T>(flags: string, help: string, parse: (text: string) => T): Row<T | undefined>;
export function row<T>(flags: string, help: string, parse: (text: string) => T, byDefault: T, shown?: string): Row<T>;
export function row<T>(flags: string, help: string, parse: (text: string) => T, byDefault?: T, shown?: string): Row<T> {
  return { flags, help, parse, byDefault, shown };
}

/** An option whose value is any text. */
export const text = (flags: string, help: string): Row<string | undefined> => row(flags, help, String);

/** An option without a value. */
export const flag = (flags: string, help: string): Row<boolean | undefined> => ({ flags, help });

/** For models of other programs. */
export const OUTPUT = text(
  '--output <name>',
  'which of several outputs of a model of another program is the map of classes (default: the only one that may be)',
);

/** `--no-x`, without which x is true. */
export const no = (flags: string, help: string): Row<boolean> => ({ flags, help });

/** For DICOM segmentations. */
export const NO_PATIENT = no(
  '--no-patient',
  "DICOM segmentations: leave out the patient's name, ID, birth date and sex, and the date and numbers of the study",
);

/** One of several words, which the help lists. */
export function choice<T extends string>(
  flags: string,
  names: readonly T[],
  { before = '', after = '' }: { readonly before?: string; readonly after?: string } = {},
): Row<T | undefined> {
  return row(flags, `${before}${names.join(', ')}${after}`, oneOf(...names));
}

/** The same rows under a heading of the help. */
export const under = <R extends Rows>(heading: string, rows: R): R =>
  Object.fromEntries(Object.entries(rows).map(([name, each]) => [name, { ...each, heading }])) as R;

const DEVICES = ['auto', ...DEVICE_NAMES.filter((name) => name !== 'wasm')] as const;
export const DEVICE = row('--device <name>', DEVICES.join(', '), oneOf(...DEVICES), 'auto');
/** Which model of a run. */
export const CHECKPOINT = {
  ...row<'best' | 'last'>('--checkpoint <name>', 'model of the run: best or last', oneOf('best', 'last'), 'best'),
  former: '--model <name>',
};
export const CHANNEL = row(
  '--channel <list>',
  'channels of the image to use, by name or number from 0 (default: as in training)',
  channels,
);
/** @param help says of what, and the default */
export const levelOf = (help: string): Row<number | undefined> => row('--level <n>', help, integer(0));
export const JSON_ONLY = flag('--json', 'print JSON only');
export const JSON_SUMMARY = flag('--json', 'print a JSON summary only');
export const QUIET = flag('--quiet', 'print warnings and errors only');

function optionOf({ flags, help, parse, byDefault, shown, heading }: Row<unknown>): Option {
  const option = new Option(flags, help);
  if (parse !== undefined) option.argParser(parse);
  if (heading !== undefined) option.helpGroup(heading);
  return byDefault === undefined ? option : option.default(byDefault, shown);
}

/** Adds the options of these rows to a command. */
export function addOptions(command: Command, rows: Rows): Command {
  for (const each of Object.values(rows)) {
    const option = optionOf(each);
    command.addOption(option);
    if (each.former !== undefined) {
      const former = optionOf({ ...each, flags: each.former, byDefault: undefined }).hideHelp();
      command.addOption(former);
      command.on(`option:${former.name()}`, (value: string) => {
        command.setOptionValueWithSource(option.attributeName(), each.parse?.(value) ?? true, 'cli');
      });
    }
  }
  return command;
}

/** The parsed values of these rows, by the library's names. */
export function valuesOf<R extends Rows>(command: Command, rows: R): Values<R> {
  const values = Object.entries(rows).map(([name, each]): readonly [string, unknown] => [
    name,
    command.getOptionValue(optionOf(each).attributeName()),
  ]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined)) as Values<R>;
}

/** The long flag of a row: `--lr`. */
export const longFlag = ({ flags }: Row<unknown>): string => /--[a-z-]+/.exec(flags)?.[0] ?? flags;
