import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type JobRequest, measureStages, predictStages } from '../../src/cli/jobs/request.ts';
import { slurmScript } from '../../src/cli/jobs/slurm.ts';
import { snakefile } from '../../src/cli/jobs/snakemake.ts';
import { lamella } from './command.ts';

const request: JobRequest = {
  program: ['/opt/node', '/opt/lamella/main.js'],
  args: ['predict', "runs/it's", 'my slides/*.tif', '--out', 'pred$HOME'],
  folder: '/data/my lab',
  out: 'pred$HOME',
  stages: predictStages(false),
  ...{ shards: 8, parallel: 3, cpus: 2, memory: 2 ** 30, minutes: 90 },
};
const measuring: JobRequest = { ...request, args: ['measure', 'a.tif', '--out', 'm'], out: 'm', stages: measureStages };

/** What a job gets as its arguments, as the shell reads the line. */
const read = (line: string): readonly string[] =>
  execFileSync('bash', ['-c', `set -f; printf '%s\\n' ${line}`], { encoding: 'utf8' })
    .trimEnd()
    .split('\n');

describe('Slurm', () => {
  const script = slurmScript(request);
  test('three stages, one after the other, the second in as many jobs as there are shares', () => {
    execFileSync('bash', ['-n'], { input: script });
    const submitted = script.split('\n').filter((line) => /=\$\(submit/.test(line));
    expect(submitted.map((line) => line.replace(/ "\$@".*/, ''))).toEqual([
      'scan=$(submit --job-name=lamella-scan',
      'predict=$(submit --job-name=lamella-predict --dependency=afterok:"$scan" --array=0-7%3',
      'finish=$(submit --job-name=lamella-finish --dependency=afterok:"$predict"',
    ]);
    expect(script).toContain(
      `'--chdir=/data/my lab' --cpus-per-task=2 --mem=1280M --time=90 --kill-on-invalid-dep=yes`,
    );
  });
  test('objects are another array, after all that is predicted', () => {
    const submitted = slurmScript({ ...request, stages: predictStages(true) }).matchAll(
      /--job-name=lamella-(\w+).*?(?="\$@")/g,
    );
    expect([...submitted].map(([line]) => line.trim()).slice(2)).toEqual([
      '--job-name=lamella-objects --dependency=afterok:"$predict" --array=0-7%3',
      '--job-name=lamella-finish --dependency=afterok:"$objects"',
    ]);
  });
  test('measuring has two arrays, and then the tables', () => {
    const script = slurmScript(measuring);
    execFileSync('bash', ['-n'], { input: script });
    expect([...script.matchAll(/--job-name=lamella-.*?(?= "\$@")/g)].map(([line]) => line)).toEqual([
      '--job-name=lamella-count --array=0-7%3',
      '--job-name=lamella-values --dependency=afterok:"$count" --array=0-7%3',
      '--job-name=lamella-finish --dependency=afterok:"$values"',
    ]);
    expect([...script.matchAll(/exec .* (--stage.*)/g)].map(([, end]) => end)).toEqual([
      '--stage count --shard auto/8 --resume',
      '--stage values --shard auto/8 --resume',
      '--stage finish',
    ]);
    expect(script).toContain('lamella jobs status m');
  });
  test('what sbatch refuses ends the script, and is not said to be submitted', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lamella-sbatch-'));
    const submit = (sbatch: string) => {
      writeFileSync(join(folder, 'sbatch'), `#!/bin/bash\n${sbatch}\n`, { mode: 0o755 });
      const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
      return spawnSync('bash', { input: script, env, encoding: 'utf8' });
    };
    expect(submit('echo "12;cluster"').stdout).toContain('jobs 12 (scan), 12 (predict), 12 (finish):');
    expect(submit('echo "no such partition" >&2; exit 1')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: 'no such partition\n',
    });
    rmSync(folder, { recursive: true });
  });
  test('jobs get their arguments as they were typed', () => {
    const lines = script.split('\n').filter((line) => line.startsWith('exec '));
    const jobs = lines.map((line) => read(line.slice('exec '.length)));
    const same = [...request.program, ...request.args];
    expect(jobs).toEqual([
      [...same, '--stage', 'scan'],
      [...same, '--shard', 'auto/8', '--resume'],
      [...same, '--stage', 'finish'],
    ]);
  });
});

test('jobs on Kubernetes are called by their command, so that a measurement can follow a prediction', async () => {
  const words = ['pred', '--out', 'm', '--image', 'a', '--claim', 'b'];
  for (const [command, names] of [
    ['predict', ['lamella-predict-scan', 'lamella-predict-predict', 'lamella-predict-finish']],
    ['measure', ['lamella-measure-count', 'lamella-measure-values', 'lamella-measure-finish']],
  ] as const) {
    const more = command === 'predict' ? ['runs/a'] : [];
    const { stdout } = await lamella(['jobs', 'kubernetes', command, ...more, ...words]);
    expect([...stdout.matchAll(/"metadata": \{\s+"name": "(.*)"/g)].map(([, name]) => name)).toEqual(names);
  }
});

test('Snakemake gets the share of each job, and other braces as they are', () => {
  const file = snakefile({ ...request, args: ['predict', 'a{b}', '--out', 'pred'], out: 'pred' });
  expect(file).toContain(
    `shell: "/opt/node /opt/lamella/main.js predict 'a{{b}}' --out pred --shard {wildcards.k}/8 --resume"`,
  );
  expect(file).toContain('input: expand("pred/.lamella/marks/predict-{k}-of-8", k=range(1, 9))');
});

test.each([
  [['sluurm', 'predict', 'a', 'b'], /Did you mean slurm\?/],
  [['slurm', 'train', 'a'], /lamella train does not run in shards\. Use predict or measure\./],
  [['slurm', 'measure', 'a'], /the jobs need to be told where to write\. Add --out\./],
  [['slurm', 'measure', 'a', '--out', 'c', '--stage', 'count'], /are added to each job/],
  [['slurm', 'measure', 'a', '--out', 'c', '--aas', 'objects'], /unknown option '--aas'/],
  [['slurm', 'measure', 'a', '--out', 'c', '--task', 'lungs'], /lungs are measured by one process/],
  [['slurm', 'predict', 'a', 'b'], /the jobs need to be told where to write\. Add --out\./],
  [['slurm', 'predict', 'a', 'b', '--out', 'c', '--oot', 'd'], /unknown option '--oot'/],
  [['slurm', 'predict', 'a', '--out', 'c'], /missing required argument/],
  [['slurm', 'predict', 'a', 'b', '--out', 'c', '--shard', '1/2'], /are added to each job/],
  [['kubernetes', 'predict', 'a', 'b', '--out', 'c'], /Add --image and --claim/],
  [['status', 'nothing-here'], /nothing-here: there is no plan here/],
] as const)('jobs %j ends with 2, and says why', async (args, message) => {
  const { code, stderr } = await lamella(['jobs', ...args]);
  expect(stderr).toMatch(message);
  expect(code).toBe(2);
});
