/** Disks that fill while something is written: what fails says so, nothing in part looks whole, and it can be gone on with. */

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeOmeZarr } from '../../src/image/formats/zarr/write.ts';
import { atomicWrite, atomicWriteNew } from '../../src/platform/node/atomic-write.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import { convertImage } from '../../src/workflows/convert.ts';
import { measureFolder } from '../../src/workflows/measure/measure.ts';
import { measureParts, measureShare } from '../../src/workflows/measure/shards.ts';
import { readMeasureStatus } from '../../src/workflows/measure/status.ts';
import { predictShards, type ShardWork } from '../../src/workflows/shards/predict-shards.ts';
import { readStatus } from '../../src/workflows/shards/status.ts';
import { smallPrediction } from '../cluster/small-prediction.ts';
import { openPainter } from '../studio/painter.ts';
import { folderDigests } from '../support/folder-digests.ts';
import { canMount, onSmallDisk, whyNot } from '../support/small-disk.ts';

/** Without amounts where files beside it, written at once, were removed before the disk was asked. */
const FULL =
  /no space left on the disk(: this file takes at least [\d.]+ [KM]iB, and [\d.]+ \w+ are free)?\. Free some space/;

/** Names of all files below a folder. */
const filesIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);

describe.skipIf(!canMount)(`a disk that is full${whyNot}`, () => {
  let root: string;
  const at = (name: string): string => join(root, name);

  /** Noise, which does not get smaller. */
  const noise = ndarray('uint16', [700, 800]);
  const random = stream(1, 'noise');
  for (let i = 0; i < noise.data.length; i++) noise.data[i] = 1 + Math.floor(65_000 * random.uniform());

  /** Many small squares, whose table is large. */
  const squares = ndarray('uint16', [360, 480]);
  for (let i = 0; i < squares.data.length; i++) {
    const [y, x] = [Math.floor(i / 480), i % 480];
    squares.data[i] = y % 6 === 5 || x % 6 === 5 ? 0 : 1 + 80 * Math.floor(y / 6) + Math.floor(x / 6);
  }

  async function store(name: string, image: typeof noise): Promise<void> {
    const info = { dtype: image.dtype, shape: image.shape, axes: 'yx', spacing: {}, labelKind: 'objects' } as const;
    const sink = await writeOmeZarr(nodeFiles, at(name), info);
    await sink.write({ start: [0, 0], shape: image.shape }, image.data);
    await sink.finish();
  }

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'lamella-full-'));
    await smallPrediction(root, { times: 3, sides: [300, 400] });
    await store('noise.ome.zarr', noise);
    await store('squares.ome.zarr', squares);
  });
  afterAll(() => rm(root, { recursive: true }));

  test('leaves the file from before, and no other', async () => {
    await onSmallDisk(64, async (disk, resize) => {
      const file = join(disk, 'a.json');
      await atomicWrite(file, 'before');
      const large = new Uint8Array(200_000);
      await expect(atomicWrite(file, large)).rejects.toThrow(
        `${file}: no space left on the disk: this file takes at least 195 KiB, and 60 KiB are free. Free some space, or choose another location.`,
      );
      await expect(atomicWriteNew(join(disk, 'b.json'), large)).rejects.toThrow(
        '/b.json: no space left on the disk: this file takes at least 195 KiB, and 60 KiB are free. Free some space',
      );
      expect(readFileSync(file, 'utf8')).toBe('before');
      expect(readdirSync(disk)).toEqual(['a.json']);
      resize(1000);
      expect(await atomicWriteNew(join(disk, 'b.json'), large)).toBe(true);
    });
  });

  test.each(['a.ome.zarr', 'a.ome.tif', 'a.tif'])('a conversion leaves nothing of %s', async (name) => {
    await onSmallDisk(500, async (disk, resize) => {
      const convert = () => convertImage(nodeFiles, at('noise.ome.zarr'), join(disk, name));
      await expect(convert()).rejects.toThrow(FULL);
      expect(readdirSync(disk)).toEqual([]);
      resize(8000);
      await convert();
      expect(readdirSync(disk)).toEqual([name]);
    });
  });

  test('a prediction in shards goes on when there is room, to the same bytes', async () => {
    const options = { memory: 1e9, objects: true } as const;
    const work = (out: string, more: ShardWork) =>
      predictShards(nodeHost, [at('a.onnx')], at('s.ome.zarr'), { ...options, out }, more);
    const all = { k: 1, n: 1 };
    const rest = async (out: string): Promise<void> => {
      for (const stage of ['predict', 'objects'] as const) await work(out, { stage, shard: all, resume: true });
      await work(out, { stage: 'finish' });
    };
    await rest(at('whole'));
    await onSmallDisk(160, async (disk, resize) => {
      const out = join(disk, 'pred');
      await work(out, { stage: 'scan' });
      await expect(work(out, { stage: 'predict', shard: all })).rejects.toThrow(FULL);
      expect(existsSync(join(out, 'prediction.json'))).toBe(false);
      expect(filesIn(disk).filter((name) => name.endsWith('.tmp'))).toEqual([]);
      const { parts, finished } = await readStatus(nodeFiles, out);
      expect(parts.done).toBeLessThan(parts.units);
      expect(parts.bad.every(({ why }) => why === 'missing')).toBe(true);
      expect(finished).toBe(false);
      resize(20_000);
      await rest(out);
      expect(folderDigests(out)).toEqual(folderDigests(at('whole')));
    });
  });

  test('a measurement goes on when there is room, by one process and by several', async () => {
    const measured = { as: 'objects' } as const;
    await measureFolder(nodeHost, at('squares.ome.zarr'), { ...measured, out: at('tables') });
    const table = (out: string): string => readFileSync(join(out, 'objects.csv'), 'utf8');
    await onSmallDisk(200, async (disk, resize) => {
      const [one, several] = [join(disk, 'one'), join(disk, 'several')];
      const whole = () => measureFolder(nodeHost, at('squares.ome.zarr'), { ...measured, out: one });
      const options = { ...measured, out: several, memory: 300_000 };
      const host = { ...nodeHost, memory: () => ({ used: 0, free: 1e9 }) };
      const share = (stage: 'count' | 'values') =>
        measureShare(host, at('squares.ome.zarr'), options, { stage, shard: { k: 1, n: 1 }, resume: true });
      await expect(whole()).rejects.toThrow(FULL);
      expect(filesIn(disk)).toEqual([]);
      await expect(share('count')).rejects.toThrow(FULL);
      const { counts } = (await readMeasureStatus(nodeFiles, several)) ?? {};
      expect(counts?.bad.map(({ why }) => why)).toEqual(
        Array((counts?.units as number) - (counts?.done as number)).fill('missing'),
      );
      resize(20_000);
      await whole();
      for (const stage of ['count', 'values'] as const) await share(stage);
      await measureParts(host, at('squares.ome.zarr'), options);
      for (const out of [one, several]) expect(table(out)).toBe(table(at('tables')));
    });
  }, 120_000);

  test('Studio says that a stroke is not kept, keeps those before, and the next when there is room', async () => {
    await onSmallDisk(2000, async (disk) => {
      const filler = join(disk, 'filler');
      const engine = createEngine(studioHost(disk));
      const state = await engine.create('cells');
      const painter = await openPainter(engine, state);
      const black = { ...ndarray('uint8', [96, 96]), axes: 'yx', spacing: {} } as const;
      const { images } = await engine.addFiles([{ path: '0.png', content: writePng(black) }]);
      await painter.add(images);
      const stroke = (by: typeof painter, i: number) => {
        const [x, y] = [i % 96, Math.floor(i / 96)];
        return by.stroke('0', 1, [[x, y]], 1);
      };
      await stroke(painter, 0);
      expect(() => writeFileSync(filler, new Uint8Array(4e6))).toThrow('ENOSPC');
      // The last block of the journal has room for some.
      let kept = 1;
      const full = await (async () => {
        for (; kept < 1000; kept++) await stroke(painter, kept);
        throw new Error('the disk was never full');
      })().catch((cause: Error) => cause);
      expect(full.message).toMatch(/no space left on the disk\. Free some space/);
      // Label files are written at the end at the latest.
      await expect(engine.dispose()).rejects.toThrow(/labels.0\.tif: no space left on the disk/);
      rmSync(filler);

      const painted = async (use?: (by: typeof painter) => Promise<void>): Promise<number> => {
        const next = createEngine(studioHost(disk));
        const by = await openPainter(next, await next.open(state.id));
        await use?.(by);
        const layer = by.annotations.layer('0');
        const count = Array.from({ length: 96 * 96 }, (_, i) => layer.get(i % 96, Math.floor(i / 96))).filter(
          (v) => v === 1,
        ).length;
        await next.dispose();
        return count;
      };
      expect(kept).toBeGreaterThan(1);
      expect(await painted()).toBe(kept);
      expect(await painted((by) => stroke(by, kept))).toBe(kept + 1);
      expect(await painted()).toBe(kept + 1);
    });
  });
});
