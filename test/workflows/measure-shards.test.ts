/** Label maps measured by several processes: the tables are those of one, byte by byte. */

import { describe, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { writeOmeZarr } from '../../src/image/formats/zarr/write.ts';
import { type Image, sizes } from '../../src/image/image.ts';
import type { MeasureFolderOptions } from '../../src/workflows/measure/inputs.ts';
import { measureFolder } from '../../src/workflows/measure/measure.ts';
import { type MeasureWork, measureParts, measureShare } from '../../src/workflows/measure/shards.ts';
import { type MemoryFiles, memoryFiles } from '../../src/workflows/memory-files.ts';

async function store(files: MemoryFiles, path: string, image: Image): Promise<void> {
  const sink = await writeOmeZarr(files, path, image);
  const { times, slices, height, width } = sizes(image);
  expect([times, slices, height, width]).toEqual([2, 1, 190, 310]);
  await sink.write({ start: [0, 0, 0], shape: image.shape }, image.data);
  await sink.finish();
}

/** Two time points of labels, from single pixels to some that go through many blocks, and an image. */
async function data(): Promise<MemoryFiles> {
  const [times, height, width] = [2, 190, 310];
  const random = stream(9, 'parts');
  const map = ndarray('uint16', [times, height, width]);
  for (let label = 1; label <= 60; label++) {
    const [t, y, x] = [label % 2, Math.floor(random.uniform() * height), Math.floor(random.uniform() * width)];
    const [rows, columns] = [1, 1].map(() => 1 + Math.floor(90 * random.uniform() ** 3));
    for (let row = y; row < Math.min(height, y + (rows as number)); row++) {
      const at = (t * height + row) * width;
      map.data.fill(2 * label, at + x, at + Math.min(width, x + (columns as number)));
    }
  }
  const values = ndarray('float32', [times, height, width]);
  for (let i = 0; i < values.data.length; i++) values.data[i] = random.uniform() < 0.01 ? Number.NaN : random.normal();
  const size = { value: 0.5, unit: 'µm' };
  const files = memoryFiles({});
  const rest = { axes: 'tyx', spacing: { y: size, x: size } };
  await store(files, 'labels.ome.zarr', { ...map, ...rest, labelKind: 'objects' });
  await store(files, 'image.ome.zarr', { ...values, ...rest });
  return files;
}

const files = await data();
/** A process of a machine with plenty of memory; blocks are as small as what is allowed. */
const host = { files, memory: () => ({ used: 0, free: 1e9 }), versions: () => ({ Lamella: '1.0' }) };
const options: MeasureFolderOptions = { images: 'image.ome.zarr', minSize: 4, memory: 300_000 };
const share = (out: string, work: MeasureWork, changed: MeasureFolderOptions = {}) =>
  measureShare(host, 'labels.ome.zarr', { ...options, out, ...changed }, work);
const finish = (out: string) => measureParts(host, 'labels.ome.zarr', { ...options, out });
const tables = async (out: string): Promise<readonly string[]> =>
  Promise.all(
    ['objects.csv', 'images.csv'].map(async (name) => new TextDecoder().decode(await files.read(`${out}/${name}`))),
  );
const whole = await measureFolder(host, 'labels.ome.zarr', { ...options, memory: 1e9, out: 'whole' });

describe('the same tables', () => {
  test.each([1, 2, 7])('of %i shares, in reverse', async (n) => {
    expect(whole.report.notes.join()).not.toContain('by region');
    for (const stage of ['count', 'values'] as const) {
      for (let k = n; k >= 1; k--) await share(`of${n}`, { stage, shard: { k, n } });
    }
    await finish(`of${n}`);
    expect(await tables(`of${n}`)).toEqual(await tables('whole'));
    expect((await tables('whole'))[0]?.split('\n').length).toBeGreaterThan(40);
  });

  test('of jobs that run at once, are repeated, or of another number half-way', async () => {
    const halves = (stage: MeasureWork['stage']) => [
      share('twice', { stage, shard: { k: 1, n: 2 } }),
      share('twice', { stage, shard: { k: 1, n: 2 } }),
      share('twice', { stage, shard: { k: 2, n: 3 } }),
    ];
    for (const stage of ['count', 'values'] as const) {
      const done = await Promise.all(halves(stage));
      const { units, written } = done[0] as (typeof done)[number];
      expect(units).toBeGreaterThanOrEqual(8);
      const rest = await share('twice', { stage, shard: { k: 1, n: 1 }, resume: true });
      expect(rest.written).toBe(units - rest.skipped);
      expect(rest.skipped).toBeGreaterThan(written);
    }
    await finish('twice');
    await finish('twice');
    expect(await tables('twice')).toEqual(await tables('whole'));
  });
});

test('what is missing or damaged is named with its remedy', async () => {
  const all = { k: 1, n: 1 };
  await expect(share('lost', { stage: 'values', shard: all })).rejects.toThrow(
    /blocks are not counted yet, or damaged/,
  );
  await share('lost', { stage: 'count', shard: all });
  const file = 'lost/.lamella/counts/labels/1-2.record';
  const bytes = await files.read(file);
  await files.write(file, bytes.slice(0, -9));
  await expect(share('lost', { stage: 'values', shard: { k: 1, n: 2 } })).rejects.toThrow(
    /^1 of \d+ blocks are not counted yet, or damaged: lost\/\.lamella\/counts\/labels\/1-2\.record\. Run `stage: count` with `resume` first\.$/,
  );
  expect(await share('lost', { stage: 'count', shard: all, resume: true })).toMatchObject({ written: 1 });
  await share('lost', { stage: 'values', shard: { k: 1, n: 2 } });
  await expect(finish('lost')).rejects.toThrow(
    /blocks are not measured yet, or damaged: .*values.* Run `stage: values`/,
  );
  await share('lost', { stage: 'values', shard: { k: 2, n: 2 } });
  await finish('lost');
  expect(await tables('lost')).toEqual(await tables('whole'));
});

test('a job that would measure anything else refuses, and says what differs', async () => {
  const work: MeasureWork = { stage: 'count', shard: { k: 1, n: 1 } };
  await share('planned', work);
  await expect(share('planned', work, { minSize: 5 })).rejects.toThrow(
    /begun with another `minSize` \(planned 4, here 5\)\. Use the same for all of its jobs/,
  );
  await expect(share('planned', work, { memory: 400_000 })).rejects.toThrow(/another `memory`/);
  await expect(share('other', work, { format: ['csv', 'roi'] })).rejects.toThrow(
    /labels\.ome\.zarr: this cannot be measured by several jobs because of `format: roi`/,
  );
  await expect(share('other', work, { task: 'lungs' })).rejects.toThrow(/lungs are measured by one process/);
});
