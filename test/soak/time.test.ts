/** `--minutes` ends when it should, and the time left that is shown is what is left. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { float32 } from '../../src/array/ndarray.ts';
import { train } from '../../src/train/loop.ts';
import { finishMs, fixedPlan, type Plan, planForTime } from '../../src/train/plan.ts';
import type { TrainStep } from '../../src/train/train-step.ts';
import { lamella } from '../cli/command.ts';
import { memoryStore } from '../support/memory-store.ts';
import { phantomFolder } from '../support/phantom-folder.ts';
import { timesOf } from '../support/soak.ts';

type TrainOptions = Parameters<typeof train>[0];

/** A step that takes as long as `msAt` says of its moment, on a clock that only steps and validations move. */
async function simulated(
  stepMsAt: (nowMs: number) => number,
  more: (clock: { nowMs(): number }) => Partial<TrainOptions>,
): Promise<{ readonly endMs: number; readonly told: readonly (readonly [nowMs: number, leftMs: number])[] }> {
  let now = 0;
  const clock = { nowMs: () => now };
  const store = memoryStore();
  const told: [number, number][] = [];
  const state = { w: float32([1], [1]) };
  const trainStep: TrainStep = {
    run: async () => {
      now += stepMsAt(now);
      return { loss: 1, weightsFinite: true };
    },
    readState: async () => state,
    writeState: async () => {},
  };
  await train({
    trainStep,
    async *batches() {
      for (;;) yield { feeds: {}, samples: [], size: 1 };
    },
    fingerprint: 'abc',
    plan: fixedPlan(3000, 10),
    learningRate: () => 1,
    validator: {
      run: async () => {
        now += VALIDATION_MS;
        return { score: 1, metric: 'w', scores: {} };
      },
    },
    saveModel: async () => {},
    store,
    configHash: '0',
    checkpointEvery: { ms: 120_000 },
    clock,
    onEvent: (event) => {
      if (event.kind === 'step') told.push([now, event.leftMs]);
    },
    ...more(clock),
  });
  return { endMs: now + finishMs({ validationMs: VALIDATION_MS }), told };
}

const VALIDATION_MS = 3000;
const rushHours = (nowMs: number): number => (Math.floor(nowMs / 4000) % 3 === 1 ? 300 : 100);

describe('on a clock of its own', () => {
  test.each<[string, (nowMs: number) => number]>([
    ['evenly', () => 100],
    ['with a third of the time at a third of the speed', rushHours],
    ['three times slower than the rehearsal said', () => 300],
    ['faster and faster', (nowMs) => 200 / (1 + nowMs / 120_000)],
  ])('a run for five minutes, %s, ends within 5 %%, and says so all along', async (_, stepMsAt) => {
    const budgetMs = 300_000;
    const measured = { stepMs: 100, validationMs: VALIDATION_MS };
    const finish = finishMs(measured);
    const plan = planForTime(measured, { budgetMs, elapsedMs: 0, finishMs: finish, validates: true });
    const { endMs, told } = await simulated(stepMsAt, () => ({
      plan,
      validationMs: VALIDATION_MS,
      deadline: { atMs: budgetMs - finish, budgetMs, savePlan: async (_plan: Plan) => {} },
    }));
    expect(Math.abs(endMs / budgetMs - 1)).toBeLessThan(0.05);
    expectWithin20Percent(told, endMs);
  });

  test.each<[string, (nowMs: number) => number]>([
    ['evenly', () => 100],
    ['with a third of the time at a third of the speed', rushHours],
  ])('a run of 3,000 steps, %s, says after the first minute how much is left', async (_, stepMsAt) => {
    const { endMs, told } = await simulated(stepMsAt, () => ({ validationMs: VALIDATION_MS }));
    expectWithin20Percent(told, endMs);
  });
});

/** After the first minute, as long as more than ten seconds are left. */
function expectWithin20Percent(told: readonly (readonly [number, number])[], endMs: number): void {
  const judged = told.filter(([now]) => now > 60_000 && endMs - now > 10_000);
  expect(judged.length).toBeGreaterThan(100);
  const errors = judged.map(([now, left]) => Math.abs(left / (endMs - now) - 1));
  expect(Math.max(...errors)).toBeLessThan(0.2);
}

const MINUTES = timesOf('MINUTES', 0);

describe('on this machine', () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'lamella-time-'));
    await phantomFolder(join(root, 'data'), { side: 256, slices: 8 });
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  const long = MINUTES === 0 ? ' (SKIPPED: npm run soak has it)' : '';
  test.skipIf(MINUTES === 0)(
    `--minutes ${MINUTES}, from the command to the report${long}`,
    { timeout: 120_000 * MINUTES + 60_000 },
    async () => {
      const began = performance.now();
      const told: [number, number][] = [];
      const outcome = await lamella(
        ['train', join(root, 'data'), '--out', join(root, 'run'), '--minutes', `${MINUTES}`, '--device', 'cpu'],
        {
          onStdout: (text) => {
            const [, minutes, seconds] = [...text.matchAll(/(\d+):(\d\d) left\n/g)].at(-1) ?? [];
            const left = 60_000 * Number(minutes) + 1000 * Number(seconds);
            if (minutes !== undefined && told.at(-1)?.[1] !== left) told.push([performance.now() - began, left]);
          },
        },
      );
      const tookMs = performance.now() - began;
      expect([outcome.code, outcome.stderr]).toEqual([0, '']);
      console.log(`${(tookMs / 1000).toFixed(1)} s of ${60 * MINUTES} s`);
      expect(Math.abs(tookMs / (60_000 * MINUTES) - 1)).toBeLessThan(0.05);
      const judged = told.filter(([now]) => now > 60_000 && tookMs - now > 10_000);
      for (const [now, left] of judged) expect(Math.abs(left / (tookMs - now) - 1)).toBeLessThan(0.2);
    },
  );
});
