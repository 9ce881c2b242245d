import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ClassSample, gatherClasses } from '../../src/dataset/classification/classes.ts';
import { Interrupted, UsageError } from '../../src/errors.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import { resumeRun, type TrainRunOptions, trainRun } from '../../src/platform/node/train-run.ts';
import { parseLog } from '../../src/train/log.ts';
import type { TrainEvent } from '../../src/train/loop.ts';
import { newClassificationTask } from '../../src/train/tasks/classification/task.ts';
import { dataFolder, describeWithData } from '../support/data.ts';
import { pointsCsv } from '../support/points.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-classes-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

let runs = 0;
const newRun = (): string => join(root, `run-${runs++}`);

async function table(name: string, text: string): Promise<string> {
  const file = join(root, name);
  await writeFile(file, text);
  return file;
}

/** Trains on the CPU and returns what was said. */
async function said(data: string, options: Partial<TrainRunOptions>): Promise<{ lines: string[]; out: string }> {
  const lines: string[] = [];
  const out = newRun();
  await trainRun(data, { device: 'cpu', ...options, out }, { say: (line) => lines.push(line) });
  return { lines, out };
}

describe('the perceptron', () => {
  test("Rosenblatt's rule divides AND and says after how many corrections", async () => {
    const { lines, out } = await said(await table('and.csv', '0,0,no\n0,1,no\n1,0,no\n1,1,yes\n'), {
      network: 'perceptron',
    });
    const verdict = /^converged: everything is on its side after (\d+) corrections in (\d+) passes$/.exec(
      lines.at(-1) ?? '',
    );
    expect(verdict).not.toBeNull();
    const steps = parseLog(await readFile(join(out, 'log.jsonl'), 'utf8')).filter((line) => line.kind === 'step');
    // The corrections are the steps with a gradient; the last pass has none.
    expect(steps.filter(({ gradientNorm = 0 }) => gradientNorm > 0)).toHaveLength(Number(verdict?.[1]));
    expect(steps.slice(-4).map(({ gradientNorm }) => gradientNorm)).toEqual([0, 0, 0, 0]);
  });

  test('on XOR it says that it did not converge', async () => {
    const { lines } = await said(await table('xor.csv', '0,0,no\n0,1,yes\n1,0,yes\n1,1,no\n'), {
      network: 'perceptron',
      steps: 80,
    });
    expect(lines.at(-1)).toMatch(/^did not converge: \d+ corrections in 20 passes, [1-4] in the last one; no line/);
  });

  test('separates points of two and of several classes', async () => {
    for (const classes of [2, 4]) {
      const data = await table(`points${classes}.csv`, pointsCsv({ count: 60, features: 12, classes, spread: 0.3 }));
      const { lines } = await said(data, { network: 'perceptron', split: { fraction: 0 } });
      expect(lines.at(-1)).toMatch(/^converged/);
    }
  });

  test('learns by gradient descent as well', async () => {
    const data = await table('gd.csv', pointsCsv({ count: 60, features: 12, classes: 2, spread: 0.3 }));
    const { out } = await said(data, { network: 'perceptron', loss: 'ce', steps: 300 });
    const log = parseLog(await readFile(join(out, 'log.jsonl'), 'utf8'));
    expect(log.findLast((line) => line.kind === 'validation')?.score).toBe(1);
  });
});

describe('mlp', () => {
  const SMALL = {
    network: 'mlp',
    hidden: [16],
    dropout: 0.3,
    batch: 8,
    steps: 500,
    schedule: 'plateau',
    seed: 2,
  } as const;

  test('XOR, which one layer cannot divide, is learned by two', async () => {
    const data = await table('xor2.csv', '0,0,no\n0,1,yes\n1,0,yes\n1,1,no\n');
    const { out } = await said(data, {
      network: 'mlp',
      hidden: [8],
      activation: 'tanh',
      batch: 4,
      steps: 300,
      learningRate: 0.03,
    });
    const log = parseLog(await readFile(join(out, 'log.jsonl'), 'utf8'));
    expect(log.findLast((line) => line.kind === 'step')?.loss).toBeLessThan(0.1);
  });

  test('an interrupted run goes on to the same weights bit for bit, validations and all', async () => {
    const data = await table('points.csv', pointsCsv({ count: 50, features: 5, classes: 3 }));
    const whole = newRun();
    await trainRun(data, { ...SMALL, device: 'cpu', out: whole });
    const broken = newRun();
    const controller = new AbortController();
    const onEvent = (event: TrainEvent): void => {
      if (event.kind === 'step' && event.step === 430) controller.abort();
    };
    await expect(
      trainRun(data, { ...SMALL, device: 'cpu', out: broken }, { signal: controller.signal, onEvent }),
    ).rejects.toThrow(Interrupted);
    await resumeRun(broken, { device: 'cpu' });
    const last = join('checkpoints', 'step-000000500.ckpt');
    expect(await readFile(join(broken, last))).toEqual(await readFile(join(whole, last)));
    const ratesOf = async (run: string): Promise<number[]> =>
      parseLog(await readFile(join(run, 'log.jsonl'), 'utf8')).flatMap((line) =>
        line.kind === 'step' ? [line.learningRate] : [],
      );
    expect(await ratesOf(broken)).toEqual(await ratesOf(whole));
  });

  test('options of another network, and a network of pixels, are refused', async () => {
    const data = await table('refused.csv', pointsCsv({ count: 12, features: 2, classes: 2 }));
    const refused = (options: Partial<TrainRunOptions>) => trainRun(data, { ...options, steps: 1, out: newRun() });
    await expect(refused({ network: 'mlp', scale: 0.5 })).rejects.toThrow(
      "`scale` does not apply to the network 'mlp'",
    );
    await expect(refused({ network: 'perceptron', hidden: [3] })).rejects.toThrow(UsageError);
    const samples: ClassSample[] = [0, 1].map((label) => ({
      name: `${label}`,
      label,
      data: new Uint8Array(4),
      channels: 1,
      height: 2,
      width: 2,
    }));
    const found = { train: samples.map(({ label, ...rest }) => ({ ...rest, class: label })) };
    const raw = gatherClasses('memory', { found });
    expect(() => newClassificationTask(raw, { network: 'unet' })).toThrow(
      'Use one of `network: perceptron`, `network: mlp`, `network: alexnet`.',
    );
  });
});

test('alexnet at full size, 1000 classes: some steps, and what they take', async () => {
  // Noise with a mean of its own for each class.
  const sample = (n: number) => {
    const data = new Uint8Array(3 * 256 * 256);
    let x = n + 1;
    for (let i = 0; i < data.length; i++) {
      x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
      data[i] = (x >>> 25) + ((n * 37) % 128);
    }
    return { name: `${n}`, class: `class ${n}`, data, channels: 3, height: 256, width: 256 };
  };
  const named = Array.from({ length: 1000 }, (_, n) => `class ${n}`);
  const found = { train: Array.from({ length: 40 }, (_, n) => sample(25 * n)) };
  const raw = gatherClasses('memory', { found, named });
  const task = newClassificationTask(raw, { network: 'alexnet', batch: 4, split: { fraction: 0 } });
  const { recipe, notes } = task.chooseRecipe({ cores: 2, minutes: 1 });
  expect(notes.join('\n')).toContain('60,965,224 parameters, 724.41 million MACs');
  expect(recipe).toMatchObject({
    input: { stored: [256, 256], crop: [224, 224], views: 10 },
    optimizer: { name: 'sgd', momentum: 0.9, weightDecay: 5e-4 },
    learningRate: 0.01,
    schedule: { name: 'plateau' },
    classes: { mirror: true, crops: true, colour: { sigma: 0.1 } },
  });
  const runtime = await openRuntime({ device: 'cpu' });
  const setup = await task.openSetup(recipe, undefined, { runtime, provenance: {} });
  try {
    await setup.trainStep.writeState(setup.step.initialState(0));
    const batches = setup.batches(0);
    for (let step = 0; step < 2; step++) {
      const { loss, weightsFinite } = await setup.trainStep.run((await batches.next()).value, step, 1e-4);
      // Knows nothing yet: log 1000 = 6.9, and what the first weights prefer.
      expect(loss).toBeGreaterThan(4);
      expect(loss).toBeLessThan(12);
      expect(weightsFinite).toBe(true);
    }
    // Weights, momentum and their next values are 0.98 GB; gradients and activations come on top.
    expect(process.memoryUsage.rss() / 2 ** 30).toBeLessThan(6);
  } finally {
    await setup.close();
    await runtime.dispose();
  }
});

describeWithData('real data', () => {
  test('a small AlexNet on PneumoniaMNIST learns', async () => {
    const { lines, out } = await said(join(dataFolder(), 'pneumonia'), {
      network: 'alexnet',
      scale: 0.125,
      batch: 32,
      steps: 40,
      balance: 1,
    });
    expect(lines.some((line) => line.includes('crops of 64 x 64 from 73 x 73'))).toBe(true);
    const losses = parseLog(await readFile(join(out, 'log.jsonl'), 'utf8')).flatMap((line) =>
      line.kind === 'step' ? [line.loss] : [],
    );
    const mean = (list: number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
    expect(mean(losses.slice(-10))).toBeLessThan(mean(losses.slice(0, 10)));
  });

  test('mlp knows nine of ten digits after 150 steps', async () => {
    const { out } = await said(join(dataFolder(), 'mnist'), { network: 'mlp', steps: 150 });
    const log = parseLog(await readFile(join(out, 'log.jsonl'), 'utf8'));
    expect(log.findLast((line) => line.kind === 'validation')?.score).toBeGreaterThan(0.9);
  });
});
