/** Label maps measured by several processes with ground truth, outlines and classes: every file is that of one process. */

import { describe, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { type Random, stream } from '../../src/array/random.ts';
import { DatasetError } from '../../src/errors.ts';
import { requireRoiCount } from '../../src/export/imagej-roi.ts';
import { joinPath } from '../../src/files.ts';
import { writeOmeZarr } from '../../src/image/formats/zarr/write.ts';
import type { Image } from '../../src/image/image.ts';
import { sumOfMatches } from '../../src/report/objects/counts.ts';
import type { FailedMap, MeasureFolderOptions } from '../../src/workflows/measure/inputs.ts';
import { measureFolder } from '../../src/workflows/measure/measure.ts';
import { type MeasureWork, measureParts, measureShare } from '../../src/workflows/measure/shards.ts';
import { readMeasureStatus } from '../../src/workflows/measure/status.ts';
import { type MemoryFiles, memoryFiles } from '../../src/workflows/memory-files.ts';
import { countOpen } from '../support/open-files.ts';

async function store(files: MemoryFiles, path: string, image: Image): Promise<void> {
  const sink = await writeOmeZarr(files, path, image);
  await sink.write({ start: image.shape.map(() => 0), shape: image.shape }, image.data);
  await sink.finish();
}

const mapOf = (
  shape: readonly number[],
  axes: string,
  value: (p: number) => number,
  rest: Partial<Image> = {},
): Image => {
  const map = ndarray('uint16', shape);
  return { ...map, data: map.data.map((_, p) => value(p)), axes, spacing: {}, ...rest } as Image;
};

/** Numbered boxes with holes, some of them through many blocks. */
function boxes(shape: readonly number[], random: Random): Uint16Array {
  const [height, width] = shape.slice(-2) as [number, number];
  const planes = shape.length > 2 ? (shape[0] as number) : 1;
  const data = new Uint16Array(planes * height * width);
  for (let label = 1; label <= 50; label++) {
    const [z, y, x] = [planes, height, width].map((n) => Math.floor(random.uniform() * n)) as [number, number, number];
    const [rows, columns] = [1, 1].map(() => 2 + Math.floor(60 * random.uniform() ** 2)) as [number, number];
    for (let p = z; p < Math.min(planes, z + 3); p++) {
      for (let row = y; row < Math.min(height, y + rows); row++) {
        const at = (p * height + row) * width;
        data.fill(3 * label, at + x, at + Math.min(width, x + columns));
      }
    }
  }
  for (let p = 0; p < data.length; p++) if (random.uniform() < 0.01) data[p] = 0;
  return data;
}

const hostOf = (files: MemoryFiles) => ({
  files,
  memory: () => ({ used: 0, free: 1e9 }),
  versions: () => ({ Lamella: '1.0' }),
});

const drawnOf = async (files: MemoryFiles, out: string): Promise<Readonly<Record<string, Uint8Array>>> => {
  const names = (await files.list(out)).filter((name) => !/^(\.lamella\/|report\.html)/.test(name));
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await files.read(out, name)] as const)));
};

/** The files of one process with the whole map, of one by region, and of several in shares are the same bytes. */
async function threeWays(files: MemoryFiles, path: string, options: MeasureFolderOptions) {
  const host = hostOf(files);
  const small = { ...options, memory: 200_000 };
  const share = (work: MeasureWork) => measureShare(host, path, { ...small, out: 'shares' }, work);
  const whole = await measureFolder(host, path, { ...options, memory: 1e9, out: 'whole' });
  const regions = await measureFolder(host, path, { ...small, out: 'regions' });
  const order: readonly (readonly [MeasureWork['stage'], number])[] = [
    ['count', 3],
    ['values', 5],
  ];
  let units = 0;
  for (const [stage, n] of order) {
    for (let k = n; k >= 1; k--) units = (await share({ stage, shard: { k, n } })).units;
  }
  const parts = await measureParts(host, path, { ...small, out: 'shares' });
  expect(units).toBeGreaterThan(3);
  const expected = await drawnOf(files, 'whole');
  expect(await drawnOf(files, 'regions')).toEqual(expected);
  expect(await drawnOf(files, 'shares')).toEqual(expected);
  if (whole.task !== 'objects' || regions.task !== 'objects') throw new Error('not objects');
  expect(whole.report.notes.join()).not.toContain('by region');
  for (const key of ['scores', 'kinds'] as const) {
    expect(regions[key], key).toEqual(whole[key]);
    expect(parts[key], key).toEqual(whole[key]);
  }
  return { files: Object.keys(expected), whole, text: (name: string) => new TextDecoder().decode(expected[name]) };
}

const GRIDS = [
  [[190, 310], 'yx'],
  [[9, 90, 101], 'zyx'],
  [[3, 190, 310], 'tyx'],
] as const;

describe('ground truth, ROIs and GeoJSON', () => {
  test.each(GRIDS)('that numbers objects: %j %s', async (shape, axes) => {
    const files = memoryFiles({});
    const truth = boxes(shape, stream(1, 'shares'));
    const width = shape.at(-1) as number;
    // Moved by a few pixels; some objects are missing, joined or cut.
    const found = (p: number): number => {
      const label = truth[Math.max(0, p - 2 * width - 1)] as number;
      if (label % 7 === 0) return 0;
      return label % 5 === 0 ? 15 : label % 4 === 0 && p % width > width / 2 ? label + 500 : label;
    };
    await store(
      files,
      'truth.ome.zarr',
      mapOf(shape, axes, (p) => truth[p] as number),
    );
    await store(files, 'labels.ome.zarr', mapOf(shape, axes, found));
    const options = { truth: 'truth.ome.zarr', as: 'objects', minSize: 9, ignore: [9] } as const;
    const { files: names, whole } = await threeWays(files, 'labels.ome.zarr', {
      ...options,
      format: ['csv', 'parquet', 'roi', 'geojson'],
    });
    expect(names).toHaveLength(axes === 'tyx' ? 10 : 6);
    const sums = sumOfMatches(whole.report.images);
    for (const fate of ['matched', 'missed', 'merged'] as const) expect(sums[fate], fate).toBeGreaterThan(0);
  });

  test('whose classes are objects where they are connected, as its values tell', async () => {
    const files = memoryFiles({});
    const objects = boxes([190, 310], stream(2, 'shares'));
    const stated = { labelKind: 'objects' } as const;
    await store(
      files,
      'labels.ome.zarr',
      mapOf([190, 310], 'yx', (p) => objects[p] as number, stated),
    );
    await store(
      files,
      'truth.ome.zarr',
      mapOf([190, 310], 'yx', (p) => ((objects[p] as number) === 0 ? 0 : 1 + (((objects[p] as number) / 3) % 3))),
    );
    const { whole } = await threeWays(files, 'labels.ome.zarr', { truth: 'truth.ome.zarr' });
    expect(whole.kinds.truth).toMatchObject({ kind: 'classes', evidence: 'clear' });
    expect(sumOfMatches(whole.report.images).matched).toBeGreaterThan(5);
  });
});

describe('the class of each object', () => {
  const json = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const prediction = json({
    models: ['m.onnx'],
    images: 'gone',
    classes: ['background', 'T cell', 'B cell', 'border'],
    values: [0, 3, 5, 9],
  });

  test.each(GRIDS)('which most of its pixels have: %j %s', async (shape, axes) => {
    const files = memoryFiles({ 'pred/prediction.json': prediction });
    const random = stream(3, 'shares');
    const objects = boxes(shape, random);
    await store(
      files,
      'pred/objects/a.ome.zarr',
      mapOf(shape, axes, (p) => objects[p] as number, { labelKind: 'objects' }),
    );
    const classAt = (p: number): number => {
      const own = ((objects[p] as number) / 3) % 4;
      if (own === 0) return random.uniform() < 0.5 ? 9 : 0;
      return random.uniform() < 0.4 + own / 10 ? 5 : 3;
    };
    await store(files, 'pred/label/a.ome.zarr', mapOf(shape, axes, classAt));
    const { text } = await threeWays(files, 'pred', { format: ['csv', 'geojson'] });
    const rows = text('objects.csv').trim().split('\n');
    const header = (rows[0] as string).split(',');
    expect(header).toContain('class');
    const found = rows.slice(1).map((row) => row.split(',')[header.indexOf('class')]);
    expect(new Set(found)).toEqual(new Set(['T cell', 'B cell', '']));
    expect(text(axes === 'tyx' ? 'geojson/a[0].geojson' : 'geojson/a.geojson')).toContain(
      '"classification":{"name":"B cell"}',
    );
  });

  test('of equally many the one that is found first, wherever blocks end', async () => {
    const files = memoryFiles({ 'pred/prediction.json': prediction });
    const stripes = mapOf([200, 300], 'yx', (p) => 1 + (Math.floor(p / 300) >> 3), { labelKind: 'objects' });
    await store(files, 'pred/objects/a.ome.zarr', stripes);
    // Halves of equal size, of which the left one is first in the upper row: in every other stripe B, otherwise T.
    const left = (p: number): boolean => p % 300 < 150;
    await store(
      files,
      'pred/label/a.ome.zarr',
      mapOf([200, 300], 'yx', (p) => (left(p) === ((Math.floor(p / 300) >> 3) % 2 === 0) ? 5 : 3)),
    );
    const { text } = await threeWays(files, 'pred', {});
    const rows = text('objects.csv').trim().split('\n');
    const at = (rows[0] as string).split(',').indexOf('class');
    expect(rows.slice(1).map((row) => row.split(',')[at])).toEqual(
      Array.from({ length: 25 }, (_, k) => (k % 2 === 0 ? 'B cell' : 'T cell')),
    );
  });
});

describe('more than 65,535 ROIs are refused before anything is measured', () => {
  const most = /70000 ROIs do not fit into one zip of 65535\. Write GeoJSON\./;
  /** Single pixels, or in a volume 35,000 objects in two slices each. */
  const grids = [
    [[280, 500], 'yx'],
    [[2, 280, 250], 'zyx'],
  ] as const;

  test('not 65,535', () => {
    expect(() => requireRoiCount(65_535)).not.toThrow();
    expect(() => requireRoiCount(65_536)).toThrow('65536 ROIs');
  });

  test.each(grids)('%j %s', async (shape, axes) => {
    const files = memoryFiles({});
    const map = ndarray('int32', shape);
    const plane = (shape.at(-1) as number) * (shape.at(-2) as number);
    const data = map.data.map((_, p) => (p % 2 === 0 ? 1 + ((p % plane) >> 1) : 0));
    await store(files, 'labels.ome.zarr', {
      ...ndarray('uint32', shape, Uint32Array.from(data)),
      axes,
      spacing: {},
      labelKind: 'objects',
    });
    const host = hostOf(files);
    const options = { format: ['csv', 'roi'], out: 'm' } as const;
    for (const memory of [1e9, 3e6]) {
      await expect(measureFolder(host, 'labels.ome.zarr', { ...options, memory })).rejects.toThrow(most);
    }
    expect(files.paths().filter((path) => path.startsWith('m/'))).toEqual([]);
    const share = (stage: MeasureWork['stage']) =>
      measureShare(host, 'labels.ome.zarr', { ...options, memory: 3e6 }, { stage, shard: { k: 1, n: 1 } });
    await share('count');
    await expect(share('values')).rejects.toThrow(
      /70000 ROIs do not fit into one zip of 65535\. Write GeoJSON into another `out`\.$/,
    );
    expect(files.paths().filter((path) => path.startsWith('m/.lamella/values'))).toEqual([]);
  });
});

describe('of several label maps, one that cannot be measured is skipped as by one process', () => {
  const stated = { labelKind: 'objects' } as const;
  const objects = boxes([190, 310], stream(5, 'shares'));

  /** Two label maps, and another between them. */
  async function threeMaps(other: Image): Promise<MemoryFiles> {
    const files = memoryFiles({});
    const numbered = (by: number) => mapOf([190, 310], 'yx', (p) => by * (objects[p] as number), stated);
    await store(files, 'maps/a.ome.zarr', numbered(1));
    await store(files, 'maps/b.ome.zarr', other);
    await store(files, 'maps/c.ome.zarr', numbered(2));
    return files;
  }

  async function shares(files: MemoryFiles, options: MeasureFolderOptions, resume = false) {
    const reasons: string[] = [];
    const hooks = { onFailure: ({ reason }: FailedMap) => reasons.push(reason) };
    let written = 0;
    for (const [stage, n] of [
      ['count', 2],
      ['values', 3],
    ] as const) {
      for (let k = 1; k <= n; k++) {
        const share = await measureShare(hostOf(files), 'maps', options, { stage, shard: { k, n }, resume }, hooks);
        written += share.written;
      }
    }
    const parts = await measureParts(hostOf(files), 'maps', options);
    return { reasons: new Set(reasons), written, failed: parts.failed };
  }

  test('for more than 65,535 ROIs', async () => {
    const single = Uint32Array.from({ length: 280 * 500 }, (_, p) => (p % 2 === 0 ? 1 + (p >> 1) : 0));
    const files = await threeMaps({ ...ndarray('uint32', [280, 500], single), axes: 'yx', spacing: {}, ...stated });
    const options = { format: ['csv', 'roi'], memory: 200_000 } as const;
    const whole = await measureFolder(hostOf(files), 'maps', { ...options, memory: 1e9, out: 'whole' });
    const regions = await measureFolder(hostOf(files), 'maps', { ...options, out: 'regions' });
    expect(regions.failed).toEqual([{ file: 'maps/b.ome.zarr', reason: expect.stringMatching(/Write GeoJSON\.$/) }]);
    const { reasons, failed, written } = await shares(files, { ...options, out: 'shares' });
    const reason = 'maps/b.ome.zarr: 70000 ROIs do not fit into one zip of 65535. Write GeoJSON into another `out`.';
    expect(failed).toEqual([{ file: 'maps/b.ome.zarr', reason }]);
    expect([...reasons]).toEqual([reason]);
    const drawn = await drawnOf(files, 'whole');
    expect(Object.keys(drawn)).toEqual(['images.csv', 'objects.csv', 'roi/a.zip', 'roi/c.zip']);
    expect(await drawnOf(files, 'regions')).toEqual(drawn);
    expect(await drawnOf(files, 'shares')).toEqual(drawn);
    expect(whole.failed).toHaveLength(1);
    const status = await readMeasureStatus(files, 'shares');
    expect(status).toMatchObject({ failed: [reason], finished: true, values: { done: written / 2, bad: [] } });
    // What is said to do.
    const geojson = { format: ['csv', 'geojson'], memory: 200_000, out: 'geojson' } as const;
    expect((await shares(files, geojson)).failed).toEqual([]);
  }, 120_000);

  test('and one at a time is open', async () => {
    const plain = await threeMaps(mapOf([190, 310], 'yx', (p) => 3 * (objects[p] as number), stated));
    const { files, count } = countOpen(plain);
    const { written } = await shares(files, { memory: 200_000, out: 'shares' });
    expect(written).toBeGreaterThan(12);
    expect(count).toEqual({ now: 0, most: 1 });
  });

  test('for blocks that cannot be read, until they can', async () => {
    const files = await threeMaps(mapOf([190, 310], 'yx', (p) => 3 * (objects[p] as number), stated));
    const options = { format: ['csv', 'geojson'], memory: 200_000 } as const;
    const lost = files.paths().find((path) => /^maps\/b\..*\/0\/.*\d$/.test(path)) as string;
    expect(lost).toBeDefined();
    let isLost = true;
    const failing: MemoryFiles = {
      ...files,
      async open(folder, name = '') {
        const source = await files.open(folder, name);
        const read: typeof source.read = async (offset, length) => {
          // Not what tells one file from another, of 4 KiB.
          const isPixels = joinPath(folder, name) === lost && length < Math.min(4096, source.size);
          if (isLost && isPixels) throw new DatasetError('this cannot be read.', { file: lost });
          return source.read(offset, length);
        };
        return { ...source, read };
      },
    };
    const regions = await measureFolder(hostOf(failing), 'maps', { ...options, out: 'regions' });
    expect(regions.failed).toEqual([{ file: 'maps/b.ome.zarr', reason: `${lost}: this cannot be read.` }]);
    const found = await shares(failing, { ...options, out: 'shares' });
    expect(found.failed).toEqual(regions.failed);
    expect([...found.reasons]).toEqual([`${lost}: this cannot be read.`]);
    expect(await drawnOf(files, 'shares')).toEqual(await drawnOf(files, 'regions'));
    isLost = false;
    const again = await shares(failing, { ...options, out: 'shares' }, true);
    expect(again.failed).toEqual([]);
    expect(again.written).toBeLessThan(found.written);
    await measureFolder(hostOf(files), 'maps', { ...options, out: 'whole' });
    expect(await drawnOf(files, 'shares')).toEqual(await drawnOf(files, 'whole'));
  });
});
