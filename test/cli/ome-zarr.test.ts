/** OME-Zarr through the commands: two stores of cells with their labels, at half the resolution. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readImageFile } from '../../src/platform/node/image-files.ts';
import { below, type StoredLevel, zarrStore } from '../support/zarr.ts';
import { lamella } from './command.ts';

const root = mkdtempSync(join(tmpdir(), 'lamella-ome-zarr-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Four squares of 16 pixels, bright on dark, 0.25 µm per pixel. */
const number = (y: number, x: number): number =>
  y % 32 < 16 && x % 32 < 16 ? 1 + 2 * Math.floor(y / 32) + Math.floor(x / 32) : 0;
const level = (factor: number, value: (y: number, x: number) => number): StoredLevel => ({
  shape: [64 / factor, 64 / factor],
  chunks: [32, 32],
  scale: [0.25 * factor, 0.25 * factor],
  value: ([y = 0, x = 0]) => value(y * factor, x * factor),
});
const pyramid = (value: (y: number, x: number) => number): StoredLevel[] => [level(1, value), level(2, value)];
const labels = zarrStore(pyramid(number), { attributes: { 'image-label': {} } });
const group = new TextEncoder().encode(
  JSON.stringify({ zarr_format: 3, node_type: 'group', attributes: { ome: { labels: ['cells'] } } }),
);

beforeAll(async () => {
  for (const [i, name] of ['a.ome.zarr', 'b.ome.zarr'].entries()) {
    const image = zarrStore(pyramid((y, x) => (number(y, x) > 0 ? 200 : 40) + ((y + x + i) % 7)));
    const store = { ...image, 'labels/zarr.json': group, ...below('labels/cells', labels) };
    for (const [path, bytes] of Object.entries(below(`data/${name}`, store))) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), bytes);
    }
  }
});

const run = async (...args: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await lamella(args, { cwd: root });
  expect(code, stderr).toBe(0);
  return stdout + stderr;
};

test('inspect lists the resolutions of an image, and describes a folder of stores as a data set', async () => {
  const labelled = await run('inspect', 'data');
  expect(labelled).toMatch(/2 pages: 2 of 64 x 64/);
  expect(await run('inspect', 'data', '--level', '1')).toMatch(/2 pages: 2 of 32 x 32/);
  const alone = await run('inspect', 'data/a.ome.zarr/labels/cells', '--level', '1');
  expect(alone).toMatch(/level 0 +64 x 64, y 0.25 µm, x 0.25 µm\n +level 1 +32 x 32, y 0.5 µm, x 0.5 µm \(this one\)/);
  const { code, stderr } = await lamella(['inspect', 'data', '--level', '2'], { cwd: root });
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining('level 2 does not exist: the image has 2, counted from 0'),
  ]);
});

test('train, predict, evaluate and measure use one level, which the run and its results keep', async () => {
  const small = ['--network', 'n1', '--steps', '2', '--workers', '0', '--val', '0', '--task', 'instances'];
  await run('train', 'data', '--out', 'run', '--level', '1', ...small);
  expect(JSON.parse(readFileSync(join(root, 'run/config.json'), 'utf8'))).toMatchObject({ level: 1 });
  await run('train', '--resume', 'run');
  // That whose pixels are as large as in training.
  expect(await run('predict', 'run', 'data', '--out', 'pred', '--objects')).toMatch(
    /Level 1 of it is predicted, whose pixels are nearest in size to those of the training images; --level chooses/,
  );
  expect(JSON.parse(readFileSync(join(root, 'pred/prediction.json'), 'utf8')).levels).toEqual({ a: 1, b: 1 });
  const map = await readImageFile(join(root, 'pred/objects/a.tif'));
  expect(map).toMatchObject({ shape: [32, 32], spacing: { x: { value: 0.5, unit: 'µm' } } });
  expect(await run('evaluate', 'pred', 'data', '--metrics', 'instances')).toMatch(/AP/);
  await run('predict', 'run', 'data/a.ome.zarr', '--out', 'full', '--level', '0');
  expect((await readImageFile(join(root, 'full/label/a.tif'))).shape).toEqual([64, 64]);
  const measured = await run('measure', 'pred', '--truth', 'data', '--no-report');
  expect(measured).toMatch(/µm/);
  // At another level the ground truth is larger than what was predicted.
  const { code, stderr } = await lamella(['evaluate', 'pred', 'data', '--level', '0', '--metrics', 'instances'], {
    cwd: root,
  });
  expect([code, stderr]).toEqual([1, expect.stringContaining('64 x 64')]);
});

test('predict --format zarr predicts by region what is predicted as a whole otherwise', async () => {
  const store = 'data/a.ome.zarr';
  const options = ['--level', '0', '--probability', '16bit', '--no-overlay', '--objects'];
  const said = await run('predict', 'run', store, '--out', 'regions', '--format', 'zarr', ...options);
  expect(said).toMatch(/64 x 64 pixels in one tile/);
  await run('predict', 'run', store, '--out', 'whole', ...options);
  for (const part of ['probability', 'label']) {
    const { data, shape, spacing, dtype } = await readImageFile(join(root, `whole/${part}/a.tif`));
    const stored = await readImageFile(join(root, `regions/${part}/a.ome.zarr`));
    expect(stored).toMatchObject({ shape, dtype, spacing });
    expect(stored.data).toEqual(data);
  }
  const whole = await readImageFile(join(root, 'whole/objects/a.tif'));
  const stored = await readImageFile(join(root, 'regions/objects/a.ome.zarr'));
  expect(stored).toMatchObject({ shape: whole.shape, dtype: 'uint32', labelKind: 'objects' });
  expect([...stored.data]).toEqual([...whole.data]);
  const refused = (...args: string[]) =>
    lamella(['predict', 'run', store, '--out', 'refused', ...args], { cwd: root }).then(({ stderr }) => stderr);
  expect(await refused('--format', 'zarr', '--median', '2')).toContain('by region, which --median does not allow');
  expect(await refused('--memory', '600')).toContain('A size is expected: 600MB, 1.5GB.');
  expect(await refused('--memory', '10MB')).toMatch(
    /Too little memory: 10 MB are allowed, .* Set --memory to at least/,
  );
});

test('labels in a store are measured in its units, at either level', async () => {
  for (const [n, area] of [
    ['0', 16],
    ['1', 16],
  ] as const) {
    await run('measure', 'data', '--level', n, '--out', `measures-${n}`, '--no-report', '--as', 'objects');
    const [head = '', ...rows] = readFileSync(join(root, `measures-${n}/objects.csv`), 'utf8')
      .trim()
      .split('\n');
    const column = head.split(',').findIndex((name) => /^area/.test(name));
    expect(rows).toHaveLength(8);
    // Squares of 4 µm.
    for (const row of rows) expect(Number(row.split(',')[column])).toBe(area);
  }
});
