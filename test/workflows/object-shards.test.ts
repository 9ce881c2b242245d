/** Objects of one image by processes that each separate some of its blocks. */

import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { writeOmeZarr } from '../../src/image/formats/zarr/write.ts';
import type { Image } from '../../src/image/image.ts';
import type { SeparationWay } from '../../src/objects/instances.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { readImageFile } from '../../src/platform/node/image-files.ts';
import { objectsImage } from '../../src/predict/objects.ts';
import { openModel } from '../../src/predict/open.ts';
import { predictImage } from '../../src/predict/predict.ts';
import { readPlan } from '../../src/workflows/shards/plan.ts';
import { predictShards, type ShardHooks, type ShardWork } from '../../src/workflows/shards/predict-shards.ts';
import { readStatus } from '../../src/workflows/shards/status.ts';
import { folderDigests } from '../support/folder-digests.ts';
import { randomModel } from '../support/random-model.ts';

const root = mkdtempSync(join(tmpdir(), 'lamella-object-shards-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const at = (...parts: readonly string[]): string => join(root, ...parts);

/** A volume in four files, whose objects are found in nine blocks: blobs of several sizes. */
function volume(): Image {
  const [depth, height, width] = [2, 600, 530];
  const random = stream(4, 'blobs');
  const data = new Uint8Array(depth * height * width).fill(40);
  for (let blob = 0; blob < 500; blob++) {
    const [y0, x0, radius] = [height * random.uniform(), width * random.uniform(), 5 + 12 * random.uniform()];
    for (let y = Math.ceil(Math.max(0, y0 - radius)); y < Math.min(height, y0 + radius); y++) {
      for (let x = Math.ceil(Math.max(0, x0 - radius)); x < Math.min(width, x0 + radius); x++) {
        if ((y - y0) ** 2 + (x - x0) ** 2 > radius ** 2) continue;
        for (let z = 0; z < depth; z++) data[(z * height + y) * width + x] = 200;
      }
    }
  }
  return { ...ndarray('uint8', [depth, height, width], data), axes: 'zyx', spacing: {} };
}
const image = volume();

const input = {
  channels: { mode: 'grey', count: 1 },
  normalisation: {
    kind: 'zscore',
    scope: 'dataset',
    percentiles: [1, 99],
    perChannel: false,
    numbers: [[120, 1]],
    leastSpread: 0,
  },
} as const;

beforeAll(async () => {
  const spec = { name: 'unet', channels: 1, numClasses: 3, baseChannels: 4, depth: 1 } as const;
  writeFileSync(at('a.onnx'), randomModel(spec, { input, classes: ['background', 'cell', 'border'] }));
  const sink = await writeOmeZarr(nodeFiles, at('s.ome.zarr'), image);
  await sink.write({ start: [0, 0, 0], shape: image.shape }, image.data);
  await sink.finish();
});

const share = (stage: 'predict' | 'objects', k: number, n: number, resume?: boolean): ShardWork => ({
  stage,
  shard: { k, n },
  resume,
});
const finish: ShardWork = { stage: 'finish' };

describe.each(['shape', 'border'] as const)('objects by %s', (by: SeparationWay) => {
  const folder = (out: string): string => at(`${out}-${by}`);
  const run = (out: string, work: ShardWork, hooks?: ShardHooks) =>
    predictShards(
      nodeHost,
      [at('a.onnx')],
      at('s.ome.zarr'),
      {
        ...{ device: 'cpu', tile: 256, objects: true, memory: 500e6, probability: 'none', out: folder(out) },
        separation: { by, threshold: 0.7, seedThreshold: 0.3, minSize: 6 },
      },
      work,
      hooks,
    );
  async function inShards(out: string, n: number, order = Array.from({ length: n }, (_, i) => i + 1)) {
    for (const k of order) await run(out, share('predict', k, n));
    for (const k of order) await run(out, share('objects', k, n));
    await run(out, finish);
    return folderDigests(folder(out));
  }
  let one: Readonly<Record<string, string>>;

  test('are those of the whole image, with its numbers', async () => {
    const said: string[] = [];
    const counts: number[] = [];
    await run('one', share('predict', 1, 1));
    await run('one', share('objects', 1, 1));
    await run('one', finish, { onNote: (note) => said.push(note), onObjects: (_, { count }) => counts.push(count) });
    one = folderDigests(folder('one'));
    expect(said).toEqual([]);
    const plan = await readPlan(nodeFiles, folder('one'));
    expect(plan?.images).toMatchObject([{ name: 's', parts: { objects: { block: [2, 256, 256] } } }]);
    const { tile, block } = plan?.images[0]?.parts ?? {};
    const runtime = await nodeHost.openRuntime('cpu');
    const model = await openModel(runtime, readFileSync(at('a.onnx')));
    // Compiled, as in shards.
    const prepare: typeof model.prepare = async (shape) => model.prepare?.(shape, 1e9);
    const prediction = await predictImage({ ...model, prepare }, image, { tile, block });
    await runtime.dispose();
    const whole = objectsImage(prediction, { separation: { by, threshold: 0.7, seedThreshold: 0.3, minSize: 6 } });
    const labels = await readImageFile(at(`one-${by}/objects/s.ome.zarr`));
    expect(labels).toMatchObject({ dtype: 'uint32', shape: image.shape, labelKind: 'objects' });
    expect(whole.count).toBeGreaterThan(50);
    expect(counts).toEqual([whole.count]);
    expect(labels.data.findIndex((label, i) => label !== whole.labels.data[i])).toBe(-1);
    // What was there before they were numbered is not.
    expect(Object.keys(one).filter((name) => name.includes('unfinished'))).toEqual([]);
    expect((await readImageFile(at(`one-${by}/objects/s.ome.zarr`), { level: 1 })).shape).toEqual([2, 300, 265]);
  });

  test.each(by === 'border' ? [2, 7] : [7])('are the same bytes in %i shares, in reverse', async (n) => {
    const order = Array.from({ length: n }, (_, i) => n - i);
    expect(await inShards(`of${n}`, n, order)).toEqual(one);
  });

  // Files are the same for both.
  if (by === 'shape') return;

  test('are the same bytes of jobs that run at once, are repeated, or of another number half-way', async () => {
    await Promise.all([run('twice', share('predict', 1, 2)), run('twice', share('predict', 2, 2))]);
    const halves = [share('objects', 1, 2), share('objects', 1, 2), share('objects', 3, 5)];
    await Promise.all(halves.map((work) => run('twice', work)));
    expect(await run('twice', share('objects', 1, 1, true))).toMatchObject({ units: 9, written: 4, skipped: 5 });
    await Promise.all([run('twice', finish), run('twice', finish)]);
    expect(folderDigests(folder('twice'))).toEqual(one);
    // Nothing is left to do, whatever is repeated.
    expect(await readStatus(nodeFiles, folder('twice'))).toMatchObject({
      ...{ parts: { units: 4, done: 4 }, blocks: { units: 9, done: 9 }, finished: true },
    });
    expect(await run('twice', share('predict', 1, 1, true))).toMatchObject({ written: 0, skipped: 4 });
    expect(await run('twice', share('objects', 1, 1, true))).toMatchObject({ written: 0, skipped: 9 });
    await run('twice', finish);
    expect(folderDigests(folder('twice'))).toEqual(one);
  });

  test('of jobs that were killed: what is missing or broken is named with its remedy, and found again', async () => {
    await run('killed', share('predict', 1, 2));
    await expect(run('killed', share('objects', 1, 1))).rejects.toThrow(
      /2 of 4 parts are not there yet: .*maps\.ome\.zarr.* \(missing\).*Predict them with `resume` first\./s,
    );
    await run('killed', share('predict', 2, 2));
    await run('killed', share('objects', 1, 1));
    const file = (name: string): string => at(`killed-${by}/objects/s.unfinished/0/${name}.block`);
    rmSync(file('labels-4'));
    truncateSync(file('labels-7'), statSync(file('labels-7')).size - 5);
    const { blocks, finished } = await readStatus(nodeFiles, folder('killed'));
    expect(finished).toBe(false);
    expect(blocks).toMatchObject({
      ...{ units: 9, done: 7 },
      bad: [
        { file: file('labels-4'), why: 'missing' },
        { file: file('labels-7'), why: 'broken' },
      ],
    });
    expect(blocks.open(3)).toEqual([2, 3]);
    await expect(run('killed', finish)).rejects.toThrow(
      /2 of 9 blocks of objects are not there yet: .*labels-4\.block \(missing\), .*labels-7\.block \(broken\)\. Separate them by `stage: objects` with `resume`, then finish\./,
    );
    expect(await run('killed', share('objects', 2, 3, true))).toMatchObject({ written: 1, skipped: 2 });
    expect(await run('killed', share('objects', 3, 3, true))).toMatchObject({ written: 1, skipped: 2 });
    await run('killed', finish);
    expect(folderDigests(folder('killed'))).toEqual(one);
  });
});

test('objects of nothing planned, and a threshold that is found in the whole image', async () => {
  const start = (out: string, work: ShardWork, threshold: 'otsu' | number = 0.5, onNote?: (note: string) => void) =>
    predictShards(
      nodeHost,
      [at('a.onnx')],
      at('s.ome.zarr'),
      { out: at(out), device: 'cpu', tile: 256, objects: true, separation: { by: 'components', threshold } },
      work,
      { onNote },
    );
  await expect(start('none', share('objects', 1, 1))).rejects.toThrow(/there is no plan here/);
  const said: string[] = [];
  await start('otsu', { stage: 'scan' }, 'otsu', (note) => said.push(note));
  expect(said).toEqual([expect.stringMatching(/by one job because of Otsu's threshold for its objects/)]);
  expect(await readStatus(nodeFiles, at('otsu'))).toMatchObject({ parts: { units: 1 }, blocks: { units: 0 } });
});
