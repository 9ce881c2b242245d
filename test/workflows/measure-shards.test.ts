/** Label maps measured by several processes: the tables are those of one, byte by byte. */

import { describe, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { writeOmeZarr } from '../../src/image/formats/zarr/write.ts';
import { type Image, sizes } from '../../src/image/image.ts';
import type { MeasureFolderOptions } from '../../src/workflows/measure/inputs.ts';
import { measureFolder } from '../../src/workflows/measure/measure.ts';
import { type MeasureWork, measureParts, measureShare } from '../../src/workflows/measure/shards.ts';
import { readMeasureStatus } from '../../src/workflows/measure/status.ts';
import { type MemoryFiles, memoryFiles } from '../../src/workflows/memory-files.ts';
import { requireUnmeasured } from '../../src/workflows/shards/plan.ts';

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
  const newer = { ...host, versions: () => ({ Lamella: '1.1' }) };
  await expect(measureShare(newer, 'labels.ome.zarr', { ...options, out: 'planned' }, work)).rejects.toThrow(
    /begun with another version of Lamella \(planned 1\.0, here 1\.1\)\./,
  );
  await expect(share('planned', work, { format: ['csv', 'roi'] })).rejects.toThrow(
    /begun with another `format` \(planned not set, here \["roi"\]\)/,
  );
  await expect(share('planned', work, { truth: 'labels.ome.zarr' })).rejects.toThrow(
    /this label map was planned without a ground truth, here with labels\.ome\.zarr\. Use the same `truth` for all jobs/,
  );
  await expect(share('other', work, { format: ['csv', 'tiff'] })).rejects.toThrow(
    /labels\.ome\.zarr: this cannot be measured by several jobs because of `format: tiff`/,
  );
  await expect(share('other', work, { task: 'lungs' })).rejects.toThrow(/lungs are measured by one process/);
});

describe('a measurement goes on with the label maps and images that it was begun with', () => {
  const all = { k: 1, n: 1 };
  const values = ndarray('float32', [2, 190, 310]);
  values.data.fill(7);
  const size = { value: 0.5, unit: 'µm' };
  const gfp: Image = { ...values, axes: 'tyx', spacing: { y: size, x: size } };

  test('not with another image of the same shape', async () => {
    await store(files, 'gfp.ome.zarr', gfp);
    await share('stains', { stage: 'count', shard: all });
    await share('stains', { stage: 'values', shard: { k: 1, n: 2 } });
    const second: MeasureWork = { stage: 'values', shard: { k: 2, n: 2 } };
    await expect(share('stains', second, { images: 'gfp.ome.zarr' })).rejects.toThrow(
      /^gfp\.ome\.zarr: the image is not the one of the plan: it has another path \(planned "image\.ome\.zarr", here "gfp\.ome\.zarr"\), another content \(.*\)\. Use the same image for all jobs, or another `out`\.$/,
    );
    await share('stains', second);
    await finish('stains');
    expect(await tables('stains')).toEqual(await tables('whole'));
  });

  test('not with what was written to their places since', async () => {
    const own = memoryFiles({});
    for (const path of await files.list('.')) {
      if (/^(labels|image)\./.test(path)) await own.write(path, await files.read(path));
    }
    const measure = (stage: MeasureWork['stage']) =>
      measureShare(
        { ...host, files: own },
        'labels.ome.zarr',
        { ...options, out: 'm' },
        { stage, shard: all, resume: true },
      );
    await measure('count');
    await measure('values');
    expect(await measure('values')).toMatchObject({ written: 0 });
    await store(own, 'image.ome.zarr', gfp);
    await expect(measure('values')).rejects.toThrow(
      /^image\.ome\.zarr: the image is not the one of the plan: it has another content/,
    );
    const map = ndarray('uint16', [2, 190, 310]);
    map.data.fill(3, 1000, 2000);
    await store(own, 'labels.ome.zarr', { ...gfp, ...map, labelKind: 'objects' });
    const finished = measureParts({ ...host, files: own }, 'labels.ome.zarr', { ...options, out: 'm' });
    await expect(finished).rejects.toThrow(
      /^labels\.ome\.zarr: the label map is not the one of the plan: it has another content \(planned "[0-9a-f]{8}", here "[0-9a-f]{8}"\)\. Use the same label map/,
    );
  });

  test('not with an image where there was none, or without the one there was', async () => {
    const count: MeasureWork = { stage: 'count', shard: all };
    await share('with', count);
    await expect(share('with', count, { images: undefined })).rejects.toThrow(
      /^labels\.ome\.zarr: this label map was planned with the image image\.ome\.zarr, here without one\. Use the same `images`/,
    );
    await share('without', count, { images: undefined });
    await expect(share('without', count)).rejects.toThrow(
      /^labels\.ome\.zarr: this label map was planned without an image, here with image\.ome\.zarr\./,
    );
  });

  test('nor with other names', async () => {
    await share('names', { stage: 'count', shard: all });
    for (const path of await files.list('labels.ome.zarr')) {
      await files.write(`renamed.ome.zarr/${path}`, await files.read('labels.ome.zarr', path));
    }
    const other = measureShare(host, 'renamed.ome.zarr', { ...options, out: 'names' }, { stage: 'count', shard: all });
    await expect(other).rejects.toThrow(/another list of label maps \(planned 1, here 1; "labels" is missing\)/);
  });
});

test('what is there is counted, what is missing or damaged is named with its share, and no more is done', async () => {
  const of = async () => await readMeasureStatus(files, 'counted');
  expect(await of()).toBeUndefined();
  await share('counted', { stage: 'count', shard: { k: 2, n: 2 } });
  const begun = await of();
  const units = begun?.counts.units as number;
  expect(begun).toMatchObject({ maps: 1, finished: false, values: { units, done: 0 } });
  expect(begun?.counts.done).toBe(Math.floor(units / 2));
  expect([begun?.counts.open(2), begun?.values.open(2)]).toEqual([[1], [1, 2]]);
  await share('counted', { stage: 'count', shard: { k: 1, n: 2 } });
  await share('counted', { stage: 'values', shard: { k: 1, n: 1 } });
  const record = 'counted/.lamella/counts/labels/1-2.record';
  await files.write(record, (await files.read(record)).subarray(0, 20));
  await files.remove?.('counted/.lamella/values/labels/0-0.record');
  const broken = await of();
  expect(broken?.counts.bad).toEqual([{ file: record, why: 'broken' }]);
  expect(broken?.values.bad).toEqual([{ file: 'counted/.lamella/values/labels/0-0.record', why: 'missing' }]);
  for (const stage of ['count', 'values'] as const) {
    const done = await share('counted', { stage, shard: { k: 1, n: 1 }, resume: true });
    expect(done).toMatchObject({ written: 1, skipped: units - 1 });
  }
  await finish('counted');
  expect(await of()).toMatchObject({ finished: true, counts: { done: units }, values: { done: units } });
});

test('a job that is stopped measures nothing more', async () => {
  const work: MeasureWork = { stage: 'count', shard: { k: 1, n: 1 } };
  await expect(share('stopped', { ...work, signal: AbortSignal.abort() })).rejects.toThrow('Measuring was stopped.');
  expect((await readMeasureStatus(files, 'stopped'))?.counts.done).toBe(0);
});

test('a folder of a measurement is called that, and left alone', async () => {
  await share('kept', { stage: 'count', shard: { k: 1, n: 1 } });
  await expect(requireUnmeasured(files, 'kept')).rejects.toThrow('this folder holds a measurement by several jobs');
  await files.write('scanned/.lamella/plan.json', '{"version":1,"images":[]}');
  await expect(share('scanned', { stage: 'count', shard: { k: 1, n: 1 } })).rejects.toThrow(
    'this folder holds a prediction in shards',
  );
});
