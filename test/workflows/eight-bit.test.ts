import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NdArray } from '../../src/array/ndarray.ts';
import { DatasetError, ModelError, UsageError } from '../../src/errors.ts';
import { OverlapScorer } from '../../src/evaluate/overlap.ts';
import { editOnnx } from '../../src/graph/onnx/edit.ts';
import { floatForm } from '../../src/graph/onnx/float-form.ts';
import { readOnnx } from '../../src/graph/onnx/read.ts';
import { argmaxClasses } from '../../src/metrics/argmax.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { readImageFile } from '../../src/platform/node/image-files.ts';
import { openModelFile } from '../../src/platform/node/model-files.ts';
import { trainRun } from '../../src/platform/node/train-run.ts';
import { predictImage } from '../../src/predict/predict.ts';
import type { RunConfig } from '../../src/train/config.ts';
import { describeEightBit, type EightBitModel, eightBitFileOf, exportEightBit } from '../../src/workflows/eight-bit.ts';
import { phantomFolder } from '../support/phantom-folder.ts';

const root = mkdtempSync(join(tmpdir(), 'lamella-eight-bit-'));
const at = (...names: string[]): string => join(root, ...names);
const common = { device: 'cpu', workers: 0, patch: [64, 64], depth: 2, batch: 2 } as const;
const HELD = ['5', '6'];
let made: EightBitModel;

beforeAll(async () => {
  await phantomFolder(at('data'), { slices: 7, side: 128, seed: 3 });
  await trainRun(at('data'), { ...common, out: at('run'), baseChannels: 8, steps: 120, split: { names: HELD } });
  made = await exportEightBit(nodeHost, at('run'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function predicted(file: string, tile?: number) {
  const model = await openModelFile(file, { device: 'cpu' });
  const maps = [];
  for (const name of HELD)
    maps.push(await predictImage(model, await readImageFile(at('data', 'image', `${name}.png`)), { tile }));
  await model.close();
  return maps;
}

async function diceOf(file: string): Promise<number> {
  const scorer = new OverlapScorer(2);
  for (const [i, map] of (await predicted(file)).entries()) {
    const label = await readImageFile(at('data', 'label', `${HELD[i]}.png`));
    const truth = Uint8Array.from(label.data as Uint8Array, (value) => Number(value > 0));
    scorer.add(truth, argmaxClasses(map).data);
  }
  return scorer.result().meanDice;
}

describe('the network of a run in 8 bits', () => {
  test('Dice of what was held out is that of float32 to 0.002, and as it says', async () => {
    const [float32, int8] = [await diceOf(at('run', 'best.onnx')), await diceOf(made.file)];
    expect(float32).toBeGreaterThan(0.8);
    expect(Math.abs(int8 - float32)).toBeLessThan(0.002);
    expect(made.dice.float32).toBeCloseTo(float32, 12);
    expect(made.dice.int8).toBeCloseTo(int8, 12);
    expect(made.images).toEqual({ calibrating: 5, judging: 2 });
    expect(describeEightBit(made)).toContain(`float32 ${float32.toFixed(4)}`);
  });

  test('is smaller, computes other numbers, and tiles give what the whole gives', async () => {
    expect(statSync(made.file).size).toBeLessThan(0.5 * statSync(at('run', 'best.onnx')).size);
    const [whole, tiles, float] = [
      await predicted(made.file),
      await predicted(made.file, 96),
      await predicted(at('run', 'best.onnx')),
    ];
    const distance = (a: readonly { data: ArrayLike<number> }[], b: readonly { data: ArrayLike<number> }[]) =>
      Math.max(
        ...a.map(({ data }, i) => Math.max(...Array.from(data, (p, k) => Math.abs(p - (b[i]?.data[k] as number))))),
      );
    // Whole numbers do not depend on their place; the softmax after them is of floats.
    expect(distance(tiles, whole)).toBeLessThan(1e-6);
    expect(distance(float, whole)).toBeGreaterThan(1e-3);
  });

  test('is read as the network of float32 that it stands for', () => {
    const graph = readOnnx(floatForm(readFileSync(made.file)).bytes, { shapes: { image: [1, 1, 64, 64] } });
    expect(graph.outputs[0]?.shape).toEqual([1, 2, 64, 64]);
  });

  test('is made once, and again for another model', async () => {
    const before = readFileSync(made.file);
    expect(await eightBitFileOf(nodeHost, at('run'), { onMade: () => expect.unreachable() })).toBe(made.file);
    const told: EightBitModel[] = [];
    // One channel of the first convolution a thousand times as large, undone by the second: the same network in float32.
    const best = readFileSync(at('run', 'best.onnx'));
    writeFileSync(at('run', 'best.onnx'), uneven(best));
    expect(await eightBitFileOf(nodeHost, at('run'), { onMade: (one) => told.push(one) })).toBe(made.file);
    writeFileSync(at('run', 'best.onnx'), best);
    expect(told[0]?.dice.float32).toBeCloseTo(made.dice.float32, 3);
    expect(Math.abs((told[0]?.dice.int8 ?? 0) - (told[0]?.dice.float32 ?? 1))).toBeLessThan(0.002);
    // These alone stay float32.
    expect(told[0]?.floats.map((name) => name.replace(/\/Conv.*/, '')).sort()).toEqual([
      'encoder0/conv1',
      'encoder0/conv2',
    ]);
    expect(readFileSync(made.file).equals(before)).toBe(false);
  });
});

function uneven(bytes: Uint8Array): Uint8Array {
  const { constants } = readOnnx(bytes, { shapes: { image: [1, 1, 64, 64] } });
  const tensors: Record<string, NdArray> = {};
  for (const [{ name }, array] of constants) {
    const data = array.data as Float32Array;
    const [per, channels] = [data.length / (array.shape[0] ?? 1), array.shape[1] ?? 1];
    const pixels = per / channels;
    if (name.startsWith('encoder0/conv1/'))
      tensors[name] = { ...array, data: data.map((w, i) => (i < per ? 1000 * w : w)) };
    if (name === 'encoder0/conv2/weight')
      tensors[name] = { ...array, data: data.map((w, i) => (i % per < pixels ? w / 1000 : w)) };
  }
  expect(Object.keys(tensors)).toHaveLength(3);
  return editOnnx(bytes, { tensors });
}

describe('refusals', () => {
  test('a model without a run has no images', async () => {
    await expect(exportEightBit(nodeHost, at('run', 'best.onnx'))).rejects.toThrow(
      /this is a model without a run, so there are no images to calibrate 8 bits on/,
    );
    await expect(exportEightBit(nodeHost, at('run', 'best.onnx'))).rejects.toBeInstanceOf(UsageError);
  });

  /** A copy of the run with another configuration. */
  function changed(name: string, change: Partial<RunConfig>): string {
    cpSync(at('run'), at(name), { recursive: true });
    const file = at(name, 'config.json');
    writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as RunConfig), ...change }));
    return at(name);
  }

  test('a run that held nothing out, and one whose images are gone', async () => {
    await expect(exportEightBit(nodeHost, changed('all', { validationImages: [] }))).rejects.toThrow(
      'this run held out no images, by which 8 bits could be judged. Use it in float32, or train with `split`.',
    );
    const gone = exportEightBit(nodeHost, changed('gone', { folder: at('elsewhere') }));
    await expect(gone).rejects.toThrow(/elsewhere/);
    await expect(gone).rejects.toBeInstanceOf(DatasetError);
  });

  test('networks of windows', async () => {
    await trainRun(at('data'), {
      ...common,
      depth: undefined,
      patch: undefined,
      network: 'n1',
      out: at('n1'),
      steps: 2,
      split: { names: HELD },
    });
    await expect(exportEightBit(nodeHost, at('n1'))).rejects.toThrow(
      '8 bits are for U-Nets of images, and it looks at each pixel alone',
    );
    await expect(exportEightBit(nodeHost, at('n1'))).rejects.toBeInstanceOf(ModelError);
  });
});
