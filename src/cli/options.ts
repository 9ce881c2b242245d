/** Options of a command: one row says the flag, the help, the parser and the default; all else follows from it. */

import { type Command, Option } from 'commander';
import { DEVICE_NAMES } from './choices.ts';
import { oneOf } from './values.ts';

/** An option whose value is a `T`. */
export interface Row<T> {
  readonly flags: string;
  readonly help: string;
  readonly parse: ((text: string) => T) | undefined;
  readonly byDefault: T | undefined;
  /** The default as it is typed, where it prints otherwise. */
  readonly shown: string | undefined;
  /** A former name, still accepted and not in the help. */
  readonly former?: string;
}

/** By the name that the library has for it. */
export type Rows = { readonly [name: string]: Row<unknown> };

/** What rows give once parsed; undefined where an option without default is not used. */
export type Values<R extends Rows> = { readonly [K in keyof R]: R[K] extends Row<infer T> ? T : never };

/** An option with a value; without `byDefault` it may be undefined. */
export function row<T>(flags: string, help: string, parse: (text: string) => T): Row<T | undefined>;
export function row<T>(flags: string, help: string, parse: (text: string) => T, byDefault: T, shown?: string): Row<T>;
export function row<T>(flags: string, help: string, parse: (text: string) => T, byDefault?: T, shown?: string): Row<T> {
  return { flags, help, parse, byDefault, shown };
}

/** An option whose value is any text. */
export const text = (flags: string, help: string): Row<string | undefined> => row(flags, help, (value) => value);

/** An option without a value. */
export const flag = (flags: string, help: string): Row<boolean | undefined> => ({
  flags,
  help,
  parse: undefined,
  byDefault: undefined,
  shown: undefined,
});

/** One of a few words, which the help lists. */
export function choice<T extends string>(
  flags: string,
  names: readonly T[],
  { before = '', after = '' }: { readonly before?: string; readonly after?: string } = {},
): Row<T | undefined> {
  return row(flags, `${before}${names.join(', ')}${after}`, oneOf(...names));
}

export const DEVICE = row('--device <name>', DEVICE_NAMES.join(', '), oneOf(...DEVICE_NAMES), 'auto');
/** Which model of a run. */
export const CHECKPOINT = {
  ...row<'best' | 'last'>('--checkpoint <name>', 'model of the run: best or last', oneOf('best', 'last'), 'best'),
  former: '--model <name>',
};
export const JSON_ONLY = flag('--json', 'print JSON only');

function optionOf({ flags, help, parse, byDefault, shown }: Row<unknown>): Option {
  const option = new Option(flags, help);
  if (parse !== undefined) option.argParser(parse);
  return byDefault === undefined ? option : option.default(byDefault, shown);
}

/** Gives a command the options of these rows, under a heading of its help. */
export function addOptions(command: Command, rows: Rows, heading?: string): Command {
  for (const each of Object.values(rows)) {
    const grouped = (option: Option): Option => (heading === undefined ? option : option.helpGroup(heading));
    const option = grouped(optionOf(each));
    command.addOption(option);
    if (each.former !== undefined) {
      const former = grouped(optionOf({ ...each, flags: each.former, byDefault: undefined })).hideHelp();
      command.addOption(former);
      command.on(`option:${former.name()}`, (value: string) => {
        command.setOptionValueWithSource(option.attributeName(), each.parse?.(value) ?? true, 'cli');
      });
    }
  }
  return command;
}

/** The values of these rows after the command line is parsed, by the library's names. */
export function valuesOf<R extends Rows>(command: Command, rows: R): Values<R> {
  const values = Object.entries(rows).map(([name, each]): readonly [string, unknown] => [
    name,
    command.getOptionValue(optionOf(each).attributeName()),
  ]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined)) as Values<R>;
}

/** The long flag of a row: `--lr`. */
export const longFlag = ({ flags }: Row<unknown>): string => /--[a-z-]+/.exec(flags)?.[0] ?? flags;
