import { strFromU8 } from 'fflate';
import { describe, expect, test } from 'vitest';
import { float32 } from '../../src/array/ndarray.ts';
import { Interrupted, TrainingError } from '../../src/errors.ts';
import { loadCheckpoint } from '../../src/train/checkpoint.ts';
import { parseLog, type StepLine, type ValidationLine } from '../../src/train/log.ts';
import { type TrainEvent, train } from '../../src/train/loop.ts';
import { fixedPlan } from '../../src/train/plan.ts';
import type { Store } from '../../src/train/store.ts';
import type { State, StepBatch, TrainStep } from '../../src/train/train-step.ts';
import { memoryStore } from '../support/memory-store.ts';

type TrainOptions = Parameters<typeof train>[0];

/**
 * A step whose state is one number, w' = 0.9 w + rate x, with x the batch's number: it remembers its whole history.
 */
function toyTrainStep(lossAt: (step: number) => number = (step) => 1 / (step + 1)): TrainStep {
  let w = 1;
  return {
    async run({ feeds }, step, rate) {
      w = Math.fround(0.9 * w + rate * (feeds.x?.data[0] as number));
      return { loss: lossAt(step), weightsFinite: Number.isFinite(w), gradientNorm: w };
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
    trainStep: toyTrainStep(),
    async *batches(from) {
      for (let step = from; ; step++) {
        yield { feeds: { x: float32([1], [Math.sin(step)]) }, samples: [`image ${step}`], size: 2 };
      }
    },
    fingerprint: 'abc',
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
    expect((log[1] as StepLine).learningRate).toBe(1);
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
      const controller = new AbortController();
      const { checkpoint } = await loadCheckpoint(store, '0');
      const options = toy(store, {
        signal: controller.signal,
        onEvent: (event) => {
          if (event.kind === 'step' && event.step >= stop) controller.abort();
        },
        ...(checkpoint === undefined ? {} : { start: { step: checkpoint.step, best: checkpoint.best } }),
      });
      if (checkpoint !== undefined) await options.trainStep.writeState(checkpoint.state);
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

  test('its log outlasts a power cut before each checkpoint is written, and tells the first step at once', async () => {
    const store = memoryStore();
    const told: string[] = [];
    await train(
      toy({
        ...store,
        async append(file, text, lasting = false) {
          const lines = parseLog(text);
          told.push(`${lasting ? 'lasting' : 'added'} ${lines.filter(({ kind }) => kind === 'step').at(-1)?.step}`);
          await store.append(file, text);
        },
        async write(file, content) {
          if (file.startsWith('checkpoints/')) told.push(file.slice(-7));
          await store.write(file, content);
        },
      }),
    );
    expect(told[0]).toBe('added 1');
    expect(told.filter((line) => !line.startsWith('added'))).toEqual([
      ...['lasting 7', '07.ckpt', 'lasting 14', '14.ckpt', 'lasting 20', '20.ckpt'],
    ]);
  });

  test('killed without a word, it goes on from the last checkpoint and does the rest again', async () => {
    const store = memoryStore();
    const killed = new Error('killed');
    const trainStep = toyTrainStep();
    const failing: TrainStep = {
      ...trainStep,
      run: async (batch, step, rate) => {
        if (step === 12) throw killed;
        return trainStep.run(batch, step, rate);
      },
    };
    await expect(train(toy(store, { trainStep: failing }))).rejects.toBe(killed);
    expect((await loadCheckpoint(store, '0')).checkpoint?.step).toBe(7);
    await interruptedAt([], store);
    const reference = await whole;
    expect(await logOf(store)).toEqual(await logOf(reference));
    expect(store.files.get('best.onnx')).toEqual(reference.files.get('best.onnx'));
    expect(store.files.get('last.onnx')).toEqual(reference.files.get('last.onnx'));
  });
});

describe('what goes wrong between two steps takes nothing with it', () => {
  test('a sampler that fails: the last whole step is saved first', async () => {
    const store = memoryStore();
    const options = toy(store);
    const failing = train({
      ...options,
      async *batches(from) {
        const drawn = options.batches(from);
        for (let step = from; step < 10; step++) yield (await drawn.next()).value as StepBatch;
        throw new Error('the thread died');
      },
    });
    await expect(failing).rejects.toThrow('the thread died');
    expect((await loadCheckpoint(store, '0')).checkpoint?.step).toBe(10);
  });

  test('a validation that fails is made again: its step does not count yet', async () => {
    const store = memoryStore();
    const run = () => Promise.reject(new Error('the device is lost'));
    await expect(train(toy(store, { validator: { run } }))).rejects.toThrow('the device is lost');
    // It falls due after step 5, and the first checkpoint would be at 7.
    expect(await store.list('checkpoints')).toEqual([]);
  });

  test('a step that fails leaves the checkpoint from before it', async () => {
    const store = memoryStore();
    const trainStep = toyTrainStep();
    const run: TrainStep['run'] = async (batch, step, rate) => {
      if (step === 10) throw new Error('the device is lost');
      return trainStep.run(batch, step, rate);
    };
    await expect(train(toy(store, { trainStep: { ...trainStep, run } }))).rejects.toThrow('the device is lost');
    expect((await loadCheckpoint(store, '0')).checkpoint?.step).toBe(7);
  });

  test('a best model that somebody removed is written again by the next validation', async () => {
    const store = memoryStore();
    // The score falls from one validation to the next.
    const validator = { run: async () => ({ score: -store.files.size, metric: 'w', scores: {} }) };
    const result = await train(
      toy(store, {
        validator,
        onEvent: (event) => {
          if (event.kind === 'step' && event.step === 12) store.files.delete('best.onnx');
        },
      }),
    );
    expect(result.best?.step).toBe(15);
    expect(store.files.has('best.onnx')).toBe(true);
  });

  test('what a checkpoint needs is put back before it', async () => {
    const steps: number[] = [];
    const store = memoryStore();
    let done = 0;
    await train(
      toy(store, {
        onEvent: (event) => {
          if (event.kind === 'step') done = event.step;
        },
        keepConfig: async () => void steps.push(done),
      }),
    );
    expect(steps).toEqual([7, 14, 20]);
  });
});

describe('a loss or weights that are not finite', () => {
  test('stops with the step, the image, the batch set aside and the last good checkpoint', async () => {
    const store = memoryStore();
    const seen: unknown[] = [];
    const failing = train(
      toy(store, {
        trainStep: toyTrainStep((step) => (step === 9 ? Number.NaN : 1)),
        exclude: async ({ samples }, facts) => {
          seen.push({ samples, ...facts });
          return 'memory/diverged/step-10.png';
        },
      }),
    );
    await expect(failing).rejects.toThrow(TrainingError);
    await expect(failing).rejects.toThrow(
      'memory: the loss is NaN at step 10, on image 9. The batch is in memory/diverged/step-10.png. The last good checkpoint is memory/checkpoints/step-000000007.ckpt.',
    );
    expect(seen).toEqual([
      expect.objectContaining({ samples: ['image 9'], step: 10, problem: 'the loss is NaN', learningRate: 0.55 }),
    ]);
    expect((await loadCheckpoint(store, '0')).checkpoint?.step).toBe(7);
    expect((await logOf(store)).at(-1)).toEqual({ kind: 'note', step: 10, text: 'the loss is NaN, on image 9' });
  });

  test('weights are looked at in every step, and never written as a checkpoint', async () => {
    const store = memoryStore();
    const trainStep = toyTrainStep();
    const run: TrainStep['run'] = async (batch, step, rate) => ({
      ...(await trainStep.run(batch, step, rate)),
      weightsFinite: step < 4,
    });
    const failing = train(toy(store, { trainStep: { ...trainStep, run }, validator: undefined }));
    await expect(failing).rejects.toThrow(
      'memory: the weights are not finite any more at step 5, on image 4. There is no checkpoint from before: a new run can take its place.',
    );
    expect(await store.list('checkpoints')).toEqual([]);
  });

  test('nor is a state of the optimizer that is not finite', async () => {
    const store = memoryStore();
    const trainStep = toyTrainStep();
    const readState = async () => ({ square: float32([1], [Number.POSITIVE_INFINITY]) });
    const failing = train(toy(store, { trainStep: { ...trainStep, readState }, validator: undefined }));
    await expect(failing).rejects.toThrow(/state of the optimizer is not finite after step 7/);
    expect(await store.list('checkpoints')).toEqual([]);
  });

  test('a batch that cannot be set aside does not hide what happened', async () => {
    const failing = train(
      toy(memoryStore(), {
        trainStep: toyTrainStep(() => Number.POSITIVE_INFINITY),
        exclude: () => Promise.reject(new Error('the disk is full')),
      }),
    );
    await expect(failing).rejects.toThrow('the loss is Infinity at step 1, on image 0. There is no checkpoint');
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
