import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import { Interrupted, RunError } from '../../src/errors.ts';
import { readSignature } from '../../src/graph/onnx/model.ts';
import { page } from '../../src/image/convert.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { atomicWrite } from '../../src/platform/node/atomic-write.ts';
import { repeatRun, resumeRun, type TrainRunOptions, trainRun } from '../../src/platform/node/train-run.ts';
import { parseConfig } from '../../src/train/config.ts';
import { parseLog } from '../../src/train/log.ts';
import type { TrainEvent } from '../../src/train/loop.ts';

const STEPS = 7;
const SMALL = {
  steps: STEPS,
  baseChannels: 4,
  depth: 2,
  patch: [32, 32],
  batch: 2,
  seed: 5,
  checkpointEvery: { steps: 3 },
} as const satisfies Partial<TrainRunOptions>;

let root: string;
let data: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-resume-'));
  data = join(root, 'data');
  const { image, label } = phantom({ width: 64, height: 64, depth: 4, cellPx: 20, seed: 3 });
  for (let z = 0; z < 4; z++) {
    await atomicWrite(join(data, 'image', `${z}.png`), writePng(page(image, z)));
    await atomicWrite(join(data, 'label', `${z}.png`), writePng(page(label, z)));
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

let runs = 0;
const newRun = (): string => join(root, `run-${runs++}`);

/** Trains and stops after each of `stops` steps; goes on with another number of workers every time. */
async function trained(
  stops: readonly number[],
  workers: readonly number[],
  options: Pick<TrainRunOptions, 'layout'> = {},
): Promise<string> {
  const out = newRun();
  for (const [i, stop] of [...stops, Number.POSITIVE_INFINITY].entries()) {
    const controller = new AbortController();
    const hooks = {
      signal: controller.signal,
      onEvent: (event: TrainEvent) => {
        if (event.kind === 'step' && event.step >= stop) controller.abort();
      },
    };
    const machine = { device: 'cpu', workers: workers[i % workers.length] as number } as const;
    const going =
      i === 0
        ? trainRun(data, { ...SMALL, ...machine, ...options, out }, hooks)
        : resumeRun(out, { ...machine, checkpointEvery: SMALL.checkpointEvery }, hooks);
    if (stop === Number.POSITIVE_INFINITY) await going;
    else await expect(going).rejects.toThrow(Interrupted);
  }
  return out;
}

async function configOf(run: string) {
  const file = join(run, 'config.json');
  return parseConfig(await readFile(file), file);
}

const finalCheckpoint = (run: string): Promise<Buffer> =>
  readFile(join(run, 'checkpoints', `step-${String(STEPS).padStart(9, '0')}.ckpt`));

async function logOf(run: string) {
  const lines = parseLog(await readFile(join(run, 'log.jsonl'), 'utf8'));
  return lines.map((line) => (line.kind === 'note' ? line : { ...line, ms: 0 }));
}

describe('a small U-Net on the CPU', () => {
  let whole: string;
  beforeAll(async () => {
    whole = await trained([], [0]);
  });

  test.each([
    ['after the first step', [1], [0]],
    ['on a checkpoint', [3], [0, 1]],
    ['between checkpoints, other numbers of workers', [2, 5], [2, 0, 1]],
    ['before the last step', [6], [1, 2]],
  ])('stopped %s and resumed: weights, moments, best score and log as in one go', async (_, stops, workers) => {
    const run = await trained(stops, workers);
    expect(await finalCheckpoint(run)).toEqual(await finalCheckpoint(whole));
    expect(await logOf(run)).toEqual(await logOf(whole));
    for (const name of ['best.onnx', 'last.onnx']) {
      const [a, b] = [await readFile(join(run, name)), await readFile(join(whole, name))];
      // They differ in the time at which the run was begun, which the file tells.
      expect(a.length).toBe(b.length);
      expect(readSignature(a).storedElements).toBe(readSignature(b).storedElements);
    }
  });

  test('a run repeated from its config.json has the same weights', async () => {
    const out = newRun();
    const file = join(whole, 'config.json');
    await repeatRun(parseConfig(await readFile(file), file), { out, workers: 0 });
    expect(await finalCheckpoint(out)).toEqual(await finalCheckpoint(whole));
  });

  test('a run in standard ops goes on in standard ops, whatever the processor would choose', async () => {
    const run = await trained([2, 5], [0], { layout: 'nchw' });
    const inOneGo = await trained([], [0], { layout: 'nchw' });
    expect((await configOf(run)).machine.layout).toBe('nchw');
    expect(await finalCheckpoint(run)).toEqual(await finalCheckpoint(inOneGo));
    if ((await configOf(whole)).machine.layout !== 'nchw') {
      expect(await finalCheckpoint(run)).not.toEqual(await finalCheckpoint(whole));
    }
  });

  test('a run begun with blocks that this processor does not have goes on with a warning', async () => {
    const run = newRun();
    await cp(whole, run, { recursive: true });
    const config = await configOf(run);
    const { description, layout } = config.machine;
    const machine = {
      ...config.machine,
      layout: layout === 'nchw8c' ? 'nchw16c' : 'nchw8c',
      description: 'CPU, 64 threads',
    };
    await writeFile(join(run, 'config.json'), JSON.stringify({ ...config, machine }));
    const warnings: string[] = [];
    await resumeRun(run, { workers: 0 }, { warn: (line) => warnings.push(line) });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^The run began on CPU, 64 threads, on .* will differ in their last bits\.$/);
    expect(warnings[0]).toContain(`continues on ${description}, on `);
  });

  test('a run whose step was computed in another way, by another version, goes on with a warning', async () => {
    const run = newRun();
    await cp(whole, run, { recursive: true });
    const config = await configOf(run);
    expect(config.machine.step).toMatch(/^[0-9a-f]{8}$/);
    await writeFile(
      join(run, 'config.json'),
      JSON.stringify({ ...config, machine: { ...config.machine, step: '00000000' } }),
    );
    const warnings: string[] = [];
    await resumeRun(run, { workers: 0 }, { warn: (line) => warnings.push(line) });
    expect(warnings).toEqual([
      `This version computes the step in another way than the one that began the run (${config.lamella}): its numbers will differ in their last bits.`,
    ]);
  });

  test('with the newest checkpoint damaged, the one before is taken, which is said, and the end is the same', async () => {
    const run = newRun();
    await cp(whole, run, { recursive: true });
    const [before, newest] = (await readdir(join(run, 'checkpoints'))) as [string, string];
    await truncate(join(run, 'checkpoints', newest), 1000);
    const warnings: string[] = [];
    const said: string[] = [];
    await resumeRun(run, { workers: 0 }, { warn: (line) => warnings.push(line), say: (line) => said.push(line) });
    expect(warnings).toEqual([`${join(run, 'checkpoints', newest)} is damaged; the checkpoint before it is taken.`]);
    expect(before).toBe('step-000000006.ckpt');
    expect(said).toContain(`resuming ${run} after step 6 of ${STEPS}`);
    expect(await finalCheckpoint(run)).toEqual(await finalCheckpoint(whole));
  });

  test('a run that is complete stays as it is', async () => {
    const before = await finalCheckpoint(whole);
    const log = await readFile(join(whole, 'log.jsonl'), 'utf8');
    const warnings: string[] = [];
    const warn = (line: string) => warnings.push(line);
    expect((await resumeRun(whole, { workers: 0 }, { warn })).steps).toBe(STEPS);
    expect(warnings).toEqual([]);
    expect(await finalCheckpoint(whole)).toEqual(before);
    expect(await readFile(join(whole, 'log.jsonl'), 'utf8')).toBe(log);
  });

  test('other data than the run began with are noticed', async () => {
    const moved = join(root, 'moved');
    await cp(data, moved, { recursive: true });
    await writeFile(join(moved, 'image', '1.png'), await readFile(join(data, 'image', '2.png')));
    await expect(resumeRun(whole, { folder: moved })).rejects.toThrow(/are not those that the run began with/);
  });

  test('into its folder no other run is written', async () => {
    await expect(trainRun(data, { ...SMALL, out: whole })).rejects.toThrow(RunError);
    await expect(trainRun(data, { ...SMALL, out: whole })).rejects.toThrow(/contains another run.*`resume: /s);
  });
});
