/** Output of commands to stdout, and warnings to stderr. */

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { withFlags } from './option-words.ts';

export const say = (...lines: readonly string[]): void => void process.stdout.write(`${lines.join('\n')}\n`);

export const printJson = (value: unknown, replacer?: (key: string, value: unknown) => unknown): void =>
  say(JSON.stringify(value, replacer, 2));

/** `2 images`, `1 object`. */
/** The path of a written page, with an address that terminals turn into a link. */
export const pageLine = (what: string, file: string): string =>
  `${what}: ${file}  (${pathToFileURL(resolve(file)).href})`;

/** A warning on stderr. */
export const warn = (line: string): void => void process.stderr.write(`lamella: ${withFlags(line)}\n`);
