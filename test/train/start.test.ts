import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import type { NdArray } from '../../src/array/ndarray.ts';
import { readSignature } from '../../src/graph/onnx/model.ts';
import { page } from '../../src/image/convert.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import type { Image } from '../../src/image/image.ts';
import { readMetadata } from '../../src/models/metadata.ts';
import { buildNetwork } from '../../src/models/registry.ts';
import { foldStandardised, unfoldStandardised } from '../../src/nn/standardise.ts';
import { atomicWrite } from '../../src/platform/node/atomic-write.ts';
import { repeatRun, resumeRun, type TrainRunOptions, trainRun } from '../../src/platform/node/train-run.ts';
import { parseConfig, type Recipe } from '../../src/train/config.ts';
import { parseLog } from '../../src/train/log.ts';
import { classModelWriter } from '../../src/train/model-file.ts';
import { fittingWeights, readStart } from '../../src/train/start.ts';
import { initialWeights } from '../../src/train/step.ts';

const SMALL = { steps: 2, batch: 1, seed: 5, workers: 0, device: 'cpu' } as const satisfies Partial<TrainRunOptions>;
const NETWORK = { baseChannels: 4, depth: 2, patch: [32, 32] } as const satisfies Partial<TrainRunOptions>;
const CONTINUED = { ...SMALL, patch: [32, 32] } as const satisfies Partial<TrainRunOptions>;

let root: string;
let grey: string;
let classes: string;
let first: string;

/** A folder of pairs. */
async function folder(name: string, image: (z: number) => Image, label: (z: number) => Image): Promise<string> {
  const path = join(root, name);
  for (let z = 0; z < 3; z++) {
    await atomicWrite(join(path, 'image', `${z}.png`), writePng(image(z)));
    await atomicWrite(join(path, 'label', `${z}.png`), writePng(label(z)));
  }
  return path;
}
const cells = phantom({ width: 48, height: 48, depth: 3, cellPx: 20, seed: 3 });
const mapped = (image: Image, value: (v: number, p: number) => number): Image<'uint8'> => ({
  ...image,
  dtype: 'uint8',
  data: Uint8Array.from(image.data as Uint8Array, value),
});
const threeClasses = (z: number): Image => mapped(page(cells.label, z), (v, p) => (p % 48 < 24 ? 2 : v > 0 ? 1 : 0));
const colour = (z: number): Image => {
  const { data, ...rest } = page(cells.image, z);
  const values = Uint8Array.from(
    { length: 3 * data.length },
    (_, i) => (Number(data[i % data.length]) * (1 + Math.floor(i / data.length))) % 256,
  );
  return { ...rest, dtype: 'uint8', shape: [3, 48, 48], axes: 'cyx', channels: ['Red', 'Green', 'Blue'], data: values };
};

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-start-'));
  grey = await folder(
    'grey',
    (z) => page(cells.image, z),
    (z) => page(cells.label, z),
  );
  classes = await folder('classes', (z) => page(cells.image, z), threeClasses);
  first = join(root, 'first');
  await trainRun(grey, { ...SMALL, ...NETWORK, out: first });
});
afterAll(() => rm(root, { recursive: true, force: true }));

let runs = 0;
async function continued(
  data: string,
  options: Partial<TrainRunOptions> = {},
): Promise<{ readonly out: string; readonly said: readonly string[] }> {
  const out = join(root, `run-${runs++}`);
  const said: string[] = [];
  await trainRun(data, { ...CONTINUED, from: first, ...options, out }, { say: (line) => said.push(line) });
  return { out, said };
}
const modelOf = async (run: string) => readStart({ name: run, bytes: await readFile(join(run, 'last.onnx')) });
const readStartOf = async (run: string) => readStart({ name: run, bytes: await readFile(join(run, 'best.onnx')) });
const madeOf = async (run: string) => readMetadata(readSignature(await readFile(join(run, 'last.onnx'))))?.provenance;
const configOf = async (run: string) => parseConfig(await readFile(join(run, 'config.json')), run);

/** Parameters that differ by more than rounding, as layers. */
function changed(
  a: { readonly [parameter: string]: NdArray },
  b: { readonly [parameter: string]: NdArray },
): readonly string[] {
  const differ = (x: NdArray, y: NdArray): boolean =>
    x.data.some((value, i) => Math.abs(Number(value) - Number(y.data[i])) > 1e-5);
  const names = Object.keys(a).filter((name) => differ(a[name] as NdArray, b[name] as NdArray));
  return [...new Set(names.map((name) => name.slice(0, name.lastIndexOf('/'))))];
}

describe('train --from', () => {
  test('begins with the weights of the run, and has its normalisation, classes and network', async () => {
    const { out, said } = await continued(grey, { learningRate: 1e-9 });
    const [a, b] = [await modelOf(first), await modelOf(out)];
    expect(changed(a.weights, b.weights)).toEqual([]);
    const { parameters } = buildNetwork(a.model, [1, 1, 32, 32]);
    expect(Object.keys(a.weights).toSorted()).toEqual(parameters.map(({ value }) => value.name).toSorted());
    const [before, after] = [await configOf(first), await configOf(out)];
    expect(after.recipe.model).toEqual(before.recipe.model);
    expect(after.recipe.input).toEqual(before.recipe.input);
    expect(after.recipe.labels).toEqual(before.recipe.labels);
    expect(after.settings?.from).toBe(first);
    expect(said).toContain(`training on from ${first}: all weights are kept`);
    expect(await madeOf(out)).toMatchObject({ from: first, fromFingerprint: (await readStartOf(first)).fingerprint });
  });

  test('frozen layers keep their weights to the bit, the others learn; both models say so', async () => {
    const { out, said } = await continued(grey, { freeze: ['encoder'], learningRate: 0.01 });
    const [a, b] = [(await readStartOf(first)).weights, (await modelOf(out)).weights];
    const layers = changed(a, b);
    expect(layers.filter((layer) => layer.startsWith('encoder'))).toEqual([]);
    expect(layers).toContain('decoder0/conv1');
    expect(said).toContain('frozen: 6 of 13 layers (encoder)');
    expect(await madeOf(out)).toMatchObject({ freeze: ['encoder'] });
  });

  test('a model that knows none of the classes gets a new last layer, whose rate can be its own', async () => {
    const names = ['a', 'b', 'c'];
    const { out, said } = await continued(classes, { classes: names, learningRate: 1e-9, newLearningRate: 0.1 });
    const [a, b] = [await readStartOf(first), await modelOf(out)];
    const config = await configOf(out);
    expect(config.recipe.start).toEqual({
      model: first,
      fingerprint: a.fingerprint,
      newLayers: ['output'],
      newLearningRate: 0.1,
    });
    expect(said).toContain(
      `training on from ${first}: output new, since there are 3 classes and ${first} has 2 (learning rate 0.1)`,
    );
    const { 'output/weight': head, 'output/bias': _, ...others } = b.weights;
    expect(changed(others, a.weights)).toEqual([]);
    expect(head?.shape).toEqual([3, 4, 1, 1]);
    const drawn = initialWeights(buildNetwork(b.model, [1, 1, 32, 32]).parameters, SMALL.seed);
    expect(changed({ 'output/weight': head as NdArray }, drawn)).toEqual(['output']);
    expect(await madeOf(out)).toMatchObject({ newLayers: ['output'] });
  });

  test('other channels replace the first layer, which cannot be frozen then', async () => {
    const data = await folder('colour', colour, (z) => page(cells.label, z));
    const { out, said } = await continued(data, { learningRate: 1e-9 });
    expect(said).toContain(
      `training on from ${first}: encoder0/conv1 new, since images have 3 channels and ${first} takes 1`,
    );
    expect((await configOf(out)).recipe.input.channels.count).toBe(3);
    const { 'encoder0/conv1/weight': _w, 'encoder0/conv1/gain': _g, ...others } = (await modelOf(out)).weights;
    expect(changed(others, (await readStartOf(first)).weights)).toEqual([]);
    await expect(continued(data, { freeze: ['encoder'] })).rejects.toThrow(
      /'encoder0\/conv1' is to be frozen, but its weights are new.*Choose one channel with `channel`/,
    );
  });

  test.each<[string, () => string, Partial<TrainRunOptions>]>([
    ['with frozen layers', () => grey, { freeze: ['encoder0'] }],
    ['with rows of classes', () => classes, { classes: ['rim', 'foreground', 'background'] }],
    ['with a new last layer that alone is trained', () => grey, { head: 'new', freeze: ['all-but-head'] }],
  ])('repeated, or resumed from before its first checkpoint, %s: the same bits', async (what, data, options) => {
    const { out: whole } = await continued(data(), options);
    const again = join(root, `again ${what}`);
    const file = join(whole, 'config.json');
    await repeatRun(parseConfig(await readFile(file), file), { out: again, workers: 0 });
    const checkpoint = (folder: string) => readFile(join(folder, 'checkpoints', 'step-000000002.ckpt'));
    expect(await checkpoint(again)).toEqual(await checkpoint(whole));
    await rm(join(again, 'checkpoints'), { recursive: true });
    await resumeRun(again, { workers: 0 });
    expect(await checkpoint(again)).toEqual(await checkpoint(whole));
    await rm(join(again, 'checkpoints'), { recursive: true });
    await rm(join(again, 'start.onnx'));
    await expect(resumeRun(again, { workers: 0 })).rejects.toThrow(
      /start\.onnx: the model to train on from is missing/,
    );
  });

  test('warms up as any other run', async () => {
    const { out } = await continued(grey, { steps: 40, learningRate: 1e-3 });
    const log = parseLog(await readFile(join(out, 'log.jsonl'), 'utf8'));
    const rates = log.flatMap((line) => (line.kind === 'step' ? line.learningRate : []));
    // A tenth of the steps.
    [0.25e-3, 0.5e-3, 0.75e-3, 1e-3, 1e-3].forEach((rate, i) => {
      expect(rates[i]).toBeCloseTo(rate, 12);
    });
    expect(rates[5]).toBeLessThan(1e-3);
  });

  test.each<[string, Partial<TrainRunOptions>, RegExp]>([
    ['layers that there are not', { freeze: ['stem'] }, /no layers 'stem' to freeze\. Use encoder, decoder, output/],
    ['all layers frozen', { freeze: ['encoder', 'decoder', 'output'] }, /nothing to train/],
    ['all but the last layer frozen, and the last', { freeze: ['all-but-head', 'output'] }, /nothing to train/],
    [
      'a new last layer that is frozen',
      { head: 'new', freeze: ['output'] },
      /'output' is to be frozen, but its weights are new, since `head: new` is set\. Freeze other layers/,
    ],
    ['a new last layer without a model', { from: undefined, head: 'new' }, /`head` is for a run that trains on/],
    ['a rate of new layers without any', { newLearningRate: 0.1 }, /is for new layers, but .* has weights for all/],
    ['a network beside', { network: 'unet2015' }, /`network` does not go with `from`/],
    ['an option of the network beside', { depth: 3 }, /`depth` does not go with `from`/],
    ['frozen layers without a model', { from: undefined, freeze: ['encoder'] }, /`freeze` is for a run that trains on/],
    ['no such file', { from: 'missing.onnx' }, /missing\.onnx: there is no such file or folder/],
  ])('%s: refused', async (_, options, message) => {
    await expect(continued(grey, options)).rejects.toThrow(message);
  });
});

describe('the last layer of a run that trains on', () => {
  /** The last layer before the first step, as one row for each class: its weights and its bias. */
  async function headOf(run: string, from: string): Promise<readonly (readonly number[])[]> {
    const { recipe } = await configOf(run);
    return rowsOf(fittingWeights(recipe, await readStartOf(from)));
  }
  function rowsOf(weights: { readonly [parameter: string]: NdArray }): readonly (readonly number[])[] {
    const [weight, bias] = [weights['output/weight'], weights['output/bias']] as [NdArray, NdArray];
    return Array.from({ length: weight.shape[0] as number }, (_, k) =>
      [...weight.data.subarray(4 * k, 4 * k + 4), bias.data[k]].map(Number),
    );
  }
  const ZEROS = [0, 0, 0, 0, 0];

  test('with one class more keeps the rows of those that it knows by name, the new one begins with zeros', async () => {
    const names = ['Background', 'rim', 'foreground'];
    const { out, said } = await continued(classes, { classes: names, learningRate: 1e-9 });
    const a = await readStartOf(first);
    const [background, foreground] = rowsOf(a.weights);
    expect(await headOf(out, first)).toEqual([background, ZEROS, foreground]);
    expect((await configOf(out)).recipe.start).toEqual({
      model: first,
      fingerprint: a.fingerprint,
      newLayers: ['output'],
      rows: [0, null, 1],
    });
    expect(said).toEqual(
      expect.arrayContaining([
        `training on from ${first}: all other weights are kept`,
        'last layer: Background, foreground kept; rim new',
      ]),
    );
    const b = await modelOf(out);
    const { 'output/weight': _w, 'output/bias': _b, ...others } = b.weights;
    expect(changed(others, a.weights)).toEqual([]);
    rowsOf(b.weights).forEach((row, k) => {
      row.forEach((value, i) => {
        expect(value).toBeCloseTo([background, ZEROS, foreground][k]?.[i] as number, 5);
      });
    });
    expect(await madeOf(out)).toMatchObject({ newLayers: ['output'] });
  });

  test('which is widened has the rate of new layers, learns, and is not frozen', async () => {
    const names = ['background', 'foreground', 'rim'];
    const { out, said } = await continued(classes, { classes: names, learningRate: 1e-9, newLearningRate: 0.1 });
    expect(said).toContain('last layer: background, foreground kept; rim new (learning rate 0.1)');
    const [a, b] = [await readStartOf(first), await modelOf(out)];
    for (const row of rowsOf(b.weights)) expect(row.every((value) => value !== 0)).toBe(true);
    const { 'output/weight': _w, 'output/bias': _b, ...others } = b.weights;
    expect(changed(others, a.weights)).toEqual([]);
    await expect(continued(classes, { classes: names, freeze: ['output'] })).rejects.toThrow(
      /'output' is to be frozen, but its weights are new, since there are 3 classes and .* has 2\. Freeze other layers/,
    );
  });

  test('with the same classes in another order has their rows in that order, and none is new', async () => {
    const { out, said } = await continued(grey, { classes: ['foreground', 'background'] });
    const [background, foreground] = rowsOf((await readStartOf(first)).weights);
    expect(await headOf(out, first)).toEqual([foreground, background]);
    expect((await configOf(out)).recipe.start).toMatchObject({ newLayers: [], rows: [1, 0] });
    expect(said).toEqual(
      expect.arrayContaining([
        'last layer: foreground, background kept',
        `training on from ${first}: all other weights are kept`,
      ]),
    );
  });

  test('with as many classes gives those that it does not know the places that are left; with fewer it loses rows', async () => {
    const { out: three } = await continued(classes, { classes: ['background', 'rim', 'foreground'] });
    const [background, rim, foreground] = rowsOf((await readStartOf(three)).weights);
    const renamed = await continued(classes, { from: three, classes: ['foreground', 'gap', 'background'] });
    expect(await headOf(renamed.out, three)).toEqual([foreground, rim, background]);
    expect(renamed.said).toContain(
      `classes: foreground, gap, background take the places of foreground, rim, background in ${three}`,
    );
    const inOrder = await continued(classes, { from: three, classes: ['x', 'y', 'z'] });
    expect(await headOf(inOrder.out, three)).toEqual([background, rim, foreground]);
    expect((await configOf(inOrder.out)).recipe.start).toMatchObject({ newLayers: [] });
    expect((await configOf(inOrder.out)).recipe.start?.rows).toBeUndefined();

    const fewer = { from: three, classes: ['background', 'foreground'] };
    const { out, said } = await continued(grey, fewer);
    expect(await headOf(out, three)).toEqual([background, foreground]);
    expect((await configOf(out)).recipe.start).toMatchObject({ newLayers: [], rows: [0, 2] });
    expect(said).toEqual(
      expect.arrayContaining([
        `training on from ${three}: all other weights are kept`,
        'last layer: background, foreground kept; rim dropped',
      ]),
    );
    await expect(continued(grey, { ...fewer, newLearningRate: 0.1 })).rejects.toThrow(/has weights for all/);
  });

  test('is drawn anew where that is asked for, though its classes fit', async () => {
    const { out, said } = await continued(grey, { head: 'new', learningRate: 1e-9 });
    const [a, b] = [await readStartOf(first), await modelOf(out)];
    const { 'output/weight': weight, 'output/bias': bias, ...others } = b.weights;
    const drawn = initialWeights(buildNetwork(b.model, [1, 1, 32, 32]).parameters, SMALL.seed);
    expect(changed({ 'output/weight': weight as NdArray, 'output/bias': bias as NdArray }, drawn)).toEqual([]);
    expect(changed(drawn, a.weights)).toContain('output');
    expect(changed(others, a.weights)).toEqual([]);
    expect((await configOf(out)).recipe.start).toMatchObject({ newLayers: ['output'], head: 'new' });
    expect(said).toContain(`training on from ${first}: output new, since \`head: new\` is set`);
    const renamed = await continued(grey, { head: 'new', classes: ['foreground', 'background'] });
    expect(renamed.said.filter((line) => /^(classes|last layer):/.test(line))).toEqual([]);
  });

  test('alone is trained where all others are frozen, which keep their weights to the bit', async () => {
    const plain = join(root, 'plain');
    // Weights that are standardised are rounded in a file.
    await trainRun(grey, { ...SMALL, ...NETWORK, norm: 'none', out: plain });
    const options = { from: plain, freeze: ['all-but-head'], learningRate: 0.01 };
    const { out, said } = await continued(grey, options);
    const [a, b] = [(await readStartOf(plain)).weights, (await modelOf(out)).weights];
    const differ = Object.keys(a).filter((name) => a[name]?.data.join() !== b[name]?.data.join());
    expect(differ.toSorted()).toEqual(['output/bias', 'output/weight']);
    expect(said).toContain('frozen: 12 of 13 layers (all-but-head)');
    expect((await configOf(out)).recipe.start).toMatchObject({
      freeze: ['all-but-head'],
      trained: ['output/weight', 'output/bias'],
    });
    expect(await madeOf(out)).toMatchObject({ freeze: ['all-but-head'] });
  });
});

describe('models that a run cannot train on from', () => {
  test('a filter bank, before the data are read', async () => {
    const bank = join(root, 'bank');
    await trainRun(grey, { network: 'filter-bank', steps: 2, workers: 0, device: 'cpu', out: bank });
    const nowhere = trainRun(join(root, 'nowhere'), { from: bank, out: join(root, 'none') });
    await expect(nowhere).rejects.toThrow(/bank is a filter bank, .*Leave out `from` and use `network: filter-bank`/);
  });

  test('of whole images', async () => {
    const { recipe } = await configOf(first);
    const model = { name: 'mlp' as const, channels: 1, numClasses: 2, input: [4, 4] as const, hidden: [3] };
    const { parameters } = buildNetwork(model, [1, 1, 4, 4]);
    const input = { stored: [4, 4], crop: [4, 4], views: 1 };
    const bytes = classModelWriter({ ...recipe, model, input: input as unknown as Recipe['input'] })(
      initialWeights(parameters, 0),
      {},
    );
    expect(() => readStart({ name: 'mlp.onnx', bytes })).toThrow(
      /mlp\.onnx: the model classifies whole images.*Use a run of unet/,
    );
  });
});

test('standardised weights come back from the folded ones of a file', () => {
  const { parameters } = buildNetwork(
    { name: 'unet', channels: 1, numClasses: 2, baseChannels: 4, depth: 1, norm: 'weight' },
    [1, 1, 8, 8],
  );
  const weights = initialWeights(parameters, 7);
  (weights['encoder0/conv1/gain'] as NdArray<'float32'>).data.set([2, 0.5, 0, -1]);
  const folded = foldStandardised(weights);
  const again = foldStandardised(
    unfoldStandardised(
      folded,
      parameters.map(({ value }) => value.name),
    ),
  );
  expect(changed(again, folded)).toEqual([]);
  expect(Object.keys(again)).toEqual(Object.keys(folded));
});
