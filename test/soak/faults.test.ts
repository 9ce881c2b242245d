/** Faults that are really made: each is said clearly, and the run goes on from it to the same bits. */

import { execFileSync, spawn } from 'node:child_process';
import { rmSync, truncateSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RunError } from '../../src/errors.ts';
import { readImage } from '../../src/image/read.ts';
import { resumeRun, type TrainRunOptions, trainRun } from '../../src/platform/node/train-run.ts';
import type { RunConfig } from '../../src/train/config.ts';
import type { TrainEvent } from '../../src/train/loop.ts';
import { lamella, MAIN, type Outcome, othersMayRun } from '../cli/command.ts';
import { phantomFolder } from '../support/phantom-folder.ts';
import { canMount, onSmallDisk, whyNot } from '../support/small-disk.ts';

const STEPS = 12;
const EVERY = { checkpointEvery: { steps: 3 } } as const;
const SMALL = {
  steps: STEPS,
  baseChannels: 8,
  depth: 2,
  patch: [32, 32],
  batch: 1,
  workers: 0,
  device: 'cpu',
  ...EVERY,
} as const satisfies Partial<TrainRunOptions>;
/** The same for the command line. */
const FLAGS =
  `--steps ${STEPS} --base 8 --depth 2 --patch 32 --batch 1 --device cpu --checkpoint-every 3 --quiet`.split(' ');
const LAST = join('checkpoints', `step-${String(STEPS).padStart(9, '0')}.ckpt`);

let root: string;
let data: string;
let final: Buffer;
let runs = 0;
const newRun = (): string => join(root, `run-${runs++}`);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-faults-'));
  await chmod(root, 0o755);
  data = join(root, 'data');
  await phantomFolder(data, { side: 48 });
  const alone = newRun();
  await trainRun(data, { ...SMALL, out: alone });
  final = await readFile(join(alone, LAST));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Trains in this process and does something after a step. */
const during = (out: string, step: number, act: () => void, warnings: string[] = []) =>
  trainRun(
    data,
    { ...SMALL, out },
    {
      warn: (line) => warnings.push(line),
      onEvent: (event: TrainEvent) => {
        if (event.kind === 'step' && event.step === step) act();
      },
    },
  );

async function goesOn(run: string): Promise<string[]> {
  const warnings: string[] = [];
  await resumeRun(run, { workers: 0, ...EVERY }, { warn: (line) => warnings.push(line) });
  await isFinal(run);
  return warnings;
}
const isFinal = async (run: string): Promise<void> =>
  expect((await readFile(join(run, LAST))).equals(final), `${run} ended in other bits`).toBe(true);

/** One sentence, no stack. */
function expectSaid({ code, stderr }: Outcome, ...parts: readonly (string | RegExp)[]): void {
  for (const part of parts) expect(stderr).toMatch(part);
  expect(stderr.trim()).toMatch(/^lamella: [^\n]*$/);
  expect(stderr).not.toContain('something went wrong that should not');
  expect(code).toBe(1);
}

describe('a disk', () => {
  test.skipIf(!canMount)(`that is full at the second checkpoint${whyNot}`, async () => {
    // Room for one checkpoint and a half.
    await onSmallDisk(Math.floor((1.5 * final.length) / 1024), async (disk) => {
      const run = join(disk, 'run');
      await expect(trainRun(data, { ...SMALL, out: run })).rejects.toThrow(
        /run\/checkpoints\/step-000000006\.ckpt: no space left on the disk: this file takes at least .*, and .* are free\. Free some space/,
      );
      expect(await readdir(join(run, 'checkpoints'))).toEqual(['step-000000003.ckpt']);
      // As long as it is full, going on fails in the same way and harms nothing.
      await expect(resumeRun(run, { workers: 0, ...EVERY })).rejects.toThrow(/no space left/);
      execFileSync('mount', ['-o', 'remount,size=50m', disk]);
      expect(await goesOn(run)).toEqual([]);
    });
  });

  test.skipIf(!canMount)(`that becomes read-only${whyNot}`, async () => {
    await onSmallDisk(50_000, async (disk) => {
      const run = join(disk, 'run');
      const readOnly = (): void => void execFileSync('mount', ['-o', 'remount,ro', disk]);
      await expect(during(run, 5, readOnly)).rejects.toThrow(
        /run\/.*: permission denied: this cannot be written\. Choose a folder/,
      );
      const outcome = await lamella(['train', '--resume', run]);
      expectSaid(outcome, `is being written by process ${process.pid}`);
      execFileSync('mount', ['-o', 'remount,rw', disk]);
      // The lock could not be removed, and this process lives on; another one would be gone.
      await writeFile(join(run, 'lock'), JSON.stringify({ pid: 999_999_999, host: hostname(), since: '' }));
      execFileSync('mount', ['-o', 'remount,ro', disk]);
      await expect(resumeRun(run, { workers: 0 })).rejects.toThrow(
        /run\/lock: permission denied: this cannot be written/,
      );
      execFileSync('mount', ['-o', 'remount,rw', disk]);
      expect(await goesOn(run)).toEqual([]);
    });
  });

  test.skipIf(process.platform === 'win32')('that takes no file as large as a checkpoint', async () => {
    const run = newRun();
    const kb = Math.floor((0.8 * final.length) / 1024);
    const script = `ulimit -f ${kb}; exec "$@"`;
    const outcome = await outcomeOf('bash', [
      '-c',
      script,
      'bash',
      process.execPath,
      MAIN,
      'train',
      data,
      '--out',
      run,
      ...FLAGS,
    ]);
    expectSaid(
      outcome,
      /step-0+3\.ckpt: the file exceeds the largest size that this file system supports/,
      `--resume ${run}`,
    );
    expect(await goesOn(run)).toEqual([]);
  });
});

const isRoot = process.getuid?.() === 0;
const closed =
  process.platform === 'win32'
    ? ' (SKIPPED: Windows has other permissions)'
    : isRoot && !othersMayRun()
      ? ' (SKIPPED: root may write anywhere, and others may not read this checkout)'
      : '';
test.skipIf(closed !== '')(`a folder that is closed in the middle of a run${closed}`, async () => {
  const home = join(root, `home-${runs++}`);
  const run = join(home, 'run');
  await mkdir(home);
  // Root may write anywhere, so root trains as nobody.
  const as = isRoot ? { uid: 65_534 } : {};
  if (isRoot) await chown(home, 65_534, 65_534);
  const flags = FLAGS.map((flag, i) => (FLAGS[i - 1] === '--steps' ? '100000' : flag));
  let ended = false;
  const training = lamella(['train', data, '--out', run, ...flags], as).finally(() => {
    ended = true;
  });
  const first = join(run, 'checkpoints');
  while (!ended && !(await readdir(first).catch((): string[] => [])).includes('step-000000003.ckpt'))
    await setTimeout(5);
  execFileSync('chmod', ['-R', 'a-w', run]);
  expectSaid(await training, run, /permission denied: this cannot be written\. Choose a folder/, `--resume ${run}`);

  execFileSync('chmod', ['-R', 'u+w', run]);
  // The rest of it made short.
  const file = join(run, 'config.json');
  const config = JSON.parse(await readFile(file, 'utf8')) as RunConfig;
  const saved = (await readdir(first)).map((name) => Number(/\d+/.exec(name)?.[0]));
  const total = Math.max(...saved) + 1;
  const plan = { ...config.plan, segments: [{ ...config.plan.segments[0], total }] };
  await writeFile(file, JSON.stringify({ ...config, plan }));
  const resumed = await lamella(['train', '--resume', run, '--quiet'], as);
  expect([resumed.code, resumed.stderr]).toEqual([0, '']);
});

describe('removed in the middle of a run', () => {
  test('the log: it begins anew', async () => {
    const run = newRun();
    await during(run, 5, () => rmSync(join(run, 'log.jsonl')));
    await isFinal(run);
  });

  test('its configuration: it is written again, which is said', async () => {
    const run = newRun();
    const warnings: string[] = [];
    const before: string[] = [];
    await during(run, 5, () => rmSync(join(run, 'config.json')), warnings);
    expect(warnings).toEqual([`${join(run, 'config.json')} was gone; it is written again.`]);
    await isFinal(run);
    expect(await goesOn(run)).toEqual(before);
  });

  test('every checkpoint, and then the process stops: it begins from the start', async () => {
    const run = newRun();
    const stop = (): never => {
      rmSync(join(run, 'checkpoints'), { recursive: true });
      throw new Error('stopped');
    };
    await expect(during(run, 7, stop)).rejects.toThrow('stopped');
    expect(await goesOn(run)).toEqual([]);
  });

  test('the whole run: it ends, and does not come back', async () => {
    const run = newRun();
    await expect(during(run, 5, () => rmSync(run, { recursive: true }))).rejects.toThrow(/its folder does not exist/);
    expect(await readdir(root)).not.toContain(run.split('/').at(-1));
  });

  test('the data: what is in memory is trained on; to go on, they must be back', async () => {
    const run = newRun();
    const elsewhere = join(root, 'moved');
    await phantomFolder(elsewhere, { side: 48 });
    const stop = (): never => {
      rmSync(elsewhere, { recursive: true });
      throw new Error('stopped');
    };
    const options = { ...SMALL, out: run };
    const hooks = { onEvent: (event: TrainEvent) => (event.kind === 'step' && event.step === 5 ? stop() : undefined) };
    await expect(trainRun(elsewhere, options, hooks)).rejects.toThrow('stopped');
    await expect(resumeRun(run, { workers: 0 })).rejects.toThrow(/moved: there is no such file or folder/);
    await resumeRun(run, { workers: 0, folder: data, ...EVERY });
    await isFinal(run);
  });
});

describe('a checkpoint', () => {
  async function stoppedRun(): Promise<{ readonly run: string; readonly files: readonly string[] }> {
    const run = newRun();
    await expect(
      during(run, 8, () => {
        throw new Error('stopped');
      }),
    ).rejects.toThrow('stopped');
    const names = await readdir(join(run, 'checkpoints'));
    return { run, files: names.map((name) => join(run, 'checkpoints', name)) };
  }

  test.each<[string, (file: string) => void | Promise<void>]>([
    ['cut off', (file) => truncateSync(file, 5000)],
    ['emptied', (file) => truncateSync(file, 0)],
    ['with one bit turned', turnBit],
  ])('%s is named, and the one before it is taken', async (_, damage) => {
    const { run, files } = await stoppedRun();
    const newest = files.at(-1) as string;
    await damage(newest);
    expect(await goesOn(run)).toEqual([`${newest} is damaged; the checkpoint before it is taken.`]);
  });

  test('none of which is whole: it is said, and what to do', async () => {
    const { run, files } = await stoppedRun();
    for (const file of files) await turnBit(file);
    await expect(resumeRun(run)).rejects.toThrow(RunError);
    await expect(resumeRun(run)).rejects.toThrow(/checkpoints: all 2 checkpoints are damaged\. Start again/);
  });
});

async function turnBit(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  const byte = Buffer.alloc(1);
  const at = Math.floor((await handle.stat()).size / 2);
  await handle.read(byte, 0, 1, at);
  await handle.write(Buffer.of((byte[0] as number) ^ 4), 0, 1, at);
  await handle.close();
}

test('a thread that draws samples dies: what was trained until then is saved', async () => {
  const run = newRun();
  // Loaded into every thread; those that draw samples end at their ninth batch.
  const saboteur = join(root, 'saboteur.cjs');
  await writeFile(
    saboteur,
    `const { isMainThread, parentPort } = require('node:worker_threads');
     let drawn = 0;
     const post = parentPort?.postMessage;
     if (!isMainThread) parentPort.postMessage = function (...args) {
       if (++drawn === 9) process.exit(3);
       post.apply(this, args);
     };`,
  );
  const args = ['train', data, '--out', run, ...FLAGS, '--checkpoint-every', '1000', '--workers', '1'];
  const outcome = await outcomeOf(process.execPath, [MAIN, ...args], { NODE_OPTIONS: `--require ${saboteur}` });
  expectSaid(outcome, /a data-loading thread ended with code 3/, `Resume with: lamella train --resume ${run}`);
  const [saved] = await readdir(join(run, 'checkpoints'));
  // No checkpoint was due: this one is of the last whole step.
  expect(Number(/\d+/.exec(saved as string)?.[0])).toBeGreaterThan(3);
  expect(await goesOn(run)).toEqual([]);
});

describe('a training that comes apart', () => {
  test('ends in the step in which it does, shows the batch, and leaves its folder for the next', async () => {
    const run = newRun();
    const outcome = await lamella(['train', data, '--out', run, ...FLAGS, '--workers', '0', '--lr', '1e38']);
    expectSaid(outcome, /(the loss is|the weights are not finite any more) .*at step \d+, on /, /a new run can take/);
    const step = Number(/at step (\d+)/.exec(outcome.stderr)?.[1]);
    const name = `step-${String(step).padStart(9, '0')}`;
    expect((await readdir(join(run, 'diverged'))).sort()).toEqual([`${name}.json`, `${name}.png`]);
    const told = JSON.parse(await readFile(join(run, 'diverged', `${name}.json`), 'utf8')) as {
      step: number;
      samples: { name: string; image: { least: number; most: number; notFinite: number }; classes: number[] }[];
    };
    expect(told.step).toBe(step);
    expect(told.samples).toHaveLength(1);
    expect(outcome.stderr).toContain(told.samples[0]?.name);
    expect(told.samples[0]).toMatchObject({ image: { notFinite: 0 } });
    expect(told.samples[0]?.classes.every((value) => value <= 1)).toBe(true);
    const picture = await readImage(await readFile(join(run, 'diverged', `${name}.png`)), 'a.png');
    // Image, labels and weights of 32 x 32 side by side, with gaps of 6.
    expect(picture.shape).toEqual([3, 44, 120]);

    const again = await lamella(['train', data, '--out', run, ...FLAGS.filter((flag) => flag !== '--quiet')]);
    expect([again.code, again.stderr]).toEqual([0, '']);
    expect(again.stdout).toContain(`the run that was in ${run} had not come to a checkpoint; this one takes its place`);
    expect(await readdir(run)).not.toContain('diverged');
    await isFinal(run);
  });
});

function outcomeOf(command: string, args: readonly string[], env: { [name: string]: string } = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...env } });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (text) => (stdout += text));
    child.stderr.on('data', (text) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
