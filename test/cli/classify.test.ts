import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stream } from '../../src/array/random.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import type { Image } from '../../src/image/image.ts';
import { lamella } from './command.ts';

let root: string;
let data: string;

/** A bright upper or left half, in noise. */
function picture(kind: 'upper' | 'left', seed: number): Uint8Array {
  const random = stream(seed, 'picture');
  const bright = (y: number, x: number): boolean => (kind === 'upper' ? y < 4 : x < 4);
  const pixels = Uint8Array.from({ length: 64 }, (_, p) =>
    Math.round(80 + 60 * random.uniform() + (bright(Math.floor(p / 8), p % 8) ? 80 : 0)),
  );
  return writePng({ data: pixels, shape: [8, 8], axes: 'yx', dtype: 'uint8', spacing: {} } as unknown as Image);
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-classify-'));
  data = join(root, 'halves');
  for (const [part, count] of [
    ['train', 20],
    ['test', 6],
  ] as const) {
    for (const kind of ['upper', 'left'] as const) {
      await mkdir(join(data, part, kind), { recursive: true });
      for (let n = 0; n < count; n++) {
        await writeFile(join(data, part, kind, `${n}.png`), picture(kind, n + (part === 'test' ? 1000 : 0)));
      }
    }
  }
  for (const [name, seed] of [
    ['a', '1'],
    ['b', '2'],
  ] as const) {
    const { code, stderr } = await lamella([
      'train',
      data,
      '--network',
      'mlp',
      '--hidden',
      '16',
      '--batch',
      '8',
      '--steps',
      '60',
      '--seed',
      seed,
      '--device',
      'cpu',
      '--out',
      join(root, name),
    ]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

const run = (name: string): string => join(root, name);

describe('networks of whole images on the command line', () => {
  test('the report has recall, what was taken for what, and the held-out images and the test part', async () => {
    const page = await readFile(join(run('a'), 'report.html'), 'utf8');
    for (const text of [
      'recall',
      'Confusion matrix',
      '4 images held out from training',
      '12 images of the test part',
    ]) {
      expect(page).toContain(text);
    }
  });

  test('evaluate --metrics topk scores the test part, of one network or the mean of several', async () => {
    const one = await lamella(['evaluate', run('a'), data, '--metrics', 'topk']);
    expect(one.stdout).toMatch(/^12 images \(the test part\)\n {2}top-1: 1\.0000 right, error 0\.00 %\n/);
    expect(one.stdout).toContain('upper');
    const { code, stdout } = await lamella(['evaluate', run('a'), run('b'), data, '--metrics', 'topk', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ images: 12, top1: 1, part: 'test', models: [run('a'), run('b')] });
  });

  test('predict names the class of each image and averages several networks', async () => {
    const out = run('pred');
    const { code, stdout } = await lamella(['predict', run('a'), run('b'), join(data, 'test'), '--out', out]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/left.0\.png: left \(0\.\d{4}\)/);
    const rows = (await readFile(join(out, 'classes.csv'), 'utf8')).trim().split('\n');
    expect(rows[0]).toBe('image,class,left,upper');
    expect(rows).toHaveLength(13);
    for (const row of rows.slice(1)) {
      const [image = '', named, ...probabilities] = row.split(',');
      expect(image).toContain(named);
      expect(probabilities.map(Number).reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    }
  });

  test('bad input is said', async () => {
    const other = join(root, 'other.csv');
    await writeFile(other, '0,0,no\n1,1,yes\n0,1,maybe\n');
    const trained = await lamella(['train', other, '--network', 'perceptron', '--steps', '9', '--out', run('other')]);
    expect(trained.stdout).toMatch(/converge/);
    const differ = await lamella(['predict', run('a'), run('other'), join(data, 'test'), '--out', run('x')]);
    expect(differ.stderr).toMatch(/its classes are maybe, no, yes, those of .* are left, upper\. Average models/);
    expect(differ.code).toBe(1);
    const unknown = await lamella(['evaluate', run('a'), other, '--metrics', 'topk']);
    expect(unknown.stderr).toMatch(
      /line 1: the network does not have the class "no"\. It has 2 classes: left, upper\./,
    );
    const two = join(root, 'two.csv');
    await writeFile(two, '0,0,no\n1,1,yes\n');
    const fewer = await lamella(['evaluate', run('other'), two, '--metrics', 'topk']);
    expect(fewer.stderr).toMatch(/of the network's 3 classes 1 have no image here \(maybe\)\. Are these/);
    const turned = await lamella(['predict', run('a'), join(data, 'test'), '--tta', '8']);
    expect([turned.code, turned.stderr]).toEqual([2, expect.stringContaining('--tta 8 is for segmentation')]);
    const resampled = await lamella(['predict', run('a'), join(data, 'test'), '--resample']);
    expect([resampled.code, resampled.stderr]).toEqual([2, expect.stringContaining('--resample is for segmentation')]);
    const absent = await lamella(['train', data, '--network', 'mlp', '--devices', 'cpu:0,cpu:999', '--out', run('y')]);
    expect(absent.stderr).toContain('The device cpu:999 is not available. There are cpu:0 to');
    const pixels = await lamella(['train', data, '--network', 'mlp', '--input', '0', '--out', run('z')]);
    expect([pixels.code, pixels.stderr]).toEqual([2, expect.stringContaining('A side in pixels is expected')]);
  });

  test('inspect counts the classes of files that can be nothing else', async () => {
    const file = join(root, 'points.csv');
    await writeFile(file, '0,0.5,no\n1,1,yes\n0,1,no\n');
    const { stdout } = await lamella(['inspect', file]);
    expect(stdout).toContain('train: 3 images; no 2, yes 1');
    expect(stdout).toContain('images: 2 x 1 x 1');
    const { stdout: json } = await lamella(['inspect', file, '--json']);
    expect(JSON.parse(json)).toMatchObject({ kind: 'classes', classes: ['no', 'yes'], counts: { train: [2, 1] } });
  });

  test('demo perceptron writes a page and two pictures of a moving line', async () => {
    const folder = run('demo');
    const { code, stdout } = await lamella(['demo', 'perceptron', folder]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/converged: everything is on its side after \d+ corrections/);
    expect(stdout).toMatch(/XOR, which no line can divide: did not converge/);
    const svg = await readFile(join(folder, 'separable.svg'), 'utf8');
    const positions = /<animate attributeName="x1" values="([^"]+)"/.exec(svg)?.[1]?.split(';') ?? [];
    const corrections = Number(/after (\d+) corrections/.exec(stdout)?.[1]);
    expect(positions).toHaveLength(corrections + 1);
    expect(new Set(positions).size).toBeGreaterThan(3);
    expect(await readFile(join(folder, 'perceptron.html'), 'utf8')).toContain('<svg');
  });
});
