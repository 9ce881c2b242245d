import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { Interrupted } from '../../src/errors.ts';
import { readSignature } from '../../src/graph/onnx/model.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image } from '../../src/image/image.ts';
import { readMetadata } from '../../src/models/metadata.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import { resumeRun, type TrainRunOptions, trainRun } from '../../src/platform/node/train-run.ts';
import { openModel } from '../../src/predict/open.ts';
import { predictImage } from '../../src/predict/predict.ts';
import { parseLog } from '../../src/train/log.ts';

const [SLICES, SIDE] = [12, 32];
const SPACING = { z: { value: 1, unit: 'µm' }, y: { value: 1, unit: 'µm' }, x: { value: 1, unit: 'µm' } };

const volume = (data: Uint8Array): Image<'uint8'> =>
  ({ ...ndarray('uint8', [SLICES, SIDE, SIDE], data), axes: 'zyx', spacing: SPACING }) as unknown as Image<'uint8'>;

/**
 * Bright squares that go through all slices are the foreground; as many that are in single slices are not. In one slice
 * nothing tells them apart: whoever calls all of them foreground has a Dice of 2/3.
 */
function rods(seed: number): { readonly image: Image<'uint8'>; readonly label: Image<'uint8'> } {
  const random = stream(seed, 'rods');
  const image = Uint8Array.from({ length: SLICES * SIDE * SIDE }, () => 60 + random.integer(20));
  const label = new Uint8Array(image.length);
  const square = (z: number, y: number, x: number, isRod: boolean): void => {
    for (let dy = 0; dy < 4; dy++) {
      for (let dx = 0; dx < 4; dx++) {
        const p = (z * SIDE + y + dy) * SIDE + x + dx;
        image[p] = 180 + random.integer(20);
        label[p] = isRod ? 255 : 0;
      }
    }
  };
  const cells = [...random.permutation(25)];
  const at = (cell: number) => [1 + 6 * Math.floor(cell / 5), 1 + 6 * (cell % 5)] as const;
  for (const cell of cells.slice(0, 5)) for (let z = 0; z < SLICES; z++) square(z, ...at(cell), true);
  // In every third slice at one place, so that none goes on to the next.
  for (const [i, cell] of cells.slice(5, 20).entries())
    for (let z = i % 3; z < SLICES; z += 3) square(z, ...at(cell), false);
  return { image: volume(image), label: volume(label) };
}

let root: string;
let data: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-volumes-'));
  data = join(root, 'data');
  for (const part of ['image', 'label']) await mkdir(join(data, part), { recursive: true });
  for (let i = 0; i < 3; i++) {
    const { image, label } = rods(i);
    await writeFile(join(data, 'image', `v${i}.tif`), writeTiff(image));
    await writeFile(join(data, 'label', `v${i}.tif`), writeTiff(label));
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

let runs = 0;
const newRun = (): string => join(root, `run-${runs++}`);
const SMALL = {
  network: 'unet3d',
  baseChannels: 4,
  patch: [16, 16],
  slices: 8,
  augment: 'turns',
  device: 'cpu',
  workers: 1,
} as const satisfies Partial<TrainRunOptions>;

describe('training on volumes', () => {
  test('learns what single slices do not show, and writes a model that predicts volumes', async () => {
    const out = newRun();
    const lines: string[] = [];
    const { best, config } = await trainRun(
      data,
      { ...SMALL, learningRate: 0.01, steps: 150, out },
      { say: (line) => lines.push(line) },
    );
    expect(best?.score).toBeGreaterThan(0.85);
    expect(config.recipe).toMatchObject({ patch: [16, 16], slices: 8, model: { name: 'unet3d' } });
    expect(config.validationImages).toHaveLength(SLICES);
    expect(new Set(config.validationImages.map((name) => name.replace(/\[\d+\]$/, ''))).size).toBe(1);
    expect(lines).toContain('voxels: 1 µm x 1 µm x 1 µm');
    expect(lines.some((line) => /^network: .* of 3 x 3 x 3 kernels/.test(line))).toBe(true);

    const bytes = new Uint8Array(await readFile(join(out, 'best.onnx')));
    const metadata = readMetadata(readSignature(bytes));
    expect(metadata).toMatchObject({ axes: 'ncdhw', depth: { multiple: 2 }, tile: { multiple: 4 } });
    const runtime = await openRuntime({ device: 'cpu', threads: 2 });
    const model = await openModel(runtime, bytes);
    try {
      expect(model.rule.z).toMatchObject({ multiple: 2, exact: true });
      const name = (config.validationImages[0] as string).replace(/^.*\/v(\d).*$/, '$1');
      const { image, label } = rods(Number(name));
      const { data: found } = await predictImage(model, image);
      const voxels = label.data.length;
      let [both, sum] = [0, 0];
      for (let p = 0; p < voxels; p++) {
        const isFound = (found[voxels + p] as number) > (found[p] as number);
        both += isFound && label.data[p] === 255 ? 1 : 0;
        sum += Number(isFound) + Number(label.data[p] === 255);
      }
      expect((2 * both) / sum).toBeCloseTo(best?.score as number, 5);
    } finally {
      await model.program.dispose();
      await runtime.dispose();
    }
  });

  test('learns on from a run: its weights and network', async () => {
    const first = newRun();
    const before = await trainRun(data, { ...SMALL, learningRate: 0.01, steps: 100, out: first });
    const lines: string[] = [];
    const after = await trainRun(
      data,
      { from: first, learningRate: 1e-6, steps: 2, augment: 'turns', device: 'cpu', workers: 1, out: newRun() },
      { say: (line) => lines.push(line) },
    );
    expect(after.config.recipe.model).toEqual(before.config.recipe.model);
    expect(before.best?.score).toBeGreaterThan(0.7);
    expect(after.best?.score).toBeCloseTo(before.best?.score as number, 3);
    expect(lines.join('\n')).toContain(first);
  });

  test('resumed after any step it gives the same bits, with any number of threads', async () => {
    const common = { ...SMALL, steps: 5, checkpointEvery: { steps: 2 } };
    const whole = newRun();
    await trainRun(data, { ...common, out: whole });
    const parted = newRun();
    const controller = new AbortController();
    const going = trainRun(
      data,
      { ...common, workers: 0, out: parted },
      {
        signal: controller.signal,
        onEvent: (event) => {
          if (event.kind === 'step' && event.step >= 3) controller.abort();
        },
      },
    );
    await expect(going).rejects.toThrow(Interrupted);
    await resumeRun(parted, { device: 'cpu', workers: 1 });
    const losses = async (run: string) =>
      parseLog(await readFile(join(run, 'log.jsonl'), 'utf8')).flatMap((line) =>
        line.kind === 'validation' ? [line.score] : [],
      );
    expect(await losses(parted)).toEqual(await losses(whole));
    const said = async (run: string) => {
      const metadata = readMetadata(readSignature(await readFile(join(run, 'last.onnx'))));
      expect(metadata).toBeDefined();
      return { ...metadata, provenance: undefined };
    };
    expect(await said(parted)).toEqual(await said(whole));
    const tail = async (run: string) => (await readFile(join(run, 'last.onnx'))).subarray(0, -4096).toString('hex');
    expect(await tail(parted)).toEqual(await tail(whole));
  });
});
