/** Which file of a prediction is of which image: by similar names, and once images have come or gone. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import { page } from '../../src/image/convert.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image } from '../../src/image/image.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import type { Engine, GivenFile, TableQuery } from '../../src/studio/engine.ts';

const SIDE = 12;
const FIRST = 'predictions/1';

/** One object: the first so many rows. */
const mask = (rows: number): Image<'uint16'> => ({
  dtype: 'uint16',
  axes: 'yx',
  shape: [SIDE, SIDE],
  data: Uint16Array.from({ length: SIDE * SIDE }, (_, p) => Number(p < rows * SIDE)),
  spacing: {},
});

/** Different for each number. */
const picture = (value: number): Image<'uint8'> => ({
  ...mask(0),
  dtype: 'uint8',
  data: new Uint8Array(SIDE * SIDE).fill(value),
});

let root: string;
let engine: Engine;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-segmented-'));
  engine = createEngine(studioHost(root));
  folder = join(root, (await engine.create('cells')).id);
});
afterEach(async () => {
  await engine.dispose();
  await rm(root, { recursive: true, force: true });
});

const add = async (...files: readonly GivenFile[]): Promise<void> => {
  for (const file of files) expect((await engine.addFiles([file])).problems).toEqual([]);
};
const query = (of: TableQuery['of'], prediction = FIRST): TableQuery => ({ prediction, of, offset: 0, limit: 99 });
/** The image of each row, as it is written and as it is gone to. */
const imagesIn = async (of: TableQuery['of'], prediction = FIRST): Promise<readonly unknown[]> => {
  const { rows, objects } = await engine.table(query(of, prediction));
  return [...new Set(rows.map(([name], i) => `${name} ${objects[i]?.image}`))];
};

describe('names that begin alike', () => {
  const NAMES = ['cell.1', 'cell.DAPI', 'cell', 'cell.1.nii'];
  beforeEach(async () => {
    await mkdir(join(folder, FIRST, 'objects'), { recursive: true });
    for (const [i, name] of NAMES.entries()) {
      const [extension, write] = name === 'cell.1' ? (['tif', writeTiff] as const) : (['png', writePng] as const);
      await add({ path: `${name}.${extension}`, content: write(picture(i)) });
      await writeFile(join(folder, FIRST, `objects/${name}.${extension}`), write(mask(i + 1)));
    }
  });

  it('are of an image each', async () => {
    for (const [i, name] of NAMES.entries()) {
      expect([name, (await engine.segmented(FIRST, name, 0)).data]).toEqual([name, Uint32Array.from(mask(i + 1).data)]);
    }
    const { rows, columns, since } = await engine.measure(FIRST);
    const at = columns.findIndex(({ name }) => name === 'pixels');
    expect(new Map(rows.map((row) => [row[0], row[at]]))).toEqual(
      new Map(NAMES.map((name, i) => [name, (i + 1) * SIDE])),
    );
    expect(since).toBe(0);
    const mean = columns.findIndex(({ name }) => name === 'intensity_mean');
    expect(new Map(rows.map((row) => [row[0], row[mean]]))).toEqual(new Map(NAMES.map((name, i) => [name, i])));
    for (const of of ['objects', 'images'] as const) {
      expect(new Set(await imagesIn(of))).toEqual(new Set(NAMES.map((name) => `${name} ${name}`)));
    }
  });

  it('keep the format of their own image when objects are left out', async () => {
    await engine.filter(FIRST, { minSizePx: 2 });
    const tiff = await readFile(join(folder, FIRST, 'objects/cell.1.tif'));
    expect(tiff.subarray(0, 2).toString()).toBe('II');
    for (const name of NAMES.slice(1)) {
      const png = await readFile(join(folder, FIRST, `objects/${name}.png`));
      expect([name, png.subarray(1, 4).toString()]).toEqual([name, 'PNG']);
    }
  });
});

describe('images that come and go after a segmentation', () => {
  const { image, label } = phantom({ width: 64, height: 64, depth: 5, cellPx: 20, seed: 3 });
  const slice = (z: number): Uint8Array => writePng(page(image, z));
  const cells = { ...label, data: label.data.map((value) => Number(value > 0)) };
  const SMALL = { patch: [32, 32], depth: 1, baseChannels: 4, batch: 2, seed: 5 };
  let prediction: string;
  beforeEach(async () => {
    const labelled = [0, 1, 2].flatMap((z) => [
      { path: `images/${z}.png`, content: slice(z) },
      { path: `labels/${z}.png`, content: writePng(page(cells, z)) },
    ]);
    expect((await engine.addFiles(labelled)).problems).toEqual([]);
    await engine.train({ steps: 20, settings: SMALL, from: 'scratch' });
    ({ prediction } = await engine.segment({}));
  });

  const exported = async (): Promise<{ readonly [name: string]: Uint8Array }> => {
    const { content } = await engine.export({ formats: ['csv', 'labels', 'coco', 'report'], prediction });
    return unzipSync(content instanceof Uint8Array ? content : new Uint8Array(await content.arrayBuffer()));
  };
  const textOf = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

  it('are left out of what is shown and exported once they are gone, and counted while they are not in it', async () => {
    expect((await engine.measure(prediction)).since).toBe(0);
    expect(await imagesIn('images')).toEqual(['0 0', '1 1', '2 2']);
    const before = await engine.table(query('objects'));
    expect(Object.keys(await exported())).toContain('labels/1.tif');
    await engine.removeImage('1');
    await add({ path: 'late.png', content: slice(3) });
    const check = async (): Promise<void> => {
      const { images, since, total } = await engine.table(query('objects'));
      expect([images, since]).toEqual([2, 1]);
      expect(total).toBe(before.rows.filter(([name]) => name !== '1').length);
      expect(await imagesIn('images')).toEqual(['0 0', '2 2']);
      const files = await exported();
      expect(Object.keys(files).filter((name) => name.startsWith('labels/'))).toEqual(['labels/0.tif', 'labels/2.tif']);
      expect(
        textOf(files['images.csv'])
          .trim()
          .split('\n')
          .map((line) => line.split(',')[0]),
      ).toEqual(['image', '0', '2']);
      expect(textOf(files['coco.json'])).not.toContain('1.png');
      expect(textOf(files['report.html'])).toContain('in 2 images');
    };
    await check();
    await expect(engine.segmented(prediction, 'late', 0)).rejects.toThrow("The image 'late' is not in predictions/1.");
    await engine.close();
    expect((await engine.open('cells')).prediction).toBe(prediction);
    await check();
    // Which is the remedy.
    const again = await engine.segment({});
    expect(await imagesIn('images', again.prediction)).toEqual(['0 0', '2 2', 'late late']);
    expect((await engine.table(query('images', again.prediction))).since).toBe(0);
  });

  it('are others by the same name', async () => {
    await engine.removeImage('1');
    await add({ path: '1.png', content: slice(4) });
    expect(await engine.measure(prediction)).toMatchObject({ images: 2, since: 1 });
    await expect(engine.segmented(prediction, '1-2', 0)).rejects.toThrow('not in predictions/1');
    await engine.removeImage('1-2');
    await add({ path: '1.png', content: slice(1) });
    // The same image again is a new one, whose id no other had.
    expect(await engine.measure(prediction)).toMatchObject({ images: 2, since: 1 });
  });

  it('take no part in one that has begun', async () => {
    let adding: Promise<unknown> | undefined;
    engine.subscribe((event) => {
      if (event.kind === 'progress' && event.task === 'segment')
        adding ??= engine.addFiles([{ path: '9.png', content: slice(3) }]);
    });
    const { images, prediction: second } = await engine.segment({});
    await adding;
    expect(images.map(({ image }) => image)).toEqual(['0', '1', '2']);
    expect(await engine.measure(second)).toMatchObject({ images: 3, since: 1 });
  });

  it('by what their names say, if what was written of them is damaged', async () => {
    await writeFile(join(folder, prediction, 'images.json'), '[{');
    expect(await engine.measure(prediction)).toMatchObject({ images: 3, since: 0 });
  });

  it('may all be gone: then there is nothing to show or export', async () => {
    for (const id of ['0', '1', '2']) await engine.removeImage(id);
    expect(await engine.measure(prediction)).toMatchObject({ columns: [], rows: [], total: 0, images: 0, since: 0 });
    await expect(engine.export({ formats: ['csv'], prediction })).rejects.toThrow('nothing to export');
    expect(await readdir(folder)).not.toContain('measures');
  });

  it('are not counted if they cannot be segmented', async () => {
    await writeFile(join(folder, 'images/2.png'), 'damaged');
    const { failed, prediction: second } = await engine.segment({});
    expect(failed).toMatchObject([{ file: expect.stringContaining('2.png') }]);
    expect(await engine.measure(second)).toMatchObject({ images: 2, since: 0 });
  });
});
