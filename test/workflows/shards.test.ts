import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { LamellaError } from '../../src/errors.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeOmeZarr } from '../../src/image/formats/zarr/write.ts';
import type { Image } from '../../src/image/image.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { readImageFile } from '../../src/platform/node/image-files.ts';
import { openModel } from '../../src/predict/open.ts';
import { labelImage, probabilityImage } from '../../src/predict/output.ts';
import { predictImage } from '../../src/predict/predict.ts';
import type { PredictFolderOptions } from '../../src/workflows/begin-prediction.ts';
import type { Host } from '../../src/workflows/host.ts';
import type { ShardPlan } from '../../src/workflows/shards/plan.ts';
import { predictShards, type ShardWork } from '../../src/workflows/shards/predict-shards.ts';
import { readStatus } from '../../src/workflows/shards/status.ts';
import { shareOf } from '../../src/workflows/shards/units.ts';
import { folderDigests } from '../support/folder-digests.ts';
import { randomModel } from '../support/random-model.ts';

const root = mkdtempSync(join(tmpdir(), 'lamella-shards-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const at = (...parts: readonly string[]): string => join(root, ...parts);

/** Normalised by the percentiles of each slice, which no part of it tells. */
const input = {
  channels: { mode: 'grey', count: 1 },
  normalisation: {
    kind: 'percentile',
    scope: 'image',
    percentiles: [1, 99],
    perChannel: false,
    numbers: [],
    leastSpread: 0.01,
  },
} as const;
const spec = { name: 'unet', channels: 1, numClasses: 2, baseChannels: 4, depth: 1 } as const;

/** Three times, each in two files of 4096 rows. */
function stack(): Image {
  const random = stream(1, 'image');
  const array = ndarray('uint16', [3, 4200, 64]);
  for (let i = 0; i < array.data.length; i++) array.data[i] = 1000 + Math.round(200 * random.normal());
  return { ...array, axes: 'tyx', spacing: {} };
}
const image = stack();

beforeAll(async () => {
  writeFileSync(at('a.onnx'), randomModel(spec, { input }));
  const sink = await writeOmeZarr(nodeFiles, at('s.ome.zarr'), image);
  await sink.write({ start: [0, 0, 0], shape: image.shape }, image.data);
  await sink.finish();
});

const options: PredictFolderOptions = { tile: 256, device: 'cpu', probability: '16bit' };
const run = (
  out: string,
  work: ShardWork,
  { host = nodeHost, ...rest }: PredictFolderOptions & { readonly host?: Host } = {},
) => predictShards(host, [at('a.onnx')], at('s.ome.zarr'), { ...options, ...rest, out: at(out) }, work);
const share = (k: number, n: number, resume?: boolean): ShardWork => ({ stage: 'predict', shard: { k, n }, resume });
const finish: ShardWork = { stage: 'finish' };

async function inShards(out: string, n: number, order = Array.from({ length: n }, (_, i) => i + 1)) {
  for (const k of order) await run(out, share(k, n));
  await run(out, finish);
  return folderDigests(at(out));
}

/** Pixels in which two images differ. */
const differences = (a: Image, b: Image): number => a.data.filter((value, i) => value !== b.data[i]).length;

describe('the same bytes', () => {
  let one: Readonly<Record<string, string>>;
  beforeAll(async () => {
    one = await inShards('one', 1);
  });

  test('as the whole image in the same tiles, which the store holds at all resolutions', async () => {
    const { images } = JSON.parse(readFileSync(at('one/.lamella/plan.json'), 'utf8')) as ShardPlan;
    expect(images).toMatchObject([{ name: 's', parts: { block: [2048, 64] } }]);
    const { tile, block } = images[0]?.parts ?? {};
    const runtime = await nodeHost.openRuntime('cpu');
    const model = await openModel(runtime, readFileSync(at('a.onnx')));
    // Compiled, as in shards.
    const prepare: typeof model.prepare = async (shape) => model.prepare?.(shape, 1e9);
    const whole = await predictImage({ ...model, prepare }, image, { tile, block });
    await runtime.dispose();
    const written = await readImageFile(at('one/probability/s.ome.zarr'));
    expect(written).toMatchObject({ shape: image.shape, dtype: 'uint16' });
    expect(differences(written, probabilityImage(whole, { depth: 'uint16' }))).toBe(0);
    const values = [0, 255];
    const labels = await readImageFile(at('one/label/s.ome.zarr'));
    expect(differences(labels, labelImage(whole, { values }))).toBe(0);
    // Enough of both that a wrong place would be seen.
    expect(new Set(written.data as Uint16Array).size).toBeGreaterThan(100);
    expect((await readImageFile(at('one/label/s.ome.zarr'), { level: 1 })).shape).toEqual([3, 2100, 32]);
  });

  test.each([2, 7, 64])('in %i shares', async (n) => {
    const order = Array.from({ length: n }, (_, i) => ((i * 5) % n) + 1);
    // Five and n have no common divisor: all of them, in another order.
    expect(new Set(order).size).toBe(n);
    expect(await inShards('shares', n, order)).toEqual(one);
    rmSync(at('shares'), { recursive: true });
  });

  test('of two jobs at once, of jobs of another number half-way, and of one that is repeated', async () => {
    await Promise.all([run('twice', share(1, 2)), run('twice', share(1, 2)), run('twice', share(2, 3))]);
    await Promise.all([run('twice', share(3, 3)), run('twice', share(3, 3, true))]);
    await Promise.all([run('twice', finish), run('twice', finish)]);
    await run('twice', share(2, 2));
    await run('twice', finish);
    expect(folderDigests(at('twice'))).toEqual(one);
  });

  test('of jobs that were killed: what is missing or damaged is named, and predicted again', async () => {
    await run('killed', { stage: 'scan' });
    await run('killed', share(1, 2));
    await run('killed', share(2, 2));
    const file = (name: string) => at('killed/probability/s.ome.zarr/0/c', name);
    rmSync(file('1/1/0'));
    truncateSync(file('2/0/0'), statSync(file('2/0/0')).size - 7);
    // In the middle of a file, the index is not where it is expected.
    const bytes = readFileSync(file('0/1/0'));
    bytes[bytes.length - 3] = (bytes[bytes.length - 3] as number) ^ 1;
    writeFileSync(file('0/1/0'), bytes);
    writeFileSync(file('1/1/.0.17-abc.tmp'), 'half a file'); // Of a job that was killed.
    const status = await readStatus(nodeFiles, at('killed'));
    expect(status).toMatchObject({ parts: { units: 6, done: 3 }, finished: false, images: 1 });
    const why = status.parts.bad.map(
      ({ file: path, why: is }) => `${path.slice(at('killed/probability/s.ome.zarr/0/c/').length)} ${is}`,
    );
    expect(why).toEqual(['0/1/0 broken', '1/1/0 missing', '2/0/0 broken']);
    expect(status.parts.open(6)).toEqual([2, 4, 5]);
    await expect(run('killed', finish)).rejects.toThrow('3 of 6 parts are not there yet');
    await expect(readImageFile(at('killed/label/s.ome.zarr'))).rejects.toThrow('was not written to its end');
    expect(await run('killed', share(1, 1, true))).toMatchObject({ written: 3, skipped: 3 });
    await run('killed', finish);
    expect(folderDigests(at('killed'))).toEqual(one);
    expect(await readStatus(nodeFiles, at('killed'))).toMatchObject({ parts: { done: 6 }, finished: true });
  });

  test('a chunk that is damaged is found by who finishes, and nothing reads as whole', async () => {
    await run('damaged', share(1, 1));
    const file = at('damaged/label/s.ome.zarr/0/c/1/0/0');
    const bytes = readFileSync(file);
    bytes[40] = (bytes[40] as number) ^ 1;
    writeFileSync(file, bytes);
    await expect(run('damaged', finish)).rejects.toThrow(/label.*0\/c\/1\/0\/0: chunk .* is damaged/);
    await expect(readImageFile(at('damaged/label/s.ome.zarr'))).rejects.toThrow('was not written to its end');
  });
});

describe('a job that would write anything else refuses, and says what differs', () => {
  beforeAll(() => run('planned', { stage: 'scan' }).then(() => {}));
  const refused = async (change: Parameters<typeof run>[2], message: RegExp, work = share(1, 2)) => {
    const cause = await run('planned', work, change).catch((error: unknown) => error);
    expect(cause).toBeInstanceOf(LamellaError);
    expect(cause).toMatchObject({ code: 'usage', message: expect.stringMatching(message) });
  };
  const elsewhere = (facts: Readonly<Record<string, string>>): Host => ({
    ...nodeHost,
    versions: () => ({ ...nodeHost.versions?.(), ...facts }),
  });

  test('options', async () => {
    await refused({ tile: 128 }, /planned with another `tile` \(planned 256, here 128\)/);
    await refused({ tta: 4 }, /another `tta` \(planned not set, here 4\)/);
    await refused({ probability: 'float', tile: undefined }, /another `tile` .*; another `probability`/, finish);
  });
  test('versions, and the processor', async () => {
    await refused({ host: elsewhere({ Lamella: '9.9.9' }) }, /another Lamella \(planned \S+, here 9.9.9\)/);
    await refused({ host: elsewhere({ processor: 'x64 avx' }) }, /another processor \(planned .*, here x64 avx\)/);
  });
  test('the model', async () => {
    writeFileSync(at('b.onnx'), randomModel({ ...spec, baseChannels: 3 }, { input }));
    const other = predictShards(
      nodeHost,
      [at('b.onnx')],
      at('s.ome.zarr'),
      { ...options, out: at('planned') },
      share(1, 1),
    );
    await expect(other).rejects.toThrow(/planned with another model \(planned [0-9a-f]{16}, here [0-9a-f]{16}\)/);
  });
  test('the image', async () => {
    mkdirSync(at('other'));
    const info = { ...image, shape: [3, 4100, 64] };
    const sink = await writeOmeZarr(nodeFiles, at('other/s.ome.zarr'), info);
    await sink.write({ start: [0, 0, 0], shape: info.shape }, image.data.subarray(0, 3 * 4100 * 64));
    await sink.finish();
    const given = { ...options, out: at('planned') };
    const other = predictShards(nodeHost, [at('a.onnx')], at('other/s.ome.zarr'), given, share(1, 1));
    await expect(other).rejects.toThrow('another shape (planned [3,4200,64], here [3,4100,64])');
  });
  test('what was predicted without a plan', async () => {
    mkdirSync(at('full/probability'), { recursive: true });
    writeFileSync(at('full/probability/s.tif'), '');
    await expect(run('full', share(1, 1))).rejects.toThrow('this folder holds other files, such as "probability"');
    await expect(run('nothing', finish)).rejects.toThrow('there is no plan here');
  });
});

test('images of a folder are shared as well: small ones as files, those that cannot be read are named', async () => {
  mkdirSync(at('folder'));
  const picture = (seed: number): Image => ({
    ...ndarray(
      'uint8',
      [40, 50],
      Uint8Array.from({ length: 2000 }, (_, i) => (i * seed) % 200),
    ),
    ...{ axes: 'yx', spacing: {} },
  });
  for (const seed of [3, 7, 11, 31]) writeFileSync(at(`folder/${seed}.png`), writePng(picture(seed)));
  writeFileSync(at('folder/9.png'), 'no picture');
  const start = (out: string, work: ShardWork) =>
    predictShards(nodeHost, [at('a.onnx')], at('folder'), { ...options, out: at(out) }, work);
  for (const [out, n] of [
    ['f1', 1],
    ['f3', 3],
  ] as const) {
    for (let k = n; k >= 1; k--) await start(out, share(k, n));
    await expect(start(out, finish)).rejects.toThrow(/1 of 5 images could not be segmented: .*9.png/);
  }
  expect(folderDigests(at('f3'))).toEqual(folderDigests(at('f1')));
  expect(readdirSync(at('f3/label')).sort()).toEqual(['11.png', '3.png', '31.png', '7.png']);
  rmSync(at('f3/overlay/7.png'));
  expect((await readStatus(nodeFiles, at('f3'))).parts.bad).toEqual([{ file: at('f3/overlay/7.png'), why: 'missing' }]);
  expect(await start('f3', share(1, 1, true))).toMatchObject({ units: 5, written: 1, skipped: 4 });
});

test('shares are all of the work, once, and differ by one part at most', () => {
  for (const [length, n] of [
    [10, 3],
    [3, 10],
    [64, 64],
    [1, 1],
    [100, 7],
  ] as const) {
    const work = Array.from({ length }, (_, i) => i);
    const shares = Array.from({ length: n }, (_, i) => shareOf(work, { k: i + 1, n }));
    expect(shares.flat()).toEqual(work);
    const sizes = shares.map((one) => one.length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  }
});
