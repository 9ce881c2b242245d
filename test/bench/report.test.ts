import { describe, expect, it } from 'vitest';
import type { Result } from '../../bench/suite/compare.ts';
import { page } from '../../bench/suite/report.ts';

const machine = {
  processor: 'a processor',
  cores: 2,
  memoryGiB: 8,
  system: 'linux',
  versions: { Node: 'v20' },
  date: '2026-01-01',
  command: 'npm run bench',
};
const times = (medianMs: number) => ({ about: 'b', medianMs, minMs: medianMs - 1, maxMs: medianMs + 1, peakMiB: 100 });
const result = (change: Partial<Result>): Result => ({
  name: 'a row',
  group: 'g',
  rounds: 5,
  load: 0,
  date: '2026-01-01',
  ours: times(200),
  ...change,
});
const rowOf = (change: Partial<Result>) =>
  page(machine, [result(change)])
    .split('\n')
    .find((line) => line.startsWith('| a row'));

describe('a row of the benchmarks', () => {
  it('says whether the goal was reached', () => {
    const peer = times(400);
    const row = '| a row | 200 ms (199 to 201) | 400 ms (399 to 401) | 0.50 | <= 0.8 | reached | 0.0 |';
    expect(rowOf({ peer, ratio: 0.5, goal: 0.8 })).toBe(row);
    expect(rowOf({ peer, ratio: 0.5, goal: 0.4 })).toContain('missed');
  });
  it('does not judge a row that was measured on a busy machine', () => {
    expect(rowOf({ peer: times(400), ratio: 0.5, goal: 0.8, load: 3.6 })).toContain('| not judged | 3.6 |');
  });
  it('knows goals in milliseconds and rows without any', () => {
    expect(rowOf({ limitMs: 150 })).toContain('| <= 150 ms | missed |');
    expect(rowOf({})).toContain('|  | measured |');
  });
  it('says which side failed, and why', () => {
    const failures = ['peer: No module named torch'];
    expect(rowOf({ failures, goal: 0.8 })).toBe('| a row | 200 ms (199 to 201) | failed |  | <= 0.8 | failed | 0.0 |');
    const { ours: _, ...without } = result({ failures: ['ours: ended'], peer: times(400) });
    const text = page(machine, [without]);
    expect(text).toContain('| a row | failed | 400 ms (399 to 401) |  |  | failed | 0.0 |');
    expect(text).toContain('- a row: ours: ended');
  });
  it('compares memory where it was asked for', () => {
    const text = page(machine, [result({ peer: times(1), memoryRatio: 1.5 })]);
    expect(text).toContain('| a row | 100 | 100 | 1.50 | <= 1 | missed |');
  });
});
