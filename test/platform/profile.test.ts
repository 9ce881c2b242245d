import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { trainRun } from '../../src/platform/node/train-run.ts';
import type { LayerRow } from '../../src/runtime/profile.ts';
import { phantomFolder } from '../support/phantom-folder.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-profile-test-'));
  await phantomFolder(join(root, 'data'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const SMALL = { baseChannels: 4, depth: 2, patch: [32, 32], batch: 1, workers: 0, device: 'cpu' } as const;

test.each([
  ['longer than what is measured', 16, 10],
  ['so short that it ends before', 5, 2],
])('of a run %s', async (_, steps, runs) => {
  const out = join(root, `run-${steps}`);
  const { profile } = await trainRun(join(root, 'data'), { ...SMALL, steps, out, profile: true });
  expect(profile?.runs).toBe(runs);
  // The kernels run one after the other within a run.
  expect(profile?.kernelsMs).toBeLessThan(profile?.runMs as number);
  expect(profile?.kernelsMs).toBeGreaterThan(0.3 * (profile?.runMs as number));
  const layers = new Map(profile?.layers.map((row) => [row.name, row]));
  const conv = layers.get('encoder1/conv1') as LayerRow;
  expect(conv.backwardMs).toBeGreaterThan(0);
  expect(conv.backwardMs).toBeLessThan(conv.ms);
  expect([...layers.keys()]).toEqual(expect.arrayContaining(['decoder0/up', 'output', 'loss', 'update']));
  expect(await readFile(join(out, 'profile.txt'), 'utf8')).toMatch(/^profile of \d+ runs[\s\S]*\nencoder1\/conv1 /);
  expect(await readdir(out)).toContain('profile.json');
});

test('without being asked for there is none', async () => {
  const out = join(root, 'plain');
  const { profile } = await trainRun(join(root, 'data'), { ...SMALL, steps: 1, out });
  expect(profile).toBeUndefined();
  expect((await readdir(out)).filter((name) => name.startsWith('profile'))).toEqual([]);
});
