import { strFromU8 } from 'fflate';
import { describe, expect, test } from 'vitest';
import { float32 } from '../../src/array/ndarray.ts';
import { Interrupted, TrainingError } from '../../src/errors.ts';
import { loadCheckpoint } from '../../src/train/checkpoint.ts';
import { parseLog, type StepLine, type ValidationLine } from '../../src/train/log.ts';
import { type State, type Stepper, type TrainEvent, type TrainOptions, train } from '../../src/train/loop.ts';
import { fixedPlan } from '../../src/train/plan.ts';
import type { Store } from '../../src/train/store.ts';
import { memoryStore } from '../support/memoryStore.ts';

/**
 * A step whose state is one number, w' = 0.9 w + rate x, with x the batch's number: it remembers its whole history.
 */
function toyStepper(lossAt: (step: number) => number = (step) => 1 / (step + 1)): Stepper {
  let w = 1;
  return {
    async run({ feeds }, step, rate) {
      w = Math.fround(0.9 * w + rate * (feeds.x?.data[0] as number));
      return { loss: lossAt(step), gradientNorm: w };
    },
    readState: async () => ({ w: float32([1], [w]) }),
    writeState: async (state) => {
      w = state.w?.data[0] as number;
    },
  };
}

function toy(store: Store, more: Partial<TrainOptions> = {}): TrainOptions {
  let now = 0;
  return {
    stepper: toyStepper(),
    async *batches(from) {
      for (let step = from; ; step++) {
        yield { feeds: { x: float32([1], [Math.sin(step)]) }, samples: [`image ${step}`], size: 2 };
      }
    },
    plan: fixedPlan(20, 4),
    learningRate: (progress) => 1 - progress,
    validator: { run: async ({ w }) => ({ score: w?.data[0] as number, metric: 'w', scores: {} }) },
    saveModel: (file, state: State) => store.write(file, `w = ${state.w?.data[0]}`),
    store,
    configHash: '0',
    checkpointEvery: { steps: 7 },
    // Each look at the clock takes 10 ms.
    clock: { nowMs: () => (now += 10) },
    ...more,
  };
}

const textOf = async (store: Store, file: string): Promise<string> =>
  strFromU8((await store.read(file)) ?? new Uint8Array());
/** The log without times, which differ from run to run. */
const logOf = async (store: Store) =>
  parseLog(await textOf(store, 'log.jsonl')).map((line) => (line.kind === 'note' ? line : { ...line, ms: 0 }));

describe('a whole run', () => {
  test('has a line a step, validations on the way, two checkpoints, and its models', async () => {
    const store = memoryStore();
    const events: TrainEvent[] = [];
    const result = await train(toy(store, { onEvent: (event) => events.push(event) }));
    const log = await logOf(store);
    expect(log.filter((line) => line.kind === 'step').map((line) => line.step)).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
    expect(log.filter((line) => line.kind === 'validation').map((line) => line.step)).toEqual([5, 10, 15, 20]);
    expect((log[0] as StepLine).learningRate).toBe(1);
    expect(await store.list('checkpoints')).toEqual(['step-000000014.ckpt', 'step-000000020.ckpt']);
    expect(result.steps).toBe(20);
    const scores = log.filter((line): line is ValidationLine => line.kind === 'validation');
    const highest = scores.reduce((a, b) => (b.score > a.score ? b : a));
    expect(result.best).toEqual({ step: highest.step, score: highest.score });
    expect(await textOf(store, 'best.onnx')).toBe(`w = ${highest.score}`);
    expect(await textOf(store, 'last.onnx')).toBe(`w = ${scores.at(-1)?.score}`);
    expect(events.filter((event) => event.kind === 'checkpoint').length).toBe(3);
  });

  test('without validation images there is a last model only', async () => {
    const store = memoryStore();
    const result = await train(toy(store, { validator: undefined, plan: fixedPlan(5, 0) }));
    expect(result.best).toBeUndefined();
    expect(store.files.has('best.onnx')).toBe(false);
    expect(store.files.has('last.onnx')).toBe(true);
  });
});

describe('interrupted and resumed', () => {
  const whole = (async () => {
    const store = memoryStore();
    await train(toy(store));
    return store;
  })();

  async function interruptedAt(steps: readonly number[], store = memoryStore()) {
    for (const stop of [...steps, Number.POSITIVE_INFINITY]) {
      const signal = { aborted: false };
      const { checkpoint } = await loadCheckpoint(store, '0');
      const options = toy(store, {
        signal,
        onEvent: (event) => {
          if (event.kind === 'step' && event.step >= stop) signal.aborted = true;
        },
        ...(checkpoint === undefined ? {} : { start: { step: checkpoint.step, best: checkpoint.best } }),
      });
      if (checkpoint !== undefined) await options.stepper.writeState(checkpoint.state);
      if (stop === Number.POSITIVE_INFINITY) await train(options);
      else await expect(train(options)).rejects.toThrow(Interrupted);
    }
    return store;
  }

  test.each([[[1]], [[4]], [[5]], [[7]], [[13, 14]], [[1, 2, 3, 19]]])(
    'after %j: the same files as in one go',
    async (stops) => {
      const [a, b] = [await whole, await interruptedAt(stops)];
      expect(await logOf(b)).toEqual(await logOf(a));
      for (const file of ['best.onnx', 'last.onnx', 'checkpoints/step-000000020.ckpt']) {
        expect(b.files.get(file), file).toEqual(a.files.get(file));
      }
    },
  );

  test('killed without a word, it goes on from the last checkpoint and does the rest again', async () => {
    const store = memoryStore();
    const killed = new Error('killed');
    await expect(
      train(
        toy(store, {
          onEvent: (event) => {
            if (event.kind === 'step' && event.step === 12) throw killed;
          },
        }),
      ),
    ).rejects.toBe(killed);
    expect((await loadCheckpoint(store, '0')).checkpoint?.step).toBe(7);
    await interruptedAt([], store);
    const reference = await whole;
    expect(await logOf(store)).toEqual(await logOf(reference));
    expect(store.files.get('best.onnx')).toEqual(reference.files.get('best.onnx'));
    expect(store.files.get('last.onnx')).toEqual(reference.files.get('last.onnx'));
  });
});

describe('a loss that is not finite', () => {
  test('stops with the step, the image and the last good checkpoint', async () => {
    const store = memoryStore();
    const failing = train(toy(store, { stepper: toyStepper((step) => (step === 9 ? Number.NaN : 1)) }));
    await expect(failing).rejects.toThrow(TrainingError);
    await expect(failing).rejects.toThrow(
      'memory: The loss is NaN at step 10, on image 9. The last good checkpoint is memory/checkpoints/step-000000007.ckpt.',
    );
    expect((await loadCheckpoint(store, '0')).checkpoint?.step).toBe(7);
  });

  test('weights that are not finite are never written as a checkpoint', async () => {
    const store = memoryStore();
    const stepper = toyStepper();
    const failing = train(
      toy(store, {
        stepper: { ...stepper, readState: async () => ({ w: float32([1], [Number.POSITIVE_INFINITY]) }) },
        validator: undefined,
      }),
    );
    await expect(failing).rejects.toThrow(/weights are not finite any more at step 7/);
    expect(await store.list('checkpoints')).toEqual([]);
  });
});

test('a deadline that comes nearer than planned makes the run shorter, its schedule still run down', async () => {
  const store = memoryStore();
  const rates: number[] = [];
  const saved: unknown[] = [];
  let now = 0;
  const result = await train(
    toy(store, {
      validator: undefined,
      plan: fixedPlan(240, 0),
      clock: { nowMs: () => now },
      learningRate: (progress) => {
        rates.push(1 - progress);
        // Every step takes 100 ms, twice what was planned for.
        now += 100;
        return 1 - progress;
      },
      deadline: { atMs: 12_000, budgetMs: 12_000, savePlan: async (plan) => void saved.push(plan) },
    }),
  );
  expect(result.steps).toBeLessThan(140);
  expect(now).toBeLessThanOrEqual(12_500);
  expect(saved.length).toBeGreaterThan(0);
  // The last step's share of the schedule is the last one before 1.
  expect(rates.at(-1)).toBeLessThan(0.03);
  expect(rates).toEqual(rates.toSorted((a, b) => b - a));
});
