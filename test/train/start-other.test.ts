import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import { float32, type NdArray } from '../../src/array/ndarray.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { readSignature } from '../../src/graph/onnx/model.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { page } from '../../src/image/convert.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image } from '../../src/image/image.ts';
import { readMetadata } from '../../src/models/metadata.ts';
import { atomicWrite } from '../../src/platform/node/atomic-write.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import { repeatRun, resumeRun, type TrainRunOptions, trainRun } from '../../src/platform/node/train-run.ts';
import { openModel } from '../../src/predict/open.ts';
import { parseConfig } from '../../src/train/config.ts';
import { parseLog, type StepLine } from '../../src/train/log.ts';
import { fittingWeights, readStart } from '../../src/train/start.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { OTHER, trainOnPackage } from '../support/train-on-package.ts';
import { weightsBeside } from '../support/weights-beside.ts';

const SETTINGS = {
  steps: 2,
  seed: 5,
  patch: [32, 32],
  workers: 0,
  device: 'cpu',
} as const satisfies Partial<TrainRunOptions>;

let root: string;
let grey: string;
let classes: string;
const cells = phantom({ width: 48, height: 48, depth: 3, cellPx: 20, seed: 3 });

async function folder(
  name: string,
  image: (z: number) => [string, Uint8Array],
  label: (z: number) => Image,
): Promise<string> {
  const path = join(root, name);
  for (let z = 0; z < 3; z++) {
    const [ending, bytes] = image(z);
    await atomicWrite(join(path, 'image', `${z}.${ending}`), bytes);
    await atomicWrite(join(path, 'label', `${z}.png`), writePng(label(z)));
  }
  return path;
}
const png = (z: number): [string, Uint8Array] => ['png', writePng(page(cells.image, z))];
const binary = (z: number): Image => page(cells.label, z);
const three = (z: number): Image => {
  const { data, ...rest } = binary(z);
  return {
    ...rest,
    dtype: 'uint8',
    data: Uint8Array.from(data as Uint8Array, (v, p) => (p % 48 < 24 ? 2 : v > 0 ? 1 : 0)),
  };
};

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-start-other-'));
  grey = await folder('grey', png, binary);
  classes = await folder('classes', png, three);
});
afterAll(() => rm(root, { recursive: true, force: true }));

let runs = 0;
async function continued(data: string, options: Partial<TrainRunOptions> = {}) {
  const out = join(root, `run-${runs++}`);
  const said: string[] = [];
  await trainRun(data, { ...SETTINGS, from: OTHER, ...options, out }, { say: (line) => said.push(line) });
  return { out, said };
}
const modelOf = async (run: string) => readStart({ name: run, bytes: await readFile(join(run, 'last.onnx')) });
const configOf = async (run: string) => parseConfig(await readFile(join(run, 'config.json')), run);
const stepsOf = async (run: string) =>
  parseLog(await readFile(join(run, 'log.jsonl'), 'utf8')).filter((line): line is StepLine => line.kind === 'step');
/** Tensors that differ. */
function changed(a: { readonly [name: string]: NdArray }, b: { readonly [name: string]: NdArray }): readonly string[] {
  return Object.keys(a)
    .filter((name) => a[name]?.data.join() !== b[name]?.data.join())
    .toSorted();
}

describe('train --from a model of another program', () => {
  test('begins with its weights, says what it assumes, and learns', async () => {
    const { out, said } = await continued(grey, { steps: 200, learningRate: 0.01 });
    expect(said).toEqual(
      expect.arrayContaining([
        `outputs of ${OTHER}: 0 is background, 1 is foreground`,
        `${OTHER} does not say how images become its input: their 8-bit values are divided by 255 (\`normalisation\` sets another rule)`,
        'normalisation: (x - 0) / 255',
        `training on from ${OTHER}: all weights are kept`,
        'batch normalisation: by the running statistics of the model, which are kept',
        `network: A network of an ONNX file as in ${OTHER}; patch 32 x 32, batch 1`,
      ]),
    );
    const losses = (await stepsOf(out)).map(({ loss }) => loss);
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(losses.slice(-10))).toBeLessThan(0.8 * mean(losses.slice(0, 10)));
    const { recipe } = await configOf(out);
    expect(recipe.model).toMatchObject({ name: 'onnx', channels: 1, numClasses: 2, batchNorm: 'fixed' });
    expect(recipe.input.normalisation).toMatchObject({ kind: 'zscore', scope: 'dataset', numbers: [[0, 255]] });
    expect(recipe.start).toMatchObject({ model: OTHER, newLayers: [] });
    const [before, after] = [readStart({ name: OTHER, bytes: await readFile(OTHER) }), await modelOf(out)];
    expect(changed(before.weights, after.weights).filter((name) => name.includes('running'))).toEqual([]);
    expect(changed(before.weights, after.weights)).toContain('down1.0.weight');
    const signature = readSignature(await readFile(join(out, 'last.onnx')));
    expect([signature.producer, [...signature.operations.keys()]]).toEqual([
      'pytorch',
      [...readSignature(await readFile(OTHER)).operations.keys()].filter((op) => op !== 'Identity'),
    ]);
    expect(readMetadata(signature)?.provenance).toMatchObject({ from: OTHER, batchNorm: 'fixed' });
  });

  test('the result predicts with its own normalisation, and can be trained on from', async () => {
    const { out } = await continued(grey);
    const runtime = await openRuntime({ device: 'cpu' });
    const model = await openModel(runtime, await readFile(join(out, 'best.onnx')));
    expect([model.classes, model.activation, model.rule.y]).toEqual([
      ['background', 'foreground'],
      'none',
      expect.objectContaining({ multiple: 2, exact: true, margin: 0 }),
    ]);
    expect(model.input.normalisation.numbers).toEqual([[0, 255]]);
    await runtime.dispose();
    const second = await continued(grey, { from: out, learningRate: 1e-9 });
    expect(second.said).toContain(`channels and normalisation: those of ${out}`);
    expect((await modelOf(second.out)).labels).toEqual((await modelOf(out)).labels);
    await expect(continued(grey, { from: out, normalisation: { kind: 'zscore' } })).rejects.toThrow(
      /`normalisation` does not go with `from`: it is that of/,
    );
  });

  test('with batch normalisation in training the running statistics follow the batches', async () => {
    const { out, said } = await continued(grey, { batchNorm: 'train', batch: 2 });
    expect(said).toContain(
      'batch normalisation: by the statistics of each batch (2 patches), which the running ones follow',
    );
    const [before, after] = [readStart({ name: OTHER, bytes: await readFile(OTHER) }), await modelOf(out)];
    expect(changed(before.weights, after.weights).filter((name) => name.includes('running'))).toHaveLength(6);
    expect(readMetadata(readSignature(await readFile(join(out, 'last.onnx'))))?.provenance).toMatchObject({
      batchNorm: 'train',
    });
    expect((await configOf(out)).recipe.model).toMatchObject({ batchNorm: 'train' });
  });

  test('frozen layers, by name and as the encoder that no name tells, keep weights and statistics', async () => {
    const before = readStart({ name: OTHER, bytes: await readFile(OTHER) });
    for (const freeze of [['encoder'], ['down']]) {
      const { out, said } = await continued(grey, { freeze, batchNorm: 'train', learningRate: 0.01 });
      expect(said).toContain(`frozen: 4 of 8 layers (${freeze[0]})`);
      const learned = changed(before.weights, (await modelOf(out)).weights);
      expect(learned.filter((name) => name.startsWith('down'))).toEqual([]);
      expect(learned).toContain('merge.1.running_mean');
    }
    await expect(continued(grey, { freeze: ['stem'] })).rejects.toThrow(
      /has no layers 'stem' to freeze\. Use down, up, merge, head, or single ones such as down1\.0/,
    );
  });

  test('its last layer is drawn anew, or alone trained, where that is asked for', async () => {
    const before = readStart({ name: OTHER, bytes: await readFile(OTHER) });
    const { out: drawn, said } = await continued(grey, { head: 'new', learningRate: 1e-9 });
    expect(said).toContain(`training on from ${OTHER}: head new, since \`head: new\` is set`);
    expect(said.filter((line) => line.startsWith('outputs of'))).toEqual([]);
    // Small, as that of our own networks, and not what it was.
    const { weights } = await modelOf(drawn);
    for (const name of ['head.weight', 'head.bias']) {
      const values = Array.from(weights[name]?.data ?? [], Number);
      expect(Math.max(...values.map(Math.abs))).toBeLessThan(0.05);
      expect(values).not.toEqual(Array.from(before.weights[name]?.data ?? [], Number));
    }
    const { out: head, said: frozen } = await continued(grey, { freeze: ['all-but-head'], learningRate: 0.01 });
    expect(changed(before.weights, (await modelOf(head)).weights)).toEqual(['head.bias', 'head.weight']);
    expect(frozen).toContain('frozen: 7 of 8 layers (all-but-head)');
    await expect(continued(grey, { freeze: ['all-but-head'], batchNorm: 'train' })).rejects.toThrow(
      /`batchNorm: train` does not go with `freeze: all-but-head`/,
    );
  });

  test('where something follows its last layer, that is neither drawn anew nor alone trained', async () => {
    const b = new GraphBuilder('squashed');
    const x = b.input('x', 'float32', [1, 1, 32, 32]);
    const kernel = b.constant(float32([2, 1, 1, 1], [0.5, -0.5]), 'conv.weight');
    const y = b.op('Tanh', [b.op('Conv', [x, kernel], { kernel_shape: [1, 1] })]);
    const from = join(root, 'squashed.onnx');
    await atomicWrite(from, writeOnnx(b.build([b.output(y, 'y')])));
    const why = /does not go with .*squashed\.onnx: Tanh 'Tanh_0' follows its last convolution/;
    for (const options of [{ head: 'new' }, { freeze: ['all-but-head'] }] as const) {
      await expect(continued(grey, { ...options, from })).rejects.toThrow(why);
    }
  });

  test('other classes and channels replace its last and its first layer', async () => {
    const { out, said } = await continued(classes, { learningRate: 1e-9, newLearningRate: 0.1 });
    expect(said).toContain(
      `training on from ${OTHER}: head new, since there are 3 classes and ${OTHER} has 2 (learning rate 0.1)`,
    );
    const model = await modelOf(out);
    expect(model.weights['head.weight']?.shape).toEqual([3, 4, 1, 1]);
    const stains = (z: number): [string, Uint8Array] => {
      const { data, ...rest } = page(cells.image, z);
      const both = Uint8Array.from([...(data as Uint8Array), ...(data as Uint8Array)]);
      return [
        'tif',
        writeTiff({ ...rest, dtype: 'uint8', axes: 'cyx', shape: [2, 48, 48], channels: ['a', 'b'], data: both }),
      ];
    };
    const two = await continued(await folder('stains', stains, binary));
    expect(two.said).toContain(
      `training on from ${OTHER}: down1.0 new, since images have 2 channels and ${OTHER} takes 1`,
    );
    expect((await modelOf(two.out)).weights['down1.0.weight']?.shape).toEqual([4, 2, 3, 3]);
  });

  test('repeated, or resumed from before its first checkpoint: the same bits', async () => {
    const { out: whole } = await continued(grey, { batchNorm: 'train' });
    const again = join(root, 'again');
    const file = join(whole, 'config.json');
    await repeatRun(parseConfig(await readFile(file), file), { out: again, workers: 0 });
    const checkpoint = (run: string) => readFile(join(run, 'checkpoints', 'step-000000002.ckpt'));
    expect(await checkpoint(again)).toEqual(await checkpoint(whole));
    await rm(join(again, 'checkpoints'), { recursive: true });
    await resumeRun(again, { workers: 0 });
    expect(await checkpoint(again)).toEqual(await checkpoint(whole));
  });

  test('with its weights in a file beside it, as PyTorch exports it by default', async () => {
    const { model, weights } = weightsBeside(await readFile(OTHER), 'unet.onnx.data');
    const file = join(root, 'beside', 'unet.onnx');
    await atomicWrite(file, model);
    await expect(continued(grey, { from: file })).rejects.toThrow(/unet\.onnx\.data: there is no such file/);
    await atomicWrite(`${file}.data`, weights);
    const [beside, whole] = [await continued(grey, { from: file }), await continued(grey)];
    expect((await modelOf(beside.out)).weights).toEqual((await modelOf(whole.out)).weights);
    await resumeRun(beside.out, { workers: 0 });
  });

  test('the normalisation that is stated, or of images with more than 8 bits', async () => {
    const stated = await continued(grey, { normalisation: { kind: 'zscore', given: { mean: [120], std: [60] } } });
    expect(stated.said).toContain('normalisation: (x - 120) / 60');
    const deep = (z: number): [string, Uint8Array] => {
      const { data, ...rest } = page(cells.image, z);
      return [
        'tif',
        writeTiff({ ...rest, dtype: 'uint16', data: Uint16Array.from(data as Uint8Array, (v) => 16 * v) }),
      ];
    };
    const { said } = await continued(await folder('deep', deep, binary));
    expect(said).toContain(
      `${OTHER} does not say how images become its input: each has mean 0 and deviation 1 (\`normalisation\` sets another rule)`,
    );
    await expect(
      continued(grey, { normalisation: { kind: 'zscore', given: { mean: [1, 2], std: [1] } } }),
    ).rejects.toThrow(/the normalisation has 2 values, and there is one channel/);
  });

  test.each<[string, Partial<TrainRunOptions>, RegExp]>([
    ['a network beside', { network: 'unet' }, /`network` does not go with `from`/],
    [
      'batch normalisation without a model',
      { from: undefined, batchNorm: 'train' },
      /`batchNorm` is for a run that trains on/,
    ],
  ])('%s: refused', async (_, options, message) => {
    await expect(continued(grey, options)).rejects.toThrow(message);
  });

  test('what cannot be trained is refused before any data are read', async () => {
    await expect(continued(join(root, 'missing'), { from: join(grey, 'image', '0.png') })).rejects.toThrow(
      /0\.png: This is not an ONNX model/,
    );
  });
});

describe('train --from a package of BioImage.IO', () => {
  async function packed(name: string): Promise<string> {
    const from = join(root, name);
    const fixed = { id: 'fixed_zero_mean_unit_variance', kwargs: { mean: 120, std: 50 } };
    await atomicWrite(from, await trainOnPackage([fixed]));
    return from;
  }

  test('has its normalisation and weights, and is repeated when the package is gone', async () => {
    const from = await packed('membranes.zip');
    const { out, said } = await continued(grey, { from, steps: 4 });
    expect(said).toEqual(
      expect.arrayContaining([
        // Nobody else names them.
        'labels (binary): 0 is inside (class 0); 255 is membrane (class 1)',
        `channels and normalisation: those of ${from}`,
        `training on from ${from}: all weights are kept`,
      ]),
    );
    const { recipe } = await configOf(out);
    expect(recipe.input.normalisation).toMatchObject({ kind: 'operations' });
    expect(recipe.start).toMatchObject({ model: from, newLayers: [] });
    // (x - 120) / (50 + 1e-6), as bioimageio.core has it, beside (x - 120) / 50.
    const plain = await continued(grey, {
      normalisation: { kind: 'zscore', given: { mean: [120], std: [50] } },
      steps: 4,
    });
    const lossesOf = async (run: string) => (await stepsOf(run)).map(({ loss }) => loss);
    expectAllClose(await lossesOf(out), await lossesOf(plain.out), { rtol: 1e-4, atol: 0 });
    const signature = readSignature(await readFile(join(out, 'best.onnx')));
    expect(readMetadata(signature)?.provenance).toMatchObject({ from });

    const runtime = await openRuntime({ device: 'cpu' });
    const model = await openModel(runtime, await readFile(join(out, 'best.onnx')));
    expect(model.input.normalisation).toEqual(recipe.input.normalisation);
    await runtime.dispose();
    await rm(from);
    const config = await configOf(out);
    const again = join(root, 'again-from-package');
    await repeatRun(config, { ...SETTINGS, out: again, from: join(out, 'start.onnx') }, { say: () => undefined });
    expect(await lossesOf(again)).toEqual(await lossesOf(out));
  });

  test('keeps the rows of the classes that it names, in the order of the data, and repeats them', async () => {
    const from = await packed('named.zip');
    const names = ['membrane', 'gap', 'Inside'];
    const { out, said } = await continued(classes, { from, classes: names });
    expect(said).toEqual(
      expect.arrayContaining([
        `training on from ${from}: all other weights are kept`,
        'last layer: membrane, Inside kept; gap new',
      ]),
    );
    const { recipe } = await configOf(out);
    expect(recipe.start).toMatchObject({ newLayers: ['head'], rows: [1, null, 0] });
    const start = readStart({ name: 'start', bytes: await readFile(join(out, 'start.onnx')) });
    const { 'head.weight': weight, 'head.bias': bias, ...others } = fittingWeights(recipe, start);
    const [w, b] = [start.weights['head.weight'], start.weights['head.bias']].map((of) =>
      Array.from(of?.data ?? [], Number),
    );
    const zeros = [0, 0, 0, 0];
    expect(Array.from(weight?.data ?? [], Number)).toEqual([
      ...(w?.slice(4) ?? []),
      ...zeros,
      ...(w?.slice(0, 4) ?? []),
    ]);
    expect(Array.from(bias?.data ?? [], Number)).toEqual([b?.[1], 0, b?.[0]]);
    for (const [name, array] of Object.entries(others)) expect([name, array]).toEqual([name, start.weights[name]]);

    await rm(from);
    const again = join(root, 'again-with-rows');
    await repeatRun(await configOf(out), { ...SETTINGS, out: again, from: join(out, 'start.onnx') });
    const checkpoint = (run: string) => readFile(join(run, 'checkpoints', 'step-000000002.ckpt'));
    expect(await checkpoint(again)).toEqual(await checkpoint(out));
    await rm(join(again, 'checkpoints'), { recursive: true });
    await resumeRun(again, { workers: 0 });
    expect(await checkpoint(again)).toEqual(await checkpoint(out));
  });
});
