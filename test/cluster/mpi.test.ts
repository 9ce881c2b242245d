/** Training by the processes of an MPI job: with Open MPI and MPICH, killed and resumed, and in a job of Slurm. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { lamella, MAIN } from '../cli/command.ts';
import { phantomFolder } from '../support/phantom-folder.ts';
import { describeWithSlurm, startSlurm } from '../support/slurm.ts';

const STEPS = 12;
const CHECKPOINT = `checkpoints/step-${String(STEPS).padStart(9, '0')}.ckpt`;
const RECIPE = `--steps ${STEPS} --base 8 --depth 2 --patch 32 --batch 2 --seed 3 --checkpoint-every 2 --quiet`.split(
  ' ',
);
/** Open MPI asks for this where a container has no other user. */
const ENV = { ...process.env, NO_COLOR: '1', OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };

const LAUNCHERS = [
  { name: 'Open MPI', program: '/usr/bin/mpirun.openmpi', args: ['-n', '2', '--oversubscribe'] },
  { name: 'MPICH', program: '/usr/bin/mpirun.mpich', args: ['-n', '2'] },
] as const;
type Launcher = (typeof LAUNCHERS)[number];

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-mpi-'));
  await phantomFolder(join(root, 'data'), { side: 32, slices: 3 });
  await train('devices', 'data', '--devices', 'cpu:0,cpu:1');
}, 240_000);
afterAll(() => rm(root, { recursive: true, force: true }));

async function train(out: string, ...args: readonly string[]): Promise<void> {
  const { code, stderr } = await lamella(['train', ...args, '--out', out, ...RECIPE], { cwd: root });
  expect([code, stderr]).toEqual([0, '']);
}

const checkpointOf = (run: string): Promise<Buffer> => readFile(join(root, run, CHECKPOINT));

/** @param watch may kill what it started, by its number */
function launch(
  { program, args }: Launcher,
  words: readonly string[],
  watch?: (pid: number) => void,
): Promise<{ readonly code: number | null; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args, process.execPath, MAIN, 'train', ...words], { cwd: root, env: ENV });
    let stderr = '';
    child.stderr.on('data', (text) => (stderr += text));
    child.stdout.resume();
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stderr }));
    watch?.(child.pid as number);
  });
}

/** Processes that a process started, by themselves or by others. */
async function below(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const children = text.split(' ').filter(Boolean).map(Number);
  return [...children, ...(await Promise.all(children.map(below))).flat()];
}

/** Waits until no process has the lock of a run. */
const unlocked = (run: string): Promise<void> =>
  vi.waitFor(
    async () => {
      const lock = await readFile(join(root, run, 'lock'), 'utf8').catch(() => undefined);
      if (lock === undefined) return;
      expect(existsSync(`/proc/${(JSON.parse(lock) as { pid: number }).pid}`)).toBe(false);
    },
    { timeout: 60_000, interval: 50 },
  );

for (const launcher of LAUNCHERS) {
  const { name, program } = launcher;
  const why = existsSync(program) ? '' : ` (SKIPPED: no ${program})`;
  describe.skipIf(why !== '')(`two processes of ${name}${why}`, () => {
    test('train to the bits of two devices in one process', async () => {
      const out = name.replace(' ', '');
      const { code, stderr } = await launch(launcher, ['data', '--out', out, ...RECIPE]);
      expect([code, stderr]).toEqual([0, '']);
      expect((await checkpointOf(out)).equals(await checkpointOf('devices'))).toBe(true);
      const config = JSON.parse(await readFile(join(root, out, 'config.json'), 'utf8')) as { machine: object };
      expect(config.machine).toMatchObject({ ranks: 2 });
    }, 240_000);

    test('end together when one is killed, and go on from the last checkpoint', async () => {
      const out = `killed-${name.replace(' ', '')}`;
      const first = join(root, out, 'checkpoints', 'step-000000004.ckpt');
      const { code } = await launch(launcher, ['data', '--out', out, ...RECIPE], async (pid) => {
        while (!existsSync(first)) await new Promise((later) => setTimeout(later, 20));
        for (const one of await below(pid)) {
          const environment = await readFile(`/proc/${one}/environ`, 'utf8').catch(() => '');
          if (/\0(OMPI_COMM_WORLD_RANK|PMI_RANK)=1\0/.test(environment)) process.kill(one, 'SIGKILL');
        }
      });
      expect(code).not.toBe(0);
      expect(existsSync(join(root, out, CHECKPOINT))).toBe(false);
      // mpirun may end before rank 0 does, which it asks to.
      await unlocked(out);
      const again = await launch(launcher, ['--resume', out, '--quiet']);
      expect([again.code, again.stderr]).toEqual([0, '']);
      expect((await checkpointOf(out)).equals(await checkpointOf('devices'))).toBe(true);
    }, 240_000);

    test('end with what rank 0 has to say', async () => {
      const uneven = RECIPE.map((word, i) => (RECIPE[i - 1] === '--batch' ? '3' : word));
      const { code, stderr } = await launch(launcher, ['data', '--out', 'uneven', ...uneven]);
      expect(code).not.toBe(0);
      expect(stderr).toContain('A batch of 3 cannot be divided evenly among 2 devices. Use --batch 4.');
      const both = await launch(launcher, ['data', '--out', 'both', ...RECIPE, '--devices', 'cpu:0,cpu:1']);
      expect(both.stderr).toContain('--devices and several processes of mpirun are mutually exclusive');
    }, 240_000);
  });
}

const openMpi = existsSync(LAUNCHERS[0].program);
describeWithSlurm(`a job of Slurm with two processes${openMpi ? '' : ' (SKIPPED: no Open MPI)'}`, () => {
  test.skipIf(!openMpi)(
    'trains to the same bits',
    async () => {
      await mkdir(join(root, 'slurm'));
      const slurm = await startSlurm(join(root, 'slurm'));
      try {
        const script = join(root, 'train.sh');
        const words = [
          process.execPath,
          MAIN,
          'train',
          join(root, 'data'),
          '--out',
          join(root, 'slurm-run'),
          ...RECIPE,
        ];
        await writeFile(script, `#!/bin/bash\n#SBATCH --nodes=2 --ntasks=2\nmpirun.openmpi ${words.join(' ')}\n`);
        const log = join(root, 'slurm.log');
        const said = slurm.run(
          'sbatch',
          '--export=ALL,OMPI_ALLOW_RUN_AS_ROOT=1,OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1',
          `--output=${log}`,
          script,
        );
        await slurm.ended(/\d+/.exec(said)?.[0] as string);
        expect(existsSync(join(root, 'slurm-run', CHECKPOINT)), await readFile(log, 'utf8')).toBe(true);
        expect((await checkpointOf('slurm-run')).equals(await checkpointOf('devices'))).toBe(true);
      } finally {
        slurm.stop();
      }
    },
    240_000,
  );
});
