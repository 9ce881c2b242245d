import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { packageVersion } from '../../src/platform/node/version.ts';
import type { DeviceSpeeds } from '../../src/train/kept-speeds.ts';

const load = vi.hoisted(() => ({ average: 0 }));
vi.mock('node:os', async (original) => ({
  ...(await original<typeof import('node:os')>()),
  loadavg: () => [load.average, 0, 0],
}));

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-cache-'));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true });
});

/** The speeds as another process finds them. */
async function inNewProcess(): Promise<DeviceSpeeds> {
  vi.resetModules();
  return (await import('../../src/platform/node/device-speeds.ts')).deviceSpeeds;
}

const cpu = { device: 'cpu', description: 'CPU, 2 threads' } as const;

test.each([
  ['LAMELLA_CACHE', 'own', { LAMELLA_CACHE: 'own' }],
  ['XDG_CACHE_HOME', 'xdg/lamella', { LAMELLA_CACHE: undefined, XDG_CACHE_HOME: 'xdg' }],
  ['the home folder', 'home/.cache/lamella', { LAMELLA_CACHE: undefined, XDG_CACHE_HOME: '', HOME: 'home' }],
])('a CPU is measured once for all runs, by %s', async (_, folder, env) => {
  for (const [name, value] of Object.entries(env))
    vi.stubEnv(name, value === undefined ? value : value && join(root, value));
  await (await inNewProcess()).set(cpu, 3e10);
  expect(await (await inNewProcess()).get(cpu)).toBe(3e10);
  expect(await readdir(join(root, folder))).toEqual(['device-speeds.json']);
  const text = await readFile(join(root, folder, 'device-speeds.json'), 'utf8');
  const [[name, entry]] = Object.entries(JSON.parse(text) as { [name: string]: object }) as [[string, object]];
  expect(name).toMatch(/^CPU, 2 threads; .+; lamella \d+\.\d+\.\d+.*; onnxruntime \d+\.\d+\.\d+$/);
  expect(name).toContain(`lamella ${packageVersion()}`);
  expect(entry).toEqual({ flops: 3e10, measured: expect.stringMatching(/^20\d\d-/) });
  // The values of a person or of this machine alone.
  for (const own of [homedir(), hostname(), userInfo().username]) if (own.length > 4) expect(text).not.toContain(own);
});

test('a speed measured while other programs run is not kept', async () => {
  vi.stubEnv('LAMELLA_CACHE', join(root, 'busy'));
  load.average = 1000;
  const speeds = await inNewProcess();
  await speeds.set(cpu, 1e10);
  expect([await speeds.get(cpu), await (await inNewProcess()).get(cpu)]).toEqual([1e10, undefined]);
  load.average = 0;
});

test('a GPU, which its description does not name, is measured by every process', async () => {
  vi.stubEnv('LAMELLA_CACHE', join(root, 'gpu'));
  const cuda = { device: 'cuda', description: 'CUDA' } as const;
  const speeds = await inNewProcess();
  await speeds.set(cuda, 5e12);
  expect([await speeds.get(cuda), await (await inNewProcess()).get(cuda)]).toEqual([5e12, undefined]);
  expect(await readdir(root)).not.toContain('gpu');
});

test('nothing is kept where LAMELLA_CACHE is empty, or is no folder', async () => {
  const file = join(root, 'file');
  await writeFile(file, '');
  for (const value of ['', file]) {
    vi.stubEnv('LAMELLA_CACHE', value);
    await (await inNewProcess()).set(cpu, 3e10);
    expect(await (await inNewProcess()).get(cpu)).toBeUndefined();
  }
});
