import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { lamella } from '../cli/command.ts';
import { folderDigests } from '../support/folder-digests.ts';
import { describeWithSlurm, type Slurm, startSlurm } from '../support/slurm.ts';
import { timesOf } from '../support/soak.ts';
import { smallPrediction } from './small-prediction.ts';

/** The long form takes a node down while a job runs there: Slurm waits two minutes before it repeats the job. */
const isLong = timesOf('NODES', 0) > 0;

describeWithSlurm('what the jobs that lamella jobs slurm prints make', () => {
  const root = mkdtempSync(join(tmpdir(), 'lamella-slurm-'));
  const at = (...parts: readonly string[]): string => join(root, ...parts);
  let slurm: Slurm | undefined;

  beforeAll(async () => {
    const baseChannels = isLong ? 32 : 4;
    await smallPrediction(root, { times: isLong ? 12 : 5, sides: [700, 800], baseChannels });
    mkdirSync(at('slurm'));
    slurm = await startSlurm(at('slurm'));
  });
  afterAll(() => {
    slurm?.stop();
    rmSync(root, { recursive: true, force: true });
  });

  const run = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await lamella(args, { cwd: root });
    expect(code, stderr).toBe(0);
    return stdout;
  };
  const command = (out: string) => ['predict', 'a.onnx', 's.ome.zarr', '--out', out, '--memory', '1GB', '--objects'];

  /** Submits the printed script. @returns the jobs, in the order of their stages */
  async function submit(
    out: string,
    words = command(out),
    stages = ['scan', 'predict', 'objects', 'finish'],
  ): Promise<readonly string[]> {
    const script = await run('jobs', 'slurm', ...words, '--shards', '4', '--cpus', '1');
    writeFileSync(at(`${out}.sh`), script);
    const said = slurm?.run('bash', at(`${out}.sh`), `--output=${at(`${out}.%A.%a.log`)}`) ?? '';
    const jobs = [...said.matchAll(/(\d+) \((\w+)\)/g)].map(([, job]) => job as string);
    expect(said.replace(/\d+/g, 'N')).toMatch(
      `jobs ${stages.map((stage) => `N (${stage})`).join(', ')}: lamella jobs status ${out}`,
    );
    return jobs;
  }

  const logs = (out: string): string =>
    readdirSync(root)
      .filter((name) => name.startsWith(`${out}.`) && name.endsWith('.log'))
      .map((name) => readFileSync(at(name), 'utf8'))
      .join('');

  /** By one process, without a scheduler. */
  async function alone(): Promise<Readonly<Record<string, string>>> {
    if (!existsSync(at('one'))) {
      await run(...command('one'), '--shard', '1/1');
      await run(...command('one'), '--stage', 'objects', '--shard', '1/1');
      await run(...command('one'), '--stage', 'finish');
    }
    return folderDigests(at('one'));
  }

  test('a prediction has the bytes of one process', async () => {
    const jobs = await submit('many');
    await slurm?.ended(jobs.at(-1) as string);
    expect(existsSync(at('many/prediction.json')), logs('many')).toBe(true);
    // As many as the job has, not as the machine.
    expect(logs('many')).toMatch(/^device: CPU, 1 thread\b/m);
    expect(folderDigests(at('many'))).toEqual(await alone());
    expect(await run('jobs', 'status', 'many')).toMatch(
      /^many: (\d+) of \1 parts of 1 image, (\d+) of \2 blocks of objects are there, finished/,
    );
  });

  test('a measurement has the tables of one process', async () => {
    await alone();
    const options = ['--as', 'objects', '--images', 's.ome.zarr', '--memory', '1GB'];
    const measure = (out: string) => ['measure', 'one', ...options, '--out', out];
    await run(...measure('whole'));
    const jobs = await submit('m', measure('m'), ['count', 'values', 'finish']);
    expect(await run('jobs', 'status', 'm').catch(() => 'not begun')).not.toContain('finished');
    await slurm?.ended(jobs.at(-1) as string);
    expect(existsSync(at('m/objects.csv')), logs('m')).toBe(true);
    for (const table of ['objects.csv', 'images.csv']) {
      expect(readFileSync(at('m', table), 'utf8')).toBe(readFileSync(at('whole', table), 'utf8'));
    }
    expect(readFileSync(at('m/objects.csv'), 'utf8').split('\n').length).toBeGreaterThan(10);
    expect(await run('jobs', 'status', 'm')).toMatch(
      /^m: (\d+) counted and \1 measured, of \1 blocks of 1 label map, finished/,
    );
  });

  test('what cannot work ends with its first job, and those that wait for it are removed', async () => {
    mkdirSync(at('wrong/probability'), { recursive: true });
    writeFileSync(at('wrong/probability/other.tif'), '');
    const jobs = await submit('wrong');
    for (const job of jobs) await slurm?.ended(job);
    expect(logs('wrong')).toContain('this folder holds other files');
    expect(existsSync(at('wrong/prediction.json'))).toBe(false);
  });

  const name = isLong ? '' : ' (SKIPPED: takes minutes, npm run soak -- --nodes 1)';
  test.runIf(isLong)(`a prediction has the same bytes when a node goes down in the middle${name}`, async () => {
    const jobs = await submit('down');
    const shards = at('down/probability/s.ome.zarr/0/c');
    await vi.waitFor(() => expect(existsSync(shards) && readdirSync(shards).length).toBeGreaterThan(1), {
      timeout: 120_000,
      interval: 50,
    });
    slurm?.run('scontrol', 'update', 'nodename=a', 'state=down', 'reason=test');
    slurm?.kill('a');
    await slurm?.ended(jobs.at(-1) as string);
    expect(existsSync(at('down/prediction.json')), logs('down')).toBe(true);
    expect(folderDigests(at('down'))).toEqual(await alone());
  });
});
