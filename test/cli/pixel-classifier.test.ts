/** The window networks as a user meets them; the numbers behind them are tested in test/predict and test/dataset. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { readSignature } from '../../src/graph/onnx/model.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { sizes } from '../../src/image/image.ts';
import { readImage } from '../../src/image/read.ts';
import { METADATA_KEY } from '../../src/models/metadata.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { phantomFolder } from '../support/phantom-folder.ts';
import { lamella } from './command.ts';

let root: string;
let data: string;
let run: string;
let trained: string;

const train = (out: string, ...more: readonly string[]) =>
  lamella([
    'train',
    data,
    '--out',
    join(root, out),
    '--workers',
    '0',
    '--steps',
    '6',
    '--batch',
    '16',
    '--base',
    '8',
    ...more,
  ]);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-windows-'));
  data = join(root, 'data');
  run = join(root, 'n2');
  await phantomFolder(data);
  const { code, stdout, stderr } = await train('n2', '--network', 'n2');
  expect(stderr).toBe('');
  expect(code).toBe(0);
  trained = stdout;
});
afterAll(() => rm(root, { recursive: true }));

async function probabilities(out: string): Promise<Float32Array> {
  const image = await readImage(await readFile(join(root, out, 'probability', '0.tif')), '0.tif');
  expect(sizes(image)).toMatchObject({ height: 64, width: 64 });
  return image.data as Float32Array;
}

const predict = (models: readonly string[], out: string, ...more: readonly string[]) =>
  lamella([
    'predict',
    ...models,
    join(data, 'image', '0.png'),
    '--out',
    join(root, out),
    '--probability',
    'float',
    ...more,
  ]);

test('training says what the network sees, and its file is calibrated', async () => {
  expect(trained).toMatch(
    /network: the class of the pixel in the middle of a window of 23 x 23; as many of each class/,
  );
  expect(trained).toMatch(/report: /);
  const { metadata, inputs, operations } = readSignature(await readFile(join(run, 'last.onnx')));
  expect(inputs[0]?.dims).toEqual(['batch', 1, 23, 23]);
  expect(JSON.parse(metadata[METADATA_KEY] as string)).toMatchObject({
    network: { name: 'n2' },
    tile: { min: 23, margin: 22, halo: 11 },
    input: { window: { side: 23, cover: 23, foveationPx: 0 } },
    provenance: { calibration: expect.stringMatching(/^-?[\d.e-]+(, -?[\d.e-]+){3}$/) },
  });
  expect(operations.has('Clip')).toBe(true);
});

test('predict gives the same at once and window by window, the latter with a count', async () => {
  const dense = await predict([run], 'dense', '--dense');
  expect(dense.stdout).toMatch(/a window of 23 x 23 pixels: all pixels at once/);
  const slow = await predict([run], 'slow', '--patchwise');
  expect(slow.stdout).toMatch(/one window after another/);
  expect(slow.stderr).toMatch(/4096\/4096 windows {2}0:00 left/);
  expectAllClose(await probabilities('slow'), await probabilities('dense'), { atol: 1e-5 });
});

test('several networks are averaged, and smoothed', async () => {
  const other = await train('n1', '--network', 'n1', '--seed', '1');
  expect(other.code).toBe(0);
  const both = [run, join(root, 'n1')];
  expect((await predict(both, 'mean')).stdout).toMatch(/mean of 2 models: .*n2.*best.onnx, .*n1.*best.onnx/);
  expect((await predict(both.slice(1), 'second')).code).toBe(0);
  const [mean, first, second] = await Promise.all(['mean', 'dense', 'second'].map(probabilities));
  expectAllClose(
    mean as Float32Array,
    (first as Float32Array).map((p, i) => (p + ((second as Float32Array)[i] as number)) / 2),
    {
      atol: 1e-6,
    },
  );
  expect((await predict(both, 'smooth', '--median', '2')).code).toBe(0);
  const roughness = (p: Float32Array) => p.reduce((sum, value, i) => sum + Math.abs(value - (p[i - 1] ?? value)), 0);
  expect(roughness(await probabilities('smooth'))).toBeLessThan(roughness(mean as Float32Array));
});

test('a foveated network trains on, and says why it is slow', async () => {
  const { code, stdout } = await train('fov', '--network', 'n1', '--foveation', '2', '--cover', '15');
  expect(code).toBe(0);
  expect(stdout).toMatch(/9 x 9, which covers 15 pixels of the image, blurred up to 2 pixels at its border/);
  expect(stdout).toMatch(/over a sample of pixels, since foveated windows are evaluated one by one/);
  expect(stdout).toMatch(/report: not written/);
  const refused = await predict([join(root, 'fov')], 'fov-dense', '--dense');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/^lamella: .*best.onnx: .*foveation.*patch by patch\.\n$/);
  const { stdout: said } = await predict([join(root, 'fov')], 'fov-pred');
  expect(said).toMatch(/note: .*foveation.*slow/);
});

test.each<[string, () => readonly string[], number, RegExp]>([
  [
    'a window larger than the image',
    () => ['train', data, '--network', 'n4'],
    2,
    /window of 95 pixels is larger than the smallest image, 64 x 64\. Provide larger images, or use --network n3\./,
  ],
  ['foveation without a window', () => ['train', data, '--foveation', '2'], 2, /The network 'unet' has no window/],
  [
    'an even cover',
    () => ['train', data, '--network', 'n1', '--cover', '12'],
    2,
    /A window of 9 pixels cannot cover 12/,
  ],
  [
    'both evaluations',
    () => ['predict', run, data, '--dense', '--patchwise'],
    2,
    /--dense and --patchwise are mutually exclusive/,
  ],
  [
    'a patch beside a window',
    () => ['augment', data, '--window', 'n1', '--patch', '20'],
    2,
    /--patch and --window are mutually exclusive/,
  ],
  [
    'a benchmark of what has no window',
    () => ['bench', 'dense', 'nowhere.onnx'],
    1,
    /nowhere.onnx: there is no such file/,
  ],
])('%s is refused in a sentence', async (_, args, exitCode, message) => {
  const { code, stderr } = await lamella([
    ...args(),
    ...(args()[0] === 'bench' ? [] : ['--out', join(root, args()[0] === 'augment' ? 'refused.png' : 'refused')]),
  ]);
  expect(stderr).toMatch(message);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(code).toBe(exitCode);
});

test('an image smaller than the window is named, and the others go on', async () => {
  const folder = join(root, 'sizes');
  await phantomFolder(folder, { slices: 1 });
  const small = { ...ndarray('uint8', [20, 30]), axes: 'yx', spacing: {} } as const;
  await writeFile(join(folder, 'image', 'small.png'), writePng(small));
  const { code, stdout, stderr } = await lamella(['predict', run, join(folder, 'image'), '--out', join(root, 'sized')]);
  expect(stderr).toMatch(/small\.png: the image is 30 x 20, smaller than the network's window of 23 pixels/);
  expect(stderr).toMatch(/1 of 2 images could not be segmented/);
  expect(stdout).toMatch(/0: 64 x 64 pixels/);
  expect(code).toBe(1);
});

test('networks of other classes are not averaged', async () => {
  const other = await train('named', '--network', 'n1', '--classes', 'membrane,inside');
  expect(other.code).toBe(0);
  const { code, stderr } = await predict([run, join(root, 'named')], 'mixed');
  expect(code).toBe(1);
  expect(stderr).toMatch(/named.*best\.onnx: its classes are membrane, inside, those of .*n2.*background, foreground/);
});

test('augment draws the windows, bench dense both times', async () => {
  const sheet = join(root, 'sheet.png');
  const { stdout, code } = await lamella([
    'augment',
    data,
    '--window',
    'n2',
    '--foveation',
    '3',
    '--cover',
    '41',
    '--count',
    '3',
    '--out',
    sheet,
  ]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/\(turns; 41 pixels in a window of 23, blurred up to 3 pixels at the border\)/);
  const image = await readImage(await readFile(sheet), sheet);
  expect(sizes(image)).toMatchObject({ height: 3 * 29 + 6, width: 4 * 29 + 6 });
  const bench = await lamella(['bench', 'dense', run, '--size', '48', '--sample', '64', '--json']);
  const facts = JSON.parse(bench.stdout) as Record<string, number>;
  expect(facts).toMatchObject({ widthPx: 48, windowPx: 23, sampledWindows: 64 });
  expect(facts.patchwiseMs).toBeCloseTo(((facts.sampleMs as number) * 48 * 48) / 64, 6);
  expect(facts.largestDifference).toBeLessThan(1e-5);
});
