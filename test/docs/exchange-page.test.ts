/** Every command of docs/exchange.md, run as it stands there, and what came of it. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lamella } from '../cli/command.ts';
import { describeWithPeers } from '../support/peers.ts';
import { WALKS, type Walk } from './exchange-walks.ts';

const PAGE = 'docs/exchange.md';

/** The commands of each section, by its title. */
function commandsOf(page: string): Readonly<Record<string, readonly string[]>> {
  const sections = page.split(/^#+ /m).slice(1);
  return Object.fromEntries(
    sections.map((section) => [
      section.split('\n', 1)[0] as string,
      [...section.matchAll(/^ {4,}(lamella .*?) *$/gm)].map(([, command]) => command as string),
    ]),
  );
}

/** Those that are tested, by section. */
function tested(): Readonly<Record<string, readonly string[]>> {
  const commands: Record<string, string[]> = {};
  for (const walk of WALKS) commands[walk.section] = [...(commands[walk.section] ?? []), ...Object.keys(walk.commands)];
  return commands;
}

const sorted = (commands: Readonly<Record<string, readonly string[]>>) =>
  Object.fromEntries(Object.entries(commands).map(([section, lines]) => [section, [...new Set(lines)].sort()]));

test('every command of the page is run, and no other', () => {
  const page = commandsOf(readFileSync(PAGE, 'utf8'));
  expect(sorted(tested())).toEqual(sorted(page));
  expect(Object.values(page).flat().length).toBeGreaterThan(25);
});

describe(PAGE, () => {
  const root = mkdtempSync(join(tmpdir(), 'lamella-exchange-page-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  const body =
    ({ prepare, commands }: Walk, number: number) =>
    () => {
      const folder = mkdtempSync(join(root, `${number}-`));
      beforeAll(() => prepare(folder));
      test.each(Object.entries(commands))('%s', async (line, check) => {
        const { code, stdout, stderr } = await lamella(line.split(/\s+/).slice(1), { cwd: folder });
        expect(code, stderr).toBe(0);
        await check(folder, stdout + stderr);
      });
    };

  for (const [i, walk] of WALKS.entries()) {
    const name = `${walk.section}, files of ${walk.of}`;
    if (walk.needsPeers === true) describeWithPeers(name, body(walk, i), 'labels');
    else describe(name, body(walk, i));
  }
});
