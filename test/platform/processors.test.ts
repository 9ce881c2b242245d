import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { processors, threadsInWords } from '../../src/platform/node/processors.ts';

const root = mkdtempSync(join(tmpdir(), 'lamella-processors-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A process in a machine of 64 processors. @param files below the mount, or `groups`, with their text */
function limits(name: string, files: Readonly<Record<string, string>>, environment: Record<string, string> = {}) {
  for (const [file, text] of Object.entries(files)) {
    const path = join(root, name, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return { available: 64, environment, groups: join(root, name, 'groups'), mount: join(root, name, 'mount') };
}

const QUOTA = 'CPU quota';

describe('processors that a process may keep busy', () => {
  test('are those that it is bound to, where nothing else limits it', () => {
    const expected = { count: 64 };
    expect(processors(limits('none', {}))).toEqual(expected);
    expect(processors(limits('max', { groups: '0::/\n', 'mount/cpu.max': 'max 100000\n' }))).toEqual(expected);
    for (const text of ['', '0', '-1', 'all', '100']) {
      expect(processors(limits('none', {}, { SLURM_CPUS_PER_TASK: text })), text).toEqual(expected);
    }
  });

  test.each([
    ['of a container', '0::/\n', { 'cpu.max': '250000 100000\n' }, 2],
    ['of less than one processor', '0::/\n', { 'cpu.max': '50000 100000\n' }, 1],
    ['of its own group', '0::/kube/pod7\n', { 'kube/pod7/cpu.max': '300000 100000', 'cpu.max': 'max 100000' }, 3],
    ['of a group around it', '0::/kube/pod7\n', { 'kube/pod7/cpu.max': 'max 100000', 'kube/cpu.max': '8 2' }, 4],
    [
      'of version 1',
      '5:memory:/job\n4:cpu,cpuacct:/job\n0::/\n',
      { 'cpu,cpuacct/job/cpu.cfs_quota_us': '600000\n', 'cpu,cpuacct/job/cpu.cfs_period_us': '100000\n' },
      6,
    ],
  ] as const)('a quota %s', (what, groups, files, count) => {
    const below = Object.entries(files).map(([file, text]) => [`mount/${file}`, text]);
    expect(processors(limits(what, { groups, ...Object.fromEntries(below) }))).toEqual({ count, limit: QUOTA });
  });

  test('no quota of version 1', () => {
    const files = {
      groups: '4:cpu:/job\n',
      'mount/cpu/job/cpu.cfs_quota_us': '-1\n',
      'mount/cpu/job/cpu.cfs_period_us': '100000\n',
    };
    expect(processors(limits('unlimited', files))).toEqual({ count: 64 });
  });

  test('the least of all limits counts, and is said', () => {
    const files = { groups: '0::/\n', 'mount/cpu.max': '800000 100000\n' };
    const four = processors(limits('both', files, { SLURM_CPUS_PER_TASK: '4' }));
    expect(four).toEqual({ count: 4, limit: 'SLURM_CPUS_PER_TASK' });
    expect(threadsInWords(four)).toBe('4 threads (SLURM_CPUS_PER_TASK)');
    const eight = processors(limits('both', files, { SLURM_CPUS_PER_TASK: '16' }));
    expect(threadsInWords(eight)).toBe('8 threads (CPU quota)');
    expect(threadsInWords({ count: 1 })).toBe('1 thread');
  });

  test('of this process are at least one', () => {
    expect(processors().count).toBeGreaterThan(0);
  });
});
