/** What messages may not do: decide anything, or speak of a command line where there is none. */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { withFlags } from '../../src/cli/option-words.ts';
import { program } from '../../src/cli/program.ts';
import { DatasetError, FormatError, factsOf, option, UsageError, writeOptions } from '../../src/errors.ts';

const read = (root: string) =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ({ path, text: readFileSync(`${root}/${path}`, 'utf8') }));
const files = [...read('src'), ...read('packages')];

/** Without comments, which may speak of what they like, and whole commands, which a report offers for copying. */
const codeOf = (text: string): string =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
    .replace(/`npx lamella .*$/gm, '');

/** A text method, a pattern or a comparison that is applied to a message. */
const READS_A_MESSAGE =
  /\b(?:message|problem|remedy)\??\.(?:includes|startsWith|endsWith|match|matchAll|replace|replaceAll|search|indexOf)\(|\.(?:test|exec)\(\w+\.(?:message|problem|remedy)\b|\.(?:message|problem|remedy)\s*[!=]==/;

describe('no message decides anything', () => {
  // ONNX Runtime gives its errors no code.
  const allowed = new Set(['runtime/written-outputs.ts']);
  test.each(files.filter(({ path }) => !allowed.has(path)))('in $path', ({ text }) => {
    expect(READS_A_MESSAGE.exec(codeOf(text))?.[0]).toBeUndefined();
  });
  test.each([
    "if (cause.message.includes('no labels')) return;",
    'const what = /this is (.*)/.exec(cause.message)?.[1];',
    "cause.message.replace(/a/, '')",
    "if (cause.problem === 'x') return;",
  ])('the rule sees %s', (line) => {
    expect(line).toMatch(READS_A_MESSAGE);
  });
});

/** `--lr` in a text, but not `var(--line-1)` or a declaration of a style sheet. */
const FLAG = /(?<![\w(-])--(?!>)[a-z][a-z-]*(?![\w-]*(?:\s*:|\)|\.\w))/;
const isCore = (path: string): boolean => !/^(?:cli|platform)\//.test(path);

describe('no message of the core has a flag in it', () => {
  test.each(files.filter(({ path }) => isCore(path)))('in $path', ({ text }) => {
    expect(FLAG.exec(codeOf(text))?.[0]).toBeUndefined();
  });
  test('the rule sees one', () => {
    expect("remedy: 'Lower --lr.'").toMatch(FLAG);
    expect("stroke: 'var(--line-2)'").not.toMatch(FLAG);
  });
});

test('every option that a message names has a flag in the command line', async () => {
  const flags = new Set((await program()).commands.flatMap(({ options }) => options.map(({ long }) => long)));
  const named = files.flatMap(({ text }) =>
    [...text.matchAll(/\boption\('(\w+)'(?:, (false)\b)?/g)].map(([, name = '', value]) => option(name, value)),
  );
  expect(named.length).toBeGreaterThan(20);
  const unknown = named.filter((name) => !(withFlags(name).match(/--[a-z-]+/g) ?? []).every((flag) => flags.has(flag)));
  expect(unknown).toEqual([]);
});

describe('errors', () => {
  test('have the code of their class, or that of their facts', () => {
    expect(new UsageError('x').code).toBe('usage');
    const facts = { code: 'unsupported-format', what: 'an Analyze 7.5 header' } as const;
    const error = new FormatError('this is another.', { file: 'a.hdr', remedy: 'Convert it.', facts });
    expect(error.code).toBe('unsupported-format');
    expect(error.message).toBe('a.hdr: this is another. Convert it.');
    expect(error.problem).toBe('this is another.');
    expect(factsOf(error, 'unsupported-format')?.what).toBe('an Analyze 7.5 header');
    expect(factsOf(error, 'no-labels')).toBeUndefined();
    expect(factsOf(new DatasetError('x'), 'no-labels')).toBeUndefined();
  });
  test('name options as the library, and as flags on the command line', () => {
    const text = `Lower ${option('learningRate')}, use ${option('ignore', -1)} or ${option('skipBad', true)}.`;
    expect(text).toBe('Lower `learningRate`, use `ignore: -1` or `skipBad: true`.');
    expect(withFlags(text)).toBe('Lower --lr, use --ignore -1 or --skip-bad.');
    expect(withFlags(option('overlay', false))).toBe('--no-overlay');
    expect(writeOptions(text, (name) => name.toUpperCase())).toBe('Lower LEARNINGRATE, use IGNORE or SKIPBAD.');
  });
});
