import { describe, expect, test } from 'vitest';
import { SCHEDULERS, shard, shardNumber } from '../../src/cli/shard.ts';
import { lamella } from './command.ts';

test('a share is one of n, counted from 1, or known later', () => {
  expect([shard('1/1'), shard('64/64'), shard(' auto/7 ')]).toEqual([
    { k: 1, n: 1 },
    { k: 64, n: 64 },
    { k: undefined, n: 7 },
  ]);
  for (const text of ['0/4', '5/4', '1/0', '-1/4', '1.5/4', 'auto', 'auto/0', '3', '3/', '/4', 'all/4', '']) {
    expect(() => shard(text), text).toThrow('k/n with k from 1 to n is expected, such as 3/64, or auto/64.');
  }
});

describe('auto is the number that the scheduler gives', () => {
  const auto = { k: undefined, n: 8 };
  test.each(SCHEDULERS)('$name: $variable, from $first', ({ variable, first }) => {
    expect(shardNumber(auto, { [variable]: String(first) })).toEqual({ k: 1, n: 8 });
    expect(shardNumber(auto, { [variable]: String(first + 7) })).toEqual({ k: 8, n: 8 });
    expect(() => shardNumber(auto, { [variable]: String(first + 8) })).toThrow(
      `${variable} is ${first + 8}, which is none of 8 jobs. Number the jobs from ${first} to ${first + 7}.`,
    );
  });
  test('outside of an array there is none, and all variables are listed', () => {
    for (const environment of [{}, { SGE_TASK_ID: 'undefined' }, { LSB_JOBINDEX: '0' }, { PBS_ARRAY_INDEX: '' }]) {
      expect(() => shardNumber(auto, environment)).toThrow(
        /SLURM_ARRAY_TASK_ID \(Slurm\), JOB_COMPLETION_INDEX \(Kubernetes\), .*, BATCH_TASK_INDEX \(Google Batch\)\. Use --shard 1\/8/,
      );
    }
  });
  test('two schedulers must agree', () => {
    expect(shardNumber(auto, { SLURM_ARRAY_TASK_ID: '3', SGE_TASK_ID: '4' })).toEqual({ k: 4, n: 8 });
    expect(() => shardNumber(auto, { SLURM_ARRAY_TASK_ID: '3', JOB_COMPLETION_INDEX: '4' })).toThrow(
      'schedulers contradict each other: SLURM_ARRAY_TASK_ID=3, JOB_COMPLETION_INDEX=4.',
    );
  });
  test('a share that is said needs no scheduler', () => {
    expect(shardNumber({ k: 3, n: 8 }, { SLURM_ARRAY_TASK_ID: '7' })).toEqual({ k: 3, n: 8 });
  });
});

test.each([
  [['--shard', '9/8'], /k\/n with k from 1 to n is expected/],
  [['--shard', 'auto/8'], /no scheduler says which job of an array this is\. None of these is set: SLURM_ARRAY/],
  [['--stage', 'predict'], /--stage predict needs a share\. Add --shard k\/n\./],
  [['--stage', 'scan', '--shard', '1/8'], /--stage scan is one job, without shares\. Remove --shard\./],
  [['--stage', 'finnish'], /Did you mean finish\?/],
  [['--resume'], /--resume is for predictions in shards/],
] as const)('predict %j ends with 2, and says why', async (args, message) => {
  const { code, stderr } = await lamella(['predict', 'run', 'images', ...args]);
  expect(stderr).toMatch(message);
  expect(code).toBe(2);
});
