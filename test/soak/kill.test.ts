/**
 * Trainings that are killed without warning, over and over, must end in the same bits as one that was left alone.
 * `npm run soak -- --kills 1000` does it a thousand times.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, watch } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stream } from '../../src/array/random.ts';
import { parseLog } from '../../src/train/log.ts';
import { MAIN } from '../cli/command.ts';
import { phantomFolder } from '../support/phantom-folder.ts';
import { timeoutMs, timesOf } from '../support/soak.ts';

const KILLS = timesOf('KILLS', 20);
const STEPS = 80;
const RECIPE = ['--steps', `${STEPS}`, '--base', '8', '--depth', '2', '--patch', '32', '--batch', '1', '--seed', '7'];

let root: string;
let data: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-kill-'));
  data = join(root, 'data');
  await phantomFolder(data, { side: 32, slices: 3 });
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** When to kill: so long after the start, or as soon as something begins to be written. */
type Moment = { readonly afterMs: number } | { readonly writing: RegExp; readonly skip: number };

/** Starts or goes on with a run, and kills it at that moment if it is still there. */
function killed(
  run: string,
  machine: readonly string[],
  moment: Moment | undefined,
): Promise<{ readonly killed: boolean; readonly code: number | null; readonly stderr: string }> {
  const begun = existsSync(join(run, 'config.json'));
  const args = begun ? ['--resume', run] : [data, '--out', run, ...RECIPE];
  const child = spawn(process.execPath, [MAIN, 'train', ...args, '--device', 'cpu', '--quiet', ...machine], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (text) => (stderr += text));
  const kill = (): void => void child.kill('SIGKILL');
  const stops: (() => void)[] = [];
  if (moment !== undefined && 'afterMs' in moment) {
    const timer = setTimeout(kill, moment.afterMs);
    stops.push(() => clearTimeout(timer));
  } else if (moment !== undefined) {
    let toSkip = moment.skip;
    const look = (folder: string): void => {
      const watcher = watch(folder, (_, name) => {
        if (name === 'checkpoints') look(join(run, name));
        if (name !== null && moment.writing.test(name) && toSkip-- <= 0) kill();
      });
      stops.push(() => watcher.close());
    };
    for (const folder of [run, join(run, 'checkpoints')]) if (existsSync(folder)) look(folder);
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      for (const stop of stops) stop();
      resolve({ killed: signal === 'SIGKILL', code, stderr });
    });
  });
}

const leftovers = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.tmp')) : [];

/** What must be equal, whenever the run was begun and however long its steps took. */
async function resultOf(run: string) {
  const model = async (name: string): Promise<string> =>
    (await readFile(join(run, name))).toString('latin1').replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, '(time)');
  const checkpoint = join(run, 'checkpoints', `step-${String(STEPS).padStart(9, '0')}.ckpt`);
  return {
    checkpoint: (await readFile(checkpoint)).toString('latin1'),
    best: await model('best.onnx'),
    last: await model('last.onnx'),
    log: parseLog(await readFile(join(run, 'log.jsonl'), 'utf8')).map((line) => ({ ...line, ms: 0 })),
  };
}

test(
  `killed ${KILLS} times: weights, moments, models and log as in a run that was left alone`,
  async () => {
    const random = stream(timesOf('KILLS', 1), 'kill');
    const draw = (below: number): number => Math.floor(random.uniform() * below);
    const alone = join(root, 'alone');
    const began = Date.now();
    expect(await killed(alone, ['--workers', '0'], undefined)).toEqual({ killed: false, code: 0, stderr: '' });
    const wholeMs = Date.now() - began;
    const reference = await resultOf(alone);

    let [kills, finished, inWrite] = [0, 0, 0];
    while (kills < KILLS || finished === 0) {
      const run = join(root, `run-${finished}`);
      await mkdir(run);
      let attempts = 0;
      for (;;) {
        const machine = [
          ...['--workers', `${draw(3)}`],
          ...['--checkpoint-every', ['1', '2', '7', '20', '0.05s'][draw(5)] as string],
        ];
        const moments: readonly Moment[] = [
          { afterMs: (0.2 + 0.7 * random.uniform()) * wholeMs },
          { writing: /^\.step-.*\.tmp$/, skip: draw(6) },
          { writing: /\.tmp$/, skip: draw(6) },
        ];
        // Towards the end of a run it is let through, or it would never end where every step is killed.
        const moment = kills < KILLS && attempts++ < 12 ? moments[draw(3)] : undefined;
        const outcome = await killed(run, machine, moment);
        if (!outcome.killed) {
          // Whatever state the kill left, the run went on from it.
          expect([outcome.code, outcome.stderr]).toEqual([0, '']);
          break;
        }
        kills++;
        if (leftovers(run).length + leftovers(join(run, 'checkpoints')).length > 0) inWrite++;
      }
      const result = await resultOf(run);
      for (const key of ['checkpoint', 'best', 'last'] as const) {
        expect(result[key] === reference[key], `${key} of ${run} after ${attempts} kills`).toBe(true);
      }
      expect(result.log).toEqual(reference.log);
      // Nothing but what a run has.
      expect((await readdir(run)).sort()).toEqual((await readdir(alone)).sort());
      expect(leftovers(join(run, 'checkpoints'))).toEqual([]);
      await rm(run, { recursive: true });
      finished++;
    }
    console.log(`${kills} kills, ${inWrite} of them in the middle of a write; ${finished} runs finished, all alike`);
    // Some kills wait for a file that is being written, and one in a few of those hits it: a handful may all miss.
    if (KILLS >= 20) expect(inWrite).toBeGreaterThan(0);
  },
  timeoutMs(KILLS, 3),
);
