/** Ranks in one process, with messages between them that a test can see: what happens when one of them fails. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DeviceError } from '../../../src/errors.ts';
import type { Communicator } from '../../../src/platform/node/mpi/library.ts';
import { launchedRanks } from '../../../src/platform/node/mpi/library.ts';
import { dismissRanks, followRankZero, rankDevices, rankPlace } from '../../../src/platform/node/mpi/ranks.ts';
import { openRuntime } from '../../../src/platform/node/runtime.ts';
import { type TrainRunOptions, trainRun } from '../../../src/platform/node/train-run.ts';
import type { Runtime } from '../../../src/runtime/runtime.ts';
import { parseLog } from '../../../src/train/log.ts';
import { pointsCsv } from '../../support/points.ts';

/** What `mpirun -n size` would connect. */
function communicators(size: number): readonly Communicator[] {
  const messages = new Map<string, Uint8Array[]>();
  const waiting = new Map<string, (bytes: Uint8Array) => void>();
  let parts: Uint8Array[] = [];
  let arrived: ((all: readonly Uint8Array[]) => void)[] = [];
  const meet = (rank: number, part: Uint8Array): Promise<readonly Uint8Array[]> =>
    new Promise((resolve) => {
      parts[rank] = part.slice();
      arrived.push(resolve);
      if (arrived.length < size) return;
      const [all, tell] = [parts, arrived];
      [parts, arrived] = [[], []];
      for (const one of tell) one(all);
    });
  return Array.from({ length: size }, (_, rank) => ({
    rank,
    size,
    async send(bytes: Uint8Array, to: number) {
      const key = `${rank} ${to}`;
      const reader = waiting.get(key);
      waiting.delete(key);
      if (reader !== undefined) reader(bytes.slice());
      else messages.set(key, [...(messages.get(key) ?? []), bytes.slice()]);
    },
    receive(from: number) {
      const key = `${from} ${rank}`;
      const message = messages.get(key)?.shift();
      return message === undefined
        ? new Promise<Uint8Array>((resolve) => waiting.set(key, resolve))
        : Promise.resolve(message);
    },
    gather: async (part: Uint8Array) => Buffer.concat(await meet(rank, part)),
    async exchange(own: Uint8Array) {
      const all = await meet(rank, own);
      const length = own.length / size;
      return new Uint8Array(Buffer.concat(all.map((one) => one.subarray(rank * length, (rank + 1) * length))));
    },
    end: async () => undefined,
  }));
}

const POINTS = {
  network: 'mlp',
  hidden: [24, 16],
  dropout: 0.5,
  batch: 15,
  steps: 12,
  seed: 3,
  device: 'cpu',
} as const;

let root: string;
let data: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-ranks-'));
  data = join(root, 'points.csv');
  await writeFile(data, pointsCsv({ count: 90, features: 6, classes: 3 }));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Trains on so many ranks, of which one may have a runtime of its own. */
async function trainOn(
  size: number,
  name: string,
  options: Partial<TrainRunOptions> = {},
  lastRuntime: (runtime: Runtime) => Runtime = (runtime) => runtime,
): Promise<number[]> {
  const out = join(root, name);
  const ranks = communicators(size);
  const places = ranks.map((mpi) => rankPlace(mpi));
  const following = ranks.slice(1).map(async (mpi, k) => {
    await places[k + 1];
    const runtime = await openRuntime({ device: 'cpu', threads: 1 });
    await followRankZero(mpi, async () => (k === size - 2 ? lastRuntime(runtime) : runtime));
    await runtime.dispose();
  });
  const [zero] = ranks as readonly [Communicator];
  try {
    const devices = rankDevices(zero, await (places[0] as ReturnType<typeof rankPlace>));
    await trainRun(data, { ...POINTS, ...options, ranks: { devices, threads: 1, index: 0 }, out });
  } finally {
    await dismissRanks(zero);
    await Promise.all(following);
  }
  return parseLog(await readFile(join(out, 'log.jsonl'), 'utf8')).flatMap((line) =>
    line.kind === 'step' ? [line.loss] : [],
  );
}

describe('ranks that share each batch', () => {
  test('of any number give the losses of one process, with dropout and Adam', async () => {
    const out = join(root, 'alone');
    await trainRun(data, { ...POINTS, out });
    const alone = parseLog(await readFile(join(out, 'log.jsonl'), 'utf8')).flatMap((line) =>
      line.kind === 'step' ? [line.loss] : [],
    );
    expect(alone).toHaveLength(POINTS.steps);
    for (const size of [3, 5]) {
      const shared = await trainOn(size, `of ${size}`);
      // Sums over 15 images in another order, as with devices in one process.
      shared.forEach((loss, i) => {
        expect(Math.abs(loss - (alone[i] as number))).toBeLessThan(1e-4 * (alone[i] as number));
      });
      expect(shared).toHaveLength(POINTS.steps);
    }
  });

  test('a batch that cannot be shared out ends all', async () => {
    await expect(trainOn(2, 'uneven')).rejects.toThrow('A batch of 15 cannot be divided evenly among 2 devices.');
  });

  test('what fails on one is said by rank 0, which ends the others', async () => {
    const failing = (runtime: Runtime): Runtime => ({
      ...runtime,
      compile: () => Promise.reject(new Error('no memory left')),
    });
    const training = trainOn(3, 'no compiling', {}, failing);
    await expect(training).rejects.toThrow(DeviceError);
    await expect(training).rejects.toThrow(/^rank 2 on .*: no memory left/);
  });

  test('one that computes other numbers is found after the first step', async () => {
    const otherwise = (runtime: Runtime): Runtime => ({
      ...runtime,
      async compile(graph, options) {
        const program = await runtime.compile(graph, options);
        if (options?.state === undefined) return program;
        return {
          ...program,
          inputs: program.inputs,
          outputs: program.outputs,
          fingerprint: program.fingerprint,
          run: (feeds) =>
            program.run({ ...feeds, learningRate: { dtype: 'float32', shape: [], data: Float32Array.of(0.5) } }),
          readState: (names) => program.readState(names),
          writeState: (state) => program.writeState(state),
          dispose: () => program.dispose(),
        };
      },
    });
    await expect(trainOn(3, 'other numbers', {}, otherwise)).rejects.toThrow(
      'rank 2 computes other last bits than rank 0, so that their weights grow apart',
    );
  });
});

test('a process learns from its environment that it is one of several', () => {
  expect(launchedRanks({})).toBeUndefined();
  expect(launchedRanks({ OMPI_COMM_WORLD_SIZE: '1' })).toBeUndefined();
  expect(launchedRanks({ OMPI_COMM_WORLD_SIZE: '4' })).toBe(4);
  expect(launchedRanks({ PMI_SIZE: '2', PMI_RANK: '1' })).toBe(2);
  // A job of Slurm with several tasks that run something else is not one of MPI.
  expect(launchedRanks({ SLURM_NTASKS: '4' })).toBeUndefined();
});
