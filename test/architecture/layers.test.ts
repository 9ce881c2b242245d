/** The list of rooms in docs/architecture.md is the one source of the layers; this holds the import graph to it. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findCycle, importsOfSources, roomOf } from './imports.ts';

/** Room to the rooms that it may import, in the order of the list. */
function readRooms(): Map<string, readonly string[]> {
  const [, section = ''] = /## Rooms\n([\s\S]*?)\n#/.exec(readFileSync('docs/architecture.md', 'utf8')) ?? [];
  const items = section.matchAll(/^- `([\w/.]+?)\/?`: [\s\S]*?\n {2}Imports: ([\s\S]*?)\.$/gm);
  return new Map(
    [...items].map(([, room, allowed]) => [
      room,
      allowed.trim() === 'nothing' ? [] : [...allowed.matchAll(/[\w./]+/g)].map(String),
    ]),
  );
}

/** Open to every room, so not listed. */
const OPEN = ['errors.ts', 'files.ts'];

const rooms = readRooms();
const imports = importsOfSources();

/** Rooms that a room imports, with a file that does. */
function usedBy(room: string): Map<string, string> {
  const used = new Map<string, string>();
  for (const [file, targets] of imports) {
    if (roomOf(file) !== room) continue;
    for (const target of targets) if (/^(?:src|packages|lamella)(?:\/|$)/.test(target)) used.set(roomOf(target), file);
  }
  for (const free of [...OPEN, room]) used.delete(free);
  return used;
}

test('every room stands in the list, and no other', () => {
  expect([...rooms.keys()].sort()).toEqual([...new Set([...imports.keys()].map(roomOf))].sort());
});

test.each([...rooms.keys()])('%s imports what the list says, and all of it', (room) => {
  const used = usedBy(room);
  const allowed = rooms.get(room) ?? [];
  expect([...used.keys()].sort(), [...used.values()].join()).toEqual([...allowed].sort());
});

test('a room imports only rooms above it in the list', () => {
  const order = [...rooms.keys()];
  const downward = order.flatMap((room, place) =>
    (rooms.get(room) ?? []).filter((other) => order.indexOf(other) >= place).map((other) => `${room} -> ${other}`),
  );
  expect(downward).toEqual([]);
});

test('no file imports itself in a circle, type imports included', () => {
  expect(findCycle(imports)).toBeUndefined();
});

test('a circle would be found', () => {
  const circle = new Map([
    ['a', ['b']],
    ['b', ['c']],
    ['c', ['b']],
  ]);
  expect(findCycle(circle)).toEqual(['b', 'c', 'b']);
});
