import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { float32, type NdArray, ndarray } from '../../src/array/ndarray.ts';
import { DeviceError, UsageError } from '../../src/errors.ts';
import type { MlpSpec } from '../../src/models/mlp.ts';
import { buildNetwork } from '../../src/models/registry.ts';
import { crossEntropy } from '../../src/nn/losses/cross-entropy.ts';
import { gradientDevices, openGradientWorkers, parseDevices } from '../../src/platform/node/gradient-devices.ts';
import { type TrainRunOptions, trainRun } from '../../src/platform/node/train-run.ts';
import { parseLog } from '../../src/train/log.ts';
import { gradientGraph } from '../../src/train/step.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { pointsCsv } from '../support/points.ts';

const POINTS = { network: 'mlp', hidden: [24, 16], dropout: 0.5, batch: 16, steps: 12, seed: 3 } as const;

let root: string;
let data: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-parallel-'));
  data = join(root, 'points.csv');
  await writeFile(data, pointsCsv({ count: 90, features: 6, classes: 3 }));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function lossesOf(name: string, options: Partial<TrainRunOptions>): Promise<number[]> {
  const out = join(root, name);
  await trainRun(data, { ...POINTS, ...options, out });
  return parseLog(await readFile(join(out, 'log.jsonl'), 'utf8')).flatMap((line) =>
    line.kind === 'step' ? [line.loss] : [],
  );
}

describe('two devices that share each batch', () => {
  test.each([
    ['equal weights', {}],
    // The shares of a batch then weigh differently.
    ['classes that weigh differently', { balance: 1 }],
  ])('give the losses of one, with dropout and Adam: %s', async (name, options) => {
    const alone = await lossesOf(`alone ${name}`, { ...options, device: 'cpu' });
    const shared = await lossesOf(`shared ${name}`, { ...options, devices: parseDevices('cpu:0,cpu:1') });
    expect(shared).toHaveLength(POINTS.steps);
    // Sums over 16 images in another order differ by some 1e-7; Adam divides small gradients by small ones, so that
    // twelve steps amplify it about a hundredfold.
    expectAllClose(shared, alone, { rtol: 1e-4 });
    expect(alone.at(-1)).toBeLessThan(alone[0] as number);
  });

  test('are profiled: the update', async () => {
    const options = { ...POINTS, devices: parseDevices('cpu:0,cpu:1'), profile: true, out: join(root, 'profiled') };
    const { profile } = await trainRun(data, options);
    expect(profile?.ops.length).toBeGreaterThan(0);
    expect(await readFile(join(root, 'profiled/profile.txt'), 'utf8')).toMatch(/update/);
  });

  test('the batch must be shared out evenly, the loss be a mean over images', async () => {
    const devices = parseDevices('cpu:0,cpu:1');
    await expect(trainRun(data, { ...POINTS, batch: 15, devices, out: join(root, 'odd') })).rejects.toThrow(
      'Use `batch: 16`',
    );
    await expect(trainRun(data, { ...POINTS, loss: 'dice', devices, out: join(root, 'dice') })).rejects.toThrow(
      "The loss 'dice' is not a mean over images",
    );
  });
});

describe('a worker', () => {
  const spec: MlpSpec = { name: 'mlp', channels: 1, numClasses: 2, input: [1, 3], hidden: [4] };
  const graph = () => gradientGraph(buildNetwork(spec, [2, 1, 1, 3], { training: true }), crossEntropy());
  const feeds = (): { [name: string]: NdArray } => ({
    image: float32([2, 1, 1, 3], [1, 2, 3, 4, 5, 6]),
    labels: ndarray('int32', [2], Int32Array.of(0, 1)),
    pixelWeights: float32([2], [1, 1]),
    'hidden1/weight': float32([4, 3]),
    'hidden1/bias': float32([4]),
    'output/weight': float32([2, 4]),
    'output/bias': float32([2]),
  });

  test('computes loss and gradients', async () => {
    const [worker] = await openGradientWorkers(parseDevices('cpu:0'), graph(), { exact: false });
    const outputs = await worker?.run(feeds());
    await worker?.close();
    // Equal logits: log 2, and the gradient p - t of two images with different classes cancels.
    expect(outputs?.loss?.data[0]).toBeCloseTo(Math.log(2), 6);
    expectAllClose(outputs?.['gradient/output/bias']?.data as Float32Array, [0, 0], { atol: 1e-7 });
  });

  test('that is gone is named, with what to do', async () => {
    const [worker] = await openGradientWorkers(parseDevices('cpu:1'), graph(), { exact: false });
    const { 'output/bias': _, ...incomplete } = feeds();
    const failing = worker?.run(incomplete);
    await expect(failing).rejects.toThrow(DeviceError);
    await expect(failing).rejects.toThrow(/^the worker of cpu:1 failed: .*'output\/bias'/);
    await expect(worker?.run(feeds())).rejects.toThrow('continue with `resume`');
    await worker?.close();
  });

  test('that ends in the middle of a step is an error, not a hang', async () => {
    const workers = await openGradientWorkers(parseDevices('cpu:0,cpu:1'), graph(), { exact: false });
    const failing = expect(workers[1]?.run(feeds())).rejects.toThrow('the worker of cpu:1 was closed.');
    await workers[1]?.close();
    await failing;
    await expect(workers[1]?.run(feeds())).rejects.toThrow(DeviceError);
    // The other one is not touched by it.
    expect((await workers[0]?.run(feeds()))?.loss?.data[0]).toBeCloseTo(Math.log(2), 6);
    await workers[0]?.close();
  });
});

describe('devices that do not exist', () => {
  test.each([
    ['gpu:0', UsageError, 'Unknown device "gpu:0"'],
    ['cpu', UsageError, 'Use a kind and a number'],
    ['cpu:0,cpu:0', UsageError, 'The device cpu:0 is listed twice'],
  ])('%s', (text, kind, message) => {
    expect(() => parseDevices(text)).toThrow(kind);
    expect(() => parseDevices(text)).toThrow(message);
  });

  test('a core or a card that is not there: what is there is named', async () => {
    await expect(gradientDevices(parseDevices('cpu:0,cpu:4096'))).rejects.toThrow(
      /The device cpu:4096 is not available\. There are cpu:0 to cpu:\d+/,
    );
    await expect(
      trainRun(data, { ...POINTS, devices: parseDevices('cpu:4096'), out: join(root, 'x') }),
    ).rejects.toThrow(DeviceError);
  });
});
