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
const itemOf = (change: Partial<Result>) => /^- a row:.*\n.*/m.exec(page(machine, [result(change)]))?.[0];

describe('an item of the benchmarks', () => {
  it('says whether the goal was reached', () => {
    const peer = times(400);
    expect(itemOf({ peer, ratio: 0.5, goal: 0.8 })).toBe(
      '- a row: reached (ratio 0.50, goal <= 0.8);\n  ours 200 ms (199 to 201), peer 400 ms (399 to 401), load 0.0',
    );
    expect(itemOf({ peer, ratio: 0.5, goal: 0.4 })).toContain('a row: missed');
  });
  it('does not judge what was measured on a busy machine', () => {
    expect(itemOf({ peer: times(400), ratio: 0.5, goal: 0.8, load: 3.6 })).toMatch(
      /^- a row: not judged .*\n.* load 3\.6$/,
    );
  });
  it('knows goals in milliseconds and none', () => {
    expect(itemOf({ limitMs: 150 })).toContain('a row: missed (goal <= 150 ms);');
    expect(itemOf({})).toBe('- a row: measured;\n  ours 200 ms (199 to 201), load 0.0');
  });
  it('says which side failed, and why', () => {
    const failures = ['peer: No module named torch'];
    expect(itemOf({ failures, goal: 0.8 })).toBe(
      '- a row: failed (goal <= 0.8);\n  ours 200 ms (199 to 201), peer failed, load 0.0',
    );
    const { ours: _, ...without } = result({ failures: ['ours: ended'], peer: times(400) });
    const text = page(machine, [without]);
    expect(text).toContain('- a row: failed;\n  ours failed, peer 400 ms (399 to 401), load 0.0');
    expect(text).toContain('- a row: ours: ended');
  });
  it('compares memory where it was asked for', () => {
    const text = page(machine, [result({ peer: times(1), memoryRatio: 1.5 })]);
    expect(text).toContain('| a row | 100 | 100 | 1.50 | <= 1 | missed |');
  });
});
